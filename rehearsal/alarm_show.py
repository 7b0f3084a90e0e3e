"""How alarms are shown: totals with their price, coverage, what a replay told, what tuning proposes."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from plan import cost
from plan.model import Plan, short_type
from rehearsal.alarm_definitions import ALARM_TYPE, COMPOSITE_TYPE, Composite, read
from rehearsal.alarms import unjudged
from rehearsal.coverage import Covered
from rehearsal.history import Measured
from rehearsal.replay import Estimate, Replayed, Tuned

if TYPE_CHECKING:
    from rich.console import RenderableType

_KINDS = ("page", "ticket", "part", "")


@dataclass(frozen=True)
class Totals:
    """Alarms of a stack. `counts`: component -> severity -> how many; composites apart."""

    stack: str
    counts: Mapping[str, Counter[str]]
    composites: Mapping[str, str]
    unjudged: Mapping[str, str]
    a_month: float

    @property
    def alarms(self) -> int:
        return sum(sum(row.values()) for row in self.counts.values())

    def as_json(self) -> dict[str, Any]:
        return {
            "stack": self.stack,
            "alarms": self.alarms,
            "composites": len(self.composites),
            "usd_a_month": self.a_month,
            "components": {name: dict(row) for name, row in self.counts.items()},
            "rules": dict(self.composites),
            "unjudged": dict(self.unjudged),
        }


@dataclass(frozen=True)
class Verdict:
    """What the alarms of a stack catch, and what is left over."""

    stack: str
    traffic: float
    found: Sequence[Covered]
    unreached: Sequence[str]
    unled: Sequence[str]

    @property
    def findings(self) -> list[str]:
        gaps = [
            f"{each.mode.component} ({each.region}): {each.mode.fails}: {each.gap}"
            for each in self.found
            if each.gap
        ]
        idle = [
            f"{name}: no way to fail reaches it: say in rehearsal/coverage.toml what it is for"
            for name in self.unreached
        ]
        led = [f"{incident}: no alarm of this stack leads to this runbook" for incident in self.unled]
        return [*gaps, *idle, *led]

    def as_json(self) -> dict[str, Any]:
        return {
            "stack": self.stack,
            "messages_a_second": self.traffic,
            "findings": self.findings,
            "modes": [
                {
                    **each.mode.model_dump(exclude={"metrics"}, exclude_none=True),
                    "region": each.region,
                    "in_stack": each.there,
                    "gap": each.gap,
                    "least_messages_a_second": each.least_messages and round(each.least_messages / 60, 2),
                    "caught": [asdict(caught) for caught in each.caught],
                }
                for each in self.found
            ],
        }


def totals(plan: Plan) -> Totals:
    """Counts by component, and the price of all."""
    both = (*plan.of_type(ALARM_TYPE), *plan.of_type(COMPOSITE_TYPE))
    counts: dict[str, Counter[str]] = {}
    composites: dict[str, str] = {}
    for resource in both:
        alarm = read(resource)
        if isinstance(alarm, Composite):
            composites[f"{alarm.name} ({alarm.region})"] = alarm.rule.text
        else:
            counts.setdefault(alarm.component or "rollouts and scaling", Counter())[alarm.severity] += 1
    regions = dict.fromkeys(resource.region for resource in both if resource.region)
    left = {name: why for region in regions for name, why in unjudged(plan, region).items()}
    types = {short_type(ALARM_TYPE), short_type(COMPOSITE_TYPE)}
    spent = sum(float(line.usd) for line in cost.estimate(plan).lines if line.type in types)
    return Totals(plan.stack, dict(sorted(counts.items())), composites, left, spent)


def render_totals(found: Totals) -> "Iterator[RenderableType]":
    from rich.table import Table

    table = Table("component", "page", "ticket", "part of another", "no person", box=None, pad_edge=False)
    for component, row in found.counts.items():
        table.add_row(component, *(str(row[kind] or "") for kind in _KINDS))
    yield table
    pages = sum(row["page"] for row in found.counts.values())
    yield (
        f"{found.stack}: {found.alarms} alarms, {pages} of them page; {len(found.composites)} over others; "
        f"${found.a_month:,.2f} a month"
    )
    if found.unjudged:
        yield "Not judged in rehearsals: " + "; ".join(
            f"{name}: {why}" for name, why in found.unjudged.items()
        )


def render_coverage(verdict: Verdict, *, only_gaps: bool) -> "Iterator[RenderableType]":
    from rich.table import Table
    from rich.text import Text

    columns = ("component", "what fails", "told by", "after", "of", "from", "regions")
    table = Table(*columns, box=None, pad_edge=False)
    for together in _alike(verdict.found):
        each = together[0]
        if each.gap or not only_gaps:
            regions = ", ".join(one.region for one in together)
            table.add_row(each.mode.component, each.mode.fails, *_told(each, verdict.stack), regions)
    yield table
    left = {*verdict.unreached, *verdict.unled}
    yield Text("\n".join(each for each in verdict.findings if each.partition(":")[0] in left), "red")
    told = sum(1 for each in verdict.found if each.caught and not each.gap)
    yield (
        f"{verdict.stack} at {verdict.traffic:g} messages/s: {told} failures told in time, "
        f"{len(verdict.findings)} findings. after: since it is published; from: least traffic."
    )


def _alike(found: Sequence[Covered]) -> list[list[Covered]]:
    """A failure that is told alike in several regions is one row."""
    rows: dict[tuple[str, str | None, float], list[Covered]] = {}
    for each in found:
        after = each.caught[0].after_s if each.caught else 0.0
        rows.setdefault((f"{each.mode.component} {each.mode.fails}", each.gap, after), []).append(each)
    return list(rows.values())


def _told(each: Covered, stack: str) -> "tuple[RenderableType, str, str, str]":
    """(who tells of it, after what time, of which allowed, from which traffic on)."""
    from rich.text import Text

    allowed = _words(each.mode.within_s)
    if each.gap:
        return Text(each.gap, "bold red"), "", allowed, ""
    if not each.there:
        return Text("not in this stack", "dim"), "", allowed, ""
    if not each.caught:
        return Text(each.mode.accepted or "", "yellow"), "", allowed, ""
    first, more = each.caught[0], len(each.caught) - 1
    name = f"{first.alarm.removeprefix(f'concierge-{stack}-')} ({first.severity})"
    least = f"{each.least_messages / 60:.3g}/s" if each.least_messages else ""
    return name + (f" and {more} more" if more else ""), _words(first.after_s), allowed, least


def render_replay(found: Replayed, past: Measured) -> "Iterator[RenderableType]":
    from rich.table import Table

    table = Table("at", "alarm", "was", "is", "why", box=None, pad_edge=False)
    for change in found.transitions:
        if change.before != "INSUFFICIENT_DATA" or change.after != "OK":
            table.add_row(
                f"{change.at - past.begin:,.0f} s", change.alarm, change.before, change.after, change.reason
            )
    if table.row_count:
        yield table
    pages = sum(1 for notice in found.notices if notice.state == "ALARM")
    yield (
        f"{_words(past.end - past.begin)} of metrics from {_moment(past.begin)}, {found.judged} alarms: "
        f"somebody told of ALARM {pages} time{'' if pages == 1 else 's'}"
    )


def replay_json(found: Replayed, past: Measured) -> dict[str, Any]:
    return {
        "begin": _moment(past.begin),
        "seconds": past.end - past.begin,
        "judged": found.judged,
        "transitions": [asdict(change) for change in found.transitions],
        "notices": [asdict(notice) for notice in found.notices],
    }


def render_tuned(found: Sequence[Tuned], past: Measured) -> "Iterator[RenderableType]":
    from rich.table import Table

    table = Table(
        "alarm",
        "usual",
        "threshold",
        "finds",
        "false/month",
        "proposed",
        "finds",
        "false/month",
        box=None,
        pad_edge=False,
    )
    for each in found:
        same = each.proposed.threshold == each.now.threshold
        proposed = ("keep", "", "") if same else _cells(each.proposed, each.troubles)
        table.add_row(
            each.alarm,
            "-" if each.usual is None else f"{each.usual:.4g}",
            *_cells(each.now, each.troubles),
            *proposed,
        )
    yield table
    yield (
        f"From {_words(past.end - past.begin)} of metrics with {len(past.troubles)} known troubles. "
        "Of less than a week, false alarms a month are a guess: take a proposal as a question."
    )


def tuned_json(found: Sequence[Tuned], past: Measured) -> dict[str, Any]:
    return {
        "seconds": past.end - past.begin,
        "troubles": len(past.troubles),
        "alarms": [asdict(each) for each in found],
    }


def _cells(one: Estimate, troubles: int) -> tuple[str, str, str]:
    late = f" in {_words(one.delay_s)}" if one.delay_s is not None else ""
    return f"{one.threshold:.4g}", f"{one.detected} of {troubles}{late}", f"{one.false_a_month:.3g}"


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _words(seconds: float) -> str:
    for size, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {word}"
    return f"{seconds:.0f} s"
