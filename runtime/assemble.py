"""Puts the parts of the runtime together around the ports it is given: the real ones, or those of tests."""

import asyncio
from collections.abc import Callable, Sequence

from contract.controls import Controls
from contract.outcomes import Outcome
from contract.rungs import ExtraRung
from contract.runtime_settings import Rung, RuntimeSettings
from runtime.canned import canned
from runtime.conversation import Conversation
from runtime.failover.breaker import Breaker
from runtime.failover.ladder import Attempt, Ladder
from runtime.port import ModelPort
from runtime.prices import Price
from runtime.route import Router
from runtime.rungs import Rungs
from runtime.telemetry import Telemetry


def assemble(
    settings: RuntimeSettings,
    *,
    port: ModelPort,
    controls: Callable[[], Controls],
    price: Price,
    telemetry: Telemetry,
    extras: Callable[[], Sequence[ExtraRung]] = tuple,
) -> Conversation:
    """Call it inside the event loop whose time counts. `extras`: rungs that exist for a while."""
    now = asyncio.get_running_loop().time

    def breaker(rung: Rung) -> Breaker:
        return Breaker(settings.breaker, now, lambda opened: _tell_breaker(telemetry, rung, opened=opened))

    rungs = Rungs(settings.ladder, extras, breaker)
    router = Router(rungs.now, settings.routing, now, canned().knows)

    def observe(rung: Rung) -> Callable[[Attempt | None], None]:
        counted = router.begun(rung)

        def ended(attempt: Attempt | None) -> None:
            counted(attempt)
            if attempt is not None:
                _tell_attempt(telemetry, attempt)

        return ended

    return Conversation(
        router=router,
        ladder=Ladder(port, rungs.breaker, canned(), observe),
        controls=controls,
        canned=canned(),
        price=price,
        telemetry=telemetry,
        request_s=settings.request_s,
    )


def _tell_breaker(telemetry: Telemetry, rung: Rung, *, opened: bool) -> None:
    telemetry.metrics({"BreakerOpen": int(opened)}, {"Rung": rung.name})


def _tell_attempt(telemetry: Telemetry, attempt: Attempt) -> None:
    outcome, rung = attempt.outcome, attempt.rung.name
    values = {"ModelThrottled": int(outcome is Outcome.THROTTLED), "ModelFailed": int(attempt.failed)}
    seconds = round(attempt.seconds, 6)
    telemetry.metrics(values, {"Rung": rung}, outcome=outcome.value, seconds=seconds, error=attempt.error)
    if attempt.error and not outcome.counts_as_failure:
        # A mistake in the request or the set-up does not mend itself; the rest is what the ladder is for.
        telemetry.log("error", "a model refused a call", rung=rung, error=attempt.error)
