"""Answers that need no model, read from `canned.toml` (RUN-5). Always marked as from the knowledge base."""

import tomllib
from functools import cache
from pathlib import Path

from pydantic import Field

from contract.base import Shape


class Canned(Shape):
    """The texts."""

    unavailable: str = Field(min_length=1, description="when no model answers: honest, and offers a human")
    blocked: str = Field(min_length=1, description="in place of an answer that may not be given")
    invalid: str = Field(min_length=1, description="when a message cannot be processed anywhere")
    closed: str = Field(min_length=1, description="when no messages are taken")


@cache
def canned() -> Canned:
    """The texts of this checkout."""
    rows = tomllib.loads(Path(__file__).with_name("canned.toml").read_text(encoding="utf-8"))
    return Canned(**rows)
