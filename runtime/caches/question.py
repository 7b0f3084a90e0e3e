"""Which questions are the same: what an answer depends on is part of its key, and nothing else is.

An answer that depends on a person is kept for that person alone. What acts, moves money or asks for a human
is never kept. Questions that an embedder takes for alike may still be each other's opposite: `guard` is what
must be equal whatever the cosine says.
"""

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from contract.intents import Intent
from contract.people import Person
from runtime.valkey import word

# About one person: kept for nobody else, and only where it is known who it is.
PERSONAL = frozenset({Intent.ORDER_STATUS, Intent.DELIVERY})
# These do something, or lead to somebody who does.
NEVER = frozenset({Intent.CART, Intent.PAYMENT, Intent.REFUND, Intent.COMPLAINT, Intent.ESCALATION})
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_WORDS = re.compile(r"[^\W_]+(?:[-+][^\W_]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
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

    @property
    def group(self) -> str:
        """The key of all questions that differ from this one in their words only."""
        whose = (self.person.kind, self.person.id) if self.person else ("", "")
        parts = [self.intent.value, self.locale, self.catalogue, self.variant, self.context, *whose]
        return _joined([*parts, *self.entities])

    @property
    def key(self) -> str:
        """The key of this question: the same words, whatever their case, width and spacing."""
        return _joined([self.group, normalised(self.text)])

    @property
    def guard(self) -> str:
        """Equal for questions that may share an answer if they mean the same."""
        text = normalised(self.text)
        words = [found.replace("'", "") for found in _WORDS.findall(text.replace("'", ""))]
        lists = _lists()
        said = Counter(one for one in words if one in lists["negations"])
        parts = [
            " ".join(_NUMBER.findall(text)),
            " ".join(sorted(said.elements())),
            " ".join(sorted({one for one in words if one in lists["polar"]})),
            " ".join(f"{sign}{text.count(sign)}" for sign in sorted(lists["signs"]) if sign in text),
        ]
        if any(one in lists["turning"] for one in words):
            parts.append(" ".join(one for one in words if one not in lists["filler"]))
        return _joined(parts)


def normalised(text: str) -> str:
    """One form for all ways to type the same: NFKC, no case, single blanks, no punctuation at the end."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return " ".join(plain.split()).rstrip(" ?!.。？！")


def _joined(parts: Sequence[str]) -> str:
    """No two lists of parts give the same: each says how long it is."""
    return word("".join(f"{len(part)}:{part}" for part in parts))


@cache
def _lists() -> Mapping[str, frozenset[str]]:
    text = Path(__file__).with_name("guards.toml").read_text(encoding="utf-8")
    return {name: frozenset(words) for name, words in tomllib.loads(text).items()}
