"""What must hold of what lets calls through: window, breaker and limit."""

from collections.abc import Callable
from random import Random

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from contract.outcomes import Outcome
from contract.runtime_settings import BreakerSettings, LimitSettings, Rung
from contract.tiers import Tier
from runtime.failover.breaker import State
from runtime.failover.guard import Guard
from runtime.failover.limit import Limit
from runtime.failover.window import BUCKETS, Window
from tests.runtime.breaker_helpers import AgainstARecount, Bench, UnitsAgainstARecount

SONNET = Rung(name="sonnet", tier=Tier.T0, model="sonnet")
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


def units_are_used_to_the_full() -> None:
    """Half of their calls find no room, for minutes: they stay in use. None does: they are given up."""
    bench = Bench(overflows=True)
    for number in range(2_000):
        assert bench.call(Outcome.THROTTLED if number % 2 else Outcome.OK, after_s=0.1)
    bench.at += 10.0
    for _ in range(3):
        assert bench.call(Outcome.THROTTLED)
    assert bench.is_in(State.OPEN)


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
    a_limit_falls_with_trouble_and_never_below_its_floor,
    units_are_used_to_the_full,
)
