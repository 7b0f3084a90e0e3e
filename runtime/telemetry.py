"""What the runtime says about itself (RUN-18): JSON lines on stdout, log lines and metrics in EMF.

CloudWatch's agent makes metrics of the EMF lines. Only metrics of `contract.metrics` exist, each under
exactly its dimension sets; anything else raises. No text of a customer and no secret belongs into a line.
"""

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

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


@contextmanager
def request(request_id: str) -> Iterator[None]:
    """Every line written inside carries this id, also from tasks started inside."""
    token = _request_id.set(request_id)
    try:
        yield
    finally:
        _request_id.reset(token)


class Telemetry:
    """Writes whole lines through `write`; `wall` is the one clock that stamps them."""

    def __init__(self, environment: str, wall: Clock, write: Callable[[str], None]) -> None:
        self._environment = environment
        self._wall = wall
        self._write = write

    def log(self, level: str, message: str, **fields: Any) -> None:
        """One structured log line."""
        stamp = self._wall().isoformat(timespec="milliseconds")
        line = {"time": stamp, "level": level, "message": message, ENVIRONMENT: self._environment}
        self._say(line | {"request_id": _request_id.get()} | fields)

    def metrics(self, values: Mapping[str, float], dimensions: Mapping[str, str], **properties: Any) -> None:
        """One EMF line; `properties` can be searched for in the log but make no metric."""
        directives, names = _directives(tuple(values))
        if names != dimensions.keys():
            raise ValueError(f"{', '.join(values)} need the dimensions {sorted(names)}, not {[*dimensions]}")
        envelope = {"Timestamp": int(self._wall().timestamp() * 1_000), "CloudWatchMetrics": directives}
        line = properties | {"request_id": _request_id.get(), "_aws": envelope}
        self._say(line | {ENVIRONMENT: self._environment} | dict(dimensions) | dict(values))

    def _say(self, line: Mapping[str, Any]) -> None:
        self._write(json.dumps(line, default=str, separators=(",", ":")))


@cache
def _directives(names: tuple[str, ...]) -> tuple[list[dict[str, Any]], frozenset[str]]:
    """The EMF description of these metrics, those with equal dimension sets together, and all dimensions."""
    grouped: dict[tuple[tuple[str, ...], ...], list[dict[str, Any]]] = {}
    for name in names:
        metric = registry().get(name)
        if metric is None:
            raise ValueError(f"there is no metric {name!r} in contract/metrics.toml")
        described = {"Name": name, "Unit": metric.unit, "StorageResolution": 1}
        grouped.setdefault(metric.dimensions, []).append(described)
    directives = [
        {"Namespace": NAMESPACE, "Dimensions": [[ENVIRONMENT, *dims] for dims in sets], "Metrics": described}
        for sets, described in grouped.items()
    ]
    return directives, frozenset(name for sets in grouped for dims in sets for name in dims)


class LibraryLog(logging.Handler):
    """What libraries log, as lines of the same form."""

    def __init__(self, telemetry: Telemetry) -> None:
        super().__init__(logging.WARNING)
        self._telemetry = telemetry

    def emit(self, record: logging.LogRecord) -> None:
        error = repr(record.exc_info[1]) if record.exc_info else None
        self._telemetry.log(record.levelname.lower(), record.getMessage(), logger=record.name, error=error)
