"""A sliding count of calls and failures: exact, so that a recount by hand gives the same."""

from collections import deque
from typing import NamedTuple


class Tally(NamedTuple):
    """Calls in view, and how many of them failed."""

    calls: int = 0
    failures: int = 0

    @property
    def share(self) -> float:
        return self.failures / self.calls if self.calls else 0.0


class Window:
    """What happened during the last `length_s` seconds."""

    def __init__(self, length_s: float) -> None:
        self._length_s = length_s
        self._events: deque[tuple[float, bool]] = deque()
        self._failures = 0

    def add(self, now: float, *, failed: bool) -> None:
        self._events.append((now, failed))
        self._failures += failed
        self._forget(now)  # a window nobody reads must not grow

    def tally(self, now: float) -> Tally:
        self._forget(now)
        return Tally(len(self._events), self._failures)

    def clear(self) -> None:
        self._events.clear()
        self._failures = 0

    def _forget(self, now: float) -> None:
        while self._events and self._events[0][0] <= now - self._length_s:
            self._failures -= self._events.popleft()[1]
