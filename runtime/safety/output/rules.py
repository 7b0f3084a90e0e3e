"""What an answer must not say, as data (`rules.toml`), found in one pass whatever there is."""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick, Implementation
from pydantic import Field

from contract.base import Shape
from runtime.safety.output.money import flat

USUAL = "en"


class Wording(Shape):
    """What stands where something was taken out."""

    elsewhere: str = Field(min_length=1, description="in place of a price nobody knows")
    look: str = Field(min_length=1, description="where to look for it")
    competitor: str = Field(min_length=1)
    withheld: str = Field(min_length=1, description="in place of an answer that may not be given")
    unknown: str = Field(min_length=1, description="in place of a product that does not exist")


class Competitors(Shape):
    sure: tuple[str, ...]
    capital: tuple[str, ...]
    places: tuple[str, ...]


class Pair(Shape):
    """One word of each in a sentence."""

    first: tuple[str, ...] = Field(min_length=1)
    second: tuple[str, ...] = Field(min_length=1)


class Rules(Shape):
    """rules.toml"""

    wording: Mapping[str, Wording]
    toxic: Mapping[str, tuple[str, ...]]
    competitors: Competitors
    scope: Mapping[str, tuple[str, ...]]
    pairs: Mapping[str, Pair]


@cache
def rules() -> Rules:
    """Those of this checkout."""
    text = Path(__file__).with_name("rules.toml").read_text(encoding="utf-8")
    return Rules.model_validate(tomllib.loads(text))


def wording(language: str) -> Wording:
    known = rules().wording
    return known.get(language, known[USUAL])


class Place(NamedTuple):
    """A term where it stands."""

    kind: str
    start: int
    end: int


class Terms:
    """Finds terms of several kinds in a text, each where it stands."""

    def __init__(self, kinds: Mapping[str, Iterable[str]]) -> None:
        rows = [(small(term), kind) for kind, terms in kinds.items() for term in terms]
        self._kinds = [(kind, term.endswith("*")) for term, kind in rows]
        self._found = AhoCorasick(
            [term.rstrip("*") for term, _ in rows], implementation=Implementation.DFA, store_patterns=False
        )

    def find(self, text: str) -> list[Place]:
        """From left to right."""
        plain = small(text)
        places = []
        for number, start, end in self._found.find_matches_as_indexes(plain, overlapping=True):
            kind, goes_on = self._kinds[number]
            if _apart(plain, start, end, goes_on=goes_on):
                places.append(Place(kind, start, end))
        return places


def small(text: str) -> str:
    """In small plain letters, letter for letter."""
    plain = flat(text)
    lowered = plain.lower()
    return lowered if len(lowered) == len(plain) else "".join(map(_one, plain))


def _one(letter: str) -> str:
    lowered = letter.lower()
    return lowered if len(lowered) == 1 else letter


def _apart(plain: str, start: int, end: int, *, goes_on: bool) -> bool:
    """Whether a Latin term is a word of its own."""
    before, after = plain[start - 1 : start], plain[end : end + 1]
    if plain[start].isascii() and before.isascii() and before.isalnum():
        return False
    return goes_on or not (plain[end - 1].isascii() and after.isascii() and after.isalnum())
