"""How many model units to buy, at which term, and what is saved (MOD-2); and whether bought ones are used.

Units cover a percentile of the minutes and no more: what is above overflows to on demand, which is cheaper
than units that stand idle most of the day.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from contract.forecast import LOW_USE, LOW_WEEKS
from contract.model_access import Term
from contract.prices import HOURS_IN_MONTH
from sizing.demand import Demand
from sizing.quote import HOURS_OF_TERM, TERMS, Quote, usd_a_token
from sizing.traffic import DAY, Floats

WEEK = 7 * DAY
_HAIR = 1e-9  # a need of exactly so many units is no reason for one more


def covering(needs: Floats, carries: float, percentile: float) -> int:
    """The fewest units that are enough in so large a share of the minutes. `needs`: tokens of each minute."""
    if not 0 < percentile <= 1:
        raise ValueError("a percentile is between 0 and 1")
    rank = max(1, math.ceil(percentile * len(needs) - _HAIR))
    need = float(np.partition(needs, rank - 1)[rank - 1])
    return max(0, math.ceil(need / carries - _HAIR))


def served(needs: Floats, carries: float, units: int) -> Floats:
    """Tokens of each minute that units carry; the rest overflows."""
    return np.minimum(needs, units * carries)


@dataclass(frozen=True)
class Option:
    """One way to pay. Dollars are a month's; None: a price is not known."""

    term: Term
    units: int
    units_usd: float | None
    overflow_usd: float | None
    on_demand_usd: float | None
    utilisation: float
    overflow: float  # share of the tokens
    bound_usd: float | None  # what is owed whatever happens: the commitment

    @property
    def usd(self) -> float | None:
        if self.units_usd is None or self.overflow_usd is None:
            return None
        return self.units_usd + self.overflow_usd

    @property
    def saving(self) -> float | None:
        """Share of the pure on-demand bill; below 0 it is dearer."""
        if self.usd is None or not self.on_demand_usd:
            return None
        return 1 - self.usd / self.on_demand_usd


def option(demand: Demand, model: str, quote: Quote, region: str, term: Term, units: int) -> Option:
    """So many units at that term, for a month of traffic like this."""
    needs = demand.tokens(model, quote.output_weight)
    carried = served(needs, quote.tokens_per_minute, units)
    total, inside = float(needs.sum()), float(carried.sum())
    months = HOURS_IN_MONTH * 60 / len(needs)
    token = usd_a_token(model, region, demand.assumed, quote.output_weight)
    hour = quote.usd(term, model, region, demand.assumed)
    bought = units * quote.tokens_per_minute * len(needs)
    return Option(
        term=term,
        units=units,
        units_usd=None if hour is None else units * hour * HOURS_IN_MONTH,
        overflow_usd=None if token is None else (total - inside) * token * months,
        on_demand_usd=None if token is None else total * token * months,
        utilisation=inside / bought if bought else 0.0,
        overflow=1 - inside / total if total else 0.0,
        bound_usd=None if hour is None else units * hour * HOURS_OF_TERM[term],
    )


def options(demand: Demand, model: str, quote: Quote, region: str, percentile: float) -> Sequence[Option]:
    """The same units at each term."""
    units = covering(demand.tokens(model, quote.output_weight), quote.tokens_per_minute, percentile)
    return [option(demand, model, quote, region, term, units) for term in TERMS]


def best(found: Sequence[Option]) -> Option | None:
    """The cheapest of those whose price is known, if it is cheaper than none at all."""
    priced = [one for one in found if one.saving is not None and one.saving > 0]
    return min(priced, key=lambda one: one.usd or 0.0, default=None)


@dataclass(frozen=True)
class Sensitivity:
    """What the saving becomes when one thing is lower or higher than assumed."""

    what: str
    low: str
    high: str
    saving_low: float
    saving_high: float

    @property
    def swing(self) -> float:
        return abs(self.saving_high - self.saving_low)


def sensitivity(
    demand: Demand, model: str, quote: Quote, region: str, percentile: float, term: Term
) -> Sequence[Sensitivity]:
    """One thing at a time, the widest swing first. Units are those decided before, unless varied."""
    needs = demand.tokens(model, quote.output_weight)
    carries = quote.tokens_per_minute
    units = covering(needs, carries, percentile)
    token = usd_a_token(model, region, demand.assumed, quote.output_weight)
    hour = quote.usd(term, model, region, demand.assumed)
    if token is None or hour is None or not needs.sum():
        return []

    def saving(needs: Floats, units: int, hour: float = hour) -> float:
        paid = units * hour * len(needs) / 60 + float((needs - served(needs, carries, units)).sum()) * token
        return 1 - paid / (float(needs.sum()) * token)

    def at(percentile: float) -> float:
        return saving(needs, covering(needs, carries, percentile))

    peaked, flat = (_bent(needs, power) for power in (1.5, 0.5))
    spread = demand.traffic.spread
    found = [
        Sensitivity(
            "price of a unit",
            "-20 %",
            "+20 %",
            saving(needs, units, hour * 0.8),
            saving(needs, units, hour * 1.2),
        ),
        Sensitivity(
            "traffic",
            f"/{spread:.2f}",
            f"x{spread:.2f}",
            saving(needs / spread, units),
            saving(needs * spread, units),
        ),
        Sensitivity(
            "curve of the day",
            "flatter",
            "steeper",
            saving(flat, covering(flat, carries, percentile)),
            saving(peaked, covering(peaked, carries, percentile)),
        ),
        Sensitivity("percentile", "P50", "P95", at(0.50), at(0.95)),
        Sensitivity(
            "calls after caches", "-20 %", "+20 %", saving(needs * 0.8, units), saving(needs * 1.2, units)
        ),
    ]
    return sorted(found, key=lambda one: -one.swing)


def _bent(needs: Floats, power: float) -> Floats:
    """The same tokens in all, with peaks that are steeper (above 1) or flatter."""
    bent: Floats = needs**power
    scaled: Floats = bent * (needs.sum() / bent.sum())
    return scaled


@dataclass(frozen=True)
class Review:
    """What two weeks of use say about bought units."""

    weeks: tuple[float, ...]
    needed: int
    advice: str


def review(needs: Floats, carries: float, units: int, percentile: float) -> Review:
    """The weekly rule: below half for two weeks, buy what the percentile needs when the term ends."""
    needed = covering(needs[-LOW_WEEKS * WEEK :], carries, percentile)
    if not units:
        return Review((), needed, f"no units are held (models.access); the percentile needs {needed}")
    weeks = tuple(
        float(served(needs[n * WEEK : (n + 1) * WEEK], carries, units).mean() / (units * carries))
        for n in range(len(needs) // WEEK)
    )
    if len(weeks) < LOW_WEEKS:
        return Review(weeks, needed, f"{LOW_WEEKS} whole weeks are needed, there are {len(weeks)}")
    if all(week < LOW_USE for week in weeks[-LOW_WEEKS:]):
        return Review(
            weeks, needed, f"below {LOW_USE:.0%} for {LOW_WEEKS} weeks: {needed} units when the term ends"
        )
    if needed > units:
        return Review(weeks, needed, f"{needed - units} more units would cover the percentile")
    return Review(weeks, needed, "keep them")


def by_model(found: Mapping[str, Sequence[Option]]) -> Mapping[str, Option]:
    """Model -> the option that was chosen; models whose units save nothing are left out."""
    chosen = {name: best(ways) for name, ways in found.items()}
    return {name: way for name, way in chosen.items() if way is not None}
