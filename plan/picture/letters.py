"""Words in Roboto: how wide they are, how to break or shorten them, and a drawing of them as pixels."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FAMILY = "Roboto, Helvetica, Arial, sans-serif"
_FILES = {400: "Roboto", 500: "RobotoMedium", 700: "RobotoBold"}
# Where Roboto is missing, the next font of the family is a little wider.
_SLACK = 1.04
# Twice the size of the drawing, so that it stays sharp on a wall.
_ZOOM = 2


@dataclass(frozen=True, slots=True)
class Face:
    """Size in pixels and weight: 400, 500 or 700."""

    size: int
    weight: int = 400


def files() -> list[str]:
    """Paths of the font files, for whoever renders."""
    import font_roboto

    return [str(font_roboto.font_files[name]) for name in _FILES.values()]


def rendered(svg: str) -> bytes:
    """A drawing as PNG, with the fonts it was measured with, so that no font need be installed."""
    import resvg_py

    image = resvg_py.svg_to_bytes(
        svg_string=svg, skip_system_fonts=True, font_files=files(), font_family="Roboto", zoom=_ZOOM
    )
    return bytes(image)


def width(words: str, face: Face) -> float:
    """Pixels a line of words takes, rather more than less."""
    font = _font(face.weight)
    units = sum(font.advances.get(ord(letter), font.missing) for letter in words)
    return units / font.units_per_em * face.size * _SLACK


def cut(words: str, face: Face, limit: float) -> str:
    """The words, or as much of their beginning as fits, with an ellipsis."""
    if width(words, face) <= limit:
        return words
    end = len(words)
    while end > 0 and width(words[:end].rstrip() + "…", face) > limit:
        end -= 1
    return words[:end].rstrip() + "…"


def wrap(words: str, face: Face, limit: float, most: int = 99) -> list[str]:
    """Lines no wider than `limit`; what does not fit in `most` lines is cut."""
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if not lines[-1] or width(longer, face) <= limit:
            lines[-1] = longer
        else:
            lines.append(word)
    kept = lines[:most]
    if len(lines) > most:
        kept[-1] = " ".join(lines[most - 1 :])
    return [cut(line, face, limit) for line in kept if line]


@dataclass(frozen=True, slots=True)
class _Font:
    units_per_em: int
    advances: Mapping[int, int]
    missing: int


@cache
def _font(weight: int) -> _Font:
    """The few tables of a TrueType file that say how far each character moves the pen."""
    import font_roboto

    data = Path(font_roboto.font_files[_FILES[weight]]).read_bytes()
    tables = {}
    for number in range(struct.unpack_from(">H", data, 4)[0]):
        tag, _, offset, _ = struct.unpack_from(">4sIII", data, 12 + 16 * number)
        tables[tag.decode("ascii")] = offset
    (units,) = struct.unpack_from(">H", data, tables["head"] + 18)
    (count,) = struct.unpack_from(">H", data, tables["hhea"] + 34)
    widths = [struct.unpack_from(">H", data, tables["hmtx"] + 4 * glyph)[0] for glyph in range(count)]
    glyphs = _characters(data, tables["cmap"])
    return _Font(units, {code: widths[min(glyph, count - 1)] for code, glyph in glyphs.items()}, widths[0])


def _characters(data: bytes, cmap: int) -> dict[int, int]:
    """Character -> glyph, from the map of the basic plane (format 4)."""
    for number in range(struct.unpack_from(">H", data, cmap + 2)[0]):
        platform, _, offset = struct.unpack_from(">HHI", data, cmap + 4 + 8 * number)
        table = cmap + offset
        if platform in {0, 3} and struct.unpack_from(">H", data, table)[0] == 4:
            return _segments(data, table)
    raise ValueError("the font has no character map of format 4")


def _segments(data: bytes, table: int) -> dict[int, int]:
    count = struct.unpack_from(">H", data, table + 6)[0] // 2
    ends, starts, deltas, ranges = (
        struct.unpack_from(f">{count}H", data, table + at)
        for at in (14, 16 + 2 * count, 16 + 4 * count, 16 + 6 * count)
    )
    glyphs = {}
    for number in range(count):
        for code in range(starts[number], min(ends[number], 0xFFFE) + 1):
            glyph = code
            if ranges[number]:
                place = table + 16 + 6 * count + 2 * number + ranges[number] + 2 * (code - starts[number])
                (glyph,) = struct.unpack_from(">H", data, place)
            if glyph or not ranges[number]:
                glyphs[code] = (glyph + deltas[number]) & 0xFFFF
    return glyphs
