"""The message and its stages. Which message it is travels with the task, so that stages need not be told.

with stages.message(request_id, request.headers):
    with stages.stage("intent") as stage:
        ...
        stage.note(intent=found.value)
"""

import asyncio
import random
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import quote

from runtime.measures import Measures
from runtime.telemetry import current_request, request
from runtime.tracing.hops import Hop, incoming, outgoing

REQUEST_ID = "x-request-id"
NOTES = frozenset(
    {"attempt", "cache", "count", "dropped", "hit", "intent", "model", "outcome", "path", "provider"}
    | {"rung", "stale", "status", "tier", "tool"}
)
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_WORD = re.compile(r"[A-Za-z][\w.:-]{0,63}", re.ASCII)
_LONG_NUMBER = re.compile(r"\d{6}")


class Span(Protocol):
    """One that is recorded."""

    @property
    def hop(self) -> Hop: ...

    def note(self, key: str, value: str | float) -> None: ...

    def end(self, failed: str | None) -> None:
        """`failed`: the kind of the error, never its text."""
        ...


class Recorder(Protocol):
    """Where spans go; `otlp.Recorder`, or that of a test."""

    def begin(self, name: str, parent: "Span | Hop | None") -> Span: ...

    async def close(self, within_s: float) -> None:
        """Sends what is left, for so long at most."""
        ...


@dataclass(frozen=True, slots=True)
class _Here:
    """Where this task is: the span it is in, or what the caller sent, and the times of its message so far."""

    span: Span | None
    hop: Hop | None
    times: dict[str, float] = field(default_factory=dict)


_here: ContextVar[_Here | None] = ContextVar("here", default=None)


class Stages:
    """`now` is the loop's time. No `recorder`: nothing is traced, what came in is sent along."""

    def __init__(
        self,
        measures: Measures,
        now: Callable[[], float],
        recorder: Recorder | None = None,
        ratio: float = 0.0,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.measures = measures
        self.now = now
        self.recorder = recorder
        self._ratio = ratio
        self._chance = chance

    def message(self, request_id: str, headers: Mapping[str, str] | None = None) -> "Message":
        """Everything inside belongs to this message, also tasks started inside. `headers`: the caller's."""
        hop = incoming(headers) if headers else None
        span = self._begin(hop) if self._sampled(hop) else None
        if span is not None:
            span.note("request_id", request_id)
        return Message(request_id, _Here(span, hop))

    def stage(self, name: str) -> "Stage":
        """One span and one metric, from `with` to its end."""
        return Stage(self, name)

    def _sampled(self, hop: Hop | None) -> bool:
        """As the caller decided, else by chance."""
        if self.recorder is None:
            return False
        decided = hop.sampled if hop else None
        return self._chance() < self._ratio if decided is None else decided

    def _begin(self, hop: Hop | None) -> Span | None:
        return self.recorder.begin("message", hop) if self.recorder else None


class Message:
    """The context of one message; made by `Stages.message`."""

    __slots__ = ("_here", "_request", "_token")

    def __init__(self, request_id: str, here: _Here) -> None:
        self._here = here
        self._request: AbstractContextManager[None] = request(request_id)
        self._token: Token[_Here | None] | None = None

    def note(self, **notes: str | float) -> None:
        """Of the whole message: tier, rung, intent, outcome."""
        _note(self._here.span, notes)

    def __enter__(self) -> Self:
        self._request.__enter__()
        self._token = _here.set(self._here)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._token is not None:
            _here.reset(self._token)
        if self._here.span is not None:
            self._here.span.end(_failure(kind))
        self._request.__exit__(kind, error, trace)


class Stage:
    """One stage of whichever message this task works on; made by `Stages.stage`."""

    __slots__ = ("_began", "_name", "_span", "_stages", "_token")

    def __init__(self, stages: Stages, name: str) -> None:
        self._stages = stages
        self._name = name
        self._span: Span | None = None
        self._token: Token[_Here | None] | None = None
        self._began = 0.0

    def note(self, **notes: str | float) -> None:
        """What is worth knowing about it, by the names of NOTES: words and numbers, never anybody's text."""
        _note(self._span, notes)

    def __enter__(self) -> Self:
        self._began = self._stages.now()
        here = _here.get()
        if here is not None and here.span is not None and self._stages.recorder is not None:
            self._span = self._stages.recorder.begin(self._name, here.span)
            self._token = _here.set(_Here(self._span, None, here.times))
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        seconds = self._stages.now() - self._began
        self._stages.measures.stage(self._name, seconds)
        here = _here.get()
        if here is not None:
            here.times[self._name] = here.times.get(self._name, 0.0) + seconds
        if self._span is not None and self._token is not None:
            _here.reset(self._token)
            self._span.end(_failure(kind))


def recorder(environment: str, variables: Mapping[str, str]) -> "Recorder | None":
    """To the collector that the variables name; None, and nothing loaded, where they name none."""
    if not any(variables.get(name) for name in ENDPOINTS):
        return None
    from runtime.tracing.otlp import Recorder as ToCollector

    return ToCollector(environment)


def headers() -> dict[str, str]:
    """What to send to whoever is called for this message: HTTP headers, and gRPC metadata as they are."""
    sent: dict[str, str] = {}
    if (request_id := current_request()) is not None:
        # A client chose it: as a header it must not become two.
        safe = request_id.isascii() and request_id.isprintable()
        sent[REQUEST_ID] = request_id if safe else quote(request_id)
    here = _here.get()
    hop = here and (here.span.hop if here.span else here.hop)
    return sent | outgoing(hop) if hop else sent


def times() -> dict[str, float]:
    """Milliseconds by stage of this task's message so far: for its own log line."""
    here = _here.get()
    return {stage: round(seconds * 1_000, 3) for stage, seconds in here.times.items()} if here else {}


def send_along(client: Any) -> None:
    """Makes every call of a botocore client carry `headers`."""

    def add(params: Mapping[str, Any], **_: object) -> None:
        params["headers"].update(headers())

    client.meta.events.register("before-call", add)


def _failure(kind: type[BaseException] | None) -> str | None:
    """The kind of an error. Who was cancelled did nothing wrong."""
    return None if kind is None or issubclass(kind, asyncio.CancelledError) else kind.__name__


def _note(span: Span | None, notes: Mapping[str, str | float]) -> None:
    """Checked in any case: what must not be noted is found on the first day, not when one is sampled."""
    for key, value in notes.items():
        if key not in NOTES:
            raise ValueError(f"{key!r} is no note: spans carry {', '.join(sorted(NOTES))}")
        if span is not None:
            span.note(key, value if _harmless(value) else "(text)")


def _harmless(value: str | float) -> bool:
    """A number, or a word that is no name, address or card."""
    return not isinstance(value, str) or bool(_WORD.fullmatch(value) and not _LONG_NUMBER.search(value))
