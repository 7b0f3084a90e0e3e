"""When a rung is given up for a while, and how it comes back (RUN-6). One breaker a rung; nothing is awaited.

Closed, every call passes and is counted. Open, none does. Half open, a share of the traffic probes the rung,
more with each good probe; enough good ones close it, one bad one opens it again.
"""

from collections import deque
from collections.abc import Callable
from enum import StrEnum

from contract.outcomes import Outcome
from contract.runtime_settings import BreakerSettings
from runtime.failover.window import Tally, Window

ALMOST_ONE = 1 - 1e-9  # ten times a tenth is a little less than one


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Permit:
    """The right to make one call. Give it back once: settled with the outcome, or released unused."""

    def __init__(self, breaker: "Breaker", generation: int) -> None:
        self._breaker = breaker
        self._generation = generation
        self._held = True

    def settle(self, outcome: Outcome) -> None:
        """The call came to this."""
        if outcome is not Outcome.OK and not outcome.counts_as_failure:
            self.release()  # our own mistake, or a verdict: it tells nothing about the rung
        elif self._give_back():
            self._breaker._record(failed=outcome.counts_as_failure)

    def release(self) -> None:
        """Nothing was learned: the call was cancelled."""
        if self._give_back():
            self._breaker._return()

    def _give_back(self) -> bool:
        """Whether this still matters: the first time, and in the state the call began in."""
        held, self._held = self._held, False
        return held and self._generation == self._breaker._generation


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
        self._last_success = float("-inf")
        self._burst: deque[float] = deque(maxlen=settings.burst_failures)
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
        return Permit(self, self._generation)

    def _probe(self) -> bool:
        """Evenly spread, not by chance; and one now and then even when there is hardly any traffic."""
        now = self._now()
        self._credit += min(1.0, self._settings.probe_share * (1 + self._good_probes))
        if self._credit < ALMOST_ONE and now < self._last_probe + self._settings.open_s:
            return False
        self._credit = max(0.0, self._credit - 1.0)
        self._last_probe = now
        return True

    def _return(self) -> None:
        """A permit comes back unused: the next call may have it."""
        if self._state is State.HALF_OPEN:
            self._credit += 1.0

    def _record(self, *, failed: bool) -> None:
        now = self._now()
        if not failed:
            self._last_success = now
        if self._state is State.HALF_OPEN:
            self._record_probe(failed=failed)
            return
        self._window.add(now, failed=failed)
        if failed:
            self._burst.append(now)
            if self._settings.enabled and (self._too_many(now) or self._dead(now)):
                self._become(State.OPEN)

    def _record_probe(self, *, failed: bool) -> None:
        self._good_probes += 1
        if failed:
            self._become(State.OPEN)
        elif self._good_probes >= self._settings.probes_to_close:
            self._become(State.CLOSED)

    def _too_many(self, now: float) -> bool:
        tally = self._window.tally(now)
        return tally.calls >= self._settings.minimum_calls and tally.share > self._settings.failure_share

    def _dead(self, now: float) -> bool:
        """Several failures and not one success within the burst time."""
        start = now - self._settings.burst_s
        return (
            len(self._burst) == self._settings.burst_failures
            and self._burst[0] > start
            and self._last_success <= start
        )

    def _become(self, state: State) -> None:
        self._state = state
        self._generation += 1
        self._since = self._now()
        self._window.clear()
        self._burst.clear()
        self._good_probes = 0
        self._credit = 0.0
        self._last_probe = float("-inf")  # the first call of a half-open rung is a probe
        if state is not State.HALF_OPEN:
            self._changed(state is State.OPEN)
