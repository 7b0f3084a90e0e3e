"""A run, or two side by side, as a page: verdict, dimensions with intervals, every answer that is wrong."""

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from string import Template

from contract.errors import DONE, FAILED
from runtime.eval.answers import Answer
from runtime.eval.compare import Changed, Comparison, Moved
from runtime.eval.stats import Share, percentile
from runtime.eval.verdict import Gate, Judged, Verdict, words

HONEST = (
    "Asked of stand-ins: their answers come from templates, their vectors from hashes of letters. "
    "These figures are a signal that something changed, not the quality of any model's answers."
)
_TEMPLATE = Path(__file__).with_name("page.html")
_TONES = {DONE: "good", FAILED: "bad"}
_CAME = {"held": "good", "failed": "bad", "in doubt": "open", "worse": "bad", "better": "good", "same": ""}
_MOST = 200  # answers shown of a kind
_WIDE = 220  # of an interval's drawing


def one(verdict: Verdict) -> str:
    """The page of a single run."""
    return _page(verdict, None)


def two(found: Comparison) -> str:
    """The page of a candidate against another version."""
    return _page(found.after, found)


def _page(verdict: Verdict, found: Comparison | None) -> str:
    code = found.exit_code if found else verdict.exit_code
    name, said = verdict.run.about.version, words(code, verdict.run.about)
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(f"{name}: {said}"),
        headline=escape(name if found is None else f"{name} against {found.before.run.about.version}"),
        verdict=escape(said),
        tone=_TONES.get(code, "open"),
        facts=escape(" · ".join(_facts(verdict))),
        honest=escape(HONEST if verdict.run.about.stand_ins else ""),
        doubts="".join(
            f"<li>{escape(doubt)}</li>" for doubt in (*verdict.doubts, *(found.doubts if found else ()))
        ),
        tiles="".join(_tiles(verdict)),
        dimensions=_moved(found) if found else _gates(verdict.gates),
        intents=_intents(verdict, found),
        figures=_figures(found) if found else "",
        regressed=_changes("Got worse", [c for m in found.moved for c in m.worse]) if found else "",
        improved=_changes("Got better", [c for m in found.moved for c in m.better]) if found else "",
        wrong="".join(_wrong(verdict)) or "<p>Nothing.</p>",
    )


def _facts(verdict: Verdict) -> Iterator[str]:
    about = verdict.run.about
    yield f"{len(verdict.judged):,} of {about.prompts:,} golden prompts ({about.golden})"
    yield "stand-ins" if about.stand_ins else "real models"
    yield "intervals: 95 %"


def _tiles(verdict: Verdict) -> Iterator[str]:
    answers = [judged.answer for judged in verdict.judged]
    good, count = verdict.good, max(1, len(answers))
    usd, took = verdict.run.usd, [answer.took_s for answer in answers]
    figures = (
        ("all held", f"{good.value:.1%}", f"{good.low:.1%} to {good.high:.1%}"),
        ("wrong", f"{good.all - good.held:,}", f"of {good.all:,} prompts"),
        ("cost", f"${usd:.2f}", f"${usd / count:.4f} a prompt"),
        ("whole answer p95", f"{percentile(took, 0.95):.1f} s", f"p50 {percentile(took, 0.5):.1f} s"),
    )
    for name, value, below in figures:
        yield f"<div><span>{escape(name)}</span><b>{escape(value)}</b><span>{escape(below)}</span></div>"


def _gates(gates: Sequence[Gate]) -> str:
    rows = "".join(
        f'<tr><td>{escape(gate.dimension)}</td><td class="{_CAME[gate.came]}">{gate.came}</td>'
        f"{_share(gate.share)}<td>{_drawn([gate.share], gate.least)}</td>"
        f'<td class="number">{gate.least:.1%}</td></tr>'
        for gate in gates
    )
    head = (
        '<tr><th></th><th></th><th class="number">held</th><th class="number">share</th><th>0 to 100 %</th>'
    )
    return f'<table>{head}<th class="number">least</th></tr>{rows}</table>'


def _moved(found: Comparison) -> str:
    least = {gate.dimension: gate for gate in found.after.gates}
    rows = "".join(_moved_row(moved, least.get(moved.dimension)) for moved in found.moved)
    names = ("against", "candidate", "0 to 100 %", "worse", "better", "by chance", "gate")
    head = f"<tr><th></th><th></th>{''.join(f'<th>{name}</th>' for name in names)}</tr>"
    return f"<table>{head}{rows}</table>"


def _moved_row(moved: Moved, gate: Gate | None) -> str:
    shares = "".join(f'<td class="number">{one.value:.1%}</td>' for one in (moved.before, moved.after))
    held = f'<td class="{_CAME[gate.came]}">{gate.came}</td>' if gate else "<td></td>"
    return (
        f'<tr><td>{escape(moved.dimension)}</td><td class="{_CAME[moved.came]}">{moved.came}</td>{shares}'
        f"<td>{_drawn([moved.before, moved.after], gate.least if gate else None)}</td>"
        f'<td class="number">{len(moved.worse)}</td><td class="number">{len(moved.better)}</td>'
        f'<td class="number">{moved.chance:.3f}</td>{held}</tr>'
    )


