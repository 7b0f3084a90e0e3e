"""What a comparison of two plans says, as frozen data. `plan.diff` makes it, `plan.difftext` words it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import cached_property
from typing import Any

from plan.model import Resource
from plan.replacements import Verdict


class Kind(StrEnum):
    """What happens to a resource, worst first."""

    REPLACED = "replaced"
    REMOVED = "removed"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    ADDED = "added"
    UNCHANGED = "unchanged"


class Mark(Enum):
    """Stands where there is no value to show."""

    ABSENT = "(none)"
    SECRET = "[secret]"  # noqa: S105 - what is printed instead of one
    NEW = "(new)"

    def __repr__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Change:
    """One property. `because` names replaced resources it holds something of; else the program changed it."""

    path: str
    before: Any
    after: Any
    verdict: Verdict
    source: str
    because: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """One resource of either plan. What was not comparable is no change, and no proof that there is none."""

    kind: Kind
    before: Resource | None
    after: Resource | None
    component: str
    changes: tuple[Change, ...] = ()
    not_comparable: tuple[str, ...] = ()
    renamed_from: str | None = None
    blocked: str | None = None
    note: str = ""

    @property
    def resource(self) -> Resource:
        """As it will be, or as it was when it goes."""
        resource = self.after or self.before
        assert resource is not None  # noqa: S101 - one of the two made this change
        return resource

    @property
    def decisive(self) -> tuple[Change, ...]:
        """The changes that make it a replacement, or leave it open."""
        verdict = {Kind.REPLACED: "replace", Kind.UNKNOWN: "unknown"}.get(self.kind)
        return tuple(change for change in self.changes if change.verdict == verdict)


@dataclass(frozen=True, slots=True)
class OutputChange:
    """One place in a stack output, such as `inventory.regions.primary`. `because` as with a property."""

    path: str
    before: Any
    after: Any
    because: tuple[str, ...] = ()


@dataclass(frozen=True)
class Diff:
    """Two plans compared; `resources` has every resource of both, in the order of their keys."""

    before: str
    after: str
    resources: tuple[ResourceChange, ...]
    outputs: tuple[OutputChange, ...]
    outputs_not_comparable: tuple[str, ...] = ()

    def of(self, kind: Kind) -> tuple[ResourceChange, ...]:
        return tuple(change for change in self.resources if change.kind is kind)

    @property
    def added(self) -> tuple[ResourceChange, ...]:
        return self.of(Kind.ADDED)

    @property
    def removed(self) -> tuple[ResourceChange, ...]:
        return self.of(Kind.REMOVED)

    @property
    def changed(self) -> tuple[ResourceChange, ...]:
        return self.of(Kind.CHANGED)

    @property
    def replaced(self) -> tuple[ResourceChange, ...]:
        return self.of(Kind.REPLACED)

    @property
    def unknown(self) -> tuple[ResourceChange, ...]:
        return self.of(Kind.UNKNOWN)

    @property
    def blocked(self) -> tuple[ResourceChange, ...]:
        return tuple(change for change in self.resources if change.blocked)

    @property
    def empty(self) -> bool:
        """Nothing would happen, as far as the plans can be compared."""
        return not self.outputs and all(change.kind is Kind.UNCHANGED for change in self.resources)

    @cached_property
    def counts(self) -> Mapping[Kind, int]:
        found = Counter(change.kind for change in self.resources)
        return {kind: found[kind] for kind in Kind}

    def get(self, name: str) -> ResourceChange:
        """The one resource of this logical name, new or old."""
        found = [change for change in self.resources if change.resource.name == name]
        if len(found) != 1:
            raise KeyError(f"{len(found)} resources are named {name!r} in this comparison")
        return found[0]


def as_json(diff: Diff) -> dict[str, Any]:
    """All that is not as it was. A value that is not there has no key; secrets and new ids are not shown."""
    return {
        "before": diff.before,
        "after": diff.after,
        "counts": {str(kind): count for kind, count in diff.counts.items()},
        "resources": [
            _resource_json(change)
            for change in diff.resources
            if change.kind is not Kind.UNCHANGED or change.renamed_from or change.not_comparable
        ],
        "outputs": [
            {"path": output.path, **_values_json(output), "because": list(output.because)}
            for output in diff.outputs
        ],
        "outputs_not_comparable": list(diff.outputs_not_comparable),
    }


def shown_as_json(value: Any) -> Any:
    """A value with marks as their texts, however deep."""
    if isinstance(value, Mark):
        return value.value
    if isinstance(value, Mapping):
        return {key: shown_as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shown_as_json(item) for item in value]
    return value


def _resource_json(change: ResourceChange) -> dict[str, Any]:
    return {
        "key": change.resource.key,
        "type": change.resource.type,
        "name": change.resource.name,
        "component": change.component,
        "kind": str(change.kind),
        "blocked": change.blocked,
        "renamed_from": change.renamed_from,
        "note": change.note,
        "changes": [
            {
                "path": found.path,
                **_values_json(found),
                "verdict": found.verdict,
                "source": found.source,
                "because": list(found.because),
                "note": found.note,
            }
            for found in change.changes
        ],
        "not_comparable": list(change.not_comparable),
    }


def _values_json(change: Change | OutputChange) -> dict[str, Any]:
    sides = {"before": change.before, "after": change.after}
    return {side: shown_as_json(value) for side, value in sides.items() if value is not Mark.ABSENT}
