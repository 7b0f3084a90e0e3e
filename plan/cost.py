"""What a plan costs a month, from the plan and the price table alone.

Only what the plan declares is added up. What depends on use is shown with its unit price and counts as
nothing; what has no rule or no price is listed as unknown. Nothing is guessed.
"""

from collections.abc import Iterator
from decimal import Decimal

from contract import prices
from plan.cost_model import ComponentCost, Estimate, Kind, Line
from plan.cost_rules import COUNTS, PLACES, Charge, rules
from plan.cost_show import as_json, render
from plan.model import Plan, Resource, short_type

__all__ = ["ComponentCost", "Estimate", "Kind", "Line", "as_json", "estimate", "render"]


def estimate(plan: Plan) -> Estimate:
    """At least one line for each cloud resource of the plan."""
    return Estimate(plan.stack, tuple(line for resource in plan.cloud for line in _lines(plan, resource)))


def _lines(plan: Plan, resource: Resource) -> list[Line]:
    charges = rules().charges(resource)
    lines = [line for charge in charges for line in _charged(plan, resource, charge)]
    if lines:
        return lines
    known = rules().knows(resource.type)
    reason = "no rule fits its settings" if known else "no rule for its type"
    kind = short_type(resource.type)
    return [
        Line(
            _component(plan, resource),
            resource.name,
            kind,
            resource.region or "",
            kind,
            "unknown",
            reason=reason,
        )
    ]


def _charged(plan: Plan, resource: Resource, charge: Charge) -> Iterator[Line]:
    """A line in each region where the resource pays this price."""
    table = prices.table()
    row = table.rows[charge.price]
    count = COUNTS[charge.count](plan, resource) if charge.count else None
    if count == 0:
        return
    units = (count or 0) * (prices.HOURS_IN_MONTH if row.unit == "hour" else 1)
    for region in PLACES[charge.at](plan, resource):
        price = table.price(charge.price, region) if region else None
        kind, reason = _kind(charge, price, region, count)
        quantity = Decimal(units if kind == "fixed" else 0)
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


def _kind(
    charge: Charge, price: prices.Price | None, region: str | None, count: int | None
) -> tuple[Kind, str]:
    """The kind of a line, and for an unknown one why."""
    if not region:
        return "unknown", "its region is not known"
    if price is None:
        return "unknown", f"no price for {region} ({charge.price})"
    if not price.usd:
        return "free", ""
    if charge.count is None:
        return "usage", ""
    if count is None:
        return "unknown", "the plan does not say how many"
    return "fixed", ""


def _component(plan: Plan, resource: Resource) -> str:
    return (plan.component_of(resource) or plan.root).name
