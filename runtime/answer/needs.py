"""What has to be looked up for an intent, from `needs.toml`, and how hard its answer is (RUN-1, RUN-4)."""

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Literal

from contract.base import Shape
from contract.intents import Intent
from runtime.understand.intent import Understanding


class Complexity(StrEnum):
    """How much model an answer needs. A light one only puts facts into words."""

    LIGHT = "light"
    SIMPLE = "simple"
    COMPLEX = "complex"
    PREMIUM = "premium"


class Needs(Shape):
    """What `needs.toml` says of one intent; the words are explained there."""

    products: bool = False
    search: bool = False
    recommended: bool = False
    orders: Literal["none", "named", "all"] = "none"
    passages: bool = False
    likes: bool = False
    settled: bool = False
    always_complex: bool = False
    cached: bool = False
    premium: bool = False


@cache
def needs() -> Mapping[Intent, Needs]:
    """Every intent's."""
    rows = tomllib.loads(Path(__file__).with_name("needs.toml").read_text(encoding="utf-8"))
    read = {Intent(name): Needs.model_validate(row) for name, row in rows.items()}
    if missing := set(Intent) - read.keys():
        raise ValueError(f"needs.toml: {', '.join(sorted(missing))} is missing")
    return read


def complexity(understood: Understanding, message: str, simple_words: int, *, settled: bool) -> Complexity:
    """`settled`: the facts that were found are the answer, and only have to be put into words."""
    needed = needs()[understood.intent]
    if needed.settled and settled:
        return Complexity.LIGHT
    if needed.premium:
        return Complexity.PREMIUM
    short = len(message.split()) <= simple_words
    return Complexity.SIMPLE if short and not needed.always_complex else Complexity.COMPLEX
