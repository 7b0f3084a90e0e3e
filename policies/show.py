"""Findings as a person reads them, and as JSON. Only words, no decisions."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from contract.errors import WrongUseError
from policies.finding import Finding, Severity
from policies.rule import Rule
from policies.rules import RULES
from policies.sources import Report

_STYLES: dict[Severity, str] = {"mandatory": "bold red", "advisory": "yellow"}
# So many resources are named in one row; JSON and SARIF name them all.
_NAMED = 3


class UnknownRuleError(WrongUseError):
    """There is no such rule."""


def render(report: Report) -> RenderableType:
    """A row for each thing that is wrong, with everything it is wrong with; then one line that sums it up."""
    rows: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in report.findings:
        rows.setdefault((finding.rule, finding.severity, finding.message), []).append(finding)
    table = Table(
        Column("rule", no_wrap=True),
        Column("severity", no_wrap=True),
        Column("where, and what is wrong", overflow="fold", ratio=1),
        Column("fix", overflow="fold", ratio=1),
        box=None,
        pad_edge=False,
        expand=True,
    )
    for (rule, _, message), found in rows.items():
        where = Text.assemble((_where(found), "cyan"), f"\n{message}")
        table.add_row(rule, Text(found[0].severity, _STYLES[found[0].severity]), where, found[0].fix)
    line = Text(summary(report), "bold")
    return Group(table, Text(), line) if rows else line


def _where(found: Sequence[Finding]) -> str:
    names = [finding.urn.rpartition("::")[2] for finding in found]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def summary(report: Report) -> str:
    """The verdict in one line."""
    checked = ", ".join(answer.checked for answer in report.answers.values())
    advisory = len(report.findings) - report.mandatory
    verdict = "must not be deployed" if report.mandatory else "may be deployed"
    counts = f"{report.mandatory} mandatory, {advisory} advisory, {report.waived} let pass with a reason"
    return f"policy {report.stack}: {counts} ({checked}); {verdict}"


def as_json(report: Report) -> dict[str, Any]:
    return {
        "stack": report.stack,
        "protected": report.protected,
        "mandatory": report.mandatory,
        "waived": report.waived,
        "checked": {name: answer.checked for name, answer in report.answers.items()},
        "findings": [asdict(finding) for finding in report.findings],
    }


def rule(identifier: str) -> Rule:
    """One of our rules by its id; an unknown one is told with those that are like it."""
    if identifier in RULES:
        return RULES[identifier]
    from difflib import get_close_matches

    near = get_close_matches(identifier, RULES, n=3) or sorted(RULES)
    raise UnknownRuleError(f"no rule {identifier!r}; there are: {', '.join(near)} (docs/policies.md has all)")


def explain(chosen: Rule) -> RenderableType:
    """A rule in full."""
    table = Table(Column(style="bold", no_wrap=True), Column(overflow="fold"), box=None, show_header=False)
    for key, value in explain_json(chosen).items():
        table.add_row(key, Text(value if isinstance(value, str) else ", ".join(value)))
    return table


def explain_json(chosen: Rule) -> dict[str, Any]:
    return {
        "rule": chosen.id,
        "asks": chosen.what,
        "why": chosen.why,
        "fix": chosen.fix,
        "requirement": chosen.requirement,
        "in a protected environment": chosen.protected,
        "elsewhere": chosen.elsewhere,
        "looks at": list(chosen.types),
    }
