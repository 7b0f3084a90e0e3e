"""Writes the pages of `docs/` that are made from the code: `make docs`. A test holds them to it."""

import inspect
import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import plan
from components.base import Component
from plan import cost, short_type
from stacks import reference
from stacks.settings import Settings

ROOT = Path(__file__).resolve().parent.parent


def settings_page() -> str:
    """docs/settings.md: every knob, its default and what it means."""
    lines = [
        "# Settings",
        "",
        "What `Pulumi.<stack>.yaml` may say under `config:`, with the defaults. A file holds only what",
        "differs; `concierge settings STACK` prints the whole tree of a stack. Made by `make docs`.",
        "",
        "A further environment is one more file: copy `Pulumi.dev.yaml` to `Pulumi.perf.yaml`, change it,",
        "and `concierge plan perf` and `pulumi up -s perf` work. A value Pulumi encrypted (`secure:`) is",
        "accepted only where the table says secret; `concierge plan` never sees its text.",
        "",
        "| setting | default | meaning |",
        "| --- | --- | --- |",
    ]
    for row in reference.rows(Settings()):
        kind = " (secret)" if row.secret else ""
        lines.append(f"| `{row.key}` | {_cell(row.default)} | {_cell(row.description)}{kind} |")
    return "\n".join(lines) + "\n"


def estate_page() -> str:
    """docs/estate.md: every component of the plans, what it is made of, why, and what it costs."""
    plans = {stack: plan.run(stack, ROOT) for stack in ("dev", "prod")}
    costs = {stack: _costs(found) for stack, found in plans.items()}
    requirements = _requirements()
    lines = [
        "# The estate",
        "",
        "What `concierge plan` finds in both stacks, by component. Cost: list price of a month without",
        "what depends on traffic (`concierge plan STACK --cost` shows every row). A dash: not in that",
        "stack. Made by `make docs`.",
        "",
        "| component | made of (prod) | requirements | dev $ | prod $ |",
        "| --- | --- | --- | ---: | ---: |",
    ]
    for name in sorted({c.name for found in plans.values() for c in found.components}):
        found = next(p for p in (plans["prod"], plans["dev"]) if name in p.by_name)
        component = found.component(name)
        kinds = Counter(short_type(r.type) for r in found.children(component.urn) if r.custom)
        if not kinds:
            continue
        made = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        amounts = " | ".join(_dollars(costs[stack].get(name)) for stack in plans)
        lines.append(f"| `{name}` | {made} | {requirements.get(component.type, '')} | {amounts} |")
    totals = " | ".join(f"{sum(costs[stack].values(), Decimal(0)):,.2f}" for stack in plans)
    lines.append(f"| total | | | {totals} |")
    return "\n".join(lines) + "\n"


def _costs(found: plan.Plan) -> dict[str, Decimal]:
    """Component name -> fixed dollars a month."""
    amounts = {component.name: Decimal(0) for component in found.components}
    for line in cost.estimate(found).lines:
        amounts[line.component] = amounts.get(line.component, Decimal(0)) + line.usd
    return amounts


def _requirements() -> dict[str, str]:
    """Component type -> the requirement ids its module's docstring names."""
    found = {}
    for kind in _below(Component):
        said = f"{inspect.getdoc(inspect.getmodule(kind))} {inspect.getdoc(kind)}"
        ids = sorted(set(re.findall(r"\b[A-Z]{3,5}-\d+\b", said)))
        found[f"concierge:{kind.kind}"] = ", ".join(ids)
    return found


def _below(kind: type[Component]) -> Iterator[type[Component]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


def _dollars(amount: Decimal | None) -> str:
    return "-" if amount is None else f"{amount:,.2f}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


PAGES = {"docs/settings.md": settings_page, "docs/estate.md": estate_page}


def main() -> None:
    for name, page in PAGES.items():
        (ROOT / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
