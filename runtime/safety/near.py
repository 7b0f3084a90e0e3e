"""What stands near a number, and says what it is: words of `pii.toml`."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from pydantic import Field

from contract.base import Shape
from runtime.safety.terms import Place, Terms

BEFORE, AFTER = 34, 16  # letters that are looked at
THING = "thing"  # what is no one's


class Names(Shape):
    """What says that a name follows; a title only with something `beside` it. `none`: words that are none."""

    sentences: tuple[str, ...] = Field(min_length=1)
    selves: tuple[str, ...] = Field(min_length=1)
    labels: tuple[str, ...] = Field(min_length=1)
    titles: tuple[str, ...] = Field(min_length=1)
    beside: tuple[str, ...] = Field(min_length=1)
    endings: tuple[str, ...] = Field(min_length=1)
    none: tuple[str, ...] = Field(min_length=1)


class Words(Shape):
    """pii.toml"""

    before: Mapping[str, tuple[str, ...]] = Field(min_length=1)
    names: Names
    streets: Mapping[str, tuple[str, ...]]
    prefectures: Mapping[str, tuple[str, ...]]


@cache
def words() -> Words:
    """Those of this checkout."""
    text = Path(__file__).with_name("pii.toml").read_text(encoding="utf-8")
    return Words.model_validate(tomllib.loads(text))


@cache
def _saying() -> Terms:
    return Terms(words().before)


def kind_of(plain: str, start: int, end: int) -> str:
    """What the nearest word says of plain[start:end]: the last one before it, else the first after it."""
    if before := _said(plain, max(0, start - BEFORE), start):
        return before[-1].kind
    after = _said(plain, end, min(len(plain), end + AFTER))
    return after[0].kind if after and after[0].kind != THING else ""


def _said(plain: str, start: int, end: int) -> Sequence[Place]:
    """The words in plain[start:end], the longest of those that overlap."""
    first = max(0, start - 1)  # with the letter before, which may make one a part of another word
    kept: list[Place] = []
    for place in sorted(_saying().find(plain[first : end + 1]), key=_longest_first):
        if place.start >= start - first and place.end <= end - first and not _inside(place, kept):
            kept.append(place)
    return kept


def _inside(place: Place, kept: Sequence[Place]) -> bool:
    return bool(kept) and place.start < kept[-1].end


def _longest_first(place: Place) -> tuple[int, int]:
    return place.start, -place.end
