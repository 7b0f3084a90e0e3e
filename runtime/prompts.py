"""What a model is told before every message, from `prompt.toml`: one wording, and what an experiment adds."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import Field

from contract.base import Shape


class Prompts(Shape):
    """`variants`: by name, what is said in addition to people of an experiment (RUN-4)."""

    system: str = Field(min_length=1)
    facts: str = Field(description="how facts are introduced, as data and nothing else")
    variants: Mapping[str, str] = Field(default_factory=dict)


@cache
def prompts() -> Prompts:
    """Those of this checkout."""
    text = Path(__file__).with_name("prompt.toml").read_text(encoding="utf-8")
    return Prompts.model_validate(tomllib.loads(text))


@cache
def system(variant: str = "") -> str:
    """The instructions; a variant nobody wrote is the usual one."""
    return "\n".join(
        part.strip() for part in (prompts().system, prompts().variants.get(variant, "")) if part.strip()
    )
