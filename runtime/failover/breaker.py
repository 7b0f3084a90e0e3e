"""When a rung is given up for a while, and how it comes back (RUN-6). One breaker a rung; nothing is awaited.

Closed, every call passes and is counted. Open, none does. Half open, a share of the traffic probes the
rung: enough good probes lead to a larger share, those of the largest close it, too large a share of bad ones
opens it again. With every change, and every larger share, a generation ends: results of calls that began in
an older one are ignored.

A refusal comes at once, an answer takes its time. So a call counts as good with its first text, as failed
once it has said nothing for too long, and a failure is weighed against the earlier calls that still wait for
theirs: else a rung that starts looks dead.

Units of our own are full when they are used well. Their throttles are no share of failures: what overflows
goes to the next rung, and only units that serve nobody at all are given up.
"""

from collections.abc import Callable
from enum import StrEnum
from itertools import takewhile
from typing import Literal, NamedTuple

from contract.outcomes import Outcome
from contract.runtime_settings import BreakerSettings
from runtime.failover.chance import least_failures
from runtime.failover.window import Tally, Window

ALMOST_ONE = 1 - 1e-9  # ten times a tenth is a little less than one
CERTAIN = 100  # calls from which on the share alone is proof, whatever the settings say about chance
NEVER = float("-inf")
Mode = Literal["normal", "metrics-only", "disabled", "forced-open"]


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Change(NamedTuple):
    """What `changed` is told: the state before, the one after, and why."""

    before: State
    after: State
    why: str


class Permit:
    """The right to make one call. Give it back once: settled with the outcome, or released unused."""

    __slots__ = ("_breaker", "_generation", "_good", "_held", "_number")

    def __init__(self, breaker: "Breaker", generation: int, number: int) -> None:
        self._breaker = breaker
        self._generation = generation
        self._number = number
        self._held = True
        self._good: int | None = None  # the bucket in which it counts as good

    def alive(self) -> None:
        """The first text is here: the rung answers. A later failure takes that back."""
        if self._good is None and self._held and self._generation == self._breaker.generation:
            self._good = self._breaker.succeed(self._number)

    def settle(self, outcome: Outcome) -> None:
        """The call came to this."""
        if outcome is Outcome.OK:
            self.alive()
            self._held = False
        elif not outcome.counts_as_failure:
            self.release()  # our own mistake, or a verdict: it tells nothing about the rung
        elif self._give_back():
            self._breaker.fail(self._number, self._good, outcome)

    def release(self) -> None:
        """Nothing more was learned: the call was cancelled."""
        if self._give_back() and self._good is None:
            self._breaker.take(self._number)

    def _give_back(self) -> bool:
        """Whether this still matters: the first time, and in the generation the call began in."""
        held, self._held = self._held, False
        return held and self._generation == self._breaker.generation


