"""Writes the pages of `docs/` that are made from the code: `make docs`. A test holds them to it."""

import importlib
import inspect
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import plan
from components.base import Component
from plan import cost, short_type
from policies.rule import Rule
from policies.rules import RULES
from stacks import reference
from stacks.settings import Settings
from tools import protocol

ROOT = Path(__file__).resolve().parent.parent
# Regions, and what there is once: rooms, not things to point at.
_WHOLE = "concierge:estate:"


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
        "What `concierge plan` finds in both stacks, by component with everything inside it. What stands",
        "in both regions has one row: its resources are those of one region, its cost that of all. Cost:",
        "list price of a month without what depends on traffic (`concierge plan STACK --cost` shows every",
        "row). A dash: not in that stack. Made by `make docs`.",
        "",
        "| component | made of (prod) | requirements | dev $ | prod $ |",
        "| --- | --- | --- | ---: | ---: |",
    ]
    parts = {stack: _parts(found) for stack, found in plans.items()}
    for name in sorted({name for found in parts.values() for name in found}):
        found = plans["prod"] if name in parts["prod"] else plans["dev"]
        inside = _inside(found, _parts(found)[name][0])
        kinds = Counter(short_type(r.type) for r in inside if r.custom)
        made = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        ids = sorted({one for r in inside for one in requirements.get(r.type, ())}, key=_by_number)
        amounts = " | ".join(_dollars(costs[stack], parts[stack].get(name), plans[stack]) for stack in plans)
        lines.append(f"| `{name}` | {made} | {', '.join(ids)} | {amounts} |")
    totals = " | ".join(f"{sum(costs[stack].values(), Decimal(0)):,.2f}" for stack in plans)
    lines.append(f"| total | | | {totals} |")
    return "\n".join(lines) + "\n"


def _parts(found: plan.Plan) -> dict[str, list[plan.Resource]]:
    """Name without its region's role -> the component in each region, the primary's first."""
    whole = {component.urn for component in found.components if component.type.startswith(_WHOLE)}
    tops = [c for c in found.components if c.urn not in whole and c.parent in {*whole, found.root.urn}]
    parts: dict[str, list[plan.Resource]] = {}
    for component in sorted(tops, key=lambda c: c.name):
        parts.setdefault(component.name.removeprefix("primary-").removeprefix("standby-"), []).append(
            component
        )
    return parts


def _inside(found: plan.Plan, component: plan.Resource) -> list[plan.Resource]:
    """The component and everything in it."""
    below = [found.children(component.urn)]
    return [component, *(deep for children in below for child in children for deep in _inside(found, child))]


def _costs(found: plan.Plan) -> dict[str, Decimal]:
    """Component name -> its own fixed dollars a month."""
    amounts = {component.name: Decimal(0) for component in found.components}
    for line in cost.estimate(found).lines:
        amounts[line.component] = amounts.get(line.component, Decimal(0)) + line.usd
    return amounts


def _requirements() -> dict[str, list[str]]:
    """Component type -> the requirement ids its module's docstring names."""
    found = {}
    for kind in _below(Component):
        said = f"{inspect.getdoc(inspect.getmodule(kind))} {inspect.getdoc(kind)}"
        found[f"concierge:{kind.kind}"] = re.findall(r"\b(?:NET|DATA|VEC|MOD|RUN|LOAD|CHAOS|OPS)-\d+\b", said)
    return found


def _by_number(requirement: str) -> tuple[str, int]:
    area, _, number = requirement.partition("-")
    return area, int(number)


def _below(kind: type[Component]) -> Iterator[type[Component]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


def _dollars(
    costs: Mapping[str, Decimal], components: Iterable[plan.Resource] | None, found: plan.Plan
) -> str:
    if components is None:
        return "-"
    inside = (r for component in components for r in _inside(found, component))
    return f"{sum((costs.get(r.name, Decimal(0)) for r in inside if not r.custom), Decimal(0)):,.2f}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def policies_page() -> str:
    """docs/policies.md: every rule of ours, an area a table."""
    lines = [_POLICIES.strip(), ""]
    by_module: dict[str, list[Rule]] = {}
    for rule in RULES.values():
        by_module.setdefault(rule.check.__module__, []).append(rule)
    for name, found in by_module.items():
        said = (inspect.getdoc(importlib.import_module(name)) or "").splitlines()[0]
        lines += [f"## {said.rstrip('.')}", "", f"`{name.replace('.', '/')}.py`", ""]
        lines += ["| rule | asks | why | fix | requirement | protected | elsewhere |", f"|{' --- |' * 7}"]
        lines += [_policy_row(rule) for rule in found]
        lines.append("")
    return "\n".join(lines)


def _policy_row(rule: Rule) -> str:
    cells = (rule.what, rule.why, rule.fix, rule.requirement, rule.protected, rule.elsewhere)
    return f"| `{rule.id}` | {' | '.join(map(_cell, cells))} |"


_POLICIES = """
# Policies

What a stack must never contain. One set of rules (`policies/rules/`) with three readers:

```
concierge policy prod                  on the plan: no AWS, no credentials, no pulumi CLI; exit code 1 on a
                                       mandatory finding
concierge policy prod --only ours      one source: ours, checkov, cfn-lint, iam
concierge policy prod --json           every finding by itself
concierge policy prod --sarif FILE     for code review tools, beside the table
concierge policy --explain RULE        what a rule asks, why, and what to do
concierge policy iam prod --role NAME  what a role may do to what, in words
pulumi up -s prod --policy-pack policies    the engine asks the same rules while it works
```

Beside our own rules the command asks three judges from outside. **checkov** reads the plan as a Terraform
plan document (`policies/checkov/`), with checks of ours for what it does not know (AgentCore, guardrails,
kNN). It lives in an environment of its own: `make checkov`. **cfn-lint** judges `stacks/bootstrap.yaml`,
the templates a plan deploys, state machines and event patterns (`policies/templates.py`). **IAM** holds
every policy document against what AWS's services know (`policies/iam/`). What one of them finds and is
meant to be stands in `policies/suppressions.toml`, with a reason, an owner and a day on which it ends; an
entry that is over or covers nothing is a finding itself.

The pack asks rules about one resource before it is touched, and rules about the whole stack when everything
is declared. What only AWS can decide is not known at preview: such a rule is silent then, and asked again by
the update. Mandatory findings stop both; a protected environment (`environment.protect`, on unless a stack
turns it off) is asked more than others. Without its settings a stack counts as protected.

A rule of ours has no switch, neither for a stack nor for a resource. What is right to be otherwise stands
as data beside the rules, with its reason: `policies/rules/*.toml`. A new rule is a function with a
docstring in `policies/rules/`, its name in that file's `RULES`, and a mutation in
`tests/policies/test_mutations.py` that only this rule notices. Made by `make docs`.
"""

PAGES = {
    "docs/settings.md": settings_page,
    "docs/estate.md": estate_page,
    "docs/policies.md": policies_page,
    "docs/protocol.md": protocol.protocol_page,
    "docs/openapi.json": protocol.openapi,
}


def main() -> None:
    for name, page in PAGES.items():
        (ROOT / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
