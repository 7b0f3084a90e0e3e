"""Two rehearsals side by side, from their reports: before a release and after it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.errors import DONE, FAILED, INCONCLUSIVE, WrongUseError
from rehearsal.report import DATA, FORMAT
from rehearsal.report_page import compared_rows

if TYPE_CHECKING:
    from rich.console import RenderableType

_SAME = ("story", "stack", "seed", "speed", "rate")
_WORDS = {True: "held", False: "FAILED", None: "not told"}
Facts = Mapping[str, Any]


class CompareError(WrongUseError):
    """There is nothing to compare."""


@dataclass(frozen=True)
class Difference:
    """`figures`: name, before, after. `gates`: those that changed. `unlike`: what was not the same to begin
    with."""

    unlike: tuple[str, ...]
    figures: tuple[tuple[str, str, str], ...]
    gates: tuple[tuple[str, str, str], ...]
    alarms: tuple[tuple[str, str, str], ...]
    worse: bool
    told: bool

    @property
    def exit_code(self) -> int:
        """0: not worse, 1: a gate that held holds no more, 3: one of them shows nothing."""
        if not self.told:
            return INCONCLUSIVE
        return FAILED if self.worse else DONE

    def as_json(self) -> dict[str, Any]:
        return {
            "unlike": list(self.unlike),
            "figures": [list(row) for row in self.figures],
            "gates": [list(row) for row in self.gates],
            "alarms": [list(row) for row in self.alarms],
            "worse": self.worse,
            "exit_code": self.exit_code,
        }


def read(path: Path) -> Facts:
    """What a report says; `path` may be its folder."""
    file = path / DATA if path.is_dir() else path
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
    except OSError as missing:
        raise CompareError(
            f"{file}: cannot be read: {missing.strerror}: name the folder of a rehearsal"
        ) from None
    except ValueError as broken:
        raise CompareError(f"{file}: is no JSON: {broken}") from None
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise CompareError(f"{file}: is no report of a rehearsal in format {FORMAT}: rehearse again")
    return facts


def between(before: Facts, after: Facts) -> Difference:
    """What changed from one to the other."""
    gates = tuple(_gates(before, after))
    return Difference(
        unlike=tuple(f"{key}: {before[key]} and {after[key]}" for key in _SAME if before[key] != after[key]),
        figures=tuple(compared_rows(before, after)),
        gates=gates,
        alarms=tuple(_alarms(before, after)),
        worse=any(row[1] == _WORDS[True] and row[2] == _WORDS[False] for row in gates),
        told=INCONCLUSIVE not in {before["exit_code"], after["exit_code"]},
    )


def _gates(before: Facts, after: Facts) -> Iterator[tuple[str, str, str]]:
    was = {gate["gate"]: gate["held"] for gate in before["gates"]}
    now = {gate["gate"]: gate["held"] for gate in after["gates"]}
    for name in dict.fromkeys([*was, *now]):
        pair = tuple(_WORDS[found[name]] if name in found else "not there" for found in (was, now))
        if pair[0] != pair[1]:
            yield name, pair[0], pair[1]


def _alarms(before: Facts, after: Facts) -> Iterator[tuple[str, str, str]]:
    was, now = ({one["alarm"]: one["fired_at"] for one in facts["alarms"]} for facts in (before, after))
    for name in dict.fromkeys([*was, *now]):
        yield name, *(_fired(found.get(name)) for found in (was, now))


def _fired(at: float | None) -> str:
    return "-" if at is None else f"red at {at:.0f} s"


def render(found: Difference) -> "Iterator[RenderableType]":
    from rich.table import Table
    from rich.text import Text

    if found.unlike:
        yield Text(f"not the same to begin with: {'; '.join(found.unlike)}", "yellow")
    table = Table("", "before", "after", box=None, pad_edge=False)
    for row in found.figures:
        table.add_row(*row)
    for title, rows in (("alarms", found.alarms), ("gates that changed", found.gates)):
        if rows:
            table.add_section()
            table.add_row(Text(title, "bold"))
        for name, was, now in rows:
            table.add_row(name, was, Text(now, "bold red" if now == _WORDS[False] else ""))
    yield table
    if not found.told:
        yield "One of them shows nothing: it could not be told how it went."
    else:
        yield "The second is worse: a gate that held holds no more." if found.worse else "Not worse."
