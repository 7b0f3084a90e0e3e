"""What a call to a model can come to (design: failover): classified once, the class decides the rest."""

from enum import StrEnum


class Outcome(StrEnum):
    """The class of one finished attempt on one rung."""

    OK = "ok"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"
    SLOW = "slow"
    BAD_REQUEST = "bad_request"
    DENIED = "denied"
    BLOCKED = "blocked"
    CUT = "cut"

    @property
    def counts_as_failure(self) -> bool:
        """Whether a breaker may hold it against the rung: our own mistakes and verdicts it may not."""
        return self in _RUNG_FAILURES

    @property
    def steps_down(self) -> bool:
        """Whether the next rung could do better. A bad or blocked request is the same everywhere."""
        return self in _RUNG_FAILURES or self is Outcome.DENIED


_RUNG_FAILURES = frozenset(
    {Outcome.THROTTLED, Outcome.UNAVAILABLE, Outcome.TIMEOUT, Outcome.SLOW, Outcome.CUT}
)
