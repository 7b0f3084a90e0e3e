"""Answers that need no model, read from `canned.toml` (RUN-5). Always marked as from the knowledge base."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from contract.base import Shape
from contract.intents import Intent

# What a message may name. Whatever else it says must be the words of a question.
ENTITIES: Mapping[str, re.Pattern[str]] = {
    "order_id": re.compile(r"#?\b\d{3}-\d{7}-\d{7}\b"),
    "asin": re.compile(r"\bB0[A-Z0-9]{8}\b"),
    "price": re.compile(r"[$€£]\s?\d+(?:[.,]\d{1,2})?"),
}


class Known(Shape):
    """One answer, the ways people ask for it, and what they may name besides."""

    intent: Intent
    entities: frozenset[Literal["order_id", "asin", "price"]] = frozenset()
    asks: tuple[str, ...] = Field(min_length=1)
    text: str = Field(min_length=1)


class Canned(Shape):
    """The texts, and the answers to what is asked most."""

    unavailable: str = Field(min_length=1, description="when no model answers: honest, and offers a human")
    blocked: str = Field(min_length=1, description="in place of an answer that may not be given")
    invalid: str = Field(min_length=1, description="when a message cannot be processed anywhere")
    closed: str = Field(min_length=1, description="when no messages are taken")
    banner: str = Field(min_length=1, description="beside every answer while no model has spoken for long")
    filler: frozenset[str] = Field(description="words that make no difference to what is asked")
    same: Mapping[str, tuple[str, ...]] = Field(
        default_factory=dict, description="a word, and those that mean it"
    )
    answers: tuple[Known, ...] = ()

    @model_validator(mode="after")
    def _one_answer_each(self) -> Self:
        seen: dict[frozenset[str], str] = {}
        for ask, text in ((ask, known.text) for known in self.answers for ask in known.asks):
            words = self._words(ask)
            if not words or seen.get(words, text) != text:
                raise ValueError(f"answers: {ask!r} says nothing, or the same as another")
            seen[words] = text
        return self

    def knows(self, message: str) -> bool:
        """Whether the message asks for one of the answers, and for nothing else."""
        return self.find(message) is not None

    def reply(self, message: str) -> str:
        """The answer where there is one; else an honest word and a human."""
        known = self.find(message)
        return self.unavailable if known is None else known.text

    def find(self, message: str) -> Known | None:
        """The answer to the same words, if it is about all that the message names."""
        if (known := self._by_words.get(self._words(message))) is not None:
            return known
        named = {kind for kind, pattern in ENTITIES.items() if pattern.search(message)}
        if not named:
            return None
        for kind in named:
            message = ENTITIES[kind].sub(" ", message)
        known = self._by_words.get(self._words(message))
        return known if known is not None and named <= known.entities else None

    def _words(self, text: str) -> frozenset[str]:
        """An apostrophe makes no difference, straight or, as phones write it, curly."""
        words = re.findall(r"\w+", re.sub("['’]", "", text.lower()))
        return frozenset(self._usual.get(word, word) for word in words) - self.filler

    @cached_property
    def _usual(self) -> Mapping[str, str]:
        return {word: usual for usual, words in self.same.items() for word in words}

    @cached_property
    def _by_words(self) -> Mapping[frozenset[str], Known]:
        return {self._words(ask): known for known in self.answers for ask in known.asks}


@cache
def canned() -> Canned:
    """The texts of this checkout."""
    rows = tomllib.loads(Path(__file__).with_name("canned.toml").read_text(encoding="utf-8"))
    return Canned.model_validate(rows)
