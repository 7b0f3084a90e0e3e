"""How sure a figure is: intervals of shares, tests of pairs, agreement of two judges. Pure arithmetic."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from math import comb, sqrt
from random import Random
from statistics import NormalDist, fmean
from typing import NamedTuple

SURE = 0.95
_TIMES = 2_000  # samples of a bootstrap


class Share(NamedTuple):
    """`held` of `all`, and between what the true share is likely to be."""

    held: int
    all: int
    low: float
    high: float

    @property
    def value(self) -> float:
        return self.held / self.all if self.all else 0.0


def share(held: int, all_: int, sure: float = SURE) -> Share:
    """Wilson's interval: sound for few cases and for shares near 0 and 1."""
    if not all_:
        return Share(0, 0, 0.0, 1.0)
    z = NormalDist().inv_cdf(0.5 + sure / 2)
    p, z2 = held / all_, z * z
    middle = (p + z2 / (2 * all_)) / (1 + z2 / all_)
    half = z / (1 + z2 / all_) * sqrt(p * (1 - p) / all_ + z2 / (4 * all_ * all_))
    low = 0.0 if held == 0 else max(0.0, middle - half)
    return Share(held, all_, low, 1.0 if held == all_ else min(1.0, middle + half))


def mcnemar(worse: int, better: int) -> float:
    """How likely so uneven a split of changed pairs is by chance (exact, both sides)."""
    changed = worse + better
    if not changed:
        return 1.0
    tail = sum(comb(changed, k) for k in range(min(worse, better) + 1))
    return min(1.0, 2 * tail / float(2**changed))


def difference(
    pairs: Sequence[tuple[float, float]], seed: int = 0, sure: float = SURE
) -> tuple[float, float, float]:
    """Mean of second minus first, and its interval by drawing the pairs again (bootstrap)."""
    gaps = [after - before for before, after in pairs]
    if not gaps:
        return 0.0, 0.0, 0.0
    return fmean(gaps), *bootstrap(gaps, fmean, seed, sure)


def bootstrap(
    values: Sequence[float], of: Callable[[Sequence[float]], float], seed: int = 0, sure: float = SURE
) -> tuple[float, float]:
    """Interval of any figure of the values. The same seed, the same interval."""
    random = Random(seed)  # noqa: S311 - repeatable, not secret
    drawn = sorted(of(random.choices(values, k=len(values))) for _ in range(_TIMES))
    cut = round((1 - sure) / 2 * _TIMES)
    return drawn[cut], drawn[-cut - 1]


def kappa(pairs: Sequence[tuple[Hashable, Hashable]]) -> float:
    """Cohen's: agreement beyond what chance gives. 1: always, 0: as dice would."""
    if not pairs:
        return 0.0
    one, other = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    agreed = sum(a == b for a, b in pairs) / len(pairs)
    chance = sum(one[label] * other[label] for label in one) / len(pairs) ** 2
    return 1.0 if chance == 1 else (agreed - chance) / (1 - chance)


def percentile(values: Sequence[float], at: float) -> float:
    """Nearest rank; 0 of nothing."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(at * 1_000) * len(ordered) // 1_000) - 1))]
