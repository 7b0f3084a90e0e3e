"""What the words beside an amount say it is (`roles.toml`): a price, a list price, what is saved, a limit."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from contract.base import Shape

Role = Literal["price", "list", "saved", "limit", "difference"]
BEFORE, AFTER = 44, 16  # letters that are looked at


class _Data(Shape):
    """roles.toml"""

    before: Mapping[Role, tuple[str, ...]]
    after: Mapping[Role, tuple[str, ...]]
    words: Mapping[Literal["ordered", "lead", "trail"], tuple[str, ...]]


class Words(NamedTuple):
    """Compiled."""

    before: Sequence[tuple[Role, re.Pattern[str]]]
    after: Sequence[tuple[Role, re.Pattern[str]]]
    ordered: re.Pattern[str]
    lead: re.Pattern[str]
    trail: re.Pattern[str]


@cache
def words() -> Words:
    """Those of this checkout."""
    text = Path(__file__).with_name("roles.toml").read_text(encoding="utf-8")
    data = _Data.model_validate(tomllib.loads(text))
    before = {one: rf"(?<![a-z])(?:{'|'.join(terms)})\s*$" for one, terms in data.before.items()}
    return Words(
        before=[(one, _compiled(pattern)) for one, pattern in before.items()],
        after=[(role, _compiled(rf"\s?(?:{'|'.join(terms)})")) for role, terms in data.after.items()],
        ordered=_compiled("|".join(data.words["ordered"])),
        lead=_compiled(
            rf"[\s,、(（]*(?:(?<![a-z])(?:{'|'.join(data.words['lead'])})(?![a-z])[\s,:]*){{0,4}}$"
        ),
        trail=_compiled(rf"\s?(?:{'|'.join(data.words['trail'])})?[)）]?"),
    )


def role(plain: str, start: int, end: int, sentence: int) -> Role:
    """Of an amount at plain[start:end], in a sentence that begins there."""
    before, after = plain[max(sentence, start - BEFORE) : start], plain[end : end + AFTER]
    for one, pattern in words().before:
        if pattern.search(before):
            return one
    for one, pattern in words().after:
        if pattern.match(after):
            return one
    return "price"


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
