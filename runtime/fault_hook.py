"""The fault hook (RUN-24): makes the faults of a signed order for a share of the calls; else it is not there.

What FIS cannot make: a throttled or slow model, an error in the middle of an answer, a service that fails. An
order that is not signed with this environment's key, or has expired, is no order. Every use is written down.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from contract.controls import Controls
from contract.fault_orders import OF_SERVICES, Order, OrderError, key_of, read
from contract.faults import ActiveFault, Fault, FaultKind
from contract.logs import FAULT_MADE
from contract.runtime_settings import Rung
from runtime.downstream import Downstream, Why
from runtime.port import Event, ModelPort, Prompt, Ran, Text
from runtime.telemetry import Telemetry

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

BEDROCK = "bedrock"
PURPOSE = "made on purpose"
SLOW_S, HANG_S, BREAKS_AFTER = 5.0, 3_600.0, 3
# Services by other names than faults call them.
TARGETS: Mapping[str, str] = {
    **dict.fromkeys(("intent", "embed", "rerank"), "sagemaker"),
    **dict.fromkeys(("sessions-read", "sessions-write", "tickets", "feedback"), "dynamodb"),
    "returns": "orders",
}
# kind -> Bedrock's code and status
REFUSALS: Mapping[FaultKind, tuple[str, int]] = {
    FaultKind.THROTTLE: ("ThrottlingException", 429),
    FaultKind.NOT_READY: ("ModelNotReadyException", 429),
    FaultKind.ERROR: ("InternalServerException", 500),
    FaultKind.UNAVAILABLE: ("ServiceUnavailableException", 503),
    FaultKind.MODEL_TIMEOUT: ("ModelTimeoutException", 408),
    FaultKind.DENIED: ("AccessDeniedException", 403),
}
IN_STREAM: Mapping[FaultKind, str] = {
    FaultKind.STREAM_THROTTLE: "throttlingException",
    FaultKind.STREAM_ERROR: "internalServerException",
    FaultKind.STREAM_UNAVAILABLE: "serviceUnavailableException",
    FaultKind.STREAM_MODEL_ERROR: "modelStreamErrorException",
}
_WHOLE = 1_000_000  # a rate is so many millionths: floats that are added up would miss a call
_BREAKING = (FaultKind.CUT, FaultKind.UNFINISHED, *IN_STREAM)
_LATE = (FaultKind.SLOW, FaultKind.HANG)


class FaultHook:
    """`secret`: what the key is made of; without one there is no order that could be obeyed."""

    def __init__(
        self,
        controls: Callable[[], Controls],
        secret: bytes | None,
        environment: str,
        wall: Callable[[], datetime],
        telemetry: Telemetry,
    ) -> None:
        self._controls = controls
        self._key = key_of(secret) if secret else None
        self._environment = environment
        self._wall = wall
        self._telemetry = telemetry
        self._text = ""
        self._order: Order | None = None
        self._counts: dict[str, tuple[int, int]] = {}  # of each fault: calls seen, calls hit

    def struck(self, target: str, attributes: Mapping[str, str]) -> Fault | None:
        """The fault that this call is to suffer. Ask once a call: it counts."""
        turned = self._controls().faults
        if turned is None or self._key is None:
            return None
        order, now = self._ordered(turned.value, self._key), self._wall()
        if order is None or order.expires_at <= now:
            return None
        hit = None
        for one in order.faults:
            fault = one.fault
            meant = fault.target == target and fault.match.items() <= attributes.items()
            if meant and one.expires_at > now and self._next_is_hit(one) and hit is None:
                hit = one
        if hit is None:
            return None
        self._write_down(hit, order)
        return hit.fault

    def _ordered(self, text: str, key: bytes) -> Order | None:
        """Read once, not with every call; why it is none is said once."""
        if text != self._text:
            self._text, self._order = text, None
            try:
                self._order = read(text, key, self._environment, self._wall())
            except OrderError as none:
                self._telemetry.log("error", "an order of faults is not obeyed", error=str(none))
        return self._order

    def _next_is_hit(self, one: ActiveFault) -> bool:
        """Counted, not diced: the call that carries the running total over a whole number is hit."""
        seen, hits = self._counts.get(one.id, (0, 0))
        due = (seen + 1) * round(one.fault.rate * _WHOLE) // _WHOLE
        self._counts[one.id] = seen + 1, due
        return due > hits

    def _write_down(self, one: ActiveFault, order: Order) -> None:
        who = {"who": order.who, "why": order.why, "target": one.fault.target, "kind": one.fault.kind.value}
        self._telemetry.log("warning", FAULT_MADE.message, **{FAULT_MADE.by: one.id}, **who)

    async def spoil(self, service: Downstream) -> None:
        """What a call to a service suffers before it is made; within its deadline."""
        attributes = {"model": service.name, "route": service.name}
        fault = self.struck(TARGETS.get(service.name, service.name), attributes)
        if fault is None:
            return
        if fault.kind in _LATE:
            await asyncio.sleep(fault.measure(SLOW_S if fault.kind is FaultKind.SLOW else HANG_S))
        if fault.kind is FaultKind.THROTTLE:
            raise service.error(Why.THROTTLED, PURPOSE)
        if fault.kind in OF_SERVICES and fault.kind not in _LATE:
            raise service.error(Why.UNAVAILABLE, PURPOSE)


class Hooked:
    """A model port that the hook may break. While there is no order it is the port itself."""

    def __init__(self, port: ModelPort, hook: FaultHook) -> None:
        self._port, self._hook = port, hook

    def stream(
        self, rung: Rung, prompt: Prompt, recorded: Sequence[Ran] = (), so_far: str = ""
    ) -> AsyncGenerator[Event, None]:
        """The port's own stream, or one that breaks."""
        fault = self._hook.struck(BEDROCK, {"model": rung.model or "", "rung": rung.name})
        events = self._port.stream(rung, prompt, recorded, so_far)
        return events if fault is None else _broken(events, fault)


async def _broken(events: AsyncGenerator[Event, None], fault: Fault) -> AsyncGenerator[Event, None]:
    """Errors as the port raises them: what they mean is for `failover.classify` to say."""
    try:
        if fault.kind in _LATE:
            await asyncio.sleep(fault.measure(SLOW_S if fault.kind is FaultKind.SLOW else HANG_S))
        if fault.kind in REFUSALS:
            raise _refusal(*REFUSALS[fault.kind])
        if fault.kind is FaultKind.RESET:
            raise ConnectionResetError(PURPOSE)
        left = round(fault.measure(BREAKS_AFTER))
        async for event in events:
            if fault.kind in _BREAKING and isinstance(event, Text):
                if left == 0:
                    if fault.kind is FaultKind.UNFINISHED:
                        return
                    raise _break(fault.kind)
                left -= 1
            yield event
        if fault.kind in _BREAKING and fault.kind is not FaultKind.UNFINISHED:
            raise _break(fault.kind)  # it was to break later than this answer lasts
    finally:
        await events.aclose()


def _refusal(code: str, status: int) -> "ClientError":
    from botocore.exceptions import ClientError

    said = {
        "Error": {"Code": code, "Message": PURPOSE},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(said, "ConverseStream")  # type: ignore[arg-type]


def _break(kind: FaultKind) -> Exception:
    from botocore.exceptions import EventStreamError

    if kind is FaultKind.CUT:
        return ConnectionResetError(PURPOSE)
    said = {"Error": {"Code": IN_STREAM[kind], "Message": PURPOSE}}
    return EventStreamError(said, "ConverseStream")  # type: ignore[arg-type]
