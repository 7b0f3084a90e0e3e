"""The report of a game day: one HTML file that needs nothing else, and the same facts as JSON.

The verdict first, then the gates, then what happened on one time axis, then the story line by line.
"""

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from contract.errors import DONE, FAILED, InconclusiveError
from contract.faults import Fault
from contract.tiers import Tier
from loadtests import plot
from loadtests.plot import Mark
from loadtests.samples import Percentiles, Sample, summary
from rehearsal.evidence import Window
from rehearsal.game_day import Result
from rehearsal.gate import Gate

BIN_S = 2.0
_MOST_BINS = 120
_NOBODY = "no answer"
_COLOURS = dict(zip((*map(str, Tier), _NOBODY), plot.COLOURS, strict=True))
_WORDS = {DONE: "survived", FAILED: "not survived"}
_ALARM_MARKS = {
    "ALARM": ("alarm", "alarm red"),
    "OK": ("green", "alarm green"),
    "INSUFFICIENT_DATA": ("alarm", "alarm without data"),
}
_RUNBOOK_WORDS = {"changed:": "runbook applied", "undone:": "runbook undone"}
_TEMPLATE = Path(__file__).with_name("report.html")


class ReportError(InconclusiveError):
    """The report cannot be written."""


def headline(result: Result) -> str:
    """The verdict in a few words."""
    return f"{result.story.title}: {_WORDS.get(result.exit_code, 'inconclusive')}"


def page(result: Result) -> Path:
    """Where the page is, or will be."""
    return result.folder / "report.html"


def write(result: Result) -> Path:
    """report.html and report.json in the run's folder; the page's path. Neither is ever half there."""
    facts = json.dumps(as_json(result), indent=2)
    _replace({result.folder / "report.json": facts, page(result): _page(result)})
    return page(result)


def _replace(files: Mapping[Path, str]) -> None:
    """Writes all of them beside their places, then moves them there."""
    drafts = {path: path.with_name(f".{path.name}.draft") for path in files}
    try:
        for path, text in files.items():
            drafts[path].write_text(text, encoding="utf-8")
        for path, draft in drafts.items():
            draft.replace(path)
    except OSError as refused:
        for draft in drafts.values():
            with suppress(OSError):
                draft.unlink(missing_ok=True)
        where = next(iter(files)).parent
        raise ReportError(
            f"the report cannot be written to {where}: {refused.strerror}: mend that and rehearse again"
        ) from None


def as_json(result: Result) -> dict[str, Any]:
    """Every fact of the page."""
    return {
        "story": result.story.id,
        "verdict": _WORDS.get(result.exit_code, "inconclusive"),
        "exit_code": result.exit_code,
        "stack": result.stack,
        "seed": result.options.seed,
        "changes": dict(result.options.changes),
        "gates": [{"gate": gate.name, "held": gate.held, "measured": gate.measured} for gate in result.gates],
        "load": summary(result.evidence.samples).model_dump(mode="json"),
        "events": [event.model_dump() for event in result.timeline.events],
    }


def _page(result: Result) -> str:
    code = result.exit_code
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(headline(result)),
        verdict=escape(_WORDS.get(code, "inconclusive")),
        tone={DONE: "good", FAILED: "bad"}.get(code, "open"),
        facts=escape(_facts(result)),
        gates="".join(_gate(gate) for gate in result.gates),
        tiers=_tier_plot(result),
        first_token=_first_token_plot(result),
        latency=_latency_rows(result.evidence.samples),
        events="".join(_events(result)),
    )


def _facts(result: Result) -> str:
    found = summary(result.evidence.samples)
    changed = ", ".join(f"{key}={value}" for key, value in result.options.changes.items())
    parts = [
        f"stack {result.stack}",
        f"{found.count} messages",
        f"seed {result.options.seed}",
        *([f"changed: {changed}"] if changed else []),
    ]
    return " · ".join(parts)