def _intents(verdict: Verdict, found: Comparison | None) -> str:
    before = found.before.by_intent() if found else {}
    rows = "".join(
        f"<tr><td>{escape(name)}</td>{_share(share)}"
        f"<td>{_drawn([before[name], share] if name in before else [share], None)}</td></tr>"
        for name, share in verdict.by_intent().items()
    )
    head = '<tr><th></th><th class="number">held</th><th class="number">share</th><th>0 to 100 %</th></tr>'
    return f"<table>{head}{rows}</table>"


def _figures(found: Comparison) -> str:
    rows = "".join(
        f'<tr><td>{escape(one.name)}</td><td class="number">{one.before:,.3g} {one.unit}</td>'
        f'<td class="number">{one.after:,.3g} {one.unit}</td><td class="number">{one.gap[0]:+,.3g} '
        f"({one.gap[1]:+,.3g} to {one.gap[2]:+,.3g})</td><td>{'' if one.sure else 'may be chance'}</td></tr>"
        for one in found.figures
    )
    head = '<tr><th>mean of an answer</th><th class="number">against</th><th class="number">candidate</th>'
    head += '<th class="number">gap</th><th></th></tr>'
    return f'<h2>Cost and time beside</h2><div class="scroll"><table>{head}{rows}</table></div>'


def _share(share: Share) -> str:
    return f'<td class="number">{share.held:,} of {share.all:,}</td><td class="number">{share.value:.1%}</td>'


def _drawn(shares: Sequence[Share], least: float | None) -> str:
    """Each share as a dot on its interval, one below another; a line where the threshold is."""
    tall = 10 * len(shares) + 6
    parts = [
        f'<line x1="0" x2="{_WIDE}" y1="{tall - 1}" y2="{tall - 1}" stroke="currentColor" opacity=".2"/>'
    ]
    for number, share in enumerate(shares):
        y, faint = 8 + 10 * number, ' opacity=".45"' if number < len(shares) - 1 else ""
        low, middle, high = (round(at * _WIDE, 1) for at in (share.low, share.value, share.high))
        parts.append(
            f'<g{faint} fill="currentColor" stroke="currentColor" stroke-width="2">'
            f'<line x1="{low}" x2="{high}" y1="{y}" y2="{y}"/><circle cx="{middle}" cy="{y}" r="2.5"/></g>'
        )
    if least is not None:
        x = least * _WIDE
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="1" y2="{tall}" stroke="var(--bad)" stroke-dasharray="2 2"/>'
        )
    return (
        f'<svg width="{_WIDE + 6}" height="{tall}" viewBox="-3 0 {_WIDE + 6} {tall}">{"".join(parts)}</svg>'
    )


def _changes(title: str, changes: Sequence[Changed]) -> str:
    if not changes:
        return f"<h2>{title}</h2><p>No prompt.</p>" if title == "Got worse" else ""
    shown = "".join(map(_changed, changes[:_MOST]))
    more = f"<p>And {len(changes) - _MOST} more.</p>" if len(changes) > _MOST else ""
    return f"<h2>{title}: {len(changes)}</h2>{shown}{more}"


def _changed(changed: Changed) -> str:
    prompt = changed.after.prompt
    why = f"{changed.dimension}: {changed.why}"
    return (
        f"<details open><summary><code>{prompt.id}</code> {escape(why)}</summary>{_asked(changed.after)}"
        f'<div class="pair"><div><b>against</b>{_said(changed.before.answer)}</div>'
        f"<div><b>candidate</b>{_said(changed.after.answer)}</div></div></details>"
    )


def _wrong(verdict: Verdict) -> Iterator[str]:
    wrong = [judged for judged in verdict.judged if not judged.held]
    for judged in wrong[:_MOST]:
        whys = "; ".join(f"{finding.dimension}: {finding.why}" for finding in judged.wrong)
        yield (
            f"<details><summary><code>{judged.prompt.id}</code> {escape(whys)}</summary>{_asked(judged)}"
            f'<div class="pair"><div><b>answer</b>{_said(judged.answer)}</div></div></details>'
        )
    if len(wrong) > _MOST:
        yield f"<p>And {len(wrong) - _MOST} more.</p>"


def _asked(judged: Judged) -> str:
    said = [*judged.prompt.before, judged.prompt.text]
    return f"<p>{'<br>'.join(escape(text[:600]) for text in said)}</p>"


def _said(answer: Answer) -> str:
    beside = [f"{answer.rung or 'nobody'} · {answer.intent or 'no intent'} · {answer.took_s:.1f} s"]
    beside += [f"{card.get('asin')} {card.get('title')}" for card in answer.cards]
    return escape("\n".join((answer.text or answer.error, "", *beside)))
