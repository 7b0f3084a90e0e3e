"""What must hold of the way down the ladder: when a rung is given up, what is tried again, who is next."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from contract.controls import Control, Controls
from contract.runtime_settings import (
    BreakerSettings,
    BudgetSettings,
    HedgeSettings,
    RetrySettings,
    RoutingSettings,
    RuntimeSettings,
)
from contract.tiers import Tier
from runtime.failover.budget import Budget
from runtime.port import Opened, Text
from runtime.testing.desk import EPOCH, Desk
from runtime.testing.ladders import whole
from runtime.testing.models import Wait, hangs, refusal, says, throttled
from tests.runtime.scene_helpers import HAIKU, MODELS, at_desk


def attempts_stay_within_the_budget() -> None:
    budget = Budget(BudgetSettings(share=0.1, most=10))
    spent = 0
    for number in range(1, 1_001):
        budget.earn()
        spent += budget.spend() + budget.spend()
        assert spent <= 10 + 0.1 * number
    assert spent >= 100


def deadlines_hold() -> None:
    """No attempt outlasts its own limits, no request its own; the ones left get less and less."""

    async def scene(desk: Desk) -> None:
        began = asyncio.get_running_loop().time()
        await desk.ask()
        assert asyncio.get_running_loop().time() - began <= 12.0 + 1e-6
        first, second = desk.models.calls
        assert (first.started, second.started) == (0.0, 10.0)
        assert first.ended is not None
        assert first.ended <= 10.0 + 1e-6
        assert desk.values("ModelFailed", Rung="haiku") == [0], "it had no time of its own"

    at_desk(scene, {"sonnet": hangs(), "haiku": hangs()}, RuntimeSettings(request_s=12.0))


def silence_in_a_stream_is_noticed_after_the_gap() -> None:
    async def scene(desk: Desk) -> None:
        await desk.ask()
        (call,) = desk.models.on("sonnet")
        assert call.ended is not None
        assert abs(call.ended - 5.6) < 1e-6

    stalls = [Opened(), Wait(0.5), Text("Hi"), Wait(0.1), Text("Hi"), Wait(60)]
    at_desk(scene, {"sonnet": stalls, "haiku": HAIKU})


def a_passing_error_is_retried_once_and_others_never() -> None:
    async def calls(desk: Desk) -> int:
        await desk.ask()
        return len(desk.models.on("sonnet"))

    def told(code: str, status: int) -> Mapping[str, Any]:
        return {"sonnet": [refusal(code, status)], "haiku": HAIKU}

    passing = [("InternalServerException", 500), ("502", 502), ("ModelNotReadyException", 429)]
    final = [("ThrottlingException", 429), ("ServiceUnavailableException", 503), ("ValidationException", 400)]
    assert [at_desk(calls, told(*one)) for one in passing] == [2, 2, 2]
    assert [at_desk(calls, told(*one)) for one in final] == [1, 1, 1]


def retries_end_with_the_budget() -> None:
    async def scene(desk: Desk) -> int:
        for number in range(30):
            await desk.ask(request_id=f"r{number}")
        return len(desk.models.on("sonnet")) - 30

    broken = {"sonnet": [refusal("InternalServerException", 500)], "haiku": HAIKU}
    unbroken = RuntimeSettings(
        breaker=BreakerSettings(enabled=False),
        routing=RoutingSettings(haiku_threshold=1.0, trickle_share=0),
        retry=RetrySettings(budget=BudgetSettings(share=0.1, most=3)),
    )
    assert at_desk(scene, broken, unbroken) == 5


def whoever_speaks_first_answers_a_hedge_and_the_other_is_given_up() -> None:
    async def scene(desk: Desk) -> None:
        frames = await desk.ask()
        assert frames[-1].text == "Hi from Haiku"  # type: ignore[union-attr]
        assert [call.how for call in desk.models.calls] == ["cancelled", "whole"]
        assert [call.started for call in desk.models.calls] == [0.0, 1.0]

    hedged = RuntimeSettings(hedge=HedgeSettings(after_s=1.0))
    at_desk(scene, {"sonnet": says("late", first_s=4.0), "haiku": HAIKU}, hedged)


def an_override_counts_on_the_next_call() -> None:
    async def scene(desk: Desk) -> None:
        for tier in (Tier.T1, Tier.T2, Tier.T0):
            desk.controls = Controls(
                forced_tier=Control(value=tier, who="a", why="b", expires_at=EPOCH + timedelta(days=1))
            )
            assert await desk.tier() is tier

    at_desk(scene, MODELS)


def full_units_overflow_at_once() -> None:
    async def scene(desk: Desk) -> None:
        frames = await desk.ask()
        assert (frames[-1].rung, frames[-1].tier) == ("sonnet", Tier.T0)  # type: ignore[union-attr]
        assert [(call.rung, call.started) for call in desk.models.calls] == [
            ("sonnet-units", 0.0),
            ("sonnet", 0.0),
        ]

    at_desk(scene, {**MODELS, "sonnet-units": throttled()})


def nobody_waits_twice_for_the_same_model() -> None:
    """All of a region hangs: one wait for its Sonnet, one for its Haiku, then the other region answers."""
    ladder = whole()
    scripts = {rung.name: MODELS["sonnet"] if rung.region else hangs() for rung in ladder if rung.model}

    async def scene(desk: Desk) -> None:
        frames = await desk.ask()
        assert [(call.rung, call.started) for call in desk.models.calls] == [
            ("sonnet-units", 0.0),
            ("haiku", 5.0),
            ("standby-sonnet", 10.0),
        ]
        assert frames[-1].tier is Tier.STANDBY  # type: ignore[union-attr]

    at_desk(scene, scripts, RuntimeSettings(ladder=ladder))


def units_that_overflow_move_nobody_to_haiku() -> None:
    """RUN-5: Sonnet answers all of it, so its error rate is nil."""

    async def scene(desk: Desk) -> None:
        for number in range(80):
            assert await desk.tier("Which lamp?", request_id=f"r{number}") is Tier.T0

    def every_other(call: int) -> Any:
        return throttled() if call % 2 else quick

    quick = says("Hi", first_s=0.05)
    still = RuntimeSettings(routing=RoutingSettings(trickle_share=0))
    at_desk(scene, {**MODELS, "sonnet": quick, "sonnet-units": every_other}, still)


PROPERTIES: tuple[Callable[[], None], ...] = (
    attempts_stay_within_the_budget,
    deadlines_hold,
    silence_in_a_stream_is_noticed_after_the_gap,
    a_passing_error_is_retried_once_and_others_never,
    retries_end_with_the_budget,
    whoever_speaks_first_answers_a_hedge_and_the_other_is_given_up,
    an_override_counts_on_the_next_call,
    full_units_overflow_at_once,
    nobody_waits_twice_for_the_same_model,
    units_that_overflow_move_nobody_to_haiku,
)
