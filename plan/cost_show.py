"""An estimate as a person reads it: the verdict, what is dearest, unit prices, what is unknown, sources.

One screen and a bit: what costs nothing and every single line are in the JSON (`as_json`).
"""

from collections.abc import Callable, Hashable, Iterable
from decimal import Decimal
from typing import Any, TypeVar

from rich.console import Group, JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from contract.prices import HOURS_IN_MONTH, Price
from plan.cost_model import ComponentCost, Estimate, Line

_NOTE = f"List prices for {HOURS_IN_MONTH} hours a month, before free tiers, discounts, credits and tax."
_SMALL = Decimal(1)  # dollars a month below which a component has no row of its own
_NAMED = 2  # of the resources that something is unknown of
_Key = TypeVar("_Key", bound=Hashable)


class _Sources:
    """Footnotes: the rows that were cited, numbered in the order in which they are met."""

    def __init__(self) -> None:
        self._cited: dict[str, Price] = {}

    def cite(self, price: Price) -> str:
        """`[1]`."""
        self._cited.setdefault(price.id, price)
        return f"[{list(self._cited).index(price.id) + 1}]"

    def table(self) -> Table:
        table = _table("", "source", "price", "as of")
        for number, price in enumerate(self._cited.values(), 1):
            table.add_row(f"[{number}]", price.source, price.id, price.as_of.isoformat(), style="dim")
        return table


def render(estimate: Estimate, budget: int | Decimal | None = None) -> RenderableType:
    """The whole screen. `budget`: dollars a month it is held against."""
    sources = _Sources()
    parts: list[RenderableType] = [_verdict(estimate, budget)]
    parts += _section("Where it goes", _components(estimate))
    parts += _section("What it is made of", _fixed(estimate, sources))
    parts += [Text(note, style="yellow") for note in _notes(estimate)]
    if estimate.usage:
        parts += _section("Depends on use, not counted above", _usage(estimate))
    if estimate.unknown:
        parts += _section("Unknown, not counted above", _unknown(estimate), style="bold yellow")
    if estimate.warnings:
        said = Text("\n".join(f"- {warning}" for warning in estimate.warnings))
        parts += _section(
            "The plan warns of what is not set; what that would declare is not counted",
            said,
            style="bold yellow",
        )
    return Group(*parts, "", *_footnotes(estimate, sources))


def _section(title: str, content: RenderableType, style: str = "bold") -> list[RenderableType]:
    return ["", Text(title, style=style), content]


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


# --- the tables ---------------------------------------------------------------------------------------


def _components(estimate: Estimate) -> Table:
    """The dearest first, with the largest parts of each; the small and the free only as numbers."""
    table = _table("component", "a month", "mostly", right=(1,))
    costs = estimate.by_component()
    for cost in costs:
        if cost.usd >= _SMALL:
            name = Text.assemble((cost.name, "cyan"), (f"  {cost.region}", "dim"))
            table.add_row(name, _usd(cost.usd), Text(_mostly(cost), style="dim"))
    small = [cost for cost in costs if 0 < cost.usd < _SMALL]
    if small:
        words = f"and {len(small)} more below {_usd(_SMALL)} each"
        table.add_row(Text(words, style="dim"), _usd(_sum(line for cost in small for line in cost.lines)), "")
    rest = sum(not cost.usd for cost in costs)
    if rest:
        table.add_row(Text(f"and {rest} more by use or free", style="dim"), "", Text("--json", style="dim"))
    table.add_row(Text("fixed total", style="bold"), Text(_usd(estimate.fixed_total), style="bold"), "")
    return table


def _mostly(cost: ComponentCost) -> str:
    """The dearest thing a component pays for, and how many more there are."""
    fixed = _grouped((line for line in cost.lines if line.kind == "fixed"), lambda line: line.what)
    dearest = max(fixed, key=_sum)[0].what
    return f"{dearest}, and {len(fixed) - 1} more" if len(fixed) > 1 else dearest


def _fixed(estimate: Estimate, sources: _Sources) -> Table:
    table = _table("what", "amount", "unit price", "a month", "source", right=(1, 2, 3))
    alike = _alike(line for line in estimate.lines if line.kind == "fixed")
    for lines in sorted(alike, key=lambda lines: -_sum(lines)):
        first = lines[0]
        cited = sources.cite(first.price) if first.price else ""
        table.add_row(first.what, _amount(lines), _unit_price(lines), _usd(_sum(lines)), cited)
    return table


