"""Draws one dashboard: CloudWatch's grid of texts, alarms and graphs, as SVG.

Which dashboards there are, what was measured and where the drawing goes is `rehearsal.dashboards`'.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from contract.metrics import ENVIRONMENT, NAMESPACE
from plan.picture import ink, letters
from plan.picture.ink import Stroke
from rehearsal.dashboards import Page
from rehearsal.history import Measured
from rehearsal.metrics import statistic

# A rehearsal is minutes: CloudWatch's minute would be three points.
_BINS = 60
_COLUMN, _ROW, _GAP, _MARGIN = 64.0, 48.0, 8.0, 24.0
_COLOURS = (ink.BLUE, ink.ORANGE, ink.GREEN, ink.PURPLE, ink.RED, ink.INK)
_LEGEND_NAMES = 4
Frame = tuple[float, float, float, float]


def draw(page: Page, found: Measured | None) -> str:
    """One page as SVG text."""
    bottom = max(widget["y"] + widget["height"] for widget in page.widgets)
    width, height = 24 * _COLUMN + 2 * _MARGIN, bottom * _ROW + 2 * _MARGIN + 40
    root = ink.page(width, height, page.name, f"dashboard of {page.region}")
    ink.text(root, _MARGIN, 40, page.name, ink.LARGE)
    source = "with the metrics of a rehearsal" if found else "without metrics: --from names a rehearsal"
    ink.text(root, width - _MARGIN, 40, source, ink.BODY, fill=ink.MUTED, anchor="end")
    for widget in page.widgets:
        x, y = _MARGIN + widget["x"] * _COLUMN, _MARGIN + 40 + widget["y"] * _ROW
        size = (widget["width"] * _COLUMN - _GAP, widget["height"] * _ROW - _GAP)
        _DRAW[widget["type"]](root, widget["properties"], (x, y, *size), found)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _text(root: Element, properties: Mapping[str, Any], frame: Frame, _: Measured | None) -> None:
    x, y, width, height = frame
    box = ink.box(root, x, y, width, height, fill=ink.PALE)
    for number, line in enumerate(properties["markdown"].splitlines()):
        face = ink.TITLE if line.startswith("# ") else ink.BODY
        ink.text(box, x + 16, y + 30 + number * 24, line.removeprefix("# "), face, limit=width - 32)


def _alarms(root: Element, properties: Mapping[str, Any], frame: Frame, _: Measured | None) -> None:
    """Grey, as in CloudWatch where nothing was judged yet; as many as fit, and how many more."""
    x, y, width, height = frame
    box = ink.box(root, x, y, width, height, stroke=Stroke(ink.FAINT))
    names = [arn.rpartition(":alarm:")[2] for arn in properties["alarms"]]
    ink.text(box, x + 12, y + 22, f"{properties['title']} ({len(names)})", ink.STRONG)
    across, down = int(width // 252), int((height - 40) // 26)
    fit = across * down
    shown = names if len(names) <= fit else [*names[: fit - 1], f"and {len(names) - fit + 1} more"]
    for number, name in enumerate(shown):
        row, column = divmod(number, across)
        cell = ink.box(box, x + 12 + column * 252, y + 34 + row * 26, 244, 22, fill=ink.PALE, radius=3)
        ink.text(cell, x + 20 + column * 252, y + 49 + row * 26, name, ink.SMALL, limit=228)


def _metric(root: Element, properties: Mapping[str, Any], frame: Frame, found: Measured | None) -> None:
    x, y, width, height = frame
    box = ink.box(root, x, y, width, height, stroke=Stroke(ink.FAINT))
    unit = f"{properties['stat']}, {properties['region']}"
    ink.text(box, x + width - 12, y + 22, unit, ink.SMALL, fill=ink.MUTED, anchor="end")
    free = width - 36 - letters.width(unit, ink.SMALL)
    ink.text(box, x + 12, y + 22, properties["title"], ink.STRONG, limit=free)
    plot = (x + 56, y + 40, width - 72, height - 92)
    series = dict(_series(properties, found)) if found else {}
    top = max((v for values in series.values() for v in values if v is not None), default=0.0)
    _axis(box, plot, top or 1.0)
    if not series:
        words = "no rehearsal measures this: AWS publishes it" if found else "no metrics"
        ink.text(box, x + width / 2, y + height / 2, words, ink.SMALL, fill=ink.MUTED, anchor="middle")
    for number, values in enumerate(series.values()):
        _line(box, plot, values, top or 1.0, _COLOURS[number % len(_COLOURS)])
    _legend(box, [*series] or [*_labels(properties)], (x + 12, y + height - 16, width - 24))


def _labels(properties: Mapping[str, Any]) -> Iterator[str]:
    for row in properties["metrics"]:
        yield row[-1].get("label") or "one line for each there is"


def _series(properties: Mapping[str, Any], found: Measured) -> Iterator[tuple[str, list[float | None]]]:
    """Lines of what the runtime emits; a line without a single point is left out."""
    environment = found.store.environment()
    step = max((found.end - found.begin) / _BINS, 1.0)
    starts = [found.begin + number * step for number in range(_BINS)]
    for row in properties["metrics"]:
        if row[0] != NAMESPACE:
            continue
        _, metric, *pairs, look = row
        # The rehearsed stack's name in the place of the drawn one's: prod is drawn from a rehearsal of dev.
        dimensions = {**dict(zip(pairs[::2], pairs[1::2], strict=True)), ENVIRONMENT: str(environment)}
        found_values = [found.store.values(metric, dimensions, at, at + step) for at in starts]
        values = [statistic(properties["stat"], each) for each in found_values]
        if any(value is not None for value in values):
            yield look["label"], values


def _axis(box: Element, plot: Frame, top: float) -> None:
    x, y, width, height = plot
    for share in (0.0, 0.5, 1.0):
        level = y + height * (1 - share)
        ink.line(box, [(x, level), (x + width, level)], Stroke(ink.FAINT, 0.8, "" if share == 0 else "2 4"))
        ink.text(box, x - 6, level + 4, _short(top * share), ink.SMALL, fill=ink.MUTED, anchor="end")


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _line(box: Element, plot: Frame, values: Sequence[float | None], top: float, colour: str) -> None:
    """Broken where there is nothing; a single point is a short line."""
    x, y, width, height = plot
    run: list[tuple[float, float]] = []
    for number, value in enumerate([*values, None]):
        if value is not None:
            run.append((x + width * (number + 0.5) / len(values), y + height * (1 - value / top)))
        elif run:
            ends = run if len(run) > 1 else [run[0], (run[0][0] + 2, run[0][1])]
            ink.line(box, ends, Stroke(colour, 1.8))
            run = []


def _legend(box: Element, names: Sequence[str], frame: tuple[float, float, float]) -> None:
    x, y, width = frame
    shown = list(names[:_LEGEND_NAMES])
    if len(names) > len(shown):
        shown.append(f"and {len(names) - len(shown)} more")
    room = width / max(len(shown), 1)
    for number, name in enumerate(shown):
        left = x + number * room
        ink.line(box, [(left, y - 4), (left + 12, y - 4)], Stroke(_COLOURS[number % len(_COLOURS)], 3))
        ink.text(box, left + 18, y, name, ink.SMALL, limit=room - 24)


_DRAW = {"text": _text, "alarm": _alarms, "metric": _metric}
