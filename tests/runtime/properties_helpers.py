"""What must hold of failover, each by its name: a function that raises where it does not.

The tests run them on the code as it is, and on the code with a bug planted in it: there, one must raise.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from contract.controls import Control, Controls
from contract.frames import Ask, ServerFrame
from contract.outcomes import Outcome
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
from runtime.conversation import GoneError
from runtime.failover.breaker import State
from runtime.failover.budget import Budget
from runtime.failover.guard import Guard
from runtime.failover.limit import Limit
from runtime.failover.window import BUCKETS, Window
from runtime.port import Opened, Ran, Stop, Text
from runtime.testing import loop, simulation
from runtime.testing.desk import EPOCH, Desk
from runtime.testing.ladders import whole
from runtime.testing.models import Wait, cut_after, hangs, refusal, says, throttled
from tests.runtime.breaker_helpers import AgainstARecount, Bench, UnitsAgainstARecount

SONNET = Rung(name="sonnet", tier=Tier.T0, model="sonnet")
HAIKU = says("Hi ", "from Haiku", first_s=0.2)
MODELS = {"sonnet": says("Hi ", "from Sonnet"), "haiku": HAIKU}
QUICK = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)


def at_desk(scene: Callable[[Desk], Any], *args: Any) -> Any:
    async def main() -> Any:
        return await scene(Desk(*args))

    return loop.run(main())


def window_equals_recount() -> None:
    """At every moment the ring says what counting all again would."""
    random, window, kept, now = Random(1), Window(6.0), [], 0.0
    for _ in range(2_000):
        now += random.choice((0.0, 0.01, 0.1, 0.5, 5.95, 7.0, 40.0) if random.random() < 0.1 else (0.0, 0.05))
        failed = random.random() < 0.3
        kept.append((window.add(now, failed=failed), failed))
        if random.random() < 0.1 and not kept[which := random.randrange(len(kept))][1]:
            window.take_back(kept.pop(which)[0])
        newest = int(now / (6.0 / BUCKETS))
        seen = [failed for bucket, failed in kept if newest - BUCKETS < bucket <= newest]
        assert window.tally(now) == (len(seen), sum(seen))


def breaker_agrees_with_a_recount() -> None:
    run_state_machine_as_test(AgainstARecount, settings=QUICK)
    run_state_machine_as_test(UnitsAgainstARecount, settings=QUICK)


def a_burst_opens_it_and_two_failures_do_not() -> None:
    bench = Bench()
    for number in range(3):
        assert bench.is_in(State.CLOSED), number
        bench.call(Outcome.TIMEOUT)
    assert bench.is_in(State.OPEN)


def a_fifth_may_fail_and_not_more() -> None:
    bench = Bench()
    for number in range(100):
        bench.call(Outcome.UNAVAILABLE if number % 5 == 4 else Outcome.OK)
    assert bench.is_in(State.CLOSED)
    bench.call(Outcome.UNAVAILABLE)
    assert bench.is_in(State.OPEN)


def permits_are_conserved_under_cancellation() -> None:
    """However calls end, nothing is left waiting or running, and cancelled probes keep no rung shut."""
    random, at = Random(3), [0.0]
    guard = Guard(SONNET, BreakerSettings(), LimitSettings(), lambda: at[0], lambda _: None)
    held = []
    for _ in range(3_000):
        at[0] += random.expovariate(10)
        if through := guard.admit():
            held.append(through)
        if held and random.random() < 0.6:
            through = held.pop(random.randrange(len(held)))
            if random.random() < 0.5:
                through.alive()
            if random.random() < 0.4:
                through.release()
            else:
                through.settle(random.choice((Outcome.OK, Outcome.OK, Outcome.BLOCKED, Outcome.THROTTLED)))
        assert guard.limit.running == len(held)
    for through in held:
        through.release()
    assert (guard.limit.running, guard.breaker.waiting) == (0, 0)
    bench = Bench()
    permit = bench.breaker.admit()
    assert permit is not None
    permit.release()
    assert bench.breaker.waiting == 0
    bench.half_open()
    for _ in range(40):
        permit = bench.breaker.admit()
        assert permit is not None
        permit.release()


def a_permit_counts_once() -> None:
    bench = Bench()
    for first, second in ((Outcome.OK, Outcome.CUT), (Outcome.TIMEOUT, Outcome.OK)):
        permit = bench.breaker.admit()
        assert permit is not None
        permit.settle(first)
        permit.settle(second)
        permit.release()
    assert bench.breaker.tally == (2, 1)


def half_open_lets_a_tenth_through() -> None:
    bench = Bench()
    bench.half_open()
    passed = sum(bench.breaker.admit() is not None for _ in range(1_000))
    assert 99 <= passed <= 101


def a_quiet_rung_is_probed_all_the_same() -> None:
    bench = Bench()
    bench.half_open()
    assert all(bench.call(Outcome.OK, after_s=6.0) for _ in range(12))
    assert bench.is_in(State.CLOSED)


def each_larger_share_is_earned_by_its_own_probes() -> None:
    bench = Bench()
    bench.half_open()
    early = [permit for _ in range(101) if (permit := bench.breaker.admit())]
    for permit in early:
        permit.alive()
    assert bench.is_in(State.HALF_OPEN)
    assert sum(bench.breaker.admit() is not None for _ in range(12)) == 3


def open_and_forced_open_admit_nobody() -> None:
    bench = Bench()
    bench.trip()
    for _ in range(49):
        assert not bench.call(Outcome.OK, after_s=0.1)
    forced = Bench()
    forced.breaker.turn("forced-open")
    assert not any(forced.call(Outcome.OK, after_s=1.0) for _ in range(100))


def late_results_of_an_older_state_are_ignored() -> None:
    """Of calls that had said nothing then, and of calls that had begun to speak."""
    bench = Bench()
    early = [permit for _ in range(10) if (permit := bench.breaker.admit())]
    for permit in early[:5]:
        permit.alive()
    bench.at += 9.0
    for permit in early[5:8]:
        permit.settle(Outcome.TIMEOUT)
    bench.at += 5.0
    assert bench.is_in(State.OPEN)
    bench.at += bench.settings.open_s
    bench.call(Outcome.OK)
    for permit in early:
        permit.settle(Outcome.CUT)
    assert bench.is_in(State.HALF_OPEN)
    assert bench.breaker.tally == (1, 0)


def validation_never_trips() -> None:
    bench = Bench()
    for outcome in (Outcome.BAD_REQUEST, Outcome.DENIED, Outcome.BLOCKED) * 40:
        assert bench.call(outcome)
    assert bench.breaker.tally == (0, 0)


def a_call_in_flight_is_slow_once_past_the_limit() -> None:
    bench = Bench()
    silent = [bench.breaker.admit() for _ in range(2)]
    bench.at += 9.99
    assert bench.breaker.tally == (0, 0)
    bench.at += 0.01
    assert bench.breaker.tally == (2, 2)
    for permit in silent:
        assert permit is not None
        permit.settle(Outcome.TIMEOUT)
    assert bench.breaker.tally == (2, 2)


def three_percent_never_open_it() -> None:
    """By the share, at a rate at which the window holds hardly more calls than it must."""
    bench, random = Bench(BreakerSettings(burst_failures=50)), Random("dice")
    for _ in range(60_000):
        bad = random.random() < 0.03
        bench.call(Outcome.UNAVAILABLE if bad else Outcome.OK, after_s=random.expovariate(0.36))
    assert bench.announced == []


def a_rung_that_starts_is_not_dead_because_refusals_are_quick() -> None:
    bench = Bench()
    for _ in range(4):
        bench.breaker.admit()
    for _ in range(3):
        bench.call(Outcome.THROTTLED)
    assert bench.is_in(State.CLOSED)


def attempts_stay_within_the_budget() -> None:
    budget = Budget(BudgetSettings(share=0.1, most=10))
    spent = 0
    for number in range(1, 1_001):
        budget.earn()
        spent += budget.spend() + budget.spend()
        assert spent <= 10 + 0.1 * number
    assert spent >= 100


def a_limit_falls_with_trouble_and_never_below_its_floor() -> None:
    limit = Limit(LimitSettings(), 1_000)
    now, lowest = 0.0, 1_000
    for _ in range(3_000):
        entered = [limit.enter() for _ in range(30)]
        now += 0.05
        for through in entered:
            if through:
                limit.learn(now, None)
                limit.leave()
        lowest = min(lowest, limit.allowed)
        assert limit.running == 0
    assert lowest == limit.allowed == 20


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


def tools_that_ran_are_replayed() -> None:
    ran = Ran("find", {"about": "tents"}, "two tents")

    async def scene(desk: Desk) -> None:
        await desk.ask()
        assert [call.recorded for call in desk.models.calls] == [(), (ran,)]

    cut = [Opened(), ran, *cut_after("Well")[1:]]
    at_desk(scene, {"sonnet": cut, "haiku": HAIKU})


def a_client_that_is_gone_stops_the_model_at_once() -> None:
    async def scene(desk: Desk) -> None:
        asking = asyncio.create_task(desk.ask())
        await asyncio.sleep(0.51)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        (call,) = desk.models.calls
        assert (call.how, call.ended) == ("cancelled", 0.51)

    at_desk(scene, MODELS)


def a_client_that_cannot_be_told_stops_the_model_too() -> None:
    async def scene(desk: Desk) -> None:
        async def nobody(_: ServerFrame) -> None:
            if desk.models.calls:
                raise GoneError

        with pytest.raises(GoneError):
            await desk.conversation.answer(Ask(request_id="r1", text="Which lamp?"), "s1", nobody)
        assert [call.how for call in desk.models.calls] == ["cancelled"]

    at_desk(scene, MODELS)


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


def units_are_used_to_the_full() -> None:
    """Half of their calls find no room, for minutes: they stay in use. None does: they are given up."""
    bench = Bench(overflows=True)
    for number in range(2_000):
        assert bench.call(Outcome.THROTTLED if number % 2 else Outcome.OK, after_s=0.1)
    bench.at += 10.0
    for _ in range(3):
        assert bench.call(Outcome.THROTTLED)
    assert bench.is_in(State.OPEN)


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


def half_an_answer_is_never_mixed_with_another() -> None:
    async def scene(desk: Desk) -> None:
        frames = await desk.ask()
        assert [frame.type for frame in frames] == ["start", "delta", "correction", "delta", "final"]
        assert frames[-1].text == "Hi from Haiku"  # type: ignore[union-attr]

    at_desk(scene, {"sonnet": cut_after("Well"), "haiku": HAIKU})


def a_checked_answer_is_gone_on_from_and_the_person_is_told() -> None:
    """Once more it is cut, and the next one finds that it was whole already."""

    async def scene(desk: Desk) -> None:
        frames = await desk.ask()
        assert [frame.type for frame in frames] == [
            "start",
            "delta",
            "correction",
            "delta",
            "correction",
            "final",
        ]
        assert [frame.text for frame in frames[1:]] == [  # type: ignore[union-attr]
            "Well, ",
            "Well, take",
            " this.",
            "Well, take this.",
            "Well, take this.",
        ]
        assert [call.so_far for call in desk.models.calls] == ["", "Well,", "Well, take this."]
        assert (frames[-1].rung, frames[-1].tier) == ("haiku", Tier.T1)  # type: ignore[union-attr]

    scripts = {
        "sonnet-units": [Opened(checked=True), Text("Well, ")],
        "sonnet": [Opened(checked=True), Text(" take"), Text(" this.")],
        "haiku": [Opened(checked=True), Stop()],
    }
    at_desk(scene, scripts)


def a_stream_without_a_stop_is_cut() -> None:
    async def scene(desk: Desk) -> None:
        assert await desk.tier() is Tier.T1

    at_desk(scene, {"sonnet": [Opened(), Text("Well")], "haiku": HAIKU})
    whole = {"sonnet": [Opened(), Text("Well"), Stop()], "haiku": HAIKU}

    async def stays(desk: Desk) -> None:
        assert await desk.tier() is Tier.T0

    at_desk(stays, whole)


def stories_keep_every_promise() -> None:
    """The simulation's own: one ending, numbers without a gap, no open rung called, back in time, ..."""
    for seed in range(24):
        story = simulation.tell(seed)
        assert not story.broken, f"seed {seed}: {story.broken}"


