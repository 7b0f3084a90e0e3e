"""A sliding count of calls and failures: exact, so that a recount by hand gives the same."""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple


class Tally(NamedTuple):
    """Calls in view, and how many of them failed."""

    calls: int = 0
    failures: int = 0

    @property
    def share(self) -> float:
        return self.failures / self.calls if self.calls else 0.0


@dataclass(slots=True)
class Mark:
    """One call in a window, for as long as it counts there."""

    at: float
    failed: bool
    counts: bool = True


class Window:
    """What happened during the last `length_s` seconds."""

    def __init__(self, length_s: float) -> None:
        self._length_s = length_s
        self._marks: deque[Mark] = deque()
        self._calls = 0
        self._failures = 0

    def add(self, now: float, *, failed: bool) -> Mark:
        mark = Mark(now, failed)
        self._marks.append(mark)
        self._calls += 1
        self._failures += failed
        self._forget(now)  # a window nobody reads must not grow
        return mark

    def take_back(self, mark: Mark) -> None:
        """It does not count any more: too old, or not what it seemed."""
        if mark.counts:
            mark.counts = False
            self._calls -= 1
            self._failures -= mark.failed

    def tally(self, now: float) -> Tally:
        self._forget(now)
        return Tally(self._calls, self._failures)

    def clear(self) -> None:
        while self._marks:
            self.take_back(self._marks.popleft())

    def _forget(self, now: float) -> None:
        while self._marks and self._marks[0].at <= now - self._length_s:
            self.take_back(self._marks.popleft())
