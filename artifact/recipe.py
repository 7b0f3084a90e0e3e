"""`recipe.toml` as types."""

import tomllib
from functools import cache
from pathlib import Path

from pydantic import Field

from contract.base import Shape


class Recipe(Shape):
    """What goes in, and what must not be exceeded."""

    python: str
    pythons: tuple[str, ...]
    platform: str
    rooms: tuple[str, ...]
    leave_out: tuple[str, ...]
    zip_mb: int = Field(gt=0)
    unpacked_mb: int = Field(gt=0)
    drop: tuple[str, ...]
    services: tuple[str, ...]
    user: int = Field(gt=0)


@cache
def recipe() -> Recipe:
    text = Path(__file__).with_name("recipe.toml").read_text(encoding="utf-8")
    return Recipe.model_validate(tomllib.loads(text))
