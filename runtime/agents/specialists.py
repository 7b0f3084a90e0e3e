"""Who answers with which tools, from `specialists.toml`."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import Field

from contract.base import Shape
from contract.intents import Intent

HAND_OVER = "hand_over"


class Specialist(Shape):
    """One of the file; the words are explained there."""

    name: str
    intents: tuple[Intent, ...] = ()
    does: str = Field(min_length=1)
    tools: tuple[str, ...] = Field(min_length=1)
    says: str = Field(min_length=1)


@cache
def specialists() -> Mapping[str, Specialist]:
    """Name -> specialist."""
    rows = tomllib.loads(Path(__file__).with_name("specialists.toml").read_text(encoding="utf-8"))
    found = {name: Specialist.model_validate({"name": name, **row}) for name, row in rows.items()}
    claimed = [intent for one in found.values() for intent in one.intents]
    if twice := {intent.value for intent in claimed if claimed.count(intent) > 1}:
        raise ValueError(f"specialists.toml: {', '.join(sorted(twice))} begins with two of them")
    return found


@cache
def of_intent() -> Mapping[Intent, Specialist]:
    """Whom a message begins with."""
    return {intent: one for one in specialists().values() for intent in one.intents}
