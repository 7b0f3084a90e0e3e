"""A guardrail as an account holds it: what its policies are, not how a text is held against them."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from contract.base import Shape

Strength = Literal["NONE", "LOW", "MEDIUM", "HIGH"]


class Filter(Shape):
    """A kind of content, and how strictly it is looked for in each direction."""

    kind: str
    input: Strength = "HIGH"
    output: Strength = "HIGH"


class Topic(Shape):
    """A subject that is not talked about."""

    name: str
    definition: str
    examples: tuple[str, ...] = ()


class Word(Shape):
    """A word or phrase that is refused."""

    text: str
    input: bool = True
    output: bool = True


class Pattern(Shape):
    """A regular expression of the account's own."""

    name: str
    pattern: str
    action: Literal["BLOCK", "ANONYMIZE"]


class Guardrail(Shape):
    """One guardrail with all its versions alike: the stand-in keeps no history."""

    id: str
    arn: str
    versions: tuple[str, ...] = ("1",)
    blocked_input: str = "Sorry, the model cannot answer this question."
    blocked_output: str = "Sorry, the model cannot answer this question."
    filters: tuple[Filter, ...] = ()
    topics: tuple[Topic, ...] = ()
    words: tuple[Word, ...] = ()
    profanity: bool = False
    pii: Mapping[str, Literal["BLOCK", "ANONYMIZE"]] = {}
    patterns: tuple[Pattern, ...] = ()
    grounding: Mapping[str, float] = Field(
        default_factory=dict, description="GROUNDING, RELEVANCE: threshold"
    )
