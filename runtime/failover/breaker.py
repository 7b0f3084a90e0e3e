"""When a rung is given up for a while, and how it comes back (RUN-6). One breaker a rung; nothing is awaited.

Closed, every call passes and is counted. Open, none does. Half open, a share of the traffic probes the rung,
more with each good probe; enough good ones close it, too large a share of bad ones opens it again.

A refusal comes at once, an answer takes its time. So a call counts as good with its first text, and a failure
is weighed against the earlier calls that still wait for theirs: else a rung that starts looks dead.
"""

from collections.abc import Callable
from enum import StrEnum
from itertools import takewhile

from contract.outcomes import Outcome
from contract.runtime_settings import BreakerSettings
from runtime.failover.window import Mark, Tally, Window

ALMOST_ONE = 1 - 1e-9  # ten times a tenth is a little less than one


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Permit:
    """The right to make one call. Give it back once: settled with the outcome, or released unused."""

    def __init__(self, breaker: "Breaker", generation: int, number: int) -> None:
        self._breaker = breaker
        self._generation = generation
        self._number = number
        self._held = True
        self._good: Mark | None = None

    def alive(self) -> None:
        """The first text is here: the rung answers. A later failure takes that back."""
        if self._held and self._matters() and self._good is None:
            self._good = self._breaker._succeed(self._number)

    def settle(self, outcome: Outcome) -> None:
        """The call came to this."""
        if outcome is Outcome.OK:
            self.alive()
            self._held = False
        elif not outcome.counts_as_failure:
            self.release()  # our own mistake, or a verdict: it tells nothing about the rung
        elif self._give_back():
            self._breaker._fail(self._number, self._good)

    def release(self) -> None:
        """Nothing more was learned: the call was cancelled."""
        if self._give_back() and self._good is None:
            self._breaker._return(self._number)

    def _give_back(self) -> bool:
        """Whether this still matters: the first time, and in the state the call began in."""
        held, self._held = self._held, False
        return held and self._matters()

    def _matters(self) -> bool:
        return self._generation == self._breaker._generation


class Breaker:
    """`changed` is told True when it opens (again), False when it closes."""

    def __init__(
        self, settings: BreakerSettings, now: Callable[[], float], changed: Callable[[bool], None]
    ) -> None:
        self._settings = settings
        self._now = now
        self._changed = changed
        self._window = Window(settings.window_s)
        self._state = State.CLOSED
        self._generation = 0  # moves with every change of state: results of an older state are ignored
        self._since = now()
        self._burst = Window(settings.burst_s)
        self._last_success = float("-inf")
        self._numbers = 0
        self._waiting: dict[int, None] = {}  # calls without a word yet, the oldest first
        self._credit = 0.0
        self._good_probes = 0
        self._last_probe = float("-inf")

    @property
    def state(self) -> State:
        """As the next caller would find it."""
        if self._state is State.OPEN and self._now() >= self._since + self._settings.open_s:
            self._become(State.HALF_OPEN)
        return self._state

    @property
    def tally(self) -> Tally:
        """Calls and failures that the share rule sees now."""
        return self._window.tally(self._now())

    def admit(self) -> Permit | None:
        """A permit, or None: step down."""
        state = self.state
        if state is State.OPEN or (state is State.HALF_OPEN and not self._probe()):
            return None
        self._numbers += 1
        self._waiting[self._numbers] = None
        return Permit(self, self._generation, self._numbers)

    def _probe(self) -> bool:
        """Evenly spread, not by chance; and one now and then even when there is hardly any traffic."""
        now = self._now()
        self._credit += min(1.0, self._settings.probe_share * (1 + self._good_probes))
        if self._credit < ALMOST_ONE and now < self._last_probe + self._settings.open_s:
            return False
        self._credit = max(0.0, self._credit - 1.0)
        self._last_probe = now
        return True

    def _return(self, number: int) -> None:
        """A permit comes back unused: the next call may have it."""
        del self._waiting[number]
        if self._state is State.HALF_OPEN:
            self._credit += 1.0

    def _succeed(self, number: int) -> Mark:
        now = self._now()
        del self._waiting[number]
        self._last_success = now
        good = self._window.add(now, failed=False)
        if self._state is State.HALF_OPEN:
            self._good_probes += 1
            if self._good_probes >= self._settings.probes_to_close:
                self._become(State.CLOSED)
        return good

    def _fail(self, number: int, good: Mark | None) -> None:
        now = self._now()
        self._waiting.pop(number, None)
        if good is not None:
            self._window.take_back(good)
            self._good_probes -= self._state is State.HALF_OPEN
        self._window.add(now, failed=True)
        self._burst.add(now, failed=True)
        # The later calls are left out: they say nothing yet, and a rung that hangs would hide behind them.
        waiting = sum(1 for _ in takewhile(lambda other: other < number, self._waiting))
        if self._settings.enabled and (self._too_many(now, waiting) or self._dead(now, waiting)):
            self._become(State.OPEN)

    def _too_many(self, now: float, waiting: int) -> bool:
        """Too large a share failed, even if all that wait come to good. A few probes are enough to tell."""
        calls, failures = self._window.tally(now)
        calls += waiting
        enough = self._state is State.HALF_OPEN or calls >= self._settings.minimum_calls
        return enough and failures / calls > self._settings.failure_share

    def _dead(self, now: float, waiting: int) -> bool:
        """Several failures and not one success within the burst time, and not many that may yet succeed."""
        failures = self._burst.tally(now).failures
        return (
            failures >= self._settings.burst_failures
            and failures > waiting
            and self._last_success <= now - self._settings.burst_s
        )

    def _become(self, state: State) -> None:
        self._state = state
        self._generation += 1
        self._since = self._now()
        self._window.clear()
        self._burst.clear()
        self._waiting.clear()
        self._good_probes = 0
        self._credit = 0.0
        self._last_probe = float("-inf")  # the first call of a half-open rung is a probe
        if state is not State.HALF_OPEN:
            self._changed(state is State.OPEN)
