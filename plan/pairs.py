"""Which resource of one plan is which of another: by key, or by the alias that a rename leaves behind.

Components are not compared: they group what is in AWS and are nothing there themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from plan.identities import UNRESOLVED
from plan.model import Plan, Resource


@dataclass(frozen=True, slots=True)
class Pair:
    """One resource, before and after; one side is None when it is new or gone."""

    before: Resource | None
    after: Resource | None

    @property
    def resource(self) -> Resource:
        resource = self.after or self.before
        assert resource is not None  # noqa: S101 - a pair is made from at least one
        return resource

    @property
    def renamed(self) -> bool:
        return self.before is not None and self.after is not None and self.before.key != self.after.key


def pairs(before: Plan, after: Plan) -> tuple[Pair, ...]:
    """Every resource of both plans, once, in the order of the keys."""
    old = {r.key: r for r in before.resources if r.custom}
    new = {r.key: r for r in after.resources if r.custom}
    found = [Pair(old[key], new[key]) for key in old.keys() & new.keys()]
    gone = {key: old[key] for key in old.keys() - new.keys()}
    for key in sorted(new.keys() - old.keys()):
        former = next((k for k in former_keys(after, new[key]) if k in gone), None)
        found.append(Pair(gone.pop(former) if former else None, new[key]))
    found += [Pair(resource, None) for resource in gone.values()]
    return tuple(sorted(found, key=lambda pair: pair.resource.key))


def former_keys(plan: Plan, resource: Resource) -> Iterator[str]:
    """Keys this resource may have had, by its own aliases, then by those of what it is inside of.

    An alias is a whole urn or only a name. A child follows its renamed parent: its chain of types does, and
    its name where that begins with the parent's.
    """
    chain, _, name = resource.key.partition("::")
    names = [name]
    for alias in filter(None, resource.options.aliases):
        if alias.startswith("urn:"):
            yield alias.split("::", 2)[2]
        else:
            names.append(alias)
            yield f"{chain}::{alias}"
    parent = plan.by_urn.get(resource.parent or "")
    if parent is None:
        return
    for former in former_keys(plan, parent):
        former_chain, _, former_name = former.partition("::")
        for own in names:
            follows = own.startswith(parent.name)
            inherited = former_name + own.removeprefix(parent.name) if follows else own
            yield f"{former_chain}${resource.type}::{inherited}"


def identity(resource: Resource) -> Mapping[str, str]:
    """The texts other resources know it by: its id, and what AWS computes for it.

    Of some there is one in a region, and the region is its id: that text says nothing of who uses it.
    """
    known = {
        name: value
        for name, value in resource.outputs.items()
        if isinstance(value, str)
        and value
        and not value.startswith(UNRESOLVED)
        and name not in resource.inputs
    }
    known |= {"id": resource.id} if resource.id else {}
    return {name: value for name, value in known.items() if value != resource.region}


def renaming(renamed: Pair) -> Mapping[str, str]:
    """Old text -> new text of a renamed resource, whose made-up id follows its name and must not count."""
    if renamed.before is None or renamed.after is None:
        return {}
    old, new = identity(renamed.before), identity(renamed.after)
    return {old[name]: new[name] for name in old.keys() & new.keys() if old[name] != new[name]}


def renamed_text(text: str, names: Mapping[str, str]) -> Any:
    """The text with old identities replaced, the longest first: an ARN holds the id."""
    for old in sorted(names, key=len, reverse=True):
        text = text.replace(old, names[old])
    return text
