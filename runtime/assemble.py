"""Puts the parts of the runtime together around the ports it is given: the real ones, or those of tests."""

import asyncio
from collections.abc import Callable, Sequence

from contract.controls import Controls
from contract.outcomes import Outcome
from contract.rungs import ExtraRung
from contract.runtime_settings import Rung, RuntimeSettings
from runtime.agents.loop import Loop
from runtime.answering import Answering
from runtime.canned import canned
from runtime.conversation import Conversation
from runtime.failover.breaker import Change, State
from runtime.failover.guard import Guard
from runtime.failover.ladder import Attempt, Ladder
from runtime.outage import Outage
from runtime.parts import Parts
from runtime.port import ModelPort
from runtime.prices import Price
from runtime.route import Router
from runtime.rungs import Rungs
from runtime.safety.watch import Watch
from runtime.telemetry import Telemetry


def assemble(
    settings: RuntimeSettings,
    *,
    port: ModelPort,
    controls: Callable[[], Controls],
    price: Price,
    telemetry: Telemetry,
    extras: Callable[[], Sequence[ExtraRung]] = tuple,
    parts: Parts | None = None,
) -> Conversation:
    """Call it inside the event loop whose time counts. `extras`: rungs that exist for a while.

    Without `parts`, messages are answered by models and canned texts alone.
    """
    now = asyncio.get_running_loop().time

    def guard(rung: Rung) -> Guard:
        return Guard(
            rung, settings.breaker, settings.limit, now, lambda change: _tell_breaker(telemetry, rung, change)
        )

    rungs = Rungs(settings.ladder, extras, guard)
    router = Router(rungs.now, settings.routing, now, canned().knows)

    unknown: set[str] = set()  # kinds of error that were told

    def observe(rung: Rung) -> Callable[[Attempt | None], None]:
        counted = router.begun(rung)

        def ended(attempt: Attempt | None) -> None:
            counted(attempt)
            if attempt is not None:
                _tell_attempt(telemetry, attempt)
                if attempt.unknown and attempt.unknown not in unknown:
                    unknown.add(attempt.unknown)
                    telemetry.log("error", "an error of a kind nobody knows", error=attempt.error)

        return ended

    there, outage = parts or Parts(), Outage(settings.outage, now)
    watch = Watch(telemetry, there.measures)
    answering = Answering(
        settings=settings,
        router=router,
        ladder=Ladder(Loop(port), rungs.guard, observe, settings.retry, settings.hedge),
        canned=canned(),
        price=price,
        outage=outage,
        parts=there,
        watch=watch,
    )
    return Conversation(
        settings=settings,
        router=router,
        answering=answering,
        controls=controls,
        canned=canned(),
        telemetry=telemetry,
        outage=outage,
        parts=there,
        watch=watch,
    )


def _tell_breaker(telemetry: Telemetry, rung: Rung, change: Change) -> None:
    telemetry.log(
        "info", "a breaker changed", rung=rung.name, before=change.before, after=change.after, why=change.why
    )
    if change.after is not State.HALF_OPEN:
        telemetry.metrics({"BreakerOpen": int(change.after is State.OPEN)}, {"Rung": rung.name})


def _tell_attempt(telemetry: Telemetry, attempt: Attempt) -> None:
    outcome, rung = attempt.outcome, attempt.rung.name
    values = {"ModelThrottled": int(outcome is Outcome.THROTTLED), "ModelFailed": int(attempt.failed)}
    seconds = round(attempt.seconds, 6)
    telemetry.metrics(values, {"Rung": rung}, outcome=outcome.value, seconds=seconds, error=attempt.error)
    if attempt.error and not outcome.counts_as_failure:
        # A mistake in the request or the set-up does not mend itself; the rest is what the ladder is for.
        telemetry.log("error", "a model refused a call", rung=rung, error=attempt.error)
