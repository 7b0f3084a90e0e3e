"""What an answer must not say, as data (`rules.toml`)."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import Field

from contract.base import Shape

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
