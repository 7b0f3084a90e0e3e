"""The report's page, made of its facts and a few drawings. It needs nothing from outside, and prints well."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from contract.errors import DONE, FAILED
from contract.tiers import Tier
from loadtests import plot
from loadtests.plot import Mark
from rehearsal import dashboard_drawing
from rehearsal.history import Measured
from rehearsal.played import Result

_TEMPLATE = Path(__file__).with_name("report.html")
_NOBODY = "none"
_WORDS = {
    Tier.T0: "T0 Sonnet",
    Tier.T1: "T1 Haiku",
    Tier.STANDBY: "standby",
    Tier.T2: "T2 canned",
    Tier.T3: "T3 closed",
    _NOBODY: "nobody",
}
_COLOURS = dict(zip(_WORDS.values(), plot.COLOURS, strict=True))
_ALARM_WORDS = {"ALARM": ("alarm", "red"), "OK": ("green", "green")}
_LIMIT_MS = 2_500.0
Facts = Mapping[str, Any]


def html(facts: Facts, dashboards_: Sequence[str], compared: Facts | None = None) -> str:
    """The whole page. `compared`: the facts of the same event without its protection."""
    code = facts["exit_code"]
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(facts["headline"]),
        verdict=escape(facts["verdict"]),
        tone={DONE: "good", FAILED: "bad"}.get(code, "open"),
        about=escape(facts["about"]),
        facts=escape(" · ".join(_facts(facts))),
        tiles="".join(_tiles(facts)),
        gates="".join(map(_gate, facts["gates"])),
        promises="".join(map(_promise, facts["promises"])),
        plots="".join(f'<div class="scroll">{one}</div>' for one in plots(facts)),
        times="".join(map(_times, facts["times"])) or _none("Nothing was broken.", 4),
        alarms="".join(map(_alarm, facts["alarms"]))
        or _none("No alarm turned red, and none should have.", 6),
        runbooks="".join(map(_runbook, facts["runbooks"])) or _none("No alarm asked for one.", 5),
        bounds="".join(map(_bound, facts["bounds"])),
        compared="".join(_compared(facts, compared)),
        latency="".join(_latency(facts["load"])),
        dashboards="".join(f'<div class="scroll">{one}</div>' for one in dashboards_)
        or "<p>The stack declares none.</p>",
        events="".join(map(_event, facts["events"])),
    )


def pictures(result: Result) -> list[str]:
    """The stack's dashboards with this run's metrics."""
    pages = result.pages
    if not pages:
        return []
    seen = result.evidence
    measured = Measured(seen.metrics, seen.traffic.start, seen.traffic.end)
    return [dashboard_drawing.draw(page, measured) for page in pages]


def plots(facts: Facts) -> list[str]:
    """Who answered, and how soon, with what happened: on one time axis."""
    bins, marks = facts["bins"], _marks(facts)
    starts = [one["at_s"] for one in bins]
    names = {str(tier): word for tier, word in _WORDS.items()}
    used = [tier for tier in names if any(one["tiers"].get(tier) for one in bins)]
    shares = {names[tier]: [_share(one["tiers"], tier) for one in bins] for tier in used}
    counts = {"messages": [sum(one["tiers"].values()) / 10 for one in bins]}
    return [
        plot.stacked("Who answered", starts, shares, marks, _COLOURS),
        plot.lines(
            "First token p95, from the moment a message was due",
            starts,
            {"p95": [one["p95_ms"] for one in bins]},
            marks,
            _LIMIT_MS,
        ),
        plot.lines("Messages a second", starts, counts, [], unit="/s", filled=True),
    ]


def _share(tiers: Mapping[str, int], tier: str) -> float:
    return tiers.get(tier, 0) / sum(tiers.values()) if tiers else 0.0


def _marks(facts: Facts) -> list[Mark]:
    marks = [Mark("fault", fault["text"], fault["at_s"], fault["end_s"]) for fault in facts["faults"]]
    for alarm in facts["alarms"]:
        if alarm["fired_at"] is not None:
            marks.append(Mark("alarm", alarm["alarm"], alarm["fired_at"]))
        if alarm["green_at"] is not None:
            marks.append(Mark("green", f"{alarm['alarm']} green", alarm["green_at"]))
    marks += [
        Mark("runbook", run["id"], run["begun_s"])
        for run in facts["runbooks"]
        if run["begun_s"] is not None and run["changes"]
    ]
    return sorted(marks, key=lambda mark: mark.at)


def _facts(facts: Facts) -> Iterator[str]:
    yield f"stack {facts['stack']}"
    yield f"{facts['load']['count']:,} messages in {facts['length_s'] / 60:.0f} minutes of the story"
    yield f"{facts['speed']:g} times as fast as the clock"
    yield f"seed {facts['seed']}"
    if facts["rate"] != 1:
        yield f"{facts['rate']:g} times the traffic"
    if facts["changes"]:
        yield "changed: " + ", ".join(f"{key}={value}" for key, value in facts["changes"].items())
    if facts["without"]:
        yield f"without {', '.join(facts['without'])}"


def _tiles(facts: Facts) -> Iterator[str]:
    load, alarms = facts["load"], facts["alarms"]
    first = load["answered"]["first_token_ms"]
    fired = [one for one in alarms if one["fired_at"] is not None]
    wrong = [one for one in fired if one["expected"] == "no"]
    changed = sum(bool(run["changes"]) for run in facts["runbooks"])
    figures = (
        ("messages", f"{load['count']:,}", f"{load['failed_share']:.2%} without an answer"),
        ("first token p95", _ms(first and first["p95"]), f"p50 {_ms(first and first['p50'])}"),
        ("alarms", str(len(fired)), f"{len(wrong)} that should not have"),
        ("runbooks", str(len(facts["runbooks"])), f"{changed} changed something"),
        ("models", f"${facts['cost']['usd']:.2f}", f"${facts['cost']['usd_a_message']:.5f} a message"),
        (
            "memory",
            f"{facts['machine']['memory_gb']:.2f} GB",
            f"ready after {facts['machine']['ready_s']:.0f} s",
        ),
    )
    for name, value, below in figures:
        yield f"<div><span>{escape(name)}</span><b>{escape(value)}</b><span>{escape(below)}</span></div>"


def _row(*cells: str) -> str:
    return f"<tr>{''.join(cells)}</tr>"


def _cell(text: object, tone: str = "") -> str:
    return f'<td class="{tone}">{escape(str(text))}</td>' if tone else f"<td>{escape(str(text))}</td>"


def _none(words: str, columns: int) -> str:
    return f'<tr><td colspan="{columns}">{escape(words)}</td></tr>'


def _held(held: bool | None, good: str, bad: str) -> str:
    return _cell(*{True: (good, "good"), False: (bad, "bad"), None: ("not told", "open")}[held])


def _gate(gate: Facts) -> str:
    return _row(_held(gate["held"], "held", "FAILED"), _cell(gate["gate"]), _cell(gate["measured"]))


def _promise(one: Facts) -> str:
    unit = one["unit"]

    def shown(value: float | None) -> str:
        return "-" if value is None else f"{value:,.0f} {unit}" if unit == "ms" else f"{value:.2f} {unit}"

    limit = f"{one['limit']:,g} {unit}"
    return _row(
        _held(one["kept"], "kept", "BROKEN"),
        *map(_cell, (one["name"], limit, shown(one["calm"]), shown(one["all"]))),
    )


def _times(one: Facts) -> str:
    cells = ["never" if one[key] is None else f"{one[key]:.0f} s" for key in ("mitigated", "recovered")]
    if not one["alone_s"]:
        cells[1] = "cannot be told: the next one had begun"
    detected = "no alarm is due" if one["detected"] is None else f"{one['detected']:.0f} s"
    return _row(*map(_cell, (one["scene"], detected, *cells)))


def _alarm(one: Facts) -> str:
    fired, green = (_at(one[key]) for key in ("fired_at", "green_at"))
    if one["fired_at"] is None:
        tone, word = "bad", "did not fire"
    else:
        tone, word = {"must": ("good", "expected"), "may": ("open", "may fire")}.get(
            one["expected"], ("bad", "FALSE")
        )
    return _row(_cell(word, tone), *map(_cell, (one["alarm"], fired, one["after"], green, one["runbook"])))


def _at(second: float | None) -> str:
    return "-" if second is None else f"{second:.0f} s"


def _runbook(run: Facts) -> str:
    changes = "; ".join(run["changes"]) or "nothing"
    undone = "put back" if run["undone"] else "-"
    return _row(*map(_cell, (run["id"], run["verdict"], changes, run["note"], undone)))


def _bound(one: Facts) -> str:
    return _row(*map(_cell, (one["what"], f"{one['times']:,.1f} times this traffic", one["used"])))


def _compared(facts: Facts, other: Facts | None) -> Iterator[str]:
    """What would have happened without the protection, side by side."""
    if other is None:
        yield "<p>Not played: <code>--counterfactual</code> plays the same seed again with failover off.</p>"
        return
    yield "<table class=numbers><tr><th></th><th>this run</th><th>without failover</th></tr>"
    for name, with_, without in compared_rows(facts, other):
        yield _row(*map(_cell, (name, with_, without)))
    yield "</table>"


def compared_rows(facts: Facts, other: Facts) -> Iterator[tuple[str, str, str]]:
    """Name, and both values."""
    for name, value in _FIGURES.items():
        yield name, value(facts), value(other)


def _first(facts: Facts, share: str) -> str:
    first = facts["load"]["answered"]["first_token_ms"]
    return _ms(first and first[share])


def _canned(load: Facts) -> str:
    """At once and in order, and no help: without them nobody sees what failover is worth."""
    canned = load["tiers"].get(Tier.T2, {"count": 0})["count"]
    return f"{canned / max(1, load['count']):.1%}"


_FIGURES: Mapping[str, Any] = {
    "verdict": lambda facts: facts["verdict"],
    "messages without an answer": lambda facts: f"{facts['load']['failed_share']:.2%}",
    "canned answers": lambda facts: _canned(facts["load"]),
    "good answers (in time and in order)": lambda facts: f"{facts['load']['goodput']:.1%}",
    "first token p50": lambda facts: _first(facts, "p50"),
    "first token p95": lambda facts: _first(facts, "p95"),
    "cost of models": lambda facts: f"${facts['cost']['usd']:.2f}",
    "gates that failed": lambda facts: str(sum(gate["held"] is False for gate in facts["gates"])),
}


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f} ms"


def _latency(load: Facts) -> Iterator[str]:
    for name, times in (*load["tiers"].items(), ("all", load["answered"])):
        cells = [
            "-" if times[key] is None else f"{times[key][share]:,.0f}"
            for key in ("first_token_ms", "end_to_end_ms")
            for share in ("p50", "p95", "p99")
        ]
        yield _row(*map(_cell, (name, times["count"], *cells)))


def _event(event: Facts) -> str:
    when = "" if event["second"] is None else f"{event['second']:.1f} s"
    return _row(*map(_cell, (when, event["kind"], event["text"])))
