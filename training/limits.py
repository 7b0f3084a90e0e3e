"""The limits of limits.toml."""

import tomllib
from functools import cache
from pathlib import Path

from pydantic import Field

from contract.base import Knobs


class Limits(Knobs):
    """See the file."""

    fewest: int = Field(ge=1)
    largest_gb: float = Field(gt=0)
    most_tokens: int = Field(ge=1)
    shortest_tokens: int = Field(ge=1)
    most_characters_a_line: int = Field(ge=1)
    smallest_class: float = Field(ge=0, lt=1)
    most_lopsided: float = Field(ge=1)
    labels: int = Field(ge=1)
    label_words: int = Field(ge=1)
    near: float = Field(gt=0, le=1)
    most_near: float = Field(ge=0, lt=1)


@cache
def limits() -> Limits:
    text = Path(__file__).with_name("limits.toml").read_text(encoding="utf-8")
    return Limits.model_validate(tomllib.loads(text))
