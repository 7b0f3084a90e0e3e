"""What the test provider knows of AWS: `rules.toml`, read by nobody else.

`plan` has a table of its own, from other sources. A change that no row here speaks of is an error: the
provider never guesses, so an agreement with `plan` is always one between two sources.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.engine.wire_helpers import UNKNOWN, opened, same


@dataclass(frozen=True)
class Row:
    """What happens when one of these properties, or something inside it, changes."""

    types: tuple[str, ...]
    properties: tuple[str, ...]
    effect: str
    source: str
    # Outputs that a change makes new, so that a preview does not know them.
    renews: tuple[str, ...] = ()


class NoRuleError(LookupError):
    """A change that the table is silent about."""


@cache
def rows() -> tuple[Row, ...]:
    text = Path(__file__).with_name("rules.toml").read_text(encoding="utf-8")
    return tuple(_row(row) for row in tomllib.loads(text)["rows"])


def _row(row: Mapping[str, Any]) -> Row:
    return Row(
        tuple(row["types"]),
        tuple(row["properties"]),
        row["effect"],
        row["source"],
        tuple(row.get("renews", ())),
    )


def row(token: str, path: str) -> Row:
    """The row of the nearest property around `path`, else the worst of those inside it.

    The engine asks for whole blocks too: what would follow if all of it became unknown.
    """
    words = path.split(".")
    around = [".".join(words[:length]) for length in range(len(words), 0, -1)]
    for place in around:
        if found := [row for row in _of(token) if place in row.properties]:
            return found[0]
    if inside := [row for row in _of(token) if any(p.startswith(f"{path}.") for p in row.properties)]:
        return min(inside, key=lambda row: row.effect)  # "replace" before "update"
    raise NoRuleError(f"no row in tests/engine/rules.toml says what a change of {path} does to {token}")


def _of(token: str) -> list[Row]:
    """Rows for this type before those for all."""
    return [row for types in (token, "*") for row in rows() if types in row.types]


def changes(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """The innermost places that differ, dotted, without list positions."""
    if same(before, after):
        return
    old, new = opened(before), opened(after)
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from changes(old.get(key), new.get(key), f"{path}.{key}" if path else key)
    elif _blocks(old) and _blocks(new) and len(old) == len(new) and UNKNOWN not in (old, new):
        for one, other in zip(old, new, strict=True):
            yield from changes(one, other, path)
    else:
        yield path


def _blocks(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)
