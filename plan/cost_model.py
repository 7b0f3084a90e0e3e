"""What an estimate is: lines of resources and prices, and their sums. Frozen data, no rules, no words."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Literal

from contract.prices import Price

Kind = Literal["fixed", "usage", "free", "unknown"]


@dataclass(frozen=True, slots=True)
class Line:
    """One price that one resource pays in one region, or the reason why that is not known.

    fixed: the plan says how much of it there is; `reason`, if any, says how. usage: it depends on use, and
    counts as nothing. free: the cited row says so. unknown: no rule or no price, so nothing is claimed.
    """

    component: str
    resource: str
    type: str
    region: str
    what: str
    kind: Kind
    quantity: Decimal = Decimal(0)
    unit: str = ""
    usd: Decimal = Decimal(0)
    price: Price | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ComponentCost:
    """What the fixed lines of a component add up to in one region."""

    name: str
    region: str
    usd: Decimal
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Estimate:
    """The monthly cost of one plan, line by line. `warnings`: what the plan says is not set yet."""

    stack: str
    lines: tuple[Line, ...]
    warnings: tuple[str, ...] = ()

    @cached_property
    def fixed_total(self) -> Decimal:
        """Dollars a month that are known from the plan: the least it costs."""
        return _sum(self.lines)

    @property
    def usage(self) -> tuple[Line, ...]:
        return self._of("usage")

    @property
    def free(self) -> tuple[Line, ...]:
        return self._of("free")

    @property
    def unknown(self) -> tuple[Line, ...]:
        return self._of("unknown")

    @property
    def as_of(self) -> date | None:
        """The day of the oldest price that was used."""
        return min((line.price.as_of for line in self.lines if line.price), default=None)

    def by_component(self) -> tuple[ComponentCost, ...]:
        """Every component and region, dearest first."""
        found: dict[tuple[str, str], list[Line]] = {}
        for line in self.lines:
            found.setdefault((line.component, line.region), []).append(line)
        costs = (ComponentCost(*key, _sum(lines), tuple(lines)) for key, lines in found.items())
        return tuple(sorted(costs, key=lambda cost: (-cost.usd, cost.name, cost.region)))

    def over(self, budget: int | Decimal) -> bool:
        """Whether already the fixed part is more than the budget of a month."""
        return self.fixed_total > budget

    def _of(self, kind: Kind) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.kind == kind)


def _sum(lines: tuple[Line, ...] | list[Line]) -> Decimal:
    return sum((line.usd for line in lines), Decimal(0))
