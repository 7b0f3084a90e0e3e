"""Pictures of a sizing, as SVG text: lines over time, layers, a tornado, stacked bars. Pure.

Text sits on white, so that a picture is the same in a page and in a slide.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 960, 340
LEFT, RIGHT, TOP, BOTTOM = 84, 24, 66, 46
# Okabe-Ito and two greys: told apart by everyone.
COLOURS = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#F0E442",
    "#7F7F7F",
    "#BFBFBF",
    "#4D4D4D",
)
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_ROW = 34
X_TICKS = 8
_LETTER = 6.6


def lines(
    title: str,
    across: Sequence[float],
    series: Mapping[str, Sequence[float]],
    *,
    x_title: str,
    y_title: str,
    band: tuple[Sequence[float], Sequence[float]] | None = None,
    dashed: Sequence[str] = (),
) -> str:
    """One line a series. `band`: shaded between two lines; `dashed`: names of what is a limit."""
    tops = [max(values, default=0.0) for values in series.values()]
    top = _nice(max([*tops, *(band[1] if band else ())], default=1.0))
    first, last = across[0], across[-1] if across[-1] > across[0] else across[0] + 1
    place = _Place(first, last, top)
    body = [_grid(place, x_title, y_title)]
    if band:
        points = [*zip(across, band[1], strict=True), *reversed(list(zip(across, band[0], strict=True)))]
        body.append(f'<polygon points="{_points(place, points)}" fill="{COLOURS[0]}" fill-opacity="0.15"/>')
    colours = dict(zip(series, COLOURS, strict=False))
    for name, values in series.items():
        dash = ' stroke-dasharray="7 5"' if name in dashed else ""
        line = _points(place, list(zip(across, values, strict=True)))
        body.append(
            f'<polyline points="{line}" fill="none" stroke="{colours[name]}" stroke-width="2.2"{dash}/>'
        )
    return _frame(title, HEIGHT, colours, body)


def layers(
    title: str, across: Sequence[float], shares: Mapping[str, Sequence[float]], *, x_title: str, y_title: str
) -> str:
    """Layers on one another, up to what they make together."""
    sums = [sum(column) for column in zip(*shares.values(), strict=True)]
    place = _Place(
        across[0], across[-1] if across[-1] > across[0] else across[0] + 1, _nice(max(sums, default=1.0))
    )
    floor = [0.0] * len(across)
    colours = dict(zip(shares, COLOURS, strict=False))
    body = []
    for name, values in shares.items():
        ceiling = [low + value for low, value in zip(floor, values, strict=True)]
        points = [*zip(across, ceiling, strict=True), *reversed(list(zip(across, floor, strict=True)))]
        body.append(f'<polygon points="{_points(place, points)}" fill="{colours[name]}"/>')
        floor = ceiling
    return _frame(title, HEIGHT, colours, [*body, _grid(place, x_title, y_title)])


def tornado(title: str, middle: float, rows: Sequence[tuple[str, str, float, str, float]], unit: str) -> str:
    """(what, low, value at low, high, value at high) around what is assumed; the widest first."""
    values = [middle, *(value for _, _, low, _, high in rows for value in (low, high))]
    least, most = min(values), max(values)
    pad = (most - least) * 0.35 or 1.0
    least, most = least - pad, most + pad
    left, height = 200, TOP + _ROW * len(rows) + BOTTOM

    def x(value: float) -> float:
        return left + (WIDTH - left - RIGHT) * (value - least) / (most - least)

    body = []
    for number, (what, low_name, low, high_name, high) in enumerate(rows):
        y = TOP + number * _ROW
        body.append(_text(left - 12, y + 17, what, "end", "label"))
        for value, colour in ((low, COLOURS[0]), (high, COLOURS[1])):
            begin, end = sorted((x(middle), x(value)))
            body.append(_bar(begin, y, max(1.0, end - begin), colour))
        body += _ends(
            x, y, middle, ((low, f"{low_name}: {low:.1f}{unit}"), (high, f"{high_name}: {high:.1f}{unit}"))
        )
    at, bottom = x(middle), height - BOTTOM
    body.append(f'<path d="M{at:.1f} {TOP - 8}V{bottom}" stroke="#222" stroke-width="1.5"/>')
    body.append(_text(at, bottom + 18, f"as assumed: {middle:.1f}{unit}", "middle", "label"))
    return _frame(title, height, {"lower": COLOURS[0], "higher": COLOURS[1]}, body)


def _ends(
    x: Callable[[float], float], y: float, middle: float, ends: Sequence[tuple[float, str]]
) -> Sequence[str]:
    """The words beside the bars; where both go the same way they stand together, at the longer one's end."""
    found = []
    for side, anchor, gap in ((-1, "end", -5), (1, "start", 5)):
        here = [(value, words) for value, words in ends if (value < middle) == (side < 0)]
        if here:
            tip = min(value for value, _ in here) if side < 0 else max(value for value, _ in here)
            found.append(_text(x(tip) + gap, y + 16, "; ".join(words for _, words in here), anchor))
    return found


