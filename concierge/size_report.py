"""`concierge size report`: one page with pictures, the patch, and the forecast for runbooks."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from concierge import size_money, size_output, size_played

if TYPE_CHECKING:
    from concierge.output import Renderable
    from sizing.case import Case
    from sizing.simulate import Simulated
    from sizing.story import Story

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>
body{{font:15px/1.5 Roboto,Helvetica,Arial,sans-serif;color:#222}}
body{{max-width:1080px;margin:24px auto;padding:0 16px}}
pre{{background:#f5f6f7;padding:12px;overflow-x:auto;font-size:12.5px;line-height:1.35}}svg{{max-width:100%;height:auto}}
h2{{margin-top:36px;border-bottom:1px solid #ddd}}</style>
<h1>{title}</h1><p>{about}</p>{body}</html>
"""
_COLUMNS = 150
FOLLOWED = 20.0  # messages a second: two hours for a page, not for a decision


def write(case: "Case", folder: Path, seed: int, tell: Callable[[str], None]) -> Iterable[Path]:
    """Everything; the files that were written."""
    from contract.forecast import FILE
    from sizing import documents, outlook, patch

    documents.ready(folder)
    tell("planning the stack for what it declares")
    costs = size_money.costs(case, {})
    tell("playing the busiest hour, as the stack is and as it would be")
    played = {
        name: _play(case, seed, patched=patched) for name, patched in (("now", False), ("patched", True))
    }
    drawn = _pictures(case, costs, played, seed, tell)
    text = patch.text(case.needs, case.peaks, case.quotes.root, case.region)
    forecast = outlook.forecast(case, costs.held, datetime.now(UTC).date())
    files: dict[str, str | bytes] = {
        "capacity.html": _page(case, costs, played, drawn, text),
        "patch.yaml": text,
        FILE: forecast.model_dump_json(indent=2) + "\n",
    }
    for name, svg in drawn.items():
        files[f"{name}.svg"] = svg
        files[f"{name}.png"] = _png(svg)
    for name, content in files.items():
        documents.write(folder / name, content)
    return [folder / name for name in files]


def _png(svg: str) -> bytes:
    from plan.picture import letters

    return letters.rendered(svg)


def _play(case: "Case", seed: int, *, patched: bool) -> "Simulated":
    """An hour at the busiest minute's rate, a flash sale in it."""
    from sizing import patch, recording
    from sizing.measured import Measured
    from sizing.simulate import simulate

    measured = Measured.of(recording.known("calibration"))
    settings, known = case.settings, case.known
    if patched:
        settings, known = case.changed(patch.changes(case.needs)).settings, known.granted(case.target)
    return simulate(_story(case), settings, known, case.assumed, measured, seed, FOLLOWED)


def _story(case: "Case") -> "Story":
    from sizing.story import Flash, Story

    target = case.target
    flash = Flash(20 * 60, 120, target.headroom)  # as much as the headroom is for
    return Story(
        rate=target.messages_s,
        sessions=target.sessions,
        hours=1.0,
        ramp_s=600.0,
        flashes=(flash,),
        connected_s=case.assumed.conversation.connected_s,
    )


def _pictures(
    case: "Case",
    costs: size_money.Costs,
    played: Mapping[str, "Simulated"],
    seed: int,
    tell: Callable[[str], None],
) -> dict[str, str]:
    from sizing import knee, patch, pictures, recording
    from sizing.measured import Measured

    tell("looking for the knee")
    measured = Measured.of(recording.known("calibration"))
    settings, known = case.changed(patch.changes(case.needs)).settings, case.known.granted(case.target)
    points = knee.curve(_story(case), settings, known, case.assumed, measured, seed)
    drawn = {
        "demand": pictures.demand(case),
        "capacity": pictures.tokens(case),
        "bill": pictures.bill(costs.bill, case.demand.traffic.days),
        "knee": pictures.knee(
            [(p.rate, p.first_p95_s, p.answered) for p in points], "The knee, with the patch"
        ),
        "answered-now": pictures.answered(played["now"]),
        "answered-patched": pictures.answered(played["patched"]),
    }
    if (tornado := pictures.tornado(case)) is not None:
        drawn["tornado"] = tornado
    return drawn


def _page(
    case: "Case",
    costs: size_money.Costs,
    played: Mapping[str, "Simulated"],
    drawn: Mapping[str, str],
    text: str,
) -> str:
    units = [drawn["capacity"], _text(size_output.units(case))]
    if "tornado" in drawn:
        units.insert(1, drawn["tornado"])
    sections = {
        "What comes": [drawn["demand"], _text(size_output.demand(case))],
        "Model units": units,
        "Everything else, and the patch": [_text(size_output.capacity(case, text, None))],
        "What it costs": [drawn["bill"], _text(size_money.cost(case, costs))],
        "The busiest hour as the stack is": [
            drawn["answered-now"],
            _text(size_played.simulated(played["now"], case)),
        ],
        "The same hour with the patch, and the quotas granted": [
            drawn["answered-patched"],
            _text(size_played.simulated(played["patched"], case)),
            drawn["knee"],
        ],
    }
    body = "".join(f"<h2>{escape(title)}</h2>{''.join(parts)}" for title, parts in sections.items())
    about = (
        f"{case.demand.traffic.source}; made {datetime.now(UTC):%Y-%m-%d %H:%M}Z. List prices; what is "
        "assumed, quoted or guessed stands in sizing/data, and docs/capacity.md says how it is meant."
    )
    return _PAGE.format(title=f"Capacity of {escape(case.stack)}", about=escape(about), body=body)


def _text(parts: "Iterable[Renderable]") -> str:
    """What the command line would print."""
    from io import StringIO

    from rich.console import Console

    console = Console(file=StringIO(), width=_COLUMNS, highlight=False, no_color=True, force_terminal=False)
    for part in parts:
        console.print(part)
    written = console.file
    return f"<pre>{escape(written.getvalue() if isinstance(written, StringIO) else '')}</pre>"