class Breaker:
    """`now` is the loop's time; `changed` hears of every change of state. `overflows`: these are units."""

    def __init__(
        self,
        settings: BreakerSettings,
        now: Callable[[], float],
        changed: Callable[[Change], None],
        *,
        overflows: bool = False,
    ) -> None:
        self._settings = settings
        self._shares = settings.shares
        self._now = now
        self._changed = changed
        self._overflows = overflows
        self._mode: Mode = settings.mode if settings.enabled else "metrics-only"
        self._state = State.CLOSED
        self._step = 0  # of the shares, while half open
        self._last_success = NEVER
        self._numbers = 0
        self.generation = 0
        self._begin()

    def _begin(self) -> None:
        """A generation: counts start at nothing, and what runs now is not heard of again."""
        self.generation += 1
        self._since = self._now()
        self._window = Window(self._settings.window_s)
        self._burst = Window(self._settings.burst_s)
        self._waiting: dict[int, float] = {}  # calls without a word yet and when they began, the oldest first
        self._sweep_at = NEVER
        self._good_probes = 0
        self._credit = 0.0
        self._last_probe = NEVER  # the first call of a share is a probe

    # -- what the ladder asks ----------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """As the next caller would find it."""
        now = self._now()
        if self._waiting and now >= self._sweep_at:
            self._sweep(now)
        if self._mode == "forced-open":
            return State.OPEN
        if self._state is State.OPEN and now >= self._since + self._settings.open_s:
            self._become(State.HALF_OPEN, "its pause is over")
        return self._state

    @property
    def tally(self) -> Tally:
        """Calls and failures that the share rule sees now."""
        now = self._now()
        self._sweep(now)
        return self._window.tally(now)

    @property
    def waiting(self) -> int:
        """Calls of this generation that have not said a word yet."""
        return len(self._waiting)

    def admit(self) -> Permit | None:
        """A permit, or None: step down."""
        now = self._now()
        if self._waiting and now >= self._sweep_at:
            self._sweep(now)
        if (self._state is not State.CLOSED or self._mode != "normal") and not self._open_to(now):
            return None
        self._numbers = number = self._numbers + 1
        if self._mode == "disabled":
            return Permit(self, -1, number)
        if not self._waiting:
            self._sweep_at = now + self._settings.slow_s
        self._waiting[number] = now
        return Permit(self, self.generation, number)

    def turn(self, mode: Mode) -> None:
        """Another mode, from the next call on; what was learned before it does not count in it."""
        before, self._mode = self.state, mode
        self._state = State.CLOSED
        self._begin()
        if self.state is not before:
            self._changed(Change(before, self.state, f"turned to {mode}"))

    def _open_to(self, now: float) -> bool:
        if self._mode == "forced-open":
            return False
        state = self.state
        return state is State.CLOSED or (state is State.HALF_OPEN and self._probe(now))

    def _probe(self, now: float) -> bool:
        """Evenly spread, not by chance; and one now and then even when there is hardly any traffic."""
        self._credit += self._shares[self._step]
        if self._credit < ALMOST_ONE and now < self._last_probe + self._settings.open_s:
            return False
        self._credit = max(0.0, self._credit - 1.0)
        self._last_probe = now
        return True

    # -- what permits tell -------------------------------------------------------------------------------

    def succeed(self, number: int) -> int | None:
        """The bucket of a good call; None when it was too slow to be one."""
        now = self._now()
        if now >= self._sweep_at:
            self._sweep(now)
        if self._waiting.pop(number, None) is None:
            return None
        self._last_success = now
        good = self._window.add(now, failed=False)
        if self._state is State.HALF_OPEN:
            self._good_probes += 1
            if self._good_probes >= self._settings.probes_to_close:
                self._ramp_up()
        return good

    def fail(self, number: int, good: int | None, outcome: Outcome) -> None:
        now, generation = self._now(), self.generation
        self._sweep(now)
        if generation != self.generation:
            return  # others were too slow, and that was enough
        if good is not None:
            self._window.take_back(good)
            self._good_probes -= self._state is State.HALF_OPEN
        elif self._waiting.pop(number, None) is None:
            return  # it counted already, when it was too slow
        self._count_failure(now, number, full=self._overflows and outcome is Outcome.THROTTLED)

    def take(self, number: int) -> None:
        """A permit comes back unused: the next call may have it."""
        if self._waiting.pop(number, None) is not None and self._state is State.HALF_OPEN:
            self._credit += 1.0

    # -- the rules ---------------------------------------------------------------------------------------

    def _sweep(self, now: float) -> None:
        """Calls that have said nothing for too long are failures, though nobody has given them up yet."""
        generation = self.generation
        while self._waiting and self.generation == generation:
            number, began = next(iter(self._waiting.items()))
            self._sweep_at = began + self._settings.slow_s
            if now < self._sweep_at:
                return
            del self._waiting[number]
            self._count_failure(now, number)

    def _count_failure(self, now: float, number: int, *, full: bool = False) -> None:
        if not full:
            self._window.add(now, failed=True)
        self._burst.add(now, failed=True)
        if self._mode == "normal" and (why := self._too_many(now, number) or self._dead(now, number)):
            self._become(State.OPEN, why)

    def _earlier(self, number: int) -> int:
        """Calls before this one that may yet be good. Later ones say nothing: a rung that hangs would hide
        behind them."""
        return sum(1 for _ in takewhile(lambda other: other < number, self._waiting))

    def _too_many(self, now: float, number: int) -> str:
        """Too large a share failed, even if all that wait come to good. A few probes are enough to tell."""
        calls, failures = self._window.tally(now)
        if failures <= self._settings.failure_share * calls:
            return ""
        calls += self._earlier(number)
        if failures <= self._settings.failure_share * calls:
            return ""
        if self._state is State.CLOSED and failures < self._enough(calls):
            return ""
        return f"{failures} of {calls} calls failed"

    def _enough(self, calls: int) -> float:
        """Failures that may count at all among so many calls."""
        if calls < self._settings.minimum_calls:
            return float("inf")
        return least_failures(calls, self._settings.chance_share) if calls < CERTAIN else 0

    def _dead(self, now: float, number: int) -> str:
        """Several failures and not one success within the burst time, and not many that may yet succeed."""
        failures = self._burst.tally(now).failures
        silent = self._last_success <= now - self._settings.burst_s
        if not silent or failures < self._settings.burst_failures or failures <= self._earlier(number):
            return ""
        return f"{failures} failures and no success in {self._settings.burst_s:g} s"

    def _ramp_up(self) -> None:
        if self._step + 1 < len(self._shares):
            self._step += 1
            self._begin()
        else:
            self._become(State.CLOSED, "its probes were good")

    def _become(self, state: State, why: str) -> None:
        before, self._state = self._state, state
        self._step = 0
        self._begin()
        self._changed(Change(before, state, why))
