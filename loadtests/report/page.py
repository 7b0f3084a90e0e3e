"""The report as a page: verdict, gates, what was asked and served, how quickly, by whom, and what went
wrong."""

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from string import Template

from contract.errors import DONE, FAILED
from contract.tiers import Tier
from loadtests import knee, plot, profile
from loadtests.histogram import Histogram
from loadtests.plot import Mark
from loadtests.run import Run
from loadtests.tally import NOBODY, Cell, Tally
from loadtests.verdict import WORDS, Held, Verdict, judge

_MOST_BINS = 120
_TEMPLATE = Path(__file__).with_name("page.html")
_COLOURS = dict(zip((*map(str, Tier), NOBODY), plot.COLOURS, strict=True))
_TONES = {DONE: "good", FAILED: "bad"}


def html(run: Run, *, refresh_s: int | None = None) -> str:
    """The whole page; `refresh_s`: of a run that goes on, loaded again so often."""
    verdict, over = judge(run), refresh_s is None
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        refresh="" if over else f'<meta http-equiv="refresh" content="{refresh_s}">',
        title=escape(f"{run.scenario.name}: {WORDS[verdict.exit_code] if over else 'under way'}"),
        name=escape(run.scenario.name),
        verdict=escape(WORDS[verdict.exit_code] if over else "under way"),
        tone=_TONES.get(verdict.exit_code, "open") if over else "open",
        about=escape(run.scenario.title),
        facts=escape(" · ".join(_facts(run))),
        doubts="".join(f"<li>{escape(doubt)}</li>" for doubt in (verdict.doubts if over else ())),
        tiles="".join(_tiles(run)),
        gates=_gates(verdict),
        plots="".join(f'<div class="scroll">{one}</div>' for one in _plots(run)),
        groups="".join(_groups(run.tally)),
        errors=_errors(run.tally),
        slowest="".join(_slowest(run.tally)),
        knee=f"<h2>Knee</h2><p>{escape(knee.find(run).words)}</p>" if run.scenario.knee else "",
        notes="".join(_notes(run)),
    )


def _facts(run: Run) -> Iterator[str]:
    yield f"{run.scenario.length_s:g} s"
    yield f"{run.scenario.users:,} people"
    yield f"{run.health.workers} worker{'s' if run.health.workers != 1 else ''}"
    yield f"seed {run.seed}"
    if run.host:
        yield run.host
    if run.switched_off:
        yield f"switched off: {', '.join(run.switched_off)}"
    if run.health.aborted_by:
        yield f"ended early by its gate {run.health.aborted_by}"


def _tiles(run: Run) -> Iterator[str]:
    cell, tally = run.tally.select(), run.tally
    count = max(1, cell.messages)
    figures = (
        ("messages", f"{cell.messages:,}", f"of {run.planned:,} planned"),
        ("good", f"{cell.good / count:.1%}", "in time and in order"),
        ("failed", f"{cell.failed / count:.2%}", f"{cell.dropped:,} never sent"),
        ("first token p95", _ms(cell.first_token.at(0.95)), f"p50 {_ms(cell.first_token.at(0.5))}"),
        ("end to end p95", _ms(cell.end_to_end.at(0.95)), f"p50 {_ms(cell.end_to_end.at(0.5))}"),
        ("longest silence p99", _ms(cell.chunk_gap.at(0.99)), f"{cell.stalls:,} stalls"),
        ("a message", _usd(cell.usd / count), f"resolved conversation {_usd(tally.cost_per_resolved)}"),
        ("generator lag p99", _ms(tally.lag.at(0.99)), f"limit {run.scenario.lag_limit_ms:g} ms"),
    )
    for name, value, below in figures:
        yield f"<div><span>{escape(name)}</span><b>{escape(value)}</b><span>{escape(below)}</span></div>"


def _gates(verdict: Verdict) -> str:
    if not verdict.gates:
        return "<p>The scenario has none.</p>"
    return f"<table>{''.join(map(_gate, verdict.gates))}</table>"


def _gate(one: Held) -> str:
    mark, tone = {True: ("held", "good"), False: ("FAILED", "bad"), None: ("not told", "open")}[one.held]
    shown = "nothing to measure" if one.value is None else one.gate.shown(one.value)
    return f'<tr><td class="{tone}">{mark}</td><td>{escape(one.gate.text)}</td><td>{escape(shown)}</td></tr>'


