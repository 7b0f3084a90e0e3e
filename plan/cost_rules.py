"""Which prices a resource pays: the rules of `cost.toml`, read and checked.

How many units of a price there are is `plan.cost_counts`; no dollars here, they are in the price table.
"""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from contract import prices
from contract.errors import WrongUseError
from plan.cost_counts import COUNTS, PLACES
from plan.cost_paths import could_be, value_at
from plan.model import Resource

FILE = Path(__file__).with_name("cost.toml")


class RuleError(WrongUseError):
    """The rules cannot be used; the message names the rule and the fix."""


class Charge(BaseModel):
    """One price a resource pays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    price: str
    count: str | None = None
    at: str = "own"


class Rule(BaseModel):
    """What resources of these types and settings pay, or why that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    types: tuple[str, ...] = Field(min_length=1)
    when: Mapping[str, tuple[str | bool | int, ...]] = {}
    charges: tuple[Charge, ...] = ()
    unknown: str | None = Field(None, min_length=1)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if bool(self.charges) == bool(self.unknown):
            raise ValueError("needs either charges, or unknown with the reason why there are none")
        return self

    def fits(self, resource: Resource) -> bool:
        return resource.type in self.types and all(
            value_at(resource.inputs, path) in allowed for path, allowed in self.when.items()
        )


class Rules(NamedTuple):
    """All rules, in the order of the file."""

    rules: tuple[Rule, ...]

    def knows(self, token: str) -> bool:
        return any(token in rule.types for rule in self.rules)

    def of(self, resource: Resource) -> Rule | None:
        """The first rule that fits this resource."""
        return next((rule for rule in self.rules if rule.fits(resource)), None)


@cache
def rules() -> Rules:
    """The rules of this checkout."""
    return load(FILE)


def load(path: Path) -> Rules:
    """Reads the rules and checks every name in them."""
    name = f"{path.parent.name}/{path.name}"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as broken:
        raise RuleError(f"{name}: cannot be read: {broken}") from None
    found = tuple(_rule(f"{name}: rule {n}", rule) for n, rule in enumerate(document.pop("rule", ()), 1))
    if document:
        raise RuleError(f"{name}: unknown key {', '.join(document)}: a file of rules has only [[rule]]")
    for rule in found:
        for charge in rule.charges:
            _check(name, rule, charge)
    return Rules(found)


def _rule(place: str, fields: Any) -> Rule:
    try:
        return Rule.model_validate(fields)
    except ValidationError as invalid:
        faults = (_fault(error) for error in invalid.errors())
        raise RuleError("\n".join(f"{place}: {fault}" for fault in faults)) from None


def _fault(error: Any) -> str:
    path = ".".join(map(str, error["loc"]))
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{path}: {message}" if path else message


def _check(file: str, rule: Rule, charge: Charge) -> None:
    rows = prices.table().rows
    if not any(could_be(charge.price, row) for row in rows):
        raise _no_such(file, rule, "price", charge.price, rows)
    if charge.count is not None and charge.count not in COUNTS:
        raise _no_such(file, rule, "count", charge.count, COUNTS)
    if charge.at not in PLACES:
        raise _no_such(file, rule, "at", charge.at, PLACES)


def _no_such(file: str, rule: Rule, key: str, word: str, known: Iterable[str]) -> RuleError:
    close = difflib.get_close_matches(word, list(known), n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(sorted(known))}"
    return RuleError(f"{file}: rule for {rule.types[0]}: there is no {key} {word!r}: {hint}")
