"""The first stage: rules on words, from `rules.toml`. Microseconds, no network, always the same answer."""

import re
import tomllib
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path

from contract.intents import Intent
from runtime.understand import entities

_CHITCHAT = "chitchat"
_OFTEN, _REMEMBERED = 120, 2_048  # letters of a message that may be asked again; how many such


@dataclass(frozen=True, slots=True)
class Guess:
    """What the rules say. `sure`: intents the words leave no doubt about; `hints`: what they may be about."""

    sure: tuple[Intent, ...] = ()
    hints: tuple[Intent, ...] = ()
    chitchat: str = ""  # its kind, when the message is nothing else

    @property
    def best(self) -> Intent | None:
        """The likeliest by rules alone, for when no model says more."""
        if self.chitchat:
            return Intent.GENERAL
        return next(iter((*self.sure, *self.hints)), None)


@dataclass(frozen=True)
class Rules:
    """Compiled patterns; one alternation an intent, so that each message is read once for each."""

    sure: Mapping[Intent, re.Pattern[str]]
    hints: Mapping[Intent, re.Pattern[str]]
    chitchat: Mapping[str, re.Pattern[str]]

    def read(self, message: str) -> Guess:
        """What the words of a message say. What many people ask is read once."""
        return self._known(message) if len(message) <= _OFTEN else self._read(message)

    @cached_property
    def _known(self) -> Callable[[str], Guess]:
        return lru_cache(_REMEMBERED)(self._read)

    def _read(self, message: str) -> Guess:
        words = entities.without(unicodedata.normalize("NFKC", message).replace("’", "'"))
        if kind := next((kind for kind, pattern in self.chitchat.items() if pattern.search(words)), ""):
            return Guess(chitchat=kind)
        sure = _matching(self.sure, words)
        return Guess(sure, () if len(sure) == 1 else _matching(self.hints, words))


def _matching(patterns: Mapping[Intent, re.Pattern[str]], words: str) -> tuple[Intent, ...]:
    return tuple(intent for intent, pattern in patterns.items() if pattern.search(words))


@cache
def rules() -> Rules:
    """Those of this checkout."""
    rows = tomllib.loads(Path(__file__).with_name("rules.toml").read_text(encoding="utf-8"))
    chitchat = rows.pop(_CHITCHAT)
    if missing := {intent.value for intent in Intent} ^ rows.keys():
        raise ValueError(f"rules.toml: {', '.join(sorted(missing))} has no rules or is no intent")
    return Rules(
        sure={Intent(name): _any(row["sure"]) for name, row in rows.items()},
        hints={Intent(name): _any(row["hints"]) for name, row in rows.items()},
        chitchat={kind: _any(patterns) for kind, patterns in chitchat.items()},
    )


def _any(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)
