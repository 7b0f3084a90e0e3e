"""What a guardrail says, as data (`guardrail.toml`), held against Bedrock's limits before AWS is asked.

Which resource it becomes is in `components.guardrail`.
"""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from contract.base import Shape

Strength = Literal["NONE", "LOW", "MEDIUM", "HIGH"]
Filter = Literal["HATE", "INSULTS", "MISCONDUCT", "PROMPT_ATTACK", "SEXUAL", "VIOLENCE"]
Name = Annotated[str, StringConstraints(pattern=r"^[0-9a-zA-Z-_ !?.]{1,100}$")]
Example = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Words = Annotated[str, StringConstraints(pattern=r"^\S+( \S+){0,2}$", max_length=100)]
Entity = Annotated[str, StringConstraints(pattern=r"^[A-Z_]+$")]
Threshold = Annotated[float, Field(ge=0, le=0.99)]


class Strengths(Shape):
    """How much of a kind of content passes, in either direction."""

    input: Strength
    output: Strength


class Topic(Shape):
    """What is not talked about."""

    definition: str = Field(min_length=1, max_length=200)
    examples: tuple[Example, ...] = Field(min_length=1, max_length=5)


class Messages(Shape):
    """What people read instead."""

    input: str = Field(min_length=1, max_length=500)
    output: str = Field(min_length=1, max_length=500)


class WordRules(Shape):
    """`never_answered`: up to three words each, looked for in answers only."""

    profanity: bool
    never_answered: tuple[Words, ...] = ()


class PiiRules(Shape):
    """Kinds of personal data, by what is done about them."""

    block: tuple[Entity, ...]
    mask: tuple[Entity, ...]

    @model_validator(mode="after")
    def _once(self) -> Self:
        if twice := sorted({*self.block} & {*self.mask}):
            raise ValueError(f"{', '.join(twice)} cannot be both blocked and masked: choose one")
        return self


class Rules(Shape):
    """The whole document."""

    messages: Messages
    filters: Mapping[Filter, Strengths]
    topics: Mapping[Name, Topic] = Field(min_length=1, max_length=30)
    words: WordRules
    pii: PiiRules
    grounding: Mapping[Literal["GROUNDING", "RELEVANCE"], Threshold]

    @model_validator(mode="after")
    def _possible(self) -> Self:
        attack = self.filters.get("PROMPT_ATTACK")
        if attack is not None and attack.output != "NONE":
            raise ValueError('filters.PROMPT_ATTACK: an answer cannot attack: write output = "NONE"')
        return self

    @property
    def digest(self) -> str:
        """Changes with any word of the document, and with nothing else."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def parse(text: str) -> Rules:
    """The rules of a document such as `guardrail.toml`."""
    return Rules.model_validate(tomllib.loads(text))


@cache
def rules() -> Rules:
    """The rules of this checkout."""
    return parse(Path(__file__).with_name("guardrail.toml").read_text(encoding="utf-8"))
