"""What a judge is told to let pass, and why: `suppressions.toml`, the one place for it.

`apply` takes away what an entry covers. An entry past its day covers nothing, and an entry that covers
nothing although its resources are there is wrong about them: both are findings themselves. In every other
respect an entry is worth as much as its reason; the owner is who answers for it.
"""

import tomllib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from contract.base import Shape
from contract.errors import WrongUseError
from plan.model import Plan, Resource
from policies.finding import Finding, Source

FILE = Path(__file__).with_name("suppressions.toml")
# A reason is a sentence: what is true of these resources that makes the rule miss them.
SHORTEST_REASON = 40


class SuppressionsError(WrongUseError):
    """The file cannot be read as suppressions."""


class Suppression(Shape):
    """One entry. `on`: resources as people call them, `s3.Bucket *-access-logs-bucket`.

    `only`: in environments with `environment.protect`, or in those without it; none: in both.
    """

    rule: str = Field(min_length=1)
    source: Source = "checkov"
    on: tuple[str, ...] = Field(min_length=1)
    why: str = Field(min_length=SHORTEST_REASON)
    owner: Literal["application", "performance", "platform", "security"]
    until: date
    only: Literal["protected", "open"] | None = None

    def is_of(self, resource: Resource) -> bool:
        return any(fnmatchcase(resource.label, pattern) for pattern in self.on)

    def is_meant_for(self, *, protected: bool) -> bool:
        return self.only is None or (self.only == "protected") == protected


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`left`: what still counts, faults of the file included. `waived`: what an entry covers, and which."""

    left: tuple[Finding, ...]
    waived: tuple[tuple[Finding, Suppression], ...]


@cache
def load(file: Path = FILE) -> tuple[Suppression, ...]:
    """Every entry of the file."""
    try:
        rows = tomllib.loads(file.read_text(encoding="utf-8")).get("suppress", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SuppressionsError(f"{file.name}: {error}") from error
    return tuple(_entry(file, number, row) for number, row in enumerate(rows, 1))


def _entry(file: Path, number: int, row: object) -> Suppression:
    try:
        return Suppression.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "entry"
        named = row.get("rule", "without a rule") if isinstance(row, dict) else "no table"
        raise SuppressionsError(f"{file.name}: entry {number} ({named}), {place}: {first['msg']}") from error


def apply(
    findings: Iterable[Finding],
    plan: Plan,
    *,
    protected: bool,
    sources: Collection[Source],
    entries: Sequence[Suppression] | None = None,
    today: date | None = None,
) -> Outcome:
    """Takes away what is covered. `sources`: who was asked; entries about others are left alone."""
    day = today or datetime.now(UTC).date()
    meant = [
        entry
        for entry in (load() if entries is None else entries)
        if entry.source in sources and entry.is_meant_for(protected=protected)
    ]
    valid = [entry for entry in meant if day <= entry.until]
    waived: list[tuple[Finding, Suppression]] = []
    left: list[Finding] = []
    for finding in findings:
        entry = next((entry for entry in valid if _covers(entry, finding, plan)), None)
        if entry is None:
            left.append(finding)
        else:
            waived.append((finding, entry))
    used = {id(entry) for _, entry in waived}
    left += [_expired(plan, entry) for entry in meant if entry not in valid]
    left += [
        _unused(plan, entry)
        for entry in valid
        if id(entry) not in used and any(entry.is_of(resource) for resource in plan.resources)
    ]
    return Outcome(left=tuple(left), waived=tuple(waived))


def _covers(entry: Suppression, finding: Finding, plan: Plan) -> bool:
    resource = plan.by_urn.get(finding.urn)
    same = (entry.rule, entry.source) == (finding.rule, finding.source)
    return same and resource is not None and entry.is_of(resource)


def _expired(plan: Plan, entry: Suppression) -> Finding:
    return Finding(
        rule="suppression-expired",
        severity="mandatory",
        urn=plan.root.urn,
        message=f"{entry.rule} on {', '.join(entry.on)} was let pass until {entry.until}: {entry.why}",
        fix=f"ask the {entry.owner} team: mend what it covers, or renew it in policies/{FILE.name}",
    )


def _unused(plan: Plan, entry: Suppression) -> Finding:
    return Finding(
        rule="suppression-unused",
        severity="mandatory",
        urn=plan.root.urn,
        message=f"{entry.rule} is let pass on {', '.join(entry.on)}, where nothing fails it",
        fix=f"take the entry out of policies/{FILE.name}, or say in it for which environments it is",
    )
