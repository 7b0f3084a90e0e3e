"""A run for people: Markdown for an incident channel, one page of HTML with its timeline. Pure."""

from collections.abc import Sequence
from html import escape

from chaos.record import Gate, Happening, Record, Second

_WORDS = {True: "held", False: "FAILED", None: "not told"}
_COLOURS = {"T0": "#2b7a78", "T1": "#6fb98f", "standby": "#4a6fa5", "T2": "#e0a83f", "T3": "#a33b3b"}
_WIDE, _HIGH, _LEFT = 960, 180, 40
_MARKS = {"fault": "#a33b3b", "alarm": "#c9762b", "runbook": "#4a6fa5", "note": "#777777"}
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:1020px;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;width:100%}td,th{padding:.3rem .6rem;text-align:left;vertical-align:top;"
    "border-bottom:1px solid #e4e4e4}.held{color:#2b7a78}.FAILED{color:#a33b3b;font-weight:bold}"
    ".not{color:#a57a1f}small{color:#666}svg text{font:11px system-ui,sans-serif}"
)


def headline(record: Record) -> str:
    """`sonnet-down: held`."""
    return f"{record.experiment.id}: {record.verdict}"


def markdown(record: Record) -> str:
    """What can be pasted anywhere."""
    experiment = record.experiment
    where = _where(record)
    lines = [
        f"# {headline(record)}",
        "",
        f"{experiment.title}. {experiment.hypothesis.strip()}",
        "",
        f"_{where}_",
        "",
        "| | gate | seen |",
        "| --- | --- | --- |",
        *(f"| {_WORDS[gate.held]} | {gate.name} | {_cell(gate.measured)} |" for gate in record.gates),
        "",
        "| s | | |",
        "| ---: | --- | --- |",
        *(f"| {one.at_s:.0f} | {one.kind} | {_cell(one.text)} |" for one in record.happenings),
        "",
    ]
    return "\n".join(lines)


def page(record: Record) -> str:
    """The whole of it, with a picture, in one file."""
    experiment = record.experiment
    gates = "".join(_gate_row(gate) for gate in record.gates)
    told = "".join(
        f"<tr><td>{one.at_s:.0f} s</td><td>{one.kind}</td><td>{escape(one.text)}</td></tr>"
        for one in record.happenings
    )
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(headline(record))}</title>"
        f"<style>{_STYLE}</style><h1>{escape(headline(record))}</h1>"
        f"<p><b>{escape(experiment.title)}.</b> {escape(experiment.hypothesis)}</p>"
        f"<p><small>{escape(_where(record))}</small></p>{timeline(record.seconds, record.happenings)}"
        f"<table><tr><th></th><th>gate</th><th>seen</th></tr>{gates}</table>"
        f"<h2>What happened</h2><table>{told}</table></html>\n"
    )


def _where(record: Record) -> str:
    """Where, when, and what was not as usual."""
    one = record.conditions
    unusual = [f"{key}={value}" for key, value in one.changes.items()]
    unusual += [f"without alarm {name}" for name in one.off]
    if one.slack > 1:
        unusual.append(f"{one.slack:g} times the time")
    said = f"{one.target}, stack {one.stack}, {record.started_at:%Y-%m-%d %H:%M:%S} UTC"
    return ", ".join([said, *unusual])


def timeline(seconds: Sequence[Second], happenings: Sequence[Happening]) -> str:
    """Messages of each second by the tier that answered, failures on top; marks where something happened."""
    if not seconds:
        return "<p>No message was answered.</p>"
    last = max(one.at_s for one in seconds) + 1
    most = max(one.messages for one in seconds)
    across, up = (_WIDE - _LEFT) / last, (_HIGH - 20) / most
    bars = "".join(_bar(one, across, up) for one in seconds)
    marks = "".join(_mark(one, across) for one in happenings if 0 <= one.at_s <= last)
    legend = "".join(
        f'<rect x="{_LEFT + 80 * n}" y="{_HIGH + 22}" width="10" height="10" fill="{colour}"/>'
        f'<text x="{_LEFT + 14 + 80 * n}" y="{_HIGH + 31}">{tier}</text>'
        for n, (tier, colour) in enumerate([*_COLOURS.items(), ("failed", "#000000")])
    )
    axis = "".join(
        f'<text x="{_LEFT + at * across:.1f}" y="{_HIGH + 14}">{at} s</text>' for at in range(0, last, 10)
    )
    return (
        f'<svg viewBox="0 0 {_WIDE} {_HIGH + 40}" role="img" aria-label="messages by tier">'
        f'<text x="0" y="14">{most}/s</text>{bars}{marks}{axis}{legend}</svg>'
    )


def _bar(one: Second, across: float, up: float) -> str:
    parts = [(tier, one.tiers.get(tier, 0), colour) for tier, colour in _COLOURS.items()]
    parts.append(("failed", one.failed, "#000000"))
    drawn, bottom = "", float(_HIGH)
    for tier, count, colour in parts:
        if count:
            bottom -= count * up
            left, width, high = _LEFT + one.at_s * across, across * 0.85, count * up
            drawn += (
                f'<rect x="{left:.1f}" y="{bottom:.1f}" width="{width:.1f}" height="{high:.1f}"'
                f' fill="{colour}">'
                f"<title>{one.at_s} s: {count} {tier}</title></rect>"
            )
    return drawn


def _mark(one: Happening, across: float) -> str:
    if one.kind in {"note", "runbook"}:
        return ""
    at = _LEFT + one.at_s * across
    return (
        f'<line x1="{at:.1f}" x2="{at:.1f}" y1="0" y2="{_HIGH}" stroke="{_MARKS[one.kind]}" '
        f'stroke-dasharray="3 3"><title>{escape(one.text)}</title></line>'
    )


def _gate_row(gate: Gate) -> str:
    word = _WORDS[gate.held]
    cells = f"<td>{escape(gate.name)}</td><td>{escape(gate.measured)}</td>"
    return f'<tr><td class="{word}">{word}</td>{cells}</tr>'


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
