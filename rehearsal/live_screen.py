"""A rehearsal on one terminal screen: story clock, arrivals, who answers, alarms, runbooks, cost."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live as RichLive
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from rehearsal.live import TIERS, Bin, Desk, Looks, State

COLOURS = dict(zip(TIERS, ("dodger_blue2", "sky_blue1", "green4", "orange1", "orchid", "red3"), strict=True))
_KINDS = {"fault": "red", "alarm": "bold red", "runbook": "magenta", "load": "dim", "rollout": "yellow"}
_BLOCKS = " ▁▂▃▄▅▆▇█"
_A_SECOND = 2


@contextmanager
def shown(live: Looks, desk: Desk, console: Console) -> Iterator[None]:
    """For as long as the block lasts; a question is answered with y or n and Enter."""
    threading.Thread(target=_listen, args=(desk,), name="keys", daemon=True).start()
    with RichLive(
        get_renderable=lambda: draw(live.state(), console.width),
        console=console,
        refresh_per_second=_A_SECOND,
        transient=True,
    ):
        yield


def _listen(desk: Desk) -> None:
    for line in sys.stdin:
        if desk.question is not None and (said := line.strip().lower()):
            desk.answer(yes=said in {"y", "yes"})


def draw(state: State, width: int = 100) -> RenderableType:
    """One look."""
    parts: list[RenderableType] = [
        _clock(state, width - 4),
        _figures(state),
        _tiers(state, width - 4),
        *_course(state, width - 4),
        _watch(state),
        Text(""),
        *(_line(state, number) for number in range(len(state.lines))),
    ]
    if state.question is not None:
        ask = f" apply runbook {state.question.runbook} for {state.question.alarm}?  y / n, Enter "
        parts.append(Text(ask, "black on yellow"))
    title = f"[bold]{state.title}[/] · {state.scene}"
    return Panel(Group(*parts), title=title, title_align="left", border_style="red" if state.red else "green")


def _clock(state: State, width: int) -> Text:
    said = f"{_time(state.second)} of {_time(state.length_s)}, {state.speed:g} times as fast  "
    room = max(10, width - len(said))
    done = min(room, round(room * state.second / state.length_s))
    return Text.assemble(said, ("━" * done, "green"), ("━" * (room - done), "bright_black"))


def _figures(state: State) -> Table:
    table = Table(box=None, expand=True, show_header=True, padding=(0, 1), header_style="dim")
    first = state.first_token_ms
    failed = Text(f"{state.failed}", "bold red" if state.failed else "green")
    row = {
        "due": Text(f"{state.due:.1f}/s"),
        "served": Text(f"{state.served:.1f}/s"),
        "messages": Text(f"{state.sent} of {state.messages}"),
        "failed": failed,
        "first token p50": Text(f"{first[0]:,.0f} ms" if first else "-"),
        "p95": Text(f"{first[1]:,.0f} ms" if first else "-", "red" if first and first[1] > 2_500 else ""),
        "models": Text(f"${state.usd:.2f}"),
    }
    for name in row:
        table.add_column(name)
    table.add_row(*row.values())
    return table


def _tiers(state: State, width: int) -> Text:
    bar, room = Text("who answers  "), max(10, width - 13 - 34)
    for tier in TIERS:
        bar.append("█" * round(room * state.tiers.get(tier, 0.0)), COLOURS[tier])
    said = "  ".join(f"{tier} {share:.0%}" for tier, share in state.tiers.items())
    return Text.assemble(bar, "  ", said)


def _course(state: State, width: int) -> Iterator[Text]:
    """The story so far, a column a stretch: who answered most, and the first token's p95."""
    found = state.bins[-max(1, width - 13) :]
    most = max((one.p95_ms or 0.0 for one in found), default=0.0) or 1.0
    tiers, heights = Text("so far       "), Text("p95          ")
    for one in found:
        tiers.append("█" if one.tiers else " ", COLOURS[_mostly(one)] if one.tiers else "")
        level = round((len(_BLOCKS) - 1) * (one.p95_ms or 0.0) / most)
        heights.append(_BLOCKS[level], "red" if (one.p95_ms or 0.0) > 2_500 else "cyan")
    yield tiers
    yield heights


def _mostly(one: Bin) -> str:
    return max(one.tiers, key=lambda tier: one.tiers[tier])


def _watch(state: State) -> Text:
    said = Text("breakers     ")
    for rung, position in state.breakers.items():
        said.append(f"{rung} {position}  ", "bold red" if position == "open" else "green")
    said.append(f"\nalarms       {state.judged - state.red} green  ", "green")
    for one in state.alarms:
        if one.state == "ALARM":
            said.append(f" {one.name} ", "white on red" if one.expected else "black on yellow")
        else:
            said.append(f" {one.name} ", "dim")
    return said


def _line(state: State, number: int) -> Text:
    line = state.lines[number]
    when = "        " if line.second is None else f"{line.second:6.0f} s"
    text = Text.assemble((when, "dim"), "  ", (f"{line.kind:<9}", _KINDS.get(line.kind, "cyan")), line.text)
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _time(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
