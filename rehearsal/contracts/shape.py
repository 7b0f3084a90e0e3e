"""Whether an answer has the fields it should, with values of their kinds. Pure."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from contract.consumers import Interaction, Kind

_CURRENCY = re.compile(r"[A-Z]{3}")
_TINY = 1e-6


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field."""

    path: str
    why: str

    def __str__(self) -> str:
        return f"{self.path}: {self.why}"


@dataclass(frozen=True, slots=True)
class Seen:
    """Problems of an answer, and promised fields that it did not show: their lists were empty."""

    problems: tuple[Problem, ...]
    unseen: tuple[str, ...]


def look(answer: Any, interaction: Interaction) -> Seen:
    """Holds an answer against what is promised of it."""
    problems: list[Problem] = []
    unseen: list[str] = []
    for path in interaction.lists:
        problems += [Problem(at, "is no list") for at, v in _at(answer, path) if not isinstance(v, list)]
    for path, kind in interaction.answer.items():
        values = list(_at(answer, path))
        if not values:
            unseen.append(path)
        for at, value in values:
            if value is _MISSING:
                problems.append(Problem(at, "is missing"))
            elif not _KINDS[kind](value):
                problems.append(Problem(at, f"is no {kind}: {_shown(value)}"))
    return Seen(tuple(dict.fromkeys(problems)), tuple(unseen))


def first(answer: Any, path: str) -> str | None:
    """A value of this path, for what is asked next."""
    return next((str(value) for _, value in _at(answer, path) if value is not _MISSING), None)


_MISSING = object()


def _at(value: Any, path: str, at: str = "") -> Iterator[tuple[str, Any]]:
    """(where, value) of all that a path leads to; what is not there is `_MISSING`, an empty list nothing."""
    name, _, rest = path.partition(".")
    plain = name.removesuffix("[]")
    place = f"{at}.{plain}" if at else plain
    found = value.get(plain, _MISSING) if isinstance(value, Mapping) else _MISSING
    if not name.endswith("[]"):
        parts = [(place, found)]
    elif isinstance(found, list):
        parts = [(f"{place}[{number}]", part) for number, part in enumerate(found)]
    else:
        parts = [(place, _MISSING)]
    for where, part in parts:
        if rest and part is not _MISSING:
            yield from _at(part, rest, where)
        else:
            yield where, part


def _shown(value: Any) -> str:
    """Its kind and not its value: a report may be read by anybody."""
    return "an empty text" if value == "" else type(value).__name__


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _amount(value: Any) -> bool:
    if not _number(value) or value < 0:
        return False
    cents = round(value * 100)
    return bool(abs(value * 100 - cents) <= _TINY * max(1, cents))


def _day(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(date.fromisoformat(value))
    except ValueError:
        return False


_KINDS: Mapping[Kind, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str),
    "name": lambda value: isinstance(value, str) and value != "",
    "flag": lambda value: isinstance(value, bool),
    "whole": _whole,
    "count": lambda value: _whole(value) and value >= 1,
    "percent": lambda value: _whole(value) and value <= 100,
    "rating": lambda value: _number(value) and 0 <= value <= 5,
    "amount": _amount,
    "paid": lambda value: _amount(value) and value > 0,
    "cents": lambda value: _whole(value) and value > 0,
    "currency": lambda value: isinstance(value, str) and bool(_CURRENCY.fullmatch(value)),
    "day": _day,
    "texts": lambda value: (
        isinstance(value, Mapping) and all(isinstance(part, str) for part in value.values())
    ),
}
