"""Does changing a property update its resource or replace it? Looked up, with who says so; never guessed.

The rows are data: `replacements.toml` is written by tools/replacements.py from installed schemas and docs,
`replacements_curated.toml` by hand for what those miss.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

Verdict = Literal["replace", "update", "unknown"]


@dataclass(frozen=True, slots=True)
class Row:
    """What becomes of the resource, and the source that says so."""

    verdict: Verdict
    source: str


def lookup(token: str, path: Sequence[str], *, appears: bool = False) -> Row:
    """The row for a property; `path` names its blocks, list positions left out.

    `appears`: the property is set for the first time, or no longer.
    """
    curated = _curated().get(token, {})
    for end in range(len(path), 0, -1):
        if by_hand := curated.get(".".join(path[:end])):
            return by_hand[appears]
    rows, blocks = _rows().get(token), _blocks().get(token, frozenset())
    if rows is None:
        return Row("unknown", f"no source: plan/replacements.toml has no rows for {token}")
    for end in range(len(path), 0, -1):
        name = ".".join(path[:end])
        row = rows.get(name)
        if row is not None and (end == len(path) or name not in blocks or row.verdict == "replace"):
            return row  # a map or a document has no parts with a verdict of their own
        if name in blocks and end < len(path):
            return Row("unknown", f"no source: nobody says whether this part of {name} can be updated")
    return Row("unknown", "no source: neither CloudFormation's schema nor the provider's docs say")


@cache
def _table() -> Mapping[str, Any]:
    return _load("replacements.toml")


@cache
def _rows() -> Mapping[str, Mapping[str, Row]]:
    versions = _table()["versions"]
    return {
        token: {name: Row(verdict, _with(versions, source)) for name, (verdict, source) in rows.items()}
        for token, rows in _table()["rows"].items()
    }


@cache
def _blocks() -> Mapping[str, frozenset[str]]:
    return {token: frozenset(names) for token, names in _table()["blocks"].items()}


@cache
def _curated() -> Mapping[str, Mapping[str, tuple[Row, Row]]]:
    """Type -> property -> (row, row when the property appears or disappears)."""
    found: dict[str, dict[str, tuple[Row, Row]]] = {}
    for entry in _load("replacements_curated.toml")["rows"]:
        row = Row(entry["verdict"], entry["source"])
        pair = (row, Row(entry.get("appears", row.verdict), row.source))
        for token in entry["types"]:
            found.setdefault(token, {}).update(dict.fromkeys(entry["properties"], pair))
    return found


def _with(versions: Mapping[str, str], source: str) -> str:
    for name, version in versions.items():
        source = source.replace(f"{{{name}}}", version)
    return source


def _load(name: str) -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))
