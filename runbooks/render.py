"""A record for a person at a terminal, and as JSON for a program."""

from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from contract.runbooks import catalogue
from runbooks import pages
from runbooks.engine import Change, Finding, Record, Runbook

_MARKS = {True: ("!", "bold red"), False: ("-", "green"), None: ("?", "bold yellow")}
_LONGEST = 600
_STYLES = {
    "planned": "bold cyan",
    "rolled-back": "bold red",
    "left-alone": "bold red",
    "inconclusive": "bold yellow",
}


def render(record: Record) -> RenderableType:
    """Findings with their numbers, the decision, exact changes, what came of it."""
    entry = catalogue()[record.runbook]
    parts: list[RenderableType] = [
        Text(f"{entry.title} ({record.runbook}), {record.environment} {record.region}", style="bold"),
        Text(entry.incident, style="dim"),
    ]
    if record.findings:
        parts += [_heading("Findings"), _findings(record)]
    if record.decision:
        see = f"; see runbook {record.decision.see}" if record.decision.see else ""
        words = f"{record.decision.course}: {record.decision.why}{see}"
        parts += [_heading("Decision"), Padding(Text(words), (0, 2))]
    if record.changes:
        parts.append(_heading("Changes, put back" if record.verdict == "undone" else "Changes"))
        several = len({change.stage for change in record.changes}) > 1
        parts += [part for change in record.changes for part in _change(change, several)]
    return Group(*parts, *_verdict(record))


def as_json(record: Record) -> dict[str, Any]:
    """The whole record."""
    return {**record.model_dump(mode="json"), "exit_code": record.exit_code}


def describe(runbook: Runbook) -> dict[str, Any]:
    """What a runbook looks at, may change and waits for, in its own words."""
    entry, about = catalogue()[runbook.id], runbook.about
    return {
        "runbook": runbook.id,
        "incident": entry.incident,
        "impact": about.impact,
        "severity": f"{about.severity}, owner {entry.owner}, about {about.budget_min} minutes",
        "has to be told": {f"--set {name}=": meaning for name, meaning in about.inputs},
        "looks at": {name: pages.question(check) for name, check in runbook.diagnose.items()},
        "decides": pages.decides(runbook.decide),
        "may change": [
            f"{number}. {step.name}: {pages.effect(step)} (undo: {pages.undoing(step)})"
            for number, stage in enumerate(runbook.stages, 1)
            for step in stage
        ],
        "must get better": f"{runbook.verify.what}, within {runbook.verify.within_s:g} s",
        "to keep it": runbook.keep,
        "escalate to": about.escalate,
        "calls": {"reads": sorted(runbook.reads), "changes": sorted(runbook.calls - runbook.reads)},
    }


def description(runbook: Runbook) -> RenderableType:
    """The same for a person."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1))
    for heading, value in describe(runbook).items():
        if not value:
            continue
        lines = [f"{key}: {text}" for key, text in value.items()] if isinstance(value, dict) else value
        table.add_row(
            Text(heading, style="bold"), "\n".join(lines) if isinstance(lines, list) else str(lines)
        )
    return table


def _findings(record: Record) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1))
    for width in (3, 10, None, None):
        table.add_column(width=width, overflow="fold")
    for name, finding in record.findings.items():
        mark, style = _MARKS[finding.cause]
        table.add_row(
            Text(f"  {mark}", style=style), name, finding.what, Text(_evidence(finding), style="dim")
        )
    return table


def _evidence(finding: Finding) -> str:
    shown = {
        key: f"{value:g}" if isinstance(value, float) else value for key, value in finding.evidence.items()
    }
    return ", ".join(f"{key} {value}" for key, value in shown.items() if value)


def _change(change: Change, several: bool = False) -> list[RenderableType]:
    call = Table.grid(padding=(0, 2))
    call.add_row(Text("does"), Text(change.effect or change.step))
    call.add_row(Text("call"), Text(f"{change.call.service} {change.call.operation}"))
    for key, value in change.call.request.items():
        call.add_row(Text(key), Text(_short(value)))
    call.add_row(Text("undo"), Text(change.undo))
    if change.keep:
        call.add_row(Text("keep"), Text(change.keep))
    stage = f"stage {change.stage}: " if several else ""
    arrow = Text.assemble(
        f"{stage}{change.subject}: ", (change.before, "red"), " -> ", (change.after, "green")
    )
    return [Padding(arrow, (0, 2)), Padding(call, (0, 4), style="dim")]


def _short(value: Any) -> str:
    """A web ACL fills screens: `--json` has all of it."""
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ... ({len(text):,} characters)"


def _verdict(record: Record) -> list[RenderableType]:
    style = _STYLES.get(record.verdict, "bold green")
    counts = f"{record.reads} reads, {record.writes} changes made, {len(record.changes)} planned"
    parts: list[RenderableType] = [
        Text.assemble("\n", (record.verdict, style), f": {record.note}"),
        Padding(Text(counts, style="dim"), (0, 2)),
    ]
    if record.keep and record.verdict in {"planned", "applied+verified"}:
        where = f"Pulumi.{record.environment}.yaml"
        parts.append(Padding(Text(f"to keep it after it expires, in {where}: {record.keep}"), (0, 2)))
    return parts


def _heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")
