"""Times in buckets that grow by one in a hundred: small, quick to fill, and merged without any loss.

A percentile of merged histograms is that of all values together; an average of percentiles would be of
nothing.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Self

# Neighbouring buckets differ by 1 %, so a value that is read back is at most half a percent off.
GROWTH = 1.01
_SCALE = 1.0 / math.log(GROWTH)
_LEAST = 1e-3  # of the unit (milliseconds: a microsecond); what is smaller counts as this
_LOWEST = math.floor(math.log(_LEAST) * _SCALE)


class Histogram:
    """Counts by bucket."""

    __slots__ = ("counts",)

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        self.counts: dict[int, int] = dict(counts or {})

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """Of any values."""
        made = cls()
        for value in values:
            made.add(value)
        return made

    def add(self, value: float) -> None:
        """One more."""
        bucket = math.floor(math.log(value) * _SCALE) if value > _LEAST else _LOWEST
        self.counts[bucket] = self.counts.get(bucket, 0) + 1

    def merge(self, other: "Histogram", times: int = 1) -> None:
        """All of another's, too, each so many times."""
        for bucket, count in other.counts.items():
            self.counts[bucket] = self.counts.get(bucket, 0) + count * times

    @property
    def count(self) -> int:
        """How many values."""
        return sum(self.counts.values())

    def at(self, share: float) -> float | None:
        """The value that this share of all is not above (nearest rank); None of none."""
        rank = max(1, math.ceil(share * self.count))
        for bucket, seen in self._running():
            if seen >= rank:
                return _middle(bucket)
        return None

    @property
    def highest(self) -> float | None:
        """The largest value."""
        return _middle(max(self.counts)) if self.counts else None

    @property
    def mean(self) -> float | None:
        """Of all values."""
        count = self.count
        return sum(_middle(b) * n for b, n in self.counts.items()) / count if count else None

    def _running(self) -> Iterator[tuple[int, int]]:
        seen = 0
        for bucket in sorted(self.counts):
            seen += self.counts[bucket]
            yield bucket, seen


def _middle(bucket: int) -> float:
    """Half-way (in the logarithm) between a bucket's two ends."""
    return math.exp((bucket + 0.5) / _SCALE)
