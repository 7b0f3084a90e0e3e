"""Two plots on one time axis, as SVG text: stacked shares, and lines; with marks for what happened when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 960, 240
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 40, 30
# Okabe-Ito: told apart by everyone.
COLOURS = ("#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00")
MARKS = {"fault": "#D55E00", "alarm": "#B00020", "runbook": "#6A3D9A"}


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at `at`, or lasted until `until`; seconds since the start."""

    kind: str
    text: str
    at: float
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Axis:
    """Maps seconds and values to the drawing."""

    seconds: float
    top: float

    def x(self, second: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * min(max(second / self.seconds, 0), 1)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(value / self.top, 1)


def stacked(
    title: str, bins: Sequence[float], shares: Mapping[str, Sequence[float]], marks: Sequence[Mark]
) -> str:
    """Layers that add up to 1 in every bin; `bins` are the bins' start times, evenly spaced."""
    width = _width(bins)
    axis = Axis(_end(bins, marks), 1.0)
    body, floor = [], [0.0] * len(bins)
    for number, (name, values) in enumerate(shares.items()):
        ceiling = [low + value for low, value in zip(floor, values, strict=True)]
        body.append(_band(axis, bins, width, floor, ceiling, COLOURS[number % len(COLOURS)], name))
        floor = ceiling
    return _frame(title, axis, body, list(shares), marks, [(0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")])


def lines(
    title: str,
    bins: Sequence[float],
    series: Mapping[str, Sequence[float | None]],
    marks: Sequence[Mark],
    limit: float | None = None,
) -> str:
    """One line a series, broken where there is no value; `limit` is drawn dashed."""
    width = _width(bins)
    highest = max((v for values in series.values() for v in values if v is not None), default=1.0)
    top = max(highest, limit or 0) * 1.1
    axis = Axis(_end(bins, marks), top)
    body = [
        _path(axis, [at + width / 2 for at in bins], values, COLOURS[number % len(COLOURS)], name)
        for number, (name, values) in enumerate(series.items())
    ]
    if limit is not None:
        y = axis.y(limit)
        body.append(
            f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#B00020" stroke-dasharray="6 4"/>'
            f'<text x="{WIDTH - RIGHT}" y="{y - 4:.1f}" text-anchor="end" class="small">limit</text>'
        )
    ticks = [(top * part, f"{top * part:,.0f} ms") for part in (0, 0.5, 1)]
    return _frame(title, axis, body, list(series), marks, ticks)


def _width(bins: Sequence[float]) -> float:
    return bins[1] - bins[0] if len(bins) > 1 else 1.0


def _end(bins: Sequence[float], marks: Sequence[Mark]) -> float:
    """Far enough right for everything that happened."""
    return max(bins[-1] + _width(bins), *(mark.until or mark.at for mark in marks), 0.0)


def _band(
    axis: Axis,
    bins: Sequence[float],
    width: float,
    floor: Sequence[float],
    ceiling: Sequence[float],
    colour: str,
    name: str,
) -> str:
    above = [
        (axis.x(at + step), axis.y(v)) for at, v in zip(bins, ceiling, strict=True) for step in (0, width)
    ]
    below = [(axis.x(at + step), axis.y(v)) for at, v in zip(bins, floor, strict=True) for step in (0, width)]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in [*above, *reversed(below)])
    return f'<polygon points="{points}" fill="{colour}"><title>{escape(name)}</title></polygon>'


def _path(axis: Axis, at: Sequence[float], values: Sequence[float | None], colour: str, name: str) -> str:
    steps, pen_down = [], False
    for second, value in zip(at, values, strict=True):
        if value is not None:
            steps.append(f"{'L' if pen_down else 'M'}{axis.x(second):.1f} {axis.y(value):.1f}")
        pen_down = value is not None
    return (
        f'<path d="{"".join(steps)}" fill="none" stroke="{colour}" stroke-width="2">'
        f"<title>{escape(name)}</title></path>"
    )


def _frame(
    title: str,
    axis: Axis,
    body: Sequence[str],
    names: Sequence[str],
    marks: Sequence[Mark],
    ticks: Sequence[tuple[float, str]],
) -> str:
    grid = "".join(
        f'<path d="M{LEFT} {axis.y(value):.1f}H{WIDTH - RIGHT}" stroke="#8884" />'
        f'<text x="{LEFT - 6}" y="{axis.y(value) + 4:.1f}" text-anchor="end" class="small">{text}</text>'
        for value, text in ticks
    )
    seconds = "".join(
        f'<text x="{axis.x(at):.1f}" y="{HEIGHT - 10}" text-anchor="middle" class="small">{at:.0f} s</text>'
        for at in range(0, int(axis.seconds) + 1, 10)
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}" '
        'xmlns="http://www.w3.org/2000/svg" font-family="Roboto, Helvetica, Arial, sans-serif">'
        "<style>.small{font-size:11px;fill:currentColor}.title{font-size:14px;font-weight:600;fill:currentColor}"
        ".bar{font-size:10px;fill:#fff}.mark{font-size:11px;font-weight:600;paint-order:stroke;stroke:#fff;"
        "stroke-width:3px}</style>"
        f'<text x="{LEFT}" y="16" class="title">{escape(title)}</text>{_legend(names)}'
        f"{_spans(axis, marks)}{''.join(body)}{grid}{seconds}{_moments(axis, marks)}</svg>"
    )


def _legend(names: Sequence[str]) -> str:
    items, x = [], WIDTH - RIGHT
    for number in reversed(range(len(names))):
        x -= 7 * len(names[number]) + 26
        items.append(
            f'<rect x="{x}" y="6" width="12" height="12" fill="{COLOURS[number % len(COLOURS)]}"/>'
            f'<text x="{x + 16}" y="16" class="small">{escape(names[number])}</text>'
        )
    return "".join(items)


def _spans(axis: Axis, marks: Sequence[Mark]) -> str:
    """A bar above the plot for what lasted, with its name in it."""
    return "".join(
        f'<rect x="{axis.x(m.at) + 1:.1f}" y="{TOP - 15}" width="{axis.x(m.until) - axis.x(m.at) - 2:.1f}" '
        f'height="13" rx="2" fill="{MARKS[m.kind]}"/>'
        f'<text x="{axis.x(m.at) + 6:.1f}" y="{TOP - 5}" class="bar">{escape(m.text)}</text>'
        for m in marks
        if m.until is not None
    )


def _moments(axis: Axis, marks: Sequence[Mark]) -> str:
    """A dashed line for what happened at once; its label on the side that has room."""
    moments = [mark for mark in marks if mark.until is None]
    return "".join(_moment(axis, mark, number % 4) for number, mark in enumerate(moments))


def _moment(axis: Axis, mark: Mark, row: int) -> str:
    x, colour = axis.x(mark.at), MARKS[mark.kind]
    left = x > WIDTH * 0.75
    return (
        f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="{colour}" '
        'stroke-width="1.5" stroke-dasharray="3 3"/>'
        f'<text x="{x - 4 if left else x + 4:.1f}" y="{TOP + 12 + 14 * row}" class="mark" '
        f'text-anchor="{"end" if left else "start"}" fill="{colour}">{escape(mark.text)}</text>'
    )
