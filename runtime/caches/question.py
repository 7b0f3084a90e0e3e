"""Which questions are the same: what an answer depends on is part of its key, and nothing else is.

An answer that depends on a person is kept for that person alone. What acts, moves money or asks for a human
is never kept. Questions that an embedder takes for alike may still be each other's opposite: `guard` is what
keeps them apart, whatever the cosine says.
"""

import re
import tomllib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple, Self

from pydantic import Field

from contract.base import Shape
from contract.intents import Intent
from contract.people import Person
from runtime.valkey import word

# About one person: kept for nobody else, and only where it is known who it is.
PERSONAL = frozenset({Intent.ORDER_STATUS, Intent.DELIVERY})
# These do something, or lead to somebody who does.
NEVER = frozenset({Intent.CART, Intent.PAYMENT, Intent.REFUND, Intent.COMPLAINT, Intent.ESCALATION})
WORD = 32  # characters of a key
GUARD = WORD + 16
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_WORDS = re.compile(r"[^\W_]+(?:[-+][^\W_]+)*")


@dataclass(frozen=True, kw_only=True)
class Question:
    """Everything that the answer depends on.

    `entities`: in the order in which they are named. `context`: what of the conversation before it plays a
    part, as a word; none when it stands by itself. `person`: whose answer it is; None: everybody's.
    """

    text: str
    intent: Intent
    entities: tuple[str, ...] = ()
    locale: str = "en-US"
    catalogue: str = ""
    variant: str = ""
    context: str = ""
    person: Person | None = None

    @property
    def may_be_kept(self) -> bool:
        """Whether an answer to it may be said again at all."""
        return self.intent not in NEVER and (self.person is not None or self.intent not in PERSONAL)

    @cached_property
    def group(self) -> str:
        """The key of all questions that differ from this one in their words only."""
        whose = (self.person.kind, self.person.id) if self.person else ("", "")
        parts = [self.intent.value, self.locale, self.catalogue, self.variant, self.context, *whose]
        return _joined([*parts, *self.entities])

    @cached_property
    def key(self) -> str:
        """The key of this question: the same words, whatever their case, width and spacing."""
        return _joined([self.group, normalised(self.text)])

    @cached_property
    def guard(self) -> "Guard":
        """What keeps it from getting the answer to another."""
        return guard(normalised(self.text))


class Guard(NamedTuple):
    """`must`: equal for questions that may share an answer. The sides: which of the opposites are said."""

    must: str
    first: int
    second: int

    def allows(self, other: "Guard") -> bool:
        """Whether the two may mean the same; whether they do, the vectors say."""
        return (
            self.must == other.must
            and not self.first & other.second & ~other.first
            and not self.second & other.first & ~other.second
        )

    def text(self) -> str:
        """Always so long."""
        return f"{self.must}{self.first:08x}{self.second:08x}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """What `text` wrote; ValueError for anything else."""
        if len(text) != GUARD:
            raise ValueError("no guard is so long")
        return cls(text[:WORD], int(text[WORD : WORD + 8], 16), int(text[WORD + 8 :], 16))


def guard(text: str) -> Guard:
    """Of a normalised text."""
    rules = _rules()
    words = _WORDS.findall(text.replace("'", ""))
    parts = [
        " ".join(_NUMBER.findall(text)),
        " ".join(sorted(one for one in words if one in rules.negations)),
        " ".join(sorted({one for one in words if one in rules.polar})),
        " ".join(f"{sign}{text.count(sign)}" for sign in rules.signs if sign in text),
    ]
    if any(one in rules.turning for one in words):
        parts.append(" ".join(one for one in words if one not in rules.filler))
    first, second = (_said(words, side) for side in zip(*rules.opposites, strict=True))
    return Guard(_joined(parts), first, second)


def _said(words: Sequence[str], side: Sequence[str]) -> int:
    """One bit for each that is said."""
    return sum(1 << place for place, one in enumerate(side) if one in words)


def normalised(text: str) -> str:
    """One form for all ways to type the same: NFKC, no case, single blanks, no punctuation at the end."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return " ".join(plain.split()).rstrip(" ?!.。？！")


def _joined(parts: Sequence[str]) -> str:
    """No two lists of parts give the same: each says how long it is."""
    return word("".join(f"{len(part)}:{part}" for part in parts))


class _Rules(Shape):
    """guards.toml"""

    negations: frozenset[str]
    polar: frozenset[str]
    opposites: tuple[tuple[str, str], ...] = Field(min_length=1, max_length=32)
    turning: frozenset[str]
    filler: frozenset[str]
    signs: tuple[str, ...]


@cache
def _rules() -> _Rules:
    text = Path(__file__).with_name("guards.toml").read_text(encoding="utf-8")
    return _Rules.model_validate(tomllib.loads(text))