def _plots(run: Run) -> Iterator[str]:
    tally, scenario = run.tally, run.scenario
    last = max([*tally.by("bin"), *tally.done], default=0)
    step = max(1, -(-(last + 1) // _MOST_BINS))
    bins = [range(first, first + step) for first in range(0, last + 1, step)]
    starts, width = [one[0] * tally.bin_s for one in bins], step * tally.bin_s
    marks = sorted((Mark(n.kind, n.text, n.at_s, n.until_s) for n in run.notes), key=lambda mark: mark.at)
    by_bin = tally.by("bin")
    cells = [_cell(by_bin, one) for one in bins]
    due = [profile.expected(scenario.segments, at, at + width) / width for at in starts]
    served = [sum(tally.done[number] for number in one) / width for one in bins]
    rates = {"due": due, "served": served}
    yield plot.lines("Messages a second: due, and answered", starts, rates, marks, unit="/s")
    for title, measure, limit in (
        ("First token, from the moment a message was due", "first_token", scenario.good.first_token_ms),
        ("End to end, from the moment a message was due", "end_to_end", scenario.good.end_to_end_ms),
    ):
        series = {
            f"p{share * 100:g}": [getattr(cell, measure).at(share) for cell in cells]
            for share in (0.5, 0.95, 0.99)
        }
        yield plot.lines(title, starts, series, marks, limit, filled=True)
    tiers = {str(tier): tier for tier in (*Tier, NOBODY)}
    by_tier = {name: tally.by("bin", {"tier": name}) for name in tiers}
    shares = {
        name: [sum(found[n].messages for n in one if n in found) / width for one in bins]
        for name, found in by_tier.items()
        if found
    }
    yield plot.stacked("Who answered, messages a second", starts, shares, marks, _COLOURS, "/s")
    wrong = {
        "failed": [cell.failed / width for cell in cells],
        "stalls": [cell.stalls / width for cell in cells],
        "asked again": [cell.resends / width for cell in cells],
    }
    yield plot.lines("What went wrong, a second", starts, wrong, marks, unit="/s")
    cost = {"$ a message": [cell.usd / cell.messages if cell.messages else None for cell in cells]}
    yield plot.lines(
        "Cost of a message, in thousandths of a dollar", starts, _thousandths(cost), marks, unit="m$"
    )


def _thousandths(series: dict[str, list[float | None]]) -> dict[str, list[float | None]]:
    return {name: [None if v is None else v * 1_000 for v in values] for name, values in series.items()}


def _cell(by_bin: dict[int, Cell], numbers: range) -> Cell:
    made = Cell()
    for number in numbers:
        if number in by_bin:
            made.merge(by_bin[number])
    return made


def _groups(tally: Tally) -> Iterator[str]:
    for dimension in ("tier", "intent", "persona", "channel", "stage"):
        found = tally.by(dimension)
        if dimension != "tier" and len(found) < 2:
            continue
        rows = "".join(_row(str(name), cell) for name, cell in found.items())
        head = (
            "<th>messages</th><th>failed</th><th>good</th><th>first token p50</th><th>p95</th><th>p99</th>"
            "<th>end p50</th><th>p95</th><th>p99 ms</th><th>silence p99</th><th>m$ each</th>"
        )
        table = f'<table class="numbers"><tr><th>{dimension}</th>{head}</tr>{rows}</table>'
        yield f'<div class="scroll">{table}</div>'


def _row(name: str, cell: Cell) -> str:
    count = max(1, cell.messages)
    cells = [
        f"{cell.messages:,}",
        f"{cell.failed / count:.1%}",
        f"{cell.good / count:.1%}",
        *_three(cell.first_token),
        *_three(cell.end_to_end),
        _whole(cell.chunk_gap.at(0.99)),
        f"{cell.usd / count * 1_000:.3f}",
    ]
    return f"<tr><td>{escape(name)}</td>{''.join(f'<td>{value}</td>' for value in cells)}</tr>"


def _three(times: Histogram) -> Sequence[str]:
    return [_whole(times.at(share)) for share in (0.5, 0.95, 0.99)]


def _errors(tally: Tally) -> str:
    if not tally.errors:
        return "<p>None.</p>"
    rows = "".join(
        f"<tr><td>{count:,}</td><td>{escape(error)}</td></tr>"
        for error, count in tally.errors.most_common(20)
    )
    return f'<div class="scroll"><table>{rows}</table></div>'


def _slowest(tally: Tally) -> Iterator[str]:
    for slow in tally.slowest[:15]:
        yield (
            f"<tr><td><code>{escape(slow.request_id)}</code></td><td>{slow.at_s:.1f} s</td>"
            f"<td>{_whole(slow.first_token_ms)}</td><td>{_whole(slow.took_ms)}</td><td>{escape(slow.tier)}</td>"
            f"<td>{escape(slow.persona)}</td><td>{escape(slow.intent)}</td>"
            f"<td>{escape(slow.error or '')}</td></tr>"
        )


def _notes(run: Run) -> Iterator[str]:
    if not run.notes:
        return
    rows = "".join(
        f"<tr><td>{note.at_s:.1f} s</td><td>{escape(note.kind)}</td><td>{escape(note.text)}</td></tr>"
        for note in sorted(run.notes, key=lambda note: note.at_s)
    )
    yield f'<h2>What happened beside</h2><div class="scroll"><table>{rows}</table></div>'


def _ms(value: float | None) -> str:
    if value is None:
        return "-"
    return (
        f"{value / 1_000:.2f} s"
        if value >= 1_000
        else f"{value:,.0f} ms"
        if value >= 10
        else f"{value:.1f} ms"
    )


def _usd(value: float | None) -> str:
    return "-" if value is None else f"${value:.4f}"


def _whole(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"
