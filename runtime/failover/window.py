"""A sliding count of calls and failures in a ring of buckets: the same cost at any traffic.

It forgets a bucket at a time: what happened counts for `length_s`, less at most one bucket's width.
"""

from typing import NamedTuple

BUCKETS = 60


class Tally(NamedTuple):
    """Calls in view, and how many of them failed."""

    calls: int = 0
    failures: int = 0

    @property
    def share(self) -> float:
        return self.failures / self.calls if self.calls else 0.0


class Window:
    """What happened during the last `length_s` seconds. Times never go back."""

    __slots__ = ("_bucket", "_calls", "_failures", "_total", "_total_failures", "_width")

    def __init__(self, length_s: float) -> None:
        self._width = length_s / BUCKETS
        self._calls = [0] * BUCKETS
        self._failures = [0] * BUCKETS
        self._total = 0
        self._total_failures = 0
        self._bucket = 0  # number of the newest one since time 0; its place in the ring is the remainder

    def add(self, now: float, *, failed: bool) -> int:
        """Counts one call; gives the number of its bucket, for taking it back."""
        bucket = int(now / self._width)
        if bucket != self._bucket:
            self._turn_to(bucket)
        place = bucket % BUCKETS
        self._calls[place] += 1
        self._total += 1
        if failed:
            self._failures[place] += 1
            self._total_failures += 1
        return bucket

    def take_back(self, bucket: int) -> None:
        """A call that had not failed does not count any more; nothing to do when its bucket is forgotten."""
        if bucket > self._bucket - BUCKETS:
            self._calls[bucket % BUCKETS] -= 1
            self._total -= 1

    def tally(self, now: float) -> Tally:
        self._turn_to(int(now / self._width))
        return Tally(self._total, self._total_failures)

    def _turn_to(self, bucket: int) -> None:
        for number in range(max(self._bucket + 1, bucket - BUCKETS + 1), bucket + 1):
            place = number % BUCKETS
            self._total -= self._calls[place]
            self._total_failures -= self._failures[place]
            self._calls[place] = self._failures[place] = 0
        self._bucket = max(self._bucket, bucket)