def bars(title: str, rows: Sequence[tuple[str, Mapping[str, float]]], unit: str) -> str:
    """Bars that lie, each made of parts; what they make together stands at their end."""
    names = list(dict.fromkeys(name for _, parts in rows for name in parts))
    colours = dict(zip(names, COLOURS, strict=False))
    most = max((sum(parts.values()) for _, parts in rows), default=1.0) or 1.0
    left, height = 200, TOP + _ROW * len(rows) + 20
    width = WIDTH - left - RIGHT - 110
    body = []
    for number, (label, parts) in enumerate(rows):
        y, at = TOP + number * _ROW, float(left)
        body.append(_text(left - 12, y + 17, label, "end", "label"))
        for name, value in parts.items():
            wide = width * value / most
            body.append(_bar(at, y, wide, colours.get(name, COLOURS[-1])))
            at += wide
        body.append(
            f'<text x="{at + 6:.1f}" y="{y + 16}" class="small">{_amount(sum(parts.values()), unit)}</text>'
        )
    return _frame(title, height, colours, body)


def _bar(x: float, y: float, width: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y}" width="{width:.2f}" height="22" fill="{colour}"/>'


def _text(x: float, y: float, words: str, anchor: str, kind: str = "small") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{escape(words)}</text>'


class _Place:
    """Maps values to the drawing."""

    def __init__(self, first: float, last: float, top: float) -> None:
        self.first, self.last, self.top = first, last, top

    def x(self, value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - self.first) / (self.last - self.first)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(max(value / self.top, 0.0), 1.0)


def _points(place: _Place, points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{place.x(at):.1f},{place.y(value):.1f}" for at, value in points)


def _grid(place: _Place, x_title: str, y_title: str) -> str:
    found = []
    for number in range(5):
        value = place.top * number / 4
        y = place.y(value)
        found.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#0002"/>')
        found.append(_text(LEFT - 8, y + 4, _amount(value, ""), "end"))
    step = _step((place.last - place.first) / X_TICKS)
    at = math.ceil(place.first / step) * step
    while at <= place.last + step * 1e-6:
        found.append(_text(place.x(at), HEIGHT - BOTTOM + 16, _amount(at, ""), "middle"))
        at += step
    middle = LEFT + (WIDTH - LEFT - RIGHT) / 2
    found.append(
        f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle" class="small">{escape(x_title)}</text>'
    )
    found.append(f'<text x="{LEFT}" y="{TOP - 10}" class="small">{escape(y_title)}</text>')
    return "".join(found)


def _nice(highest: float) -> float:
    """The end of an axis: a round number not far above."""
    if not highest > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    return next(power * step for step in _STEPS if power * step >= highest * 0.9999)


def _step(least: float) -> float:
    """A round distance between two ticks, hours and minutes included."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * step for step in (1.0, 2.0, 3.0, 5.0, 6.0, 10.0) if power * step >= least * 0.9999)


def _amount(value: float, unit: str) -> str:
    sign, size = ("-" if value < 0 else ""), abs(value)
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size >= limit:
            return f"{sign}{unit}{size / limit:.3g}{letter}"
    return f"{sign}{unit}{size:.3g}"


def _frame(title: str, height: float, colours: Mapping[str, str], body: Sequence[str]) -> str:
    legend, x = [], float(LEFT if height == HEIGHT else 200)
    for name, colour in colours.items():
        legend.append(
            f'<rect x="{x:.0f}" y="32" width="12" height="12" fill="{colour}"/>'
            f'<text x="{x + 17:.0f}" y="42" class="small">{escape(name)}</text>'
        )
        x += 32 + _LETTER * len(name)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}" role="img" '
        f'aria-label="{escape(title)}" xmlns="http://www.w3.org/2000/svg" '
        'font-family="Roboto, Helvetica, Arial, sans-serif">'
        "<style>.title{font-size:16px;font-weight:700}.label{font-size:13px}.small{font-size:12px;fill:#333}</style>"
        f'<rect width="{WIDTH}" height="{height:.0f}" fill="#fff"/>'
        f'<text x="16" y="22" class="title">{escape(title)}</text>{"".join(legend)}{"".join(body)}</svg>'
    )
