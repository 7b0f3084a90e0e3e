"""Side-by-side tracks for lines that turn in the same channel: few crossings, no overlaps."""

from collections.abc import Sequence
from dataclasses import dataclass, field

APART = 6.0  # as near as two lines may come


@dataclass
class Trunk:
    """A net's stretch along one channel: what comes in on the side of smaller u, what leaves on the other."""

    net: str
    before: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)

    @property
    def span(self) -> tuple[float, float]:
        places = self.before + self.after
        return min(places), max(places)


def tracks_of(trunks: Sequence[Trunk]) -> dict[str, int]:
    """A track for each trunk: the order with the fewest crossings, trunks that never meet on one track."""
    order = sorted(trunks, key=lambda trunk: (trunk.span, trunk.net))
    swapped, rounds = True, len(order)
    while swapped and rounds:
        swapped, rounds = False, rounds - 1
        for at in range(len(order) - 1):
            left, right = order[at], order[at + 1]
            if _crossings(right, left) < _crossings(left, right):
                order[at], order[at + 1] = right, left
                swapped = True
    tracks: dict[str, int] = {}
    for number, trunk in enumerate(order):
        met = [
            tracks[other.net]
            for other in order[:number]
            if other.span[0] - APART <= trunk.span[1] and trunk.span[0] - APART <= other.span[1]
        ]
        tracks[trunk.net] = 1 + max(met, default=-1)
    return tracks


def _crossings(left: Trunk, right: Trunk) -> int:
    """How often two trunks meet when the first stands left of the second."""
    low, high = left.span
    across = sum(low <= place <= high for place in right.before)
    low, high = right.span
    return across + sum(low <= place <= high for place in left.after)
