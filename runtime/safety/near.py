"""What stands near a number, and says what it is: words of `pii.toml`."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from pydantic import Field

from contract.base import Shape

BEFORE, AFTER = 34, 16  # letters that are looked at


class Words(Shape):
    """pii.toml"""

    before: Mapping[str, tuple[str, ...]] = Field(min_length=1)
    streets: Mapping[str, tuple[str, ...]]
    prefectures: Mapping[str, tuple[str, ...]]


@cache
def words() -> Words:
    """Those of this checkout."""
    text = Path(__file__).with_name("pii.toml").read_text(encoding="utf-8")
    return Words.model_validate(tomllib.loads(text))


@cache
def _saying() -> re.Pattern[str]:
    kinds = [f"(?P<{kind}>{any_of(terms)})" for kind, terms in words().before.items()]
    return re.compile("|".join(kinds), re.IGNORECASE)


def any_of(terms: Sequence[str]) -> str:
    """A pattern for any of them; a Latin one is a word of its own."""
    ordered = sorted(terms, key=len, reverse=True)
    latin = [re.escape(term) for term in ordered if term.isascii()]
    others = [re.escape(term) for term in ordered if not term.isascii()]
    parts = [f"(?<![a-z])(?:{'|'.join(latin)})(?![a-z])"] if latin else []
    return "|".join([*parts, *others])


def kind_of(text: str, start: int, end: int) -> str:
    """What the nearest word says of text[start:end]: the last one before it, else the first after it."""
    before = ""
    for found in _saying().finditer(text, max(0, start - BEFORE), start):
        before = found.lastgroup or ""
    if before:
        return before
    after = _saying().search(text, end, min(len(text), end + AFTER))
    said = (after.lastgroup or "") if after else ""
    return "" if said == "thing" else said
