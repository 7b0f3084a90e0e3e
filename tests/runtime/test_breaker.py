"""The breaker (RUN-6): by examples, and as a state machine against a recount by hand."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from contract.outcomes import Outcome
from contract.runtime_settings import BreakerSettings
from runtime.failover.breaker import Breaker, Permit, State

FAILURES = [outcome for outcome in Outcome if outcome.counts_as_failure]
SILENT = [o for o in Outcome if not o.counts_as_failure and o is not Outcome.OK]


@dataclass
class Bench:
    """A breaker, its clock, and what it announced."""

    settings: BreakerSettings = field(default_factory=BreakerSettings)
    at: float = 0.0
    announced: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.breaker = Breaker(self.settings, lambda: self.at, self.announced.append)

    def is_in(self, state: State) -> bool:
        return self.breaker.state is state

    def call(self, outcome: Outcome, after_s: float = 0.0) -> bool:
        """Whether a call was let through; it comes to `outcome` at once."""
        self.at += after_s
        permit = self.breaker.admit()
        if permit is not None:
            permit.settle(outcome)
        return permit is not None

    def trip(self) -> None:
        while self.breaker.state is not State.OPEN:
            self.call(Outcome.UNAVAILABLE, after_s=0.1)

    def half_open(self) -> None:
        self.trip()
        self.at += self.settings.open_s


@pytest.fixture
def bench():
    return Bench()


def test_three_failures_without_a_success_open_it(bench):
    """Within the burst time; two do not."""
    for _ in range(2):
        bench.call(Outcome.TIMEOUT)
    assert bench.is_in(State.CLOSED)
    bench.call(Outcome.THROTTLED, after_s=9.0)
    assert bench.is_in(State.OPEN)
    assert bench.announced == [True]


def test_failures_further_apart_than_the_burst_time_do_not_open_it(bench):
    for _ in range(15):
        assert bench.call(Outcome.TIMEOUT, after_s=5.1)
    assert bench.is_in(State.CLOSED)


def test_a_success_within_the_burst_time_keeps_it_closed(bench):
    """However many fail after it, until the share of the window says otherwise."""
    bench.call(Outcome.OK)
    for _ in range(18):
        bench.call(Outcome.UNAVAILABLE, after_s=0.5)
    assert bench.is_in(State.CLOSED)


def test_a_fifth_of_the_window_may_fail_and_not_more(bench):
    """20 of 100 is a fifth; the next one is too many."""
    for number in range(100):
        bench.call(Outcome.UNAVAILABLE if number % 5 == 4 else Outcome.OK, after_s=0.2)
    assert bench.breaker.tally == (100, 20)
    assert bench.is_in(State.CLOSED)
    bench.call(Outcome.UNAVAILABLE)
    assert bench.is_in(State.OPEN)


def test_the_share_says_nothing_before_there_are_enough_calls(bench):
    bench.call(Outcome.OK)
    for _ in range(18):
        bench.call(Outcome.UNAVAILABLE)
    assert bench.breaker.tally == (19, 18)
    assert bench.is_in(State.CLOSED)
    bench.call(Outcome.UNAVAILABLE)
    assert bench.is_in(State.OPEN)


def test_what_is_not_the_rungs_fault_is_not_counted(bench):
    for outcome in SILENT * 30:
        bench.call(outcome)
    assert bench.breaker.tally == (0, 0)
    assert bench.is_in(State.CLOSED)


def test_open_lets_nobody_through_until_its_pause_is_over(bench):
    bench.trip()
    bench.at += bench.settings.open_s - 0.1
    assert not bench.call(Outcome.OK)
    assert bench.call(Outcome.OK, after_s=0.1)


def test_half_open_probes_with_one_call_in_ten(bench):
    bench.half_open()
    passed = [bench.breaker.admit() is not None for _ in range(40)]
    assert [number for number, through in enumerate(passed) if through] == [0, 10, 20, 30]


def test_good_probes_let_more_through_and_close_it(bench):
    """A tenth, then two tenths ...: 1 + 5 + 4 + 2 + 2 calls for five probes."""
    bench.half_open()
    passed = [bench.call(Outcome.OK) for _ in range(14)]
    assert [number for number, through in enumerate(passed) if through] == [0, 5, 9, 11, 13]
    assert bench.is_in(State.CLOSED)
    assert bench.announced == [True, False]


def test_one_bad_probe_opens_it_again(bench):
    bench.half_open()
    bench.call(Outcome.OK)
    while not bench.call(Outcome.SLOW):
        assert bench.is_in(State.HALF_OPEN)
    assert bench.is_in(State.OPEN)
    assert bench.announced == [True, True]


def test_a_bad_probe_is_weighed_against_those_that_still_wait(bench):
    """A refusal comes before any answer: one in six is no outage, a second one in seven is."""
    bench.half_open()
    waiting = [permit for _ in range(45) if (permit := bench.breaker.admit())]
    assert len(waiting) == 5
    while not bench.call(Outcome.THROTTLED):
        assert bench.is_in(State.HALF_OPEN)
    assert bench.is_in(State.HALF_OPEN)
    while not bench.call(Outcome.THROTTLED):
        assert bench.is_in(State.HALF_OPEN)
    assert bench.is_in(State.OPEN)


def test_probes_are_good_with_their_first_text(bench):
    bench.half_open()
    talking = [permit for _ in range(45) if (permit := bench.breaker.admit())]
    for permit in talking:
        permit.alive()
    assert bench.is_in(State.CLOSED)


def test_a_rung_that_starts_is_not_dead_because_refusals_are_quick(bench):
    """Three refused at once, while four earlier calls have not had the time to answer."""
    for _ in range(4):
        bench.breaker.admit()
    for _ in range(3):
        bench.call(Outcome.THROTTLED)
    assert bench.is_in(State.CLOSED)
    for _ in range(2):
        bench.call(Outcome.THROTTLED)
    assert bench.is_in(State.OPEN)


def test_later_calls_hide_nothing(bench):
    """Of a rung that hangs, the oldest calls fail first; those behind them are no excuse."""
    hanging = [bench.breaker.admit() for _ in range(50)]
    for permit in hanging[:3]:
        permit.settle(Outcome.TIMEOUT)
    assert bench.is_in(State.OPEN)


def test_the_first_text_counts_and_the_end_does_not_count_again(bench):
    permit = bench.breaker.admit()
    permit.alive()
    assert bench.breaker.tally == (1, 0)
    permit.settle(Outcome.OK)
    assert bench.breaker.tally == (1, 0)


def test_a_cut_after_the_first_text_is_a_failure_and_no_success(bench):
    permit = bench.breaker.admit()
    permit.alive()
    permit.settle(Outcome.CUT)
    assert bench.breaker.tally == (1, 1)


def test_a_client_that_leaves_a_talking_rung_takes_nothing_back(bench):
    permit = bench.breaker.admit()
    permit.alive()
    permit.release()
    assert bench.breaker.tally == (1, 0)


def test_with_hardly_any_traffic_it_still_probes(bench):
    """One call every six seconds: each is a probe, so five of them close it in half a minute."""
    bench.half_open()
    assert all(bench.call(Outcome.OK, after_s=6.0) for _ in range(5))
    assert bench.is_in(State.CLOSED)


def test_a_cancelled_probe_returns_its_permit(bench):
    """The next call probes in its place; without that, cancelling clients could keep a rung shut."""
    bench.half_open()
    for _ in range(30):
        permit = bench.breaker.admit()
        assert permit is not None
        permit.release()
    assert bench.is_in(State.HALF_OPEN)


def test_a_late_result_of_an_older_state_is_ignored(bench):
    early = bench.breaker.admit()
    bench.half_open()
    good = bench.call(Outcome.OK)
    early.settle(Outcome.TIMEOUT)
    assert good
    assert bench.is_in(State.HALF_OPEN)


def test_a_permit_counts_once(bench):
    permit = bench.breaker.admit()
    permit.settle(Outcome.OK)
    permit.settle(Outcome.OK)
    permit.release()
    assert bench.breaker.tally == (1, 0)


def test_switched_off_it_counts_and_stops_nobody():
    bench = Bench(BreakerSettings(enabled=False))
    assert all(bench.call(Outcome.UNAVAILABLE, after_s=0.01) for _ in range(200))
    assert bench.breaker.tally == (200, 200)
    assert bench.announced == []


@given(before=st.integers(0, 200), after=st.integers(0, 200), outcome=st.sampled_from(FAILURES))
def test_one_failed_or_slow_call_never_opens_it(before, after, outcome):
    bench = Bench()
    for result in [Outcome.OK] * before + [outcome] + [Outcome.OK] * after:
        assert bench.call(result, after_s=0.05)
    assert bench.announced == []


@settings(max_examples=40)
@given(data=st.data(), gap_s=st.sampled_from([0.001, 0.01, 0.1]))
def test_three_failures_in_a_hundred_never_open_it(data, gap_s):
    """Wherever they fall, at 10, 100 and 1,000 calls a second."""
    bench = Bench()
    bench.call(Outcome.OK)
    for _ in range(20):
        bad = data.draw(st.sets(st.integers(0, 99), min_size=3, max_size=3))
        for number in range(100):
            assert bench.call(Outcome.UNAVAILABLE if number in bad else Outcome.OK, after_s=gap_s)
    assert bench.announced == []


@given(share=st.floats(0.01, 1.0), calls=st.integers(1, 300))
def test_probes_are_the_share_of_the_traffic_never_by_chance(share, calls):
    bench = Bench(BreakerSettings(probe_share=share))
    bench.half_open()
    probes = sum(bench.breaker.admit() is not None for _ in range(calls))
    assert probes == pytest.approx(1 + share * (calls - 1), abs=1)


@dataclass(frozen=True)
class Counted:
    at: float
    failed: bool


@dataclass
class Held:
    """A permit out with a call, and the state of the recount in which it was given."""

    permit: Permit
    epoch: int
    number: int
    good: Counted | None = None


class AgainstARecount(RuleBasedStateMachine):
    """The same rules, written down as plainly as can be: keep everything, count it again each time."""

    RULES = BreakerSettings(
        window_s=20,
        failure_share=0.3,
        minimum_calls=8,
        burst_s=5,
        open_s=4,
        probes_to_close=3,
        probe_share=0.25,
    )

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(self.RULES)
        self.state = State.CLOSED
        self.epoch = 0
        self.since = 0.0
        self.counted: list[Counted] = []
        self.good_probes = 0
        self.last_success = float("-inf")
        self.returned = 0
        self.last_probe = float("-inf")
        self.announced: list[bool] = []
        self.held: list[Held] = []
        self.begun = 0

    @rule(seconds=st.sampled_from([0.5, 1, 2, 4, 10]))
    def time_passes(self, seconds: float):
        self.bench.at += seconds

    @rule(times=st.integers(1, 12))
    def calls_succeed(self, times: int):
        for _ in range(times):
            if self.begin():
                self.finish(-1, Outcome.OK)

    @rule(times=st.integers(1, 4), outcome=st.sampled_from(FAILURES))
    def calls_fail(self, times: int, outcome: Outcome):
        for _ in range(times):
            if self.begin():
                self.finish(-1, outcome)

    @rule()
    def a_call_begins(self):
        self.begin()

    @precondition(lambda self: self.held)
    @rule(which=st.integers(0, 100), outcome=st.sampled_from(list(Outcome)))
    def a_call_ends(self, which: int, outcome: Outcome):
        self.finish(which % len(self.held), outcome)

    @precondition(lambda self: self.held)
    @rule(which=st.integers(0, 100))
    def a_call_speaks(self, which: int):
        held = self.held[which % len(self.held)]
        held.permit.alive()
        self.speak(held)

    @precondition(lambda self: self.held)
    @rule(which=st.integers(0, 100))
    def a_call_is_cancelled(self, which: int):
        held = self.held.pop(which % len(self.held))
        held.permit.release()
        self.give_back(held)

    def begin(self) -> bool:
        self.wake()
        permit = self.bench.breaker.admit()
        if self.state is State.CLOSED:
            assert permit is not None
        elif self.state is State.OPEN:
            assert permit is None
        elif self.returned or self.bench.at >= self.last_probe + self.RULES.open_s:
            assert permit is not None, "a returned permit, or a long silence, lets the next call probe"
        if permit is not None:
            self.begun += 1
            self.held.append(Held(permit, self.epoch, self.begun))
            self.returned = max(0, self.returned - 1)
            self.last_probe = self.bench.at
        return permit is not None

    def finish(self, which: int, outcome: Outcome) -> None:
        held = self.held.pop(which)
        held.permit.settle(outcome)
        if outcome in SILENT:
            self.give_back(held)
        elif outcome is Outcome.OK:
            self.speak(held)
        elif held.epoch == self.epoch:
            self.fail(held)

    def give_back(self, held: Held) -> None:
        if held.epoch == self.epoch and self.state is State.HALF_OPEN and held.good is None:
            self.returned += 1

    def speak(self, held: Held) -> None:
        if held.epoch != self.epoch or held.good is not None:
            return
        held.good = Counted(self.bench.at, failed=False)
        self.counted.append(held.good)
        self.last_success = self.bench.at
        if self.state is State.HALF_OPEN:
            self.good_probes += 1
            if self.good_probes == self.RULES.probes_to_close:
                self.become(State.CLOSED)

    def fail(self, held: Held) -> None:
        now = self.bench.at
        if held.good is not None:
            self.counted = [call for call in self.counted if call is not held.good]
            self.good_probes -= self.state is State.HALF_OPEN
        self.counted.append(Counted(now, failed=True))
        waiting = sum(
            other.epoch == self.epoch and other.good is None and other.number < held.number
            for other in self.held
        )
        window = [call.failed for call in self.counted if call.at > now - self.RULES.window_s]
        burst = [call for call in self.counted if call.failed and call.at > now - self.RULES.burst_s]
        calls = len(window) + waiting
        enough = calls >= self.RULES.minimum_calls or self.state is State.HALF_OPEN
        too_many = enough and sum(window) > self.RULES.failure_share * calls
        dead = len(burst) >= max(self.RULES.burst_failures, waiting + 1) and (
            self.last_success <= now - self.RULES.burst_s
        )
        if too_many or dead:
            self.become(State.OPEN)

    def wake(self) -> None:
        if self.state is State.OPEN and self.bench.at >= self.since + self.RULES.open_s:
            self.become(State.HALF_OPEN)
            self.last_probe = float("-inf")

    def become(self, state: State) -> None:
        self.state, self.since = state, self.bench.at
        self.epoch += 1
        self.counted.clear()
        self.good_probes = self.returned = 0
        if state is not State.HALF_OPEN:
            self.announced.append(state is State.OPEN)

    @invariant()
    def agrees(self):
        self.wake()
        assert self.bench.is_in(self.state)
        assert self.bench.announced == self.announced
        window = [call.failed for call in self.counted if call.at > self.bench.at - self.RULES.window_s]
        assert self.bench.breaker.tally == (len(window), sum(window))


AgainstARecount.TestCase.settings = settings(max_examples=100, stateful_step_count=60, deadline=None)
TestAgainstARecount = AgainstARecount.TestCase
