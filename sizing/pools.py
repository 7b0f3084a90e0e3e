"""Capacity of models by the minute, for a fleet: what a sampled call reserves counts for all."""

from collections.abc import Callable

MINUTE_S = 60.0


class Bucket:
    """Holds a period's worth at most and refills evenly. `now`: seconds of the story."""

    def __init__(self, size: float, now: Callable[[], float], period_s: float = MINUTE_S) -> None:
        self._size = self._level = size
        self._rate = size / period_s
        self._now = now
        self._filled_at = now()

    def take(self, amount: float) -> bool:
        """Takes it, or nothing; one too small for a sample lets it through while full."""
        now = self._now()
        self._level = min(self._size, self._level + self._rate * (now - self._filled_at))
        self._filled_at = now
        if self._level < min(amount, self._size):
            return False
        self._level -= amount
        return True

    def give(self, amount: float) -> None:
        """What was reserved and not used comes back; a negative amount is what was used beyond."""
        self._level = min(self._size, self._level + amount)


class Pool:
    """One model's on-demand quota in a region, or its units. No `requests`: units know tokens only."""

    def __init__(
        self, tokens: float, requests: float | None, burndown: float, now: Callable[[], float]
    ) -> None:
        self._tokens = Bucket(tokens, now)
        self._requests = None if requests is None else Bucket(requests, now)
        self._burndown = burndown

    def reserve(self, weight: float, asked: float, max_tokens: float) -> bool:
        """Whether there is room: a call reserves its input and the longest answer it may give."""
        if self._requests is not None and not self._requests.take(weight):
            return False
        return self._tokens.take(weight * (asked + max_tokens))

    def settle(self, weight: float, max_tokens: float, answered: float) -> None:
        """The answer was shorter than reserved, and each token of it burns down several."""
        self._tokens.give(weight * (max_tokens - self._burndown * answered))
