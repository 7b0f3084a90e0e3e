"""Plots on one time axis, as SVG text: layers, and lines with bands; with marks for what happened when.

Every text sits on a ground of its own colour, so that both can be read on a light page and on a dark one.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 960, 240
LEFT, RIGHT, TOP, BOTTOM = 72, 16, 40, 30
# Okabe-Ito: told apart by everyone.
COLOURS = ("#0072B2", "#56B4E9", "#009E73", "#E69F00", "#CC79A7", "#D55E00")
# White text can be read on each of them.
MARKS = {"fault": "#A84300", "alarm": "#B00020", "green": "#00704A", "runbook": "#6A3D9A", "note": "#4A5560"}
_PERCENT = [(0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")]
_LEAST = 1e-6  # below it there is nothing to see, and an axis up to 1
_ROW = 17  # from one row of labels to the next
_ROWS = 8  # as many as there is room for
_SECONDS_LABELS = 12
_LEGEND_WIDTH = 110.0  # of a name: so many of them as there are colours fit


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
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(max(value / self.top, 0), 1)


def stacked(
    title: str,
    bins: Sequence[float],
    shares: Mapping[str, Sequence[float]],
    marks: Sequence[Mark],
    colours: Mapping[str, str],
    unit: str = "%",
) -> str:
    """Layers on one another; `bins` are the bins' start times, evenly spaced. As "%" they add up to 1 in
    every bin."""
    width = _width(bins)
    highest = max((sum(layer) for layer in zip(*shares.values(), strict=True)), default=0.0)
    top, ticks = (1.0, _PERCENT) if unit == "%" else _scale(highest, unit)
    axis = Axis(_end(bins, marks), top)
    body, floor = [], [0.0] * len(bins)
    for name, values in shares.items():
        ceiling = [low + value for low, value in zip(floor, values, strict=True)]
        body.append(_band(axis, bins, width, floor, ceiling, colours[name], name))
        floor = ceiling
    legend = {name: colours[name] for name in shares}
    return _frame(title, axis, body, legend, marks, ticks)


def lines(
    title: str,
    bins: Sequence[float],
    series: Mapping[str, Sequence[float | None]],
    marks: Sequence[Mark],
    limit: float | None = None,
    unit: str = "ms",
    *,
    filled: bool = False,
) -> str:
    """One line a series, broken where there is no value; `limit` is drawn dashed. `filled`: down to the
    line before."""
    width, colours = _width(bins), dict(zip(series, COLOURS, strict=False))
    highest = max((v for values in series.values() for v in values if v is not None), default=0.0)
    top, ticks = _scale(max(highest, limit or 0.0, 1.0 if unit == "ms" else 0.0), unit)
    axis = Axis(_end(bins, marks), top)
    middles = [at + width / 2 for at in bins]
    body = []
    if filled:
        below: Sequence[float | None] = [0.0] * len(bins)
        for name, values in series.items():
            body += [_area(axis, piece, colours[name]) for piece in _pieces(middles, below, values)]
            below = values
    body += [_path(axis, middles, values, colours[name], name) for name, values in series.items()]
    if limit is not None:
        y = axis.y(limit)
        body.append(
            f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" class="limit"/>'
            f'<text x="{LEFT + 4}" y="{y - 4:.1f}" class="small">limit {limit:,.6g} {unit}</text>'
        )
    return _frame(title, axis, body, colours, marks, ticks)


def _scale(highest: float, unit: str) -> tuple[float, list[tuple[float, str]]]:
    """How high an axis is, and its ticks."""
    step = _step(highest if highest > _LEAST else 1.0, 3)
    ticks = [(step * number, f"{step * number:,.6g} {unit}".rstrip()) for number in range(4)]
    return ticks[-1][0], ticks


def _pieces(
    middles: Sequence[float], below: Sequence[float | None], above: Sequence[float | None]
) -> Iterator[list[tuple[float, float, float]]]:
    """Stretches in which both are known: second, below, above."""
    piece: list[tuple[float, float, float]] = []
    for second, low, high in zip(middles, below, above, strict=True):
        if low is None or high is None:
            if piece:
                yield piece
            piece = []
        else:
            piece.append((second, low, high))
    if piece:
        yield piece


def _area(axis: Axis, piece: Sequence[tuple[float, float, float]], colour: str) -> str:
    above = [f"{axis.x(second):.1f},{axis.y(high):.1f}" for second, _, high in piece]
    below = [f"{axis.x(second):.1f},{axis.y(low):.1f}" for second, low, _ in reversed(piece)]
    return f'<polygon points="{" ".join([*above, *below])}" fill="{colour}" fill-opacity="0.18"/>'


def _step(span: float, at_most: int) -> float:
    """The smallest of ... 1, 2, 5, 10, 20 ... of which `at_most` cover the span."""
    power = 10.0 ** math.floor(math.log10(span / at_most))
    return next((power * part for part in (1, 2, 5) if power * part * at_most >= span), power * 10)


def _width(bins: Sequence[float]) -> float:
    return bins[1] - bins[0] if len(bins) > 1 else 1.0


def _end(bins: Sequence[float], marks: Sequence[Mark]) -> float:
    """Far enough right for everything that happened."""
    ends = [mark.at if mark.until is None else mark.until for mark in marks]
    return max([1.0, *(at + _width(bins) for at in bins[-1:]), *ends])


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
    return f'<polygon points="{points}" fill="{colour}"><title>{_plain(name)}</title></polygon>'


def _path(axis: Axis, at: Sequence[float], values: Sequence[float | None], colour: str, name: str) -> str:
    steps, pen_down = [], False
    for second, value in zip(at, values, strict=True):
        if value is not None:
            # A value alone between two gaps is a point: round ends make a line of no length visible.
            steps.append(f"{'L' if pen_down else 'M'}{axis.x(second):.1f} {axis.y(value):.1f}h0")
        pen_down = value is not None
    return (
        f'<path d="{"".join(steps)}" fill="none" stroke="{colour}" stroke-width="2" stroke-linecap="round">'
        f"<title>{_plain(name)}</title></path>"
    )


def _frame(
    title: str,
    axis: Axis,
    body: Sequence[str],
    colours: Mapping[str, str],
    marks: Sequence[Mark],
    ticks: Sequence[tuple[float, str]],
) -> str:
    grid = "".join(
        f'<path d="M{LEFT} {axis.y(value):.1f}H{WIDTH - RIGHT}" stroke="#8884"/>'
        f'<text x="{LEFT - 6}" y="{axis.y(value) + 4:.1f}" text-anchor="end" class="small">{text}</text>'
        for value, text in ticks
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{_plain(title)}" '
        'xmlns="http://www.w3.org/2000/svg" font-family="Roboto, Helvetica, Arial, sans-serif">'
        "<style>.small{font-size:11px;fill:currentColor}.title{font-size:14px;font-weight:600;fill:currentColor}"
        ".mark{font-size:10px;font-weight:600;fill:#fff}"
        ".limit{stroke:var(--bad,#b00020);stroke-dasharray:6 4}</style>"
        f'<text x="{LEFT}" y="16" class="title">{_plain(title)}</text>{_legend(colours)}'
        f"{''.join(body)}{grid}{_seconds(axis)}{_marks(axis, marks)}</svg>"
    )


def _seconds(axis: Axis) -> str:
    step = max(1.0, _step(axis.seconds, _SECONDS_LABELS))
    labels = [number * step for number in range(int(axis.seconds / step) + 1)]
    return "".join(
        f'<text x="{axis.x(at):.1f}" y="{HEIGHT - 10}" text-anchor="middle" class="small">{at:.0f} s</text>'
        for at in labels
    )


def _legend(colours: Mapping[str, str]) -> str:
    items, x = [], float(WIDTH - RIGHT)
    for name, colour in reversed([*colours.items()]):
        shown = _cut(name, _LEGEND_WIDTH)
        x -= _text_width(shown) + 30
        items.append(
            f'<rect x="{x:.1f}" y="6" width="12" height="12" fill="{colour}"/>'
            f'<text x="{x + 16:.1f}" y="16" class="small">{_plain(shown)}</text>'
        )
    return "".join(items)


def _marks(axis: Axis, marks: Sequence[Mark]) -> str:
    """Bars for what lasted, the first row of them above the plot; dashed lines with labels for moments."""
    bars, lines_, labels = [], [], []
    rows: list[tuple[int, float, float]] = []
    for mark in marks:
        if mark.until is not None:
            start = axis.x(mark.at) + 1
            width = max(1.0, axis.x(mark.until) - start - 1)
            bars.append(_label(start, TOP - 15 + _ROW * _take_row(rows, start, start + width), width, mark))
    below = max((row for row, _, _ in rows), default=0)
    rows = [(row, LEFT, WIDTH) for row in range(below)]
    for mark in marks:
        if mark.until is None:
            x = axis.x(mark.at)
            width = min(_text_width(mark.text) + 10, (WIDTH - LEFT - RIGHT) / 2)
            start = x if x + width <= WIDTH - RIGHT else x - width
            labels.append(_label(start, TOP + 4 + _ROW * _take_row(rows, start, start + width), width, mark))
            lines_.append(_moment(x, MARKS[mark.kind]))
    return "".join([*lines_, *bars, *labels])


def _moment(x: float, colour: str) -> str:
    line = f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke='
    return (
        f'{line}"#fff" stroke-opacity="0.6" stroke-width="3"/>'
        f'{line}"{colour}" stroke-width="1.5" stroke-dasharray="3 3"/>'
    )


def _take_row(taken: list[tuple[int, float, float]], start: float, end: float) -> int:
    """The highest row in which nobody stands between these two; the last one when all are full."""
    free = (
        row
        for row in range(_ROWS)
        if all(end + 1 < low or start > high + 1 for there, low, high in taken if there == row)
    )
    row = next(free, _ROWS - 1)
    taken.append((row, start, end))
    return row


def _label(x: float, y: float, width: float, mark: Mark) -> str:
    """White text on the colour of its kind; the whole text shows when pointed at."""
    shown = _plain(_cut(mark.text, width - 10))
    return (
        f'<g><title>{_plain(mark.text)}</title><rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
        f'height="14" rx="2" fill="{MARKS[mark.kind]}"/>'
        f'<text x="{x + 5:.1f}" y="{y + 10.5:.1f}" class="mark">{shown}</text></g>'
    )


def _text_width(text: str) -> float:
    """A little more than small text needs in any of the usual fonts; wide scripts count double."""
    return sum(6.4 if character.isascii() else 14.0 for character in text)


def _cut(text: str, width: float) -> str:
    """As much of it as fits, with an ellipsis for the rest."""
    if _text_width(text) <= width:
        return text
    while text and _text_width(f"{text}…") > width:
        text = text[:-1]
    return f"{text.rstrip()}…" if text else ""


def _plain(text: str) -> str:
    """Escaped, and without what no XML may hold."""
    return escape("".join(c if c.isprintable() else " " for c in text))
