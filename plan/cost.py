"""What a plan costs a month, from the plan and the price table alone.

What the plan declares is added up, and what scales by use at its minimum. What else depends on use is shown
with its unit price and counts as nothing; what has no rule or no price is listed as unknown. No guesses.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

from contract import prices
from plan.cost_counts import COUNTS, PLACES, Expected
from plan.cost_model import ComponentCost, Estimate, Kind, Line
from plan.cost_paths import row_of, unset_fields
from plan.cost_rules import Charge, rules
from plan.cost_show import as_json, render
from plan.model import Plan, Resource, short_type

__all__ = ["ComponentCost", "Estimate", "Kind", "Line", "as_json", "estimate", "render"]


class _Amount(NamedTuple):
    """How many units of a price; None: the plan does not say. `by_use`: the plan need not say."""

    units: Decimal | None
    note: str = ""
    by_use: bool = False


_BY_USE = _Amount(None, by_use=True)


def estimate(plan: Plan) -> Estimate:
    """At least one line for each cloud resource of the plan."""
    lines = tuple(line for resource in plan.cloud for line in _lines(plan, resource))
    return Estimate(plan.stack, lines, plan.warnings)


def _lines(plan: Plan, resource: Resource) -> list[Line]:
    rule = rules().of(resource)
    if rule is None:
        known = rules().knows(resource.type)
        return [_unknown(plan, resource, "no rule fits its settings" if known else "no rule for its type")]
    if rule.unknown:
        return [_unknown(plan, resource, rule.unknown)]
    amounts = _amounts(plan, resource, rule.charges)
    lines = [line for charge, amount in amounts for line in _charged(plan, resource, charge, amount)]
    return lines or [_unknown(plan, resource, "no rule fits its settings")]


def _amounts(plan: Plan, resource: Resource, charges: Iterable[Charge]) -> list[tuple[Charge, _Amount]]:
    """How much of each price it pays. Where nothing of it runs: the prices it would pay if something did."""
    found = [(charge, _amount(plan, resource, charge)) for charge in charges]
    paid = [(charge, amount) for charge, amount in found if amount.units != 0]
    if all(amount.by_use for _, amount in paid):
        return [(charge, _BY_USE) for charge, _ in found]
    return paid


def _amount(plan: Plan, resource: Resource, charge: Charge) -> _Amount:
    if charge.count is None:
        return _BY_USE
    counted = COUNTS[charge.count](plan, resource)
    if isinstance(counted, Expected):
        return _Amount(counted.amount, counted.note)
    return _Amount(None if counted is None else Decimal(counted))


def _charged(plan: Plan, resource: Resource, charge: Charge, amount: _Amount) -> Iterator[Line]:
    """A line in each region where the resource pays this price."""
    table = prices.table()
    if unset := unset_fields(charge.price, resource.inputs):
        yield _unknown(plan, resource, f"the plan does not say its {', '.join(unset)}")
        return
    name = row_of(charge.price, resource.inputs)
    if name not in table.rows:
        yield _unknown(plan, resource, f"no price row {name}")
        return
    row = table.rows[name]
    for region in PLACES[charge.at](plan, resource):
        price = table.price(name, region) if region else None
        kind, reason = _kind(name, price, region, amount)
        units = (amount.units or Decimal(0)) if kind == "fixed" else Decimal(0)
        quantity = units * (prices.HOURS_IN_MONTH if row.unit == "hour" else 1)
        yield Line(
            component=_component(plan, resource),
            resource=resource.name,
            type=short_type(resource.type),
            region=region or "",
            what=row.what,
            kind=kind,
            quantity=quantity,
            unit=row.unit,
            usd=quantity * price.usd if price else Decimal(0),
            price=price,
            reason=reason,
        )


def _kind(name: str, price: prices.Price | None, region: str | None, amount: _Amount) -> tuple[Kind, str]:
    """The kind of a line, for an unknown one why, and for an expected amount why it is expected."""
    if not region:
        return "unknown", "its region is not known"
    if price is None:
        return "unknown", f"no price for {region} ({name})"
    if not price.usd:
        return "free", ""
    if amount.by_use:
        return "usage", ""
    if amount.units is None:
        return "unknown", "the plan does not say how many"
    return "fixed", amount.note


def _unknown(plan: Plan, resource: Resource, reason: str) -> Line:
    kind = short_type(resource.type)
    return Line(
        component=_component(plan, resource),
        resource=resource.name,
        type=kind,
        region=resource.region or "",
        what=kind,
        kind="unknown",
        reason=reason,
    )


def _component(plan: Plan, resource: Resource) -> str:
    return (plan.component_of(resource) or plan.root).name
