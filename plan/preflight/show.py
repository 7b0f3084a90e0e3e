"""A preflight as a person reads it. Only words, no decisions."""

from collections.abc import Iterable
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from plan.preflight.model import Check, Finding, Report, Status, Verdict

_STYLES = {
    Status.PROBLEM: "bold red",
    Status.UNKNOWN: "yellow",
    Status.WARNING: "yellow",
    Status.OK: "green",
}
_WORDS = {
    Status.PROBLEM: "to solve",
    Status.UNKNOWN: "could not be checked",
    Status.WARNING: "to know of",
    Status.OK: "in order",
}


def render(report: Report) -> RenderableType:
    """A table, the worst first, and one line that sums it up. What is the same in two regions is one row."""
    where: dict[tuple[Check, Verdict], list[str]] = {}
    for finding in report.findings:
        regions = where.setdefault((finding.check, finding.verdict), [])
        if finding.region and finding.region not in regions:
            regions.append(finding.region)
    table = Table(
        Column("check", no_wrap=True),
        Column("verdict", no_wrap=True),
        Column("found, and what to do", overflow="fold", ratio=3),
        Column("takes", overflow="fold", ratio=1),
        box=None,
        pad_edge=False,
        expand=True,
    )
    for (check, verdict), regions in where.items():
        finding = Finding(check, None, verdict)
        status = finding.status
        found = Text.assemble((f"{', '.join(regions)}: " if regions else "", "dim"), verdict.sentence)
        if finding.fix:
            found.append(f"\n-> {finding.fix}", "cyan")
        table.add_row(check.id, Text(status.value, _STYLES[status]), found, finding.lead_time)
    return Group(table, Text(f"\n{summary(report)}", "bold"))


def summary(report: Report) -> str:
    """The preflight in one line."""
    counts = ", ".join(
        f"{report.count(status)} {_WORDS[status]}" for status in Status if report.count(status)
    )
    ends = {0: "ready for `pulumi up`", 1: "not ready", 3: "not known to be ready"}
    return (
        f"preflight {report.stack}, account {report.account or 'unknown'}: {counts}; {ends[report.exit_code]}"
    )


def as_json(report: Report) -> dict[str, Any]:
    return {
        "stack": report.stack,
        "account": report.account,
        "exit_code": report.exit_code,
        "counts": {status.value: report.count(status) for status in Status},
        "findings": [_finding(finding) for finding in report.findings],
    }


def _finding(finding: Finding) -> dict[str, str | None]:
    return {
        "check": finding.check.id,
        "region": finding.region,
        "verdict": finding.status.value,
        "found": finding.verdict.sentence,
        "fix": finding.fix,
        "lead_time": finding.lead_time,
        "why": finding.check.why,
    }


def listing(checks: Iterable[Check]) -> RenderableType:
    """Every check and why it is made."""
    table = Table(Column("check", no_wrap=True), "title", "why", "takes", box=None, pad_edge=False)
    for check in checks:
        table.add_row(check.id, check.title, Text(check.why), Text(check.lead_time))
    return table


def listing_json(checks: Iterable[Check]) -> dict[str, Any]:
    return {
        check.id: {
            "title": check.title,
            "why": check.why,
            "fix": check.fix,
            "lead_time": check.lead_time,
            "actions": list(check.actions),
            "types": list(check.types),
        }
        for check in checks
    }
