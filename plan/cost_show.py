"""An estimate as a person reads it, and as JSON: components, unit prices, unknowns, and every source."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from contract.prices import HOURS_IN_MONTH, Price
from plan.cost_model import ComponentCost, Estimate, Line

_NOTE = f"List prices for {HOURS_IN_MONTH} hours a month, before free tiers, discounts, credits and tax."


class _Sources:
    """Footnotes: the rows that were cited, numbered in the order in which they are met."""

    def __init__(self) -> None:
        self._cited: dict[str, Price] = {}

    def cite(self, lines: Iterable[Line]) -> str:
        """`[1]`, or `[2, 3]`, for the prices of these lines."""
        prices = {line.price.id: line.price for line in lines if line.price}
        for name, price in prices.items():
            self._cited.setdefault(name, price)
        numbers = sorted(list(self._cited).index(name) + 1 for name in prices)
        return f"[{', '.join(map(str, numbers))}]" if numbers else ""

    def table(self) -> Table:
        table = _table("", "source", "price", "as of")
        for number, price in enumerate(self._cited.values(), 1):
            table.add_row(f"[{number}]", price.source, price.id, price.as_of.isoformat(), style="dim")
        return table


def render(estimate: Estimate, budget: int | Decimal | None = None) -> RenderableType:
    """Verdict, cost by component, unit prices of what depends on use, what is unknown, sources."""
    sources = _Sources()
    parts: list[RenderableType] = [_verdict(estimate, budget), "", _components(estimate, sources)]
    if estimate.usage:
        parts += ["", Text("Depends on use, not counted above", style="bold"), _usage(estimate, sources)]
    if estimate.unknown:
        parts += ["", Text("Unknown, not counted above", style="bold yellow"), _unknown(estimate)]
    parts += ["", Text(_NOTE, style="dim"), sources.table()]
    return Group(*parts)


def _verdict(estimate: Estimate, budget: int | Decimal | None) -> Text:
    least = "at least " if estimate.unknown or estimate.usage else ""
    total = (_usd(estimate.fixed_total), "bold")
    text = Text.assemble((estimate.stack, "bold"), f" costs {least}", total, " a month")
    if budget is None:
        return text.append("; no budget is set (environment.monthly_budget_usd)", style="dim")
    room = budget - estimate.fixed_total
    if estimate.over(budget):
        return text.append(f": {_usd(-room)} over the budget of {_usd(budget)}", style="bold red")
    if estimate.unknown:
        words = f": {_usd(room)} below the budget of {_usd(budget)}, without what is unknown below"
        return text.append(words, style="yellow")
    return text.append(f": {_usd(room)} below the budget of {_usd(budget)}", style="green")


def _components(estimate: Estimate, sources: _Sources) -> Table:
    table = _table("component", "amount", "unit price", "a month", "source", right=(1, 2, 3))
    for cost in estimate.by_component():
        _component(table, cost, sources)
    table.add_row(
        Text("fixed total", style="bold"), "", "", Text(_usd(estimate.fixed_total), style="bold"), ""
    )
    return table


def _component(table: Table, cost: ComponentCost, sources: _Sources) -> None:
    """The component with what it has besides fixed cost, then its prices, dearest first."""
    name = Text.assemble((cost.name, "cyan"), (f"  {cost.region}", "dim"))
    free = [line for line in cost.lines if line.kind == "free"]
    fixed = _alike(line for line in cost.lines if line.kind == "fixed")
    table.add_row(name, _besides(cost), "", Text(_usd(cost.usd), style="cyan"), sources.cite(free))
    for lines in sorted(fixed, key=lambda lines: -_sum(lines)):
        first = lines[0]
        table.add_row(
            f"  {first.what}", _amount(lines), _unit_price(first), _usd(_sum(lines)), sources.cite(lines)
        )


def _besides(cost: ComponentCost) -> Text:
    """`4 free, 1 unknown`; a component that only costs by use says so instead of looking free."""
    kinds: dict[str, set[str]] = {}
    for line in cost.lines:
        kinds.setdefault(line.kind, set()).add(line.resource)
    words = [f"{len(kinds[kind])} {kind}" for kind in ("free", "unknown") if kind in kinds]
    if "usage" in kinds and "fixed" not in kinds:
        words.append("by use")
    return Text(", ".join(words), style="yellow" if "unknown" in kinds else "dim")


def _amount(lines: list[Line]) -> str:
    """`13 × 730 hours`; of what is paid by the month, how many."""
    quantity = sum((line.quantity for line in lines), Decimal(0))
    if lines[0].unit == "hour":
        return f"{quantity / HOURS_IN_MONTH:,} × {HOURS_IN_MONTH} hours"
    return f"{quantity:,}"


def _usage(estimate: Estimate, sources: _Sources) -> Table:
    table = _table("what", "unit price", "in", "source", right=(1,))
    for lines in _alike(estimate.usage):
        places = ", ".join(dict.fromkeys(line.component for line in lines))
        table.add_row(lines[0].what, _unit_price(lines[0]), Text(places, style="cyan"), sources.cite(lines))
    return table


def _unknown(estimate: Estimate) -> Table:
    table = _table("resource", "why")
    for line in estimate.unknown:
        table.add_row(Text(line.resource, style="yellow"), f"{line.what}: {line.reason}")
    return table


def _alike(lines: Iterable[Line]) -> list[list[Line]]:
    """Lines that pay the same price at the same rate, together."""
    found: dict[tuple[str, Decimal], list[Line]] = {}
    for line in lines:
        if line.price:
            found.setdefault((line.price.id, line.price.usd), []).append(line)
    return list(found.values())


def _sum(lines: Iterable[Line]) -> Decimal:
    return sum((line.usd for line in lines), Decimal(0))


def _usd(amount: int | Decimal) -> str:
    return f"${amount:,.2f}"


def _unit_price(line: Line) -> str:
    """`$0.045 / hour`: cents, or as many digits as the table has."""
    usd = line.price.usd if line.price else Decimal(0)
    digits = max(2, -int(usd.normalize().as_tuple().exponent))
    return f"${usd:.{digits}f} / {line.unit}"


def _table(*columns: str, right: tuple[int, ...] = ()) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number in right else "left", overflow="fold")
    return table


def as_json(estimate: Estimate) -> dict[str, Any]:
    """The whole estimate as plain data; dollars are numbers."""
    return {
        "stack": estimate.stack,
        "as_of": estimate.as_of.isoformat() if estimate.as_of else None,
        "hours_in_month": HOURS_IN_MONTH,
        "fixed_total_usd": float(estimate.fixed_total),
        "components": [
            {"name": cost.name, "region": cost.region, "usd": float(cost.usd)}
            for cost in estimate.by_component()
        ],
        "lines": [_line(line) for line in estimate.lines],
    }


def _line(line: Line) -> dict[str, Any]:
    price = line.price
    return {
        "component": line.component,
        "resource": line.resource,
        "type": line.type,
        "region": line.region,
        "what": line.what,
        "kind": line.kind,
        "quantity": float(line.quantity),
        "unit": line.unit or None,
        "usd": float(line.usd),
        "unit_usd": float(price.usd) if price else None,
        "price": price.id if price else None,
        "source": price.source if price else None,
        "as_of": price.as_of.isoformat() if price else None,
        "reason": line.reason or None,
    }
