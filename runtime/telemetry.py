"""What the runtime says about itself (RUN-18): JSON lines on stdout, log lines and metrics in EMF.

CloudWatch's agent makes metrics of the EMF lines. Only metrics of `contract.metrics` exist, each under
exactly its dimension sets; anything else raises. No text of a customer and no secret belongs into a line.
What comes once a message has its own line; what comes more often is kept, and shares one with others.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import cache
from typing import Any

from contract.metrics import ENVIRONMENT, NAMESPACE, registry

Clock = Callable[[], datetime]
VALUES_A_LINE = 100  # of one metric: the limit of EMF

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


@contextmanager
def request(request_id: str) -> Iterator[None]:
    """Every line written inside carries this id, also from tasks started inside."""
    token = _request_id.set(request_id)
    try:
        yield
    finally:
        _request_id.reset(token)


def current_request() -> str | None:
    """The id of the message that this task works on."""
    return _request_id.get()


class Telemetry:
    """Writes whole lines through `write`; `wall` is the one clock that stamps them."""

    def __init__(self, environment: str, wall: Clock, write: Callable[[str], None]) -> None:
        self._environment = environment
        self._wall = wall
        self._write = write
        self._samples: dict[Dimensions, dict[str, list[float]]] = {}

    def log(self, level: str, message: str, **fields: Any) -> None:
        """One structured log line."""
        stamp = self._wall().isoformat(timespec="milliseconds")
        line = {"time": stamp, "level": level, "message": message, ENVIRONMENT: self._environment}
        self._write(_json(line | {"request_id": _request_id.get()} | fields))

    def metrics(self, values: Mapping[str, float], dimensions: Mapping[str, str], **properties: Any) -> None:
        """One EMF line; `properties` can be searched for in the log but make no metric."""
        self._emit(values, dimensions, properties | {"request_id": _request_id.get()})

    def sample(self, values: Mapping[str, float], dimensions: Mapping[str, str]) -> None:
        """Metrics that come many times a message: kept, and written together with others of their kind.

        They are no message's own line, so they carry no request id; its trace has the same figures.
        """
        _described(tuple(values), tuple(dimensions))
        kept = self._samples.setdefault(tuple(dimensions.items()), {})
        full = False
        for name, value in values.items():
            series = kept.setdefault(name, [])
            series.append(value)
            full = full or len(series) >= VALUES_A_LINE
        if full:
            self._flush_one(tuple(dimensions.items()))

    def flush(self) -> None:
        """Writes every sample that is kept: again and again, and at the very end."""
        for dimensions in list(self._samples):
            self._flush_one(dimensions)

    async def flush_every(self, seconds: float) -> None:
        """Cancel it to stop; then `flush` once more."""
        while True:
            await asyncio.sleep(seconds)
            self.flush()

    def _flush_one(self, dimensions: "Dimensions") -> None:
        self._emit(self._samples.pop(dimensions), dict(dimensions), {})

    def _emit(
        self, values: Mapping[str, object], dimensions: Mapping[str, str], properties: Mapping[str, Any]
    ) -> None:
        directives = _described(tuple(values), tuple(dimensions))
        stamp = int(self._wall().timestamp() * 1_000)
        rest = _json({**properties, ENVIRONMENT: self._environment, **dimensions, **values})
        self._write(f'{{"_aws":{{"Timestamp":{stamp},"CloudWatchMetrics":{directives}}},{rest[1:]}')


Dimensions = tuple[tuple[str, str], ...]
# One encoder for all lines: `json.dumps` with options of its own makes one each time.
_json = json.JSONEncoder(default=str, separators=(",", ":")).encode


@cache
def _described(names: tuple[str, ...], dimensions: tuple[str, ...]) -> str:
    """The EMF description of these metrics as JSON, those with equal dimension sets together."""
    grouped: dict[tuple[tuple[str, ...], ...], list[dict[str, Any]]] = {}
    for name in names:
        metric = registry().get(name)
        if metric is None:
            raise ValueError(f"there is no metric {name!r} in contract/metrics.toml")
        described = {"Name": name, "Unit": metric.unit, "StorageResolution": 1}
        grouped.setdefault(metric.dimensions, []).append(described)
    needed = {name for sets in grouped for dims in sets for name in dims}
    if needed != set(dimensions):
        raise ValueError(f"{', '.join(names)} need the dimensions {sorted(needed)}, not {[*dimensions]}")
    return _json(
        [
            {"Namespace": NAMESPACE, "Dimensions": [[ENVIRONMENT, *dims] for dims in sets], "Metrics": found}
            for sets, found in grouped.items()
        ]
    )


class LibraryLog(logging.Handler):
    """What libraries log, as lines of the same form."""

    def __init__(self, telemetry: Telemetry) -> None:
        super().__init__(logging.WARNING)
        self._telemetry = telemetry

    def emit(self, record: logging.LogRecord) -> None:
        error = repr(record.exc_info[1]) if record.exc_info else None
        self._telemetry.log(record.levelname.lower(), record.getMessage(), logger=record.name, error=error)
