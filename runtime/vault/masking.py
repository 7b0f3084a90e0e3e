"""How much of an original a role sees (`roles.toml`). Pure."""

import re
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from contract.base import Shape

# What is kept at all: what somebody has to be reached or sent to with. Nobody needs a card back, and a kept
# secret is none.
KEPT = frozenset({"name", "address", "phone", "email"})
_DOTS = "•••"
_LAST_DIGITS = 2


class Shown(StrEnum):
    """How much."""

    WHOLE = "whole"
    PART = "part"
    KIND = "kind"
    NOTHING = "nothing"


class Role(Shape):
    """One of roles.toml."""

    what: str = Field(min_length=1)
    own: bool = False
    whole: frozenset[str] = frozenset()
    part: frozenset[str] = frozenset()
    kind: frozenset[str] = frozenset()

    @model_validator(mode="after")
    def _says_each_kind_once(self) -> Self:
        named = [*self.whole, *self.part, *self.kind]
        if unknown := set(named) - KEPT:
            raise ValueError(f"{', '.join(sorted(unknown))}: not kept in the vault")
        if len(named) != len(set(named)):
            raise ValueError("a kind is shown in one way")
        return self

    def sees(self, kind: str) -> Shown:
        for shown in (Shown.WHOLE, Shown.PART, Shown.KIND):
            if kind in getattr(self, shown.value):
                return shown
        return Shown.NOTHING


@cache
def roles() -> Mapping[str, Role]:
    """Those of this checkout."""
    text = Path(__file__).with_name("roles.toml").read_text(encoding="utf-8")
    return {name: Role(**row) for name, row in tomllib.loads(text).items()}


def masked(kind: str, value: str, shown: Shown) -> str:
    """The original as far as it is shown."""
    if shown is Shown.WHOLE:
        return value
    return _part(kind, value) if shown is Shown.PART else f"[{kind}]"


def _part(kind: str, value: str) -> str:
    if kind == "email":
        name, _, host = value.strip().rpartition("@")
        return f"{name[:1]}{_DOTS}@{host}" if name else "[email]"
    if kind == "phone":
        digits = re.sub(r"\D", "", value)
        return f"{_DOTS}{digits[-_LAST_DIGITS:]}" if len(digits) > 2 * _LAST_DIGITS else "[phone]"
    if kind == "address":
        _, comma, town = value.rpartition(",")
        return f"{_DOTS}, {re.sub(r'[0-9]', '•', town.strip())}" if comma else "[address]"
    return " ".join(f"{word[:1]}." for word in value.split())