def _notes(estimate: Estimate) -> list[str]:
    """`4 × ecs.Service: none is declared yet, ...` for what is counted although the plan does not say it."""
    noted = _grouped(
        (line for line in estimate.lines if line.kind == "fixed" and line.reason),
        lambda line: (line.type, line.reason),
    )
    return [f"{_resources(lines)} × {lines[0].type}: {lines[0].reason}" for lines in noted]


def _usage(estimate: Estimate) -> Table:
    table = _table("what", "unit price", "price", right=(1,), whole=(1, 2))
    for lines in sorted(_alike(estimate.usage), key=lambda lines: _row(lines[0])):
        table.add_row(lines[0].what, _unit_price(lines), Text(_row(lines[0]), style="dim"))
    return table


def _unknown(estimate: Estimate) -> Table:
    table = _table("resources", "type", "why", "such as", right=(0,))
    for lines in _grouped(estimate.unknown, lambda line: (line.type, line.reason)):
        names = list(dict.fromkeys(line.resource for line in lines))
        such = Text(", ".join(names[:_NAMED]), style="dim")
        table.add_row(str(len(names)), lines[0].type, lines[0].reason, such)
    return table


def _footnotes(estimate: Estimate, sources: _Sources) -> list[RenderableType]:
    unchecked = [line.price.as_of for line in estimate.lines if line.price and _marked(line)]
    mark = f"* not checked against the price page since {min(unchecked)}." if unchecked else ""
    rest = "Sources of the prices by use: contract/prices.toml, or --json." if estimate.usage else ""
    words = [Text(text, style="dim") for text in (_NOTE, mark, rest) if text]
    return [*words, sources.table()]


# --- the cells ----------------------------------------------------------------------------------------


def _amount(lines: list[Line]) -> str:
    """`13 × 730 hours`; of what is paid by the month, how many."""
    quantity = sum((line.quantity for line in lines), Decimal(0))
    if lines[0].unit == "hour":
        return f"{_plain(quantity / HOURS_IN_MONTH)} × {HOURS_IN_MONTH} hours"
    return _plain(quantity)


def _plain(number: Decimal) -> str:
    """Without zeros that say nothing: 1.250 is 1.25."""
    return f"{number.normalize():,f}"


def _unit_price(lines: list[Line]) -> str:
    """`$0.045 / hour`: cents, or as many digits as the table has; `*` where nobody has checked it."""
    usd = lines[0].price.usd if lines[0].price else Decimal(0)
    digits = max(2, -int(usd.normalize().as_tuple().exponent))
    return f"${usd:.{digits}f} / {lines[0].unit}{'*' if any(map(_marked, lines)) else ''}"


def _marked(line: Line) -> bool:
    """What is free is not marked: there is no figure that could be wrong by a digit."""
    return line.price is not None and line.price.usd > 0 and not line.price.checked


def _row(line: Line) -> str:
    return line.price.id if line.price else ""


def _usd(amount: int | Decimal) -> str:
    return f"${amount:,.2f}"


def _sum(lines: Iterable[Line]) -> Decimal:
    return sum((line.usd for line in lines), Decimal(0))


def _resources(lines: Iterable[Line]) -> int:
    return len({line.resource for line in lines})


def _alike(lines: Iterable[Line]) -> list[list[Line]]:
    """Lines that pay the same price at the same rate, together."""
    return _grouped(lines, lambda line: (_row(line), line.price.usd if line.price else Decimal(0)))


def _grouped(lines: Iterable[Line], key: Callable[[Line], _Key]) -> list[list[Line]]:
    """Lines with the same key, in the order in which the keys are met."""
    found: dict[_Key, list[Line]] = {}
    for line in lines:
        found.setdefault(key(line), []).append(line)
    return list(found.values())


def _table(*columns: str, right: tuple[int, ...] = (), whole: tuple[int, ...] = ()) -> Table:
    """`whole`: columns that never wrap."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for number, column in enumerate(columns):
        side: JustifyMethod = "right" if number in right else "left"
        table.add_column(column, justify=side, overflow="fold", no_wrap=number in whole)
    return table


# --- for programs -------------------------------------------------------------------------------------


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
        "warnings": list(estimate.warnings),
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
        "checked": price.checked if price else None,
        "reason": line.reason or None,
    }
