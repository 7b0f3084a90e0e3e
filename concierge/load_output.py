"""What `concierge load` prints: scenarios, comparisons and fleets, as text for people and as documents."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concierge.output import Renderable
    from loadtests.compare import Comparison
    from loadtests.fleet import Fleet
    from loadtests.run import Run
    from loadtests.scenario import Scenario


def facts(found: "Scenario") -> dict[str, Any]:
    """A scenario as a document."""
    computed = {
        "length_s": found.length_s,
        "messages": round(found.messages),
        "peak": found.peak,
        "open_conversations": found.open_conversations,
        "turns": found.turns(),
    }
    return {**found.model_dump(mode="json"), "computed": computed}


def scenarios(found: "Sequence[Scenario]") -> "Renderable":
    """All of them as a table."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("scenario", "lasts", "messages", "peak/s", "people", "what it shows"):
        table.add_column(column, justify="left" if column in {"scenario", "what it shows"} else "right")
    for one in found:
        figures = (_span(one.length_s), f"{one.messages:,.0f}", f"{one.peak:g}", f"{one.users:,}")
        table.add_row(one.name, *figures, one.title)
    return table


def scenario(found: "Scenario") -> "Sequence[Renderable]":
    """One of them, on a page."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in _lines(found):
        table.add_row(Text(name, "dim"), Text(value))
    return Text(f"{found.name}: {found.title}" if found.title else found.name, "bold"), table


def _lines(found: "Scenario") -> Iterator[tuple[str, str]]:
    yield "lasts", _span(found.length_s)
    yield "messages", f"{found.messages:,.0f}, at the peak {found.peak:g} a second, {found.arrivals}"
    yield (
        "people",
        f"{found.users:,} connected; at the peak about {found.open_conversations:,} in conversation",
    )
    yield "mix", _shares(found.mix)
    yield "ways in", _shares(found.channels)
    for stage in found.stages:
        rate = f"{stage.rate:g}/s" if stage.from_rate is None else f"{stage.from_rate:g} to {stage.rate:g}/s"
        yield "stage", f"{stage.name or '-'}: {_span(stage.for_s)} of {rate}"
    if found.day is not None:
        yield "day", f"24 hours in {_span(found.day.for_s)}, {found.day.peak:g}/s in the busiest"
    for burst in found.bursts:
        yield "burst", f"{burst.name}: {burst.more:g}/s more for {_span(burst.for_s)} at {burst.at_s:g} s"
    for made in found.faults:
        where = " ".join((made.fault.target, *made.fault.match.values()))
        until_s = made.at_s + made.for_s
        yield "fault", f"{made.fault.kind} {where} {made.fault.rate:.0%}, {made.at_s:g} to {until_s:g} s"
    for gate in found.judged:
        ends = "" if gate.abort_after_s is None else f" (ends the run after {gate.abort_after_s:g} s)"
        yield "gate", f"{gate.text}{ends}"
    for name, value in found.settings.items():
        yield "setting", f"{name} = {value}"
    for name, switch in found.switches.items():
        yield f"--off {name}", switch.title + (f"; then fails: {switch.breaks}" if switch.breaks else "")


def document(finished: "Run", compared: "Comparison | None", folder: Path) -> dict[str, Any]:
    """A run as a document."""
    from loadtests.report import facts as reported

    found = {**reported.of(finished), "folder": str(folder)}
    return found if compared is None else {**found, "comparison": comparison(compared)}


def comparison(found: "Comparison") -> dict[str, Any]:
    """A comparison as a document."""
    return {
        "exit_code": found.exit_code,
        "doubt": found.doubt,
        "moved": [
            {
                "name": one.name,
                "before": one.before,
                "after": one.after,
                "times_low": one.low,
                "times_high": one.high,
                "change": one.change,
            }
            for one in found.moved
        ],
    }


def moved(found: "Comparison | None") -> list[str]:
    """A comparison in lines: everything that moved, and how many figures did not."""
    if found is None:
        return []
    if found.doubt is not None:
        return [f"compared with the baseline: nothing can be said: {found.doubt}"]
    told = [one.words for one in found.moved if one.change != "same"]
    same = len(found.moved) - len(told)
    worse = sum(1 for one in found.moved if one.change == "worse")
    return [
        *told,
        f"compared with the baseline: {worse} worse, {same} of {len(found.moved)} figures as before",
    ]


def fleet_facts(found: "Fleet") -> dict[str, Any]:
    """A fleet as a document."""
    return {
        "workers": found.workers,
        "needs": [{"limit": n.limit, "workers": n.workers, "why": n.why} for n in found.needs],
        "sockets_each": found.sockets_each,
        "messages_each": found.messages_each,
        "busy_each": found.busy_each,
        "connect_s": found.connect_s,
        "master_busy": found.master_busy,
        "warnings": list(found.warnings),
    }


def fleet(found: "Fleet") -> "Sequence[Renderable]":
    """A fleet on a page."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    table.add_column("limit")
    table.add_column("workers", justify="right")
    table.add_column("because")
    for need in found.needs:
        table.add_row(need.limit, f"{need.workers:,}", need.why)
    each = (
        f"each: {found.sockets_each:,} sockets, {found.messages_each:,.0f} messages/s, "
        f"{found.busy_each:.0%} busy; all connected after {found.connect_s / 60:.1f} min; "
        f"master {found.master_busy:.0%} busy"
    )
    head = Text(f"{found.workers:,} workers: {found.needs[0].limit} is what stops it first", "bold")
    return head, table, Text(each), *(Text(warning, "yellow") for warning in found.warnings)


def _shares(shares: Any) -> str:
    return ", ".join(f"{name} {share:.0%}" for name, share in shares.items())


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:g} s"
    return f"{seconds / 60:.3g} min" if seconds < 7_200 else f"{seconds / 3_600:.3g} h"