PROPERTIES: tuple[Callable[[], None], ...] = (
    window_equals_recount,
    breaker_agrees_with_a_recount,
    a_burst_opens_it_and_two_failures_do_not,
    a_fifth_may_fail_and_not_more,
    permits_are_conserved_under_cancellation,
    a_permit_counts_once,
    half_open_lets_a_tenth_through,
    a_quiet_rung_is_probed_all_the_same,
    each_larger_share_is_earned_by_its_own_probes,
    open_and_forced_open_admit_nobody,
    late_results_of_an_older_state_are_ignored,
    validation_never_trips,
    a_call_in_flight_is_slow_once_past_the_limit,
    three_percent_never_open_it,
    a_rung_that_starts_is_not_dead_because_refusals_are_quick,
    attempts_stay_within_the_budget,
    a_limit_falls_with_trouble_and_never_below_its_floor,
    deadlines_hold,
    silence_in_a_stream_is_noticed_after_the_gap,
    a_passing_error_is_retried_once_and_others_never,
    retries_end_with_the_budget,
    whoever_speaks_first_answers_a_hedge_and_the_other_is_given_up,
    tools_that_ran_are_replayed,
    a_client_that_is_gone_stops_the_model_at_once,
    a_client_that_cannot_be_told_stops_the_model_too,
    an_override_counts_on_the_next_call,
    full_units_overflow_at_once,
    nobody_waits_twice_for_the_same_model,
    units_are_used_to_the_full,
    units_that_overflow_move_nobody_to_haiku,
    half_an_answer_is_never_mixed_with_another,
    a_checked_answer_is_gone_on_from_and_the_person_is_told,
    a_stream_without_a_stop_is_cut,
    stories_keep_every_promise,
)
