"""Retries, hedges and limits: calls besides the one a rung, and those that find no room."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.runtime_settings import (
    BreakerSettings,
    BudgetSettings,
    HedgeSettings,
    LimitSettings,
    RetrySettings,
    RoutingSettings,
    Rung,
    RuntimeSettings,
)
from contract.tiers import Tier
from runtime.canned import canned
from runtime.failover.budget import Budget
from runtime.failover.limit import Limit
from runtime.port import Opened, Ran, Stop, Text
from runtime.testing.desk import Desk
from runtime.testing.ladders import alone
from runtime.testing.models import Wait, hangs, refusal, says, throttled

HAIKU = says("Hi ", "from Haiku", first_s=0.2)
BROKEN = [refusal("InternalServerException", 500)]


async def asked(desk: Desk) -> Any:
    frames = await desk.ask()
    return frames[-1], [call.rung for call in desk.models.calls], desk


def test_a_retry_that_helps_is_seen_by_nobody(at_desk):
    once = lambda call: BROKEN if call == 0 else says("Hi")  # noqa: E731
    final, calls, desk = at_desk(asked, {"sonnet": once})
    assert (final.tier, calls) == (Tier.T0, ["sonnet", "sonnet"])
    assert [call.started > 0 for call in desk.models.calls] == [False, True], "it waits a little"
    assert desk.models.calls[1].started <= 0.1
    assert desk.values("ModelFailed", Rung="sonnet") == [1, 0]


def test_nothing_is_retried_after_the_first_text(at_desk):
    _, calls, _ = at_desk(asked, {"sonnet": [Opened(), Text("Well"), *BROKEN], "haiku": HAIKU})
    assert calls == ["sonnet", "haiku"]


def test_nothing_is_retried_when_the_time_is_over(at_desk):
    late = [Wait(0.95), *BROKEN]
    _, calls, _ = at_desk(asked, {"sonnet": late, "haiku": HAIKU}, RuntimeSettings(request_s=1.0))
    assert calls == ["sonnet", "haiku"]


def test_no_budget_no_retry(at_desk):
    poor = RuntimeSettings(retry=RetrySettings(budget=BudgetSettings(share=0.0, most=0)))
    _, calls, _ = at_desk(asked, {"sonnet": BROKEN, "haiku": HAIKU}, poor)
    assert calls == ["sonnet", "haiku"]


@given(share=st.floats(0, 1), most=st.integers(0, 20), asks=st.lists(st.integers(0, 3), max_size=60))
def test_extra_calls_never_exceed_what_was_put_aside(share, most, asks):
    budget, spent = Budget(BudgetSettings(share=share, most=most)), 0
    for number, extra in enumerate(asks, 1):
        budget.earn()
        spent += sum(budget.spend() for _ in range(extra))
        assert spent <= most + share * number + 1e-9


HEDGED = RuntimeSettings(hedge=HedgeSettings(after_s=1.0))


def test_a_quick_rung_is_not_hedged(at_desk):
    _, calls, _ = at_desk(asked, {"sonnet": says("Hi", first_s=0.9)}, HEDGED)
    assert calls == ["sonnet"]


def test_the_slow_one_may_still_win(at_desk):
    scripts = {"sonnet": says("Sonnet", first_s=1.5), "haiku": says("Haiku", first_s=3.0)}
    final, calls, desk = at_desk(asked, scripts, HEDGED)
    assert (final.text, calls) == ("Sonnet", ["sonnet", "haiku"])
    assert [call.how for call in desk.models.calls] == ["whole", "cancelled"]


def test_when_both_fail_the_walk_goes_on_below_them(at_desk):
    scripts = {"sonnet": hangs(), "haiku": [Wait(1.0), *throttled()]}
    final, calls, _ = at_desk(asked, scripts, HEDGED)
    assert (final.tier, calls) == (Tier.T2, ["sonnet", "haiku"])


def test_a_message_that_is_refused_beside_another_call_is_refused(at_desk):
    """No model may answer what a guardrail has blocked."""
    scripts = {"sonnet": says("late", first_s=5.0), "haiku": [Opened(), Stop("guardrail_intervened")]}
    final, calls, desk = at_desk(asked, scripts, HEDGED)
    assert (final.rung, calls) == ("haiku", ["sonnet", "haiku"])
    assert final.text == canned().blocked
    assert [call.how for call in desk.models.calls] == ["cancelled", "whole"]


def test_the_hedge_budget_ends(at_desk):
    async def scene(desk: Desk) -> int:
        for number in range(6):
            await desk.ask(request_id=f"r{number}")
        return len(desk.models.on("haiku"))

    poor = RuntimeSettings(
        hedge=HedgeSettings(after_s=1.0, budget=BudgetSettings(share=0.0, most=2)),
        routing=RoutingSettings(trickle_share=0),
    )
    assert at_desk(scene, {"sonnet": says("Hi", first_s=2.0), "haiku": HAIKU}, poor) == 2


@pytest.mark.parametrize("after_s", [0.5, 1.5, 1.21])
def test_a_client_that_leaves_a_race_ends_both_calls(at_desk, after_s):
    async def scene(desk: Desk) -> Any:
        asking = asyncio.create_task(desk.ask())
        await asyncio.sleep(after_s)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        return {(call.how, call.ended) for call in desk.models.calls}

    ended = at_desk(scene, {"sonnet": hangs(), "haiku": says("Hi", first_s=2.0)}, HEDGED)
    assert ended == {("cancelled", after_s)}


def test_no_room_on_a_rung_is_a_step_down_and_no_failure(at_desk):
    first = Rung(name="sonnet", tier=Tier.T0, model="sonnet", concurrency=2)
    small = RuntimeSettings(ladder=(first, *alone().ladder[1:]))

    async def scene(desk: Desk) -> Any:
        tiers = await asyncio.gather(*(desk.tier(request_id=f"r{number}") for number in range(3)))
        return tiers, await desk.tier(), desk.values("ModelFailed", Rung="sonnet")

    tiers, later, failed = at_desk(scene, {"sonnet": says("Hi"), "haiku": HAIKU}, small)
    assert (tiers, later, failed) == ([Tier.T0, Tier.T0, Tier.T1], Tier.T0, [0, 0, 0])


def served(limit: Limit, seconds: int, calls: int, first_text_s: float | None) -> None:
    """So many calls at a time, second after second."""
    for _ in range(seconds):
        served.now += 1.0  # type: ignore[attr-defined]
        through = sum(limit.enter() for _ in range(calls))
        for _ in range(through):
            limit.learn(served.now, first_text_s)  # type: ignore[attr-defined]
            limit.leave()


@pytest.fixture(autouse=True)
def _clock():
    served.now = 0.0  # type: ignore[attr-defined]


def test_a_rung_that_slows_down_gets_fewer_calls_and_more_again_when_it_recovers():
    limit = Limit(LimitSettings(), 1_000)
    served(limit, 20, 200, 0.5)
    assert limit.allowed == 1_000, "a healthy rung is never held back"
    served(limit, 3, 200, 2.0)
    assert 20 <= limit.allowed < 100
    served(limit, 40, 200, 0.5)
    assert limit.allowed > 200


def test_the_last_model_is_asked_beyond_the_adaptive_limit_but_not_beyond_the_most():
    limit = Limit(LimitSettings(), 100)
    served(limit, 10, 60, None)
    assert limit.allowed == 20
    assert sum(limit.enter() for _ in range(50)) == 20
    assert sum(limit.enter(last=True) for _ in range(500)) == 80


def test_a_few_refusals_change_no_limit():
    limit = Limit(LimitSettings(), 1_000)
    for second in range(1, 30):
        for call in range(100):
            assert limit.enter()
            limit.learn(second + call / 1_000, None if call % 33 == 0 else 0.5)
            limit.leave()
    assert limit.allowed == 1_000


def test_tools_of_a_hedge_that_failed_are_replayed_too(at_desk):
    ran = Ran("find", {"about": "tents"}, "two tents")
    four = RuntimeSettings(
        ladder=(
            Rung(name="sonnet", tier=Tier.T0, model="sonnet"),
            Rung(name="haiku", tier=Tier.T1, model="haiku"),
            Rung(name="spare", tier=Tier.STANDBY, model="haiku"),
            Rung(name="canned", tier=Tier.T2),
        ),
        hedge=HedgeSettings(after_s=1.0),
        breaker=BreakerSettings(enabled=False),
    )
    scripts = {"sonnet": [ran, Wait(2.0), *throttled()], "haiku": [Wait(3.0), *throttled()], "spare": HAIKU}
    _, calls, desk = at_desk(asked, scripts, four)
    assert calls == ["sonnet", "haiku", "spare"]
    assert desk.models.calls[2].recorded == (ran,)


def test_an_error_nobody_knows_is_said_once_a_kind(at_desk):
    async def scene(desk: Desk) -> Any:
        for number in range(4):
            await desk.ask(request_id=f"r{number}")
        return [
            line["error"] for line in desk.lines if line.get("message", "").startswith("an error of a kind")
        ]

    odd = lambda call: [RuntimeError("odd")] if call % 2 else [KeyError("odder")]  # noqa: E731
    unbroken = RuntimeSettings(breaker=BreakerSettings(enabled=False))
    assert at_desk(scene, {"sonnet": odd, "haiku": HAIKU}, unbroken) == [
        "KeyError: 'odder'",
        "RuntimeError: odd",
    ]


def test_a_trickle_of_simple_messages_goes_to_haiku_though_all_is_well(at_desk):
    """One in a hundred, evenly; what is not simple stays."""

    async def scene(desk: Desk) -> Any:
        simple = [await desk.tier("Which lamp?", f"s{number}") for number in range(300)]
        complex_ = "Which of these two tents is better for four people in heavy rain?"
        return simple, [await desk.tier(complex_, f"c{number}") for number in range(200)]

    simple, others = at_desk(scene, {"sonnet": says("Hi"), "haiku": HAIKU})
    assert [number for number, tier in enumerate(simple) if tier is Tier.T1] == [99, 199, 299]
    assert set(others) == {Tier.T0}
