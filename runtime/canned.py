"""Answers that need no model, read from `canned.toml` (RUN-5). Always marked as from the knowledge base."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from contract.base import Shape


class Known(Shape):
    """One answer, and the ways people ask for it."""

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
    answers: tuple[Known, ...] = ()

    @model_validator(mode="after")
    def _one_answer_each(self) -> Self:
        seen: set[frozenset[str]] = set()
        for ask in (ask for known in self.answers for ask in known.asks):
            words = self._words(ask)
            if not words or words in seen:
                raise ValueError(f"answers: {ask!r} says nothing, or the same as another")
            seen.add(words)
        return self

    def knows(self, message: str) -> bool:
        """Whether the message asks for one of the answers, and for nothing else."""
        return self._words(message) in self._by_words

    def reply(self, message: str) -> str:
        """The answer where there is one; else an honest word and a human."""
        return self._by_words.get(self._words(message), self.unavailable)

    def _words(self, text: str) -> frozenset[str]:
        """An apostrophe makes no difference, straight or, as phones write it, curly."""
        return frozenset(re.findall(r"\w+", re.sub("['’]", "", text.lower()))) - self.filler

    @cached_property
    def _by_words(self) -> Mapping[frozenset[str], str]:
        return {self._words(ask): known.text for known in self.answers for ask in known.asks}


@cache
def canned() -> Canned:
    """The texts of this checkout."""
    rows = tomllib.loads(Path(__file__).with_name("canned.toml").read_text(encoding="utf-8"))
    return Canned.model_validate(rows)
