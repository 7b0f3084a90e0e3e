"""What stands before a rung: its limit and its breaker. Both are told what every call came to."""

from collections.abc import Callable

from contract.outcomes import Outcome
from contract.runtime_settings import BreakerSettings, LimitSettings, Rung
from runtime.failover.breaker import Breaker, Change, Permit, State
from runtime.failover.limit import Limit

HURT = frozenset({Outcome.THROTTLED, Outcome.TIMEOUT, Outcome.SLOW})


class Guard:
    """`changed` hears of the breaker's changes."""

    def __init__(
        self,
        rung: Rung,
        breaker: BreakerSettings,
        limit: LimitSettings,
        now: Callable[[], float],
        changed: Callable[[Change], None],
    ) -> None:
        self.limit = Limit(limit, rung.concurrency)
        self.now = now
        self._changed = changed
        self.breaker = Breaker(breaker, now, self._hear, overflows=rung.provisioned)

    def admit(self, *, last: bool = False) -> "Pass | None":
        """The right to make one call, or None: step down. `last`: no other model is below."""
        if not self.limit.enter(last=last):
            return None
        permit = self.breaker.admit()
        if permit is None:
            self.limit.leave()
            return None
        return Pass(self, permit)

    def _hear(self, change: Change) -> None:
        if change.after is State.OPEN:
            self.limit.reset()
        self._changed(change)


class Pass:
    """One call's right to run. Give it back once: `settle` or `release`."""

    __slots__ = ("_began", "_guard", "_permit", "_spoke")

    def __init__(self, guard: Guard, permit: Permit) -> None:
        self._guard = guard
        self._permit = permit
        self._began = guard.now()
        self._spoke = False

    def alive(self) -> None:
        """The first word is here, to the person or to a tool; what is said later teaches nothing."""
        if self._spoke:
            return
        self._spoke = True
        now = self._guard.now()
        self._permit.alive()
        self._guard.limit.learn(now, now - self._began)

    def settle(self, outcome: Outcome) -> None:
        """The call came to this."""
        self._guard.limit.leave()
        if outcome in HURT and not self._spoke:
            self._guard.limit.learn(self._guard.now(), None)
        self._permit.settle(outcome)

    def release(self) -> None:
        """It was given up: nothing was learned."""
        self._guard.limit.leave()
        self._permit.release()