def _gate(gate: Gate) -> str:
    mark, tone = {True: ("held", "good"), False: ("FAILED", "bad"), None: ("not told", "open")}[gate.held]
    return (
        f'<tr><td class="{tone}">{mark}</td><td>{escape(gate.name)}</td><td>{escape(gate.measured)}</td></tr>'
    )


def _bins(result: Result) -> list[Window]:
    """Even stretches of the run, a few seconds each: in a long one longer, so that they can be told apart."""
    zero = _zero(result)
    end = max((sample.intended_at for sample in result.evidence.samples), default=zero)
    width = BIN_S * max(1, math.ceil((end - zero) / BIN_S / _MOST_BINS))
    count = int((end - zero) // width) + 1
    return [Window(zero + number * width, zero + (number + 1) * width) for number in range(count)]


def _zero(result: Result) -> float:
    if result.timeline.zero is not None:
        return result.timeline.zero
    return min((event.at for event in result.timeline.events), default=0.0)


def _tier_plot(result: Result) -> str:
    samples = result.evidence.samples
    bins = [window.of(samples) for window in _bins(result)]
    names = {**{str(tier): tier for tier in Tier}, _NOBODY: None}
    used = {name: tier for name, tier in names.items() if any(sample.tier is tier for sample in samples)}
    shares = {name: [_share(found, tier) for found in bins] for name, tier in used.items()}
    return plot.stacked("Who answered", _starts(result), shares, _marks(result), _COLOURS)


def _share(samples: Sequence[Sample], tier: Tier | None) -> float:
    """Of messages that this tier answered; None: nobody did."""
    return sum(sample.tier is tier for sample in samples) / len(samples) if samples else 0.0


def _first_token_plot(result: Result) -> str:
    bins = [window.of(result.evidence.samples) for window in _bins(result)]
    found = [Percentiles.of(sample.first_token_ms for sample in inside) for inside in bins]
    series = {
        "p50": [times.p50 if times else None for times in found],
        "p95": [times.p95 if times else None for times in found],
    }
    limit = result.story.gates.first_token_p95_ms
    return plot.lines(
        "First token, from the moment a message was due", _starts(result), series, _marks(result), limit
    )


def _starts(result: Result) -> list[float]:
    return [window.start - _zero(result) for window in _bins(result)]


def _marks(result: Result) -> list[Mark]:
    zero, seen = _zero(result), result.evidence
    marks = [
        Mark("fault", _fault_words(stage.fault), stage.start - zero, stage.end - zero)
        for stage in seen.stages
    ]
    marks += [
        Mark(*_ALARM_MARKS[change.after], change.at - zero)
        for change in seen.transitions
        if "ALARM" in {change.before, change.after}
    ]
    marks += [
        Mark("runbook", text, event.at - zero)
        for event in result.timeline.events
        for start, text in _RUNBOOK_WORDS.items()
        if event.kind == "runbook" and event.text.startswith(start)
    ]
    return sorted(marks, key=lambda mark: mark.at)


def _fault_words(fault: Fault) -> str:
    return f"{fault.kind} {' '.join(fault.match.values())} {fault.rate:.0%}"


def _latency_rows(samples: Sequence[Sample]) -> str:
    found = summary(samples)
    rows = [*((str(tier), times) for tier, times in found.tiers.items()), ("all", found.answered)]
    return "".join(
        f"<tr><td>{name}</td><td>{times.count}</td>{_cells(times.first_token_ms)}{_cells(times.end_to_end_ms)}</tr>"
        for name, times in rows
    )


def _cells(times: Percentiles | None) -> str:
    values = (times.p50, times.p95, times.p99) if times else (None, None, None)
    return "".join(f"<td>{'-' if value is None else f'{value:,.0f}'}</td>" for value in values)


def _events(result: Result) -> list[str]:
    zero = result.timeline.zero
    return [
        f"<tr><td>{'' if zero is None or event.at < zero else f'{event.at - zero:.1f} s'}</td>"
        f"<td>{escape(event.kind)}</td><td>{escape(event.text)}</td></tr>"
        for event in result.timeline.events
    ]
