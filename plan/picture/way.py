"""The way of a message from a person to the models, at the top: where a newcomer begins to read.

Which kinds of resources carry a message is data (`way.toml`); their components and names come from the plan.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from plan.model import Plan, short_type
from plan.picture import ink
from plan.picture.cards import Card
from plan.picture.ink import Stroke
from plan.picture.letters import width as width_of
from plan.picture.words import listed

PEOPLE = "people"
_HEIGHT, _ARROW = 56.0, 40.0
_LINE = Stroke(ink.BLUE, 2.4)


@dataclass(frozen=True, slots=True)
class Hop:
    """Components that do one thing for a message."""

    names: tuple[str, ...]
    does: str


@cache
def _rows() -> Mapping[str, Sequence[Mapping[str, Any]]]:
    found: Mapping[str, Sequence[Mapping[str, Any]]] = tomllib.loads(
        Path(__file__).with_name("way.toml").read_text(encoding="utf-8")
    )
    return found


def hops(plan: Plan, cards: Sequence[Card], kind: str = "hop") -> list[Hop]:
    """Those of `way.toml` that these cards hold, in its order."""
    held = {card.title: {short_type(r.type) for r in plan.below(card.key)} for card in cards}
    found = []
    for row in _rows()[kind]:
        names = tuple(sorted(title for title, types in held.items() if types & set(row["types"])))
        if names:
            found.append(Hop(names, row["does"]))
    return found


def draw(root: Element, plan: Plan, cards: Sequence[Card], sides: tuple[float, float], y: float) -> float:
    """Draws between the two sides, below `y`, and says where it ends; nothing where there is no way."""
    way = hops(plan, cards)
    if len(way) < 2:
        return y
    left, right = sides
    ink.text(root, left, y + 14, "the way of a message", ink.TITLE, fill=ink.BLUE)
    top = y + 32
    people = width_of(PEOPLE, ink.STRONG) + 32
    ink.text(root, left + 16, top + _HEIGHT / 2 + 5, PEOPLE, ink.STRONG)
    room = (right - left - people) / len(way)
    for number, hop in enumerate(way):
        x = left + people + number * room
        ink.arrow(root, [(x, top + _HEIGHT / 2), (x + _ARROW, top + _HEIGHT / 2)], _LINE)
        _box(root, hop, (x + _ARROW, room - _ARROW), top)
    bottom = top + _HEIGHT
    if beside := hops(plan, cards, "beside"):
        words = "; ".join(f"{listed(list(hop.names))} ({hop.does})" for hop in beside)
        bottom += 24
        ink.text(
            root, left + people + _ARROW, bottom, f"on the way: {words}", ink.BODY, fill=ink.MUTED,
            limit=right - left - people - _ARROW,
        )  # fmt: skip
    return bottom + 24


def _box(root: Element, hop: Hop, across: tuple[float, float], top: float) -> None:
    x, width = across
    names = listed(list(hop.names))
    box = ink.box(
        root, x, top, width, _HEIGHT, fill=ink.PALE_BLUE, stroke=Stroke(ink.BLUE, 1.6), radius=8,
        hover=f"{names}: {hop.does}",
    )  # fmt: skip
    ink.text(box, x + 12, top + 24, names, ink.STRONG, limit=width - 24)
    ink.text(box, x + 12, top + 24 + ink.LINE, hop.does, ink.SMALL, fill=ink.MUTED, limit=width - 24)
