"""A breaker with its clock, and the same rules written down as plainly as can be: keep all, count again."""

from dataclasses import dataclass, field
from fractions import Fraction
from math import comb, floor

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from contract.outcomes import Outcome
from contract.runtime_settings import BreakerSettings
from runtime.failover.breaker import Breaker, Change, Permit, State

FAILURES = [outcome for outcome in Outcome if outcome.counts_as_failure]
SILENT = [o for o in Outcome if not o.counts_as_failure and o is not Outcome.OK]


@dataclass
class Bench:
    """A breaker, its clock, and what it announced."""

    settings: BreakerSettings = field(default_factory=BreakerSettings)
    at: float = 0.0
    changes: list[Change] = field(default_factory=list)
    overflows: bool = False

    def __post_init__(self) -> None:
        self.breaker = Breaker(self.settings, lambda: self.at, self.changes.append, overflows=self.overflows)

    @property
    def announced(self) -> list[bool]:
        """True where it opened, False where it closed."""
        return [change.after is State.OPEN for change in self.changes if change.after is not State.HALF_OPEN]

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


@dataclass(frozen=True)
class Counted:
    at: float
    failed: bool
    full: bool = False  # units that overflowed: no part of any share


@dataclass
class Held:
    """A permit out with a call, and the state of the recount in which it was given."""

    permit: Permit
    epoch: int
    number: int
    began: float
    good: Counted | None = None
    slow: bool = False


class AgainstARecount(RuleBasedStateMachine):
    """Random calls, good, bad, slow, cancelled and late; after every step both must say the same."""

    OVERFLOWS = False
    RULES = BreakerSettings(
        window_s=20,
        failure_share=0.3,
        minimum_calls=8,
        chance_share=0.01,
        slow_s=6,
        burst_s=5,
        open_s=4,
        probes_to_close=2,
        probe_share=0.25,
        ramp=(0.5, 1.0),
    )

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(self.RULES, overflows=self.OVERFLOWS)
        self.state = State.CLOSED
        self.step = 0
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
        self.wake()

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
            self.held.append(Held(permit, self.epoch, self.begun, self.bench.at))
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
        elif held.epoch == self.epoch and not held.slow:
            if held.good is not None:
                self.counted = [call for call in self.counted if call is not held.good]
                self.good_probes -= self.state is State.HALF_OPEN
            self.fail(held, full=self.OVERFLOWS and outcome is Outcome.THROTTLED)

    def give_back(self, held: Held) -> None:
        idle = held.good is None and not held.slow
        if held.epoch == self.epoch and self.state is State.HALF_OPEN and idle:
            self.returned += 1

    def speak(self, held: Held) -> None:
        if held.epoch != self.epoch or held.good is not None or held.slow:
            return
        held.good = Counted(self.bench.at, failed=False)
        self.counted.append(held.good)
        self.last_success = self.bench.at
        if self.state is State.HALF_OPEN:
            self.good_probes += 1
            if self.good_probes == self.RULES.probes_to_close:
                self.ramp_up()

    def ramp_up(self) -> None:
        if self.step == len(self.RULES.ramp):
            self.become(State.CLOSED)
        else:
            self.step += 1
            self.forget()

    def fail(self, held: Held, *, full: bool = False) -> None:
        now = self.bench.at
        self.counted.append(Counted(now, failed=True, full=full))
        waiting = sum(
            other.epoch == self.epoch and other.good is None and not other.slow and other.number < held.number
            for other in self.held
        )
        window = self.in_view([call for call in self.counted if not call.full], self.RULES.window_s)
        failures = sum(call.failed for call in window)
        burst = self.in_view([call for call in self.counted if call.failed], self.RULES.burst_s)
        calls = len(window) + waiting
        too_many = failures > self.RULES.failure_share * calls and (
            self.state is State.HALF_OPEN
            or (calls >= self.RULES.minimum_calls and self.no_chance(failures, calls))
        )
        dead = len(burst) >= max(self.RULES.burst_failures, waiting + 1) and (
            self.last_success <= now - self.RULES.burst_s
        )
        if too_many or dead:
            self.become(State.OPEN)

    def in_view(self, counted: list[Counted], length_s: float) -> list[Counted]:
        """What lies in the bucket of now or one of the 59 before it."""
        width = length_s / 60
        oldest = floor(self.bench.at / width) - 59
        return [call for call in counted if floor(call.at / width) >= oldest]

    def no_chance(self, failures: int, calls: int) -> bool:
        p = Fraction(str(self.RULES.chance_share))
        chance = sum(comb(calls, n) * p**n * (1 - p) ** (calls - n) for n in range(failures, calls + 1))
        return calls >= 100 or chance < Fraction(1, 10**8)

    def wake(self) -> None:
        """What time alone brings about: calls become slow, the oldest first, and a pause ends."""
        due = [
            held
            for held in sorted(self.held, key=lambda held: held.number)
            if held.good is None and not held.slow and self.bench.at >= held.began + self.RULES.slow_s
        ]
        for held in due:
            if held.epoch == self.epoch:
                held.slow = True
                self.fail(held)
        if self.state is State.OPEN and self.bench.at >= self.since + self.RULES.open_s:
            self.become(State.HALF_OPEN)

    def become(self, state: State) -> None:
        self.state, self.since = state, self.bench.at
        self.step = 0
        self.forget()
        if state is not State.HALF_OPEN:
            self.announced.append(state is State.OPEN)

    def forget(self) -> None:
        self.epoch += 1
        self.counted.clear()
        self.good_probes = self.returned = 0
        self.last_probe = float("-inf")

    @invariant()
    def agrees(self):
        self.wake()
        assert self.bench.is_in(self.state)
        assert self.bench.announced == self.announced
        window = self.in_view([call for call in self.counted if not call.full], self.RULES.window_s)
        assert self.bench.breaker.tally == (len(window), sum(call.failed for call in window))


class UnitsAgainstARecount(AgainstARecount):
    """The same for units of our own, which may be full."""

    OVERFLOWS = True
