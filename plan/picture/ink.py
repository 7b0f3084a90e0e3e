"""Colours, sizes and the few shapes a picture is made of, as SVG elements.

A box is a group whose first shape is its rectangle: whatever stands in the group stands in the rectangle.
Colours are told apart by people who see no red or no green (after Okabe and Ito); none means something alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement

from plan.picture.letters import FAMILY, Face, cut

INK, MUTED, FAINT, PAPER = "#1f2a37", "#4b5866", "#a3afbb", "#ffffff"
BLUE, ORANGE, PURPLE, GREEN, RED = "#00609a", "#8f5200", "#5f4492", "#006b50", "#b03a00"
BAND, PALEST_ORANGE = "#dfe5ec", "#fffaf2"
PALE, PALE_BLUE, PALE_ORANGE, PALE_PURPLE, PALE_GREEN = (
    "#f3f5f8",
    "#e6f1f9",
    "#fdf1de",
    "#f0ebf7",
    "#e3f4ee",
)

HUGE, LARGE, TITLE = Face(26, 700), Face(19, 700), Face(14, 700)
STRONG, BODY, SMALL = Face(13, 500), Face(13), Face(12)
SMALL_STRONG = Face(12, 500)
LINE = 17  # from one line of text to the next
STEP = 8  # everything stands on multiples of this

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line's colour and pattern."""

    colour: str = INK
    width: float = 1.2
    dash: str = ""


SOLID = Stroke()
BOUNDARY = Stroke(BLUE, 1.8, "8 5")
ZONE = Stroke(FAINT, 1.2, "3 4")
BROKEN = Stroke(RED, 1.6, "5 4")


def number(value: float) -> str:
    """At most one decimal, so that the same plan gives the same bytes everywhere."""
    text = f"{value:.1f}"
    return text.removesuffix(".0") if text != "-0.0" else "0"


def _attributes(**given: str | float) -> dict[str, str]:
    return {
        key.rstrip("_").replace("_", "-"): value if isinstance(value, str) else number(value)
        for key, value in given.items()
        if value != ""
    }


def group(parent: Element, hover: str = "") -> Element:
    """A group; `hover` is what a browser shows under the pointer."""
    element = SubElement(parent, "g")
    if hover:
        SubElement(element, "title").text = hover
    return element


def box(
    parent: Element,
    x: float,
    y: float,
    width: float,
    height: float,
    *,
    fill: str = "none",
    stroke: Stroke | None = None,
    radius: float = 4,
    hover: str = "",
) -> Element:
    """A rectangle and the group around what stands in it."""
    element = group(parent, hover)
    look = {"stroke": stroke.colour, "stroke-width": number(stroke.width)} if stroke else {}
    if stroke and stroke.dash:
        look["stroke-dasharray"] = stroke.dash
    place = _attributes(x=x, y=y, width=width, height=height, rx=radius)
    SubElement(element, "rect", {**place, "fill": fill, **look})
    return element


def resize(element: Element, *, width: float | None = None, height: float | None = None) -> None:
    """Sets the size of a box whose content has been drawn."""
    rectangle = element.find("rect")
    if rectangle is None:
        raise ValueError("only a box has a size")
    for key, value in (("width", width), ("height", height)):
        if value is not None:
            rectangle.set(key, number(value))


def text(
    parent: Element,
    x: float,
    y: float,
    words: str,
    face: Face,
    *,
    fill: str = INK,
    anchor: str = "start",
    limit: float | None = None,
) -> None:
    """One line with its baseline at `y`; shortened to `limit` pixels if given."""
    place = _attributes(x=x, y=y, font_size=float(face.size))
    if face.weight != 400:
        place["font-weight"] = str(face.weight)
    if anchor != "start":
        place["text-anchor"] = anchor
    element = SubElement(parent, "text", {**place, "fill": fill})
    element.text = words if limit is None else cut(words, face, limit)


def pill(
    parent: Element, centre: Point, words: str, width: float, *, fill: str, colour: str, hover: str = ""
) -> None:
    """A small label with a rounded border, for what sits on a boundary."""
    x, y = centre
    shape = box(
        parent, x - width / 2, y - 12, width, 24, fill=fill, stroke=Stroke(colour), radius=12, hover=hover
    )
    text(shape, x, y + 4, words, SMALL_STRONG, fill=colour, anchor="middle", limit=width - 12)


def line(parent: Element, points: Sequence[Point], stroke: Stroke, *, hover: str = "") -> Element:
    """A line with rounded corners."""
    element = group(parent, hover)
    look = {"fill": "none", "stroke": stroke.colour, "stroke-width": number(stroke.width)}
    if stroke.dash:
        look["stroke-dasharray"] = stroke.dash
    SubElement(element, "path", {"d": _rounded(points), **look})
    return element


def arrow(parent: Element, points: Sequence[Point], stroke: Stroke, *, hover: str = "") -> None:
    """A line with a head at its end."""
    (x0, y0), (x1, y1) = points[-2], points[-1]
    length = math.hypot(x1 - x0, y1 - y0)
    ahead = ((x1 - x0) / length, (y1 - y0) / length)
    tail = (x1 - ahead[0] * 7, y1 - ahead[1] * 7)
    element = line(parent, [*points[:-1], tail], stroke, hover=hover)
    side = (-ahead[1] * 4.5, ahead[0] * 4.5)
    back = (x1 - ahead[0] * 9, y1 - ahead[1] * 9)
    corners = [(x1, y1), (back[0] + side[0], back[1] + side[1]), (back[0] - side[0], back[1] - side[1])]
    SubElement(element, "path", {"d": f"M{' L'.join(map(_point, corners))} Z", "fill": stroke.colour})


def _point(point: Point) -> str:
    return f"{number(point[0])} {number(point[1])}"


def _rounded(points: Sequence[Point], radius: float = 6) -> str:
    """The path through the points with its corners rounded."""
    parts = [f"M{_point(points[0])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        start, end = _towards(corner, before, radius), _towards(corner, after, radius)
        parts.append(f"L{_point(start)} Q{_point(corner)} {_point(end)}")
    parts.append(f"L{_point(points[-1])}")
    return " ".join(parts)


def _towards(corner: Point, other: Point, radius: float) -> Point:
    length = math.dist(corner, other)
    share = min(radius, length / 2) / length if length else 0.0
    return (corner[0] + (other[0] - corner[0]) * share, corner[1] + (other[1] - corner[1]) * share)


def hatch(defs: Element) -> None:
    """The pattern of what stands by."""
    pattern = SubElement(
        defs,
        "pattern",
        {"id": "standby", "width": "8", "height": "8", "patternUnits": "userSpaceOnUse"}
        | {"patternTransform": "rotate(45)"},
    )
    SubElement(pattern, "rect", {"width": "8", "height": "8", "fill": PAPER})
    SubElement(pattern, "rect", {"width": "3", "height": "8", "fill": "#c3ccd5"})


def page(width: float, height: float, title: str, description: str) -> Element:
    """The outermost element, self-contained."""
    size = {"width": number(width), "height": number(height)}
    root = Element(
        "svg",
        {"xmlns": "http://www.w3.org/2000/svg", **size, "viewBox": f"0 0 {size['width']} {size['height']}"}
        | {"font-family": FAMILY, "role": "img"},
    )
    SubElement(root, "title").text = title
    SubElement(root, "desc").text = description
    hatch(SubElement(root, "defs"))
    SubElement(root, "rect", {**size, "fill": PAPER})
    return root
