"""Two wordings side by side (RUN-4): how many people it takes, when one may stop, and what came of it.

Who sees which is `runtime.experiment`'s business. Looking often is fine: the test holds at every look
(mSPRT), so that stopping at a lucky moment proves nothing.
"""

from collections.abc import Mapping, Sequence
from math import ceil, exp, log, sqrt
from statistics import NormalDist
from typing import Literal, NamedTuple

from contract.errors import WrongUseError
from runtime.experiment import USUAL

_NORMAL = NormalDist()
UNEVEN = 0.001  # how unlikely the split of people may be before the assignment is not believed
Came = Literal["better", "worse", "not decided"]


class ExperimentError(WrongUseError):
    """Figures of which no experiment can be made."""


class Arm(NamedTuple):
    """People's messages that saw a variant, and how many of them came out well."""

    good: float
    all: float

    @property
    def share(self) -> float:
        return self.good / self.all if self.all else 0.0


class Reading(NamedTuple):
    """A variant against the usual wording. `chance`: valid however often one has looked."""

    variant: str
    arm: Arm
    gap: float
    low: float
    high: float
    chance: float
    came: Came


def people(baseline: float, lift: float, *, sure: float = 0.95, power: float = 0.8) -> int:
    """Messages that each variant needs so that a change of `lift` in a share of `baseline` is seen."""
    _between("--baseline", baseline)
    for name, value in (("--sure", sure), ("--power", power)):
        if not 0.5 <= value < 1:
            raise ExperimentError(f"{name} {value:g}: from 0.5 to below 1")
    changed = baseline + lift
    if not lift or not 0 < changed < 1:
        raise ExperimentError(f"--lift {lift:g}: must leave a share between 0 and 1, and not be 0")
    both = (baseline + changed) / 2
    z_sure, z_power = _NORMAL.inv_cdf(0.5 + sure / 2), _NORMAL.inv_cdf(power)
    spread = z_sure * sqrt(2 * both * (1 - both))
    spread += z_power * sqrt(baseline * (1 - baseline) + changed * (1 - changed))
    return ceil((spread / lift) ** 2)


def read(
    arms: Mapping[str, Arm], lift: float, *, more_is_better: bool = True, sure: float = 0.95
) -> Sequence[Reading]:
    """Every variant against the usual wording; `lift`: the change that would matter."""
    if USUAL not in arms:
        raise ExperimentError(f"nobody saw the usual wording: there are {', '.join(arms) or 'no figures'}")
    if lift <= 0:
        raise ExperimentError(f"--lift {lift:g}: must be above 0")
    usual = arms[USUAL]
    return [
        _reading(name, arm, usual, lift, sure, more_is_better=more_is_better)
        for name, arm in arms.items()
        if name != USUAL
    ]


def _reading(name: str, arm: Arm, usual: Arm, lift: float, sure: float, *, more_is_better: bool) -> Reading:
    gap, spread, prior = arm.share - usual.share, _spread(arm, usual), lift * lift
    if not arm.all or not usual.all:
        return Reading(name, arm, gap, -1.0, 1.0, 1.0, "not decided")
    weight = spread + prior
    exponent = prior * gap * gap / (2 * spread * weight)
    odds = sqrt(spread / weight) * exp(min(700.0, exponent))
    half = sqrt(spread * weight / prior * (log(weight / spread) + 2 * log(1 / (1 - sure))))
    chance = min(1.0, 1 / odds)
    came: Came = "not decided"
    if chance <= 1 - sure:
        came = "better" if (gap > 0) == more_is_better else "worse"
    return Reading(name, arm, gap, gap - half, gap + half, chance, came)


def _spread(one: Arm, other: Arm) -> float:
    """Variance of the gap; of few messages as if one of each had come out well and one badly."""
    return sum(
        (arm.good + 1) * (arm.all - arm.good + 1) / ((arm.all + 2) ** 2 * max(1.0, arm.all))
        for arm in (one, other)
    )


def uneven(counts: Mapping[str, float], shares: Mapping[str, float]) -> Sequence[str]:
    """Variants that far more or fewer people saw than were to: then the assignment is broken."""
    total = sum(counts.values())
    wanted = {USUAL: 1 - sum(shares.values()), **shares}
    found = []
    for name, share in wanted.items():
        if not total or not 0 < share < 1:
            continue
        z = (counts.get(name, 0) - total * share) / sqrt(total * share * (1 - share))
        if 2 * _NORMAL.cdf(-abs(z)) < UNEVEN / len(wanted):
            found.append(
                f"{name}: {counts.get(name, 0):,.0f} of {total:,.0f}, and {share:.0%} were to see it"
            )
    return found


def _between(name: str, share: float) -> None:
    if not 0 < share < 1:
        raise ExperimentError(f"{name} {share:g}: a share between 0 and 1")
