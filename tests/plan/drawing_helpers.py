"""Reads a drawn picture back: its words, boxes and lines with their places, and the pixels of a PNG."""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from plan.picture import letters

SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class Box:
    """A rectangle. In a `leaf` no other rectangle stands; a `framed` one has an unbroken border."""

    left: float
    top: float
    right: float
    bottom: float
    leaf: bool = False
    framed: bool = False
    pill: bool = False

    def holds(self, other: "Box", margin: float = 0) -> bool:
        return (
            self.left + margin <= other.left
            and self.top + margin <= other.top
            and other.right <= self.right - margin
            and other.bottom <= self.bottom - margin
        )

    def meets(self, other: "Box", margin: float = 0) -> bool:
        return (
            self.left < other.right - margin
            and other.left < self.right - margin
            and self.top < other.bottom - margin
            and other.top < self.bottom - margin
        )


@dataclass(frozen=True)
class Word:
    """A line of text, the room it takes and the innermost box it stands in."""

    text: str
    room: Box
    container: Box


@dataclass(frozen=True)
class Drawing:
    """Everything in a picture."""

    size: tuple[float, float]
    words: tuple[Word, ...]
    boxes: tuple[Box, ...]
    lines: tuple[tuple[Box, ...], ...]
    hovers: frozenset[str]

    @property
    def texts(self) -> set[str]:
        return {word.text for word in self.words}

    def word(self, text: str) -> Word:
        return next(word for word in self.words if word.text == text)


def read(svg: str) -> Drawing:
    root = ElementTree.fromstring(svg)
    words: list[Word] = []
    boxes: list[Box] = []
    lines: list[tuple[Box, ...]] = []
    for element, container in _walk(root, _box(root)):
        if element.tag == f"{SVG}text":
            words.append(Word(element.text or "", _room(element), container))
        elif element.tag == f"{SVG}path" and element.get("fill") == "none":
            lines.append(tuple(_segments(element.get("d", ""))))
        elif element.tag == f"{SVG}g" and element.find(f"{SVG}rect") is not None:
            boxes.append(_box(element))
    hovers = {title.text or "" for title in root.iter(f"{SVG}title")}
    size = (float(root.get("width", "")), float(root.get("height", "")))
    return Drawing(size, tuple(words), tuple(boxes), tuple(lines), frozenset(hovers))


def _walk(element: Element, container: Box) -> Iterator[tuple[Element, Box]]:
    for child in element:
        if child.tag == f"{SVG}defs":
            continue
        inner = _box(child) if child.find(f"{SVG}rect") is not None else container
        yield child, inner
        yield from _walk(child, inner)


def _box(element: Element) -> Box:
    rect = element.find(f"{SVG}rect")
    assert rect is not None
    x, y, width, height, radius = (float(rect.get(key, "0")) for key in ("x", "y", "width", "height", "rx"))
    leaf = len(list(element.iter(f"{SVG}rect"))) == 1
    framed = rect.get("stroke") is not None and rect.get("stroke-dasharray") is None
    return Box(x, y, x + width, y + height, leaf, framed, pill=radius * 2 == height)


def _room(element: Element) -> Box:
    size = int(element.get("font-size", ""))
    width = letters.width(element.text or "", letters.Face(size, int(element.get("font-weight", "400"))))
    x, y = float(element.get("x", "")), float(element.get("y", ""))
    left = x - {"start": 0.0, "middle": 0.5, "end": 1.0}[element.get("text-anchor", "start")] * width
    return Box(left, y - 0.75 * size, left + width, y + 0.22 * size)


def _segments(path: str) -> Iterator[Box]:
    """The straight and the short bent parts of a line, each as the box around it."""
    points = [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path)]
    for (x0, y0), (x1, y1) in pairwise(points):
        yield Box(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))


def png_size(image: bytes) -> tuple[int, int]:
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack_from(">II", image, 16)
    return width, height


def ink_right(image: bytes) -> int:
    """The last column of a PNG (8 bits, red green blue alpha) that is not white."""
    width, height = png_size(image)
    data, place = b"", 8
    while place < len(image):
        length, kind = struct.unpack_from(">I4s", image, place)
        data += image[place + 8 : place + 8 + length] if kind == b"IDAT" else b""
        place += length + 12
    rows = _unfilter(zlib.decompress(data), width * 4, height)
    return max(at // 4 for row in rows for at, value in enumerate(row) if value != 255)


def _unfilter(data: bytes, width: int, height: int) -> Iterator[bytes]:
    """Undoes the five filters of PNG, four bytes to a pixel."""
    above = bytes(width)
    for number in range(height):
        start = number * (width + 1)
        kind, row = data[start], bytearray(data[start + 1 : start + 1 + width])
        for at in range(width):
            left, up, corner = (row[at - 4], above[at], above[at - 4]) if at >= 4 else (0, above[at], 0)
            row[at] = (row[at] + _predicted(kind, left, up, corner)) % 256
        above = bytes(row)
        yield above


def _predicted(kind: int, left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    nearest = min((left, up, corner), key=lambda value: abs(guess - value))
    return (0, left, up, (left + up) // 2, nearest)[kind]
