"""What differs between two plans, and what forces a replacement.

Two plans of one stack (today's and a saved one) or of two stacks (dev and prod). The names decide what is the
same resource (`plan.pairs`), the inputs whether it changed (`plan.compare`).

How a verdict is reached, for each changed property; the first that speaks decides:
1. the program: `ignoreChanges` takes the change away, `replaceOnChanges` makes it a replacement;
2. `replacements_curated.toml`: rows by hand, each with its reason;
3. `replacements.toml`: from the provider's docs and, where those are silent, CloudFormation's schemas;
4. nobody: `unknown`. So it is for a part of a block that neither source describes, for another region of the
   provider, and for a type without rows.
A block that comes or goes is judged by the worst in it; another order of what the provider keeps as a set
replaces nothing. A resource is replaced if one of its changes replaces it, else unknown if one is unknown,
else changed. The schemas mean CloudFormation, and the provider may do better: each verdict carries its source
to judge it by.

A replaced resource gets a new id. Each property that holds something of it is therefore looked up in the same
way (`because`), and so on through the plan. This is the careful reading, and that of `pulumi preview`: what
the program names itself may come back under the same name.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from plan import compare
from plan.changes import Change, Diff, Kind, Mark, OutputChange, ResourceChange, as_json
from plan.difftext import render
from plan.model import PROVIDER_PREFIX, Plan
from plan.pairs import Pair, identity, pairs, renaming
from plan.verdicts import Names, Verdicts, renewed

__all__ = ["Change", "Diff", "Kind", "Mark", "OutputChange", "ResourceChange", "as_json", "diff", "render"]

# A shorter text in an output may stand there by chance.
_LONG_ENOUGH = 8
# urn -> (urn, property) of everything that holds something of it.
_Users = Mapping[str, tuple[tuple[str, str], ...]]


def diff(before: Plan, after: Plan) -> Diff:
    """What `after` would do to a world that looks like `before`."""
    matched = pairs(before, after)
    names = _names(matched)
    found = {pair.resource.urn: Verdicts(pair) for pair in matched}
    for verdicts in found.values():
        verdicts.compare(names)
    users = _users(after)
    _cascade(found, users)
    outputs, not_comparable = _outputs(before, after, found.values(), names)
    return Diff(
        before.stack,
        after.stack,
        tuple(_resource_change(verdicts, before, after, users) for verdicts in found.values()),
        outputs,
        not_comparable,
    )


def _names(matched: Iterable[Pair]) -> Names:
    both = [(pair, pair.before, pair.after) for pair in matched if pair.before and pair.after]
    return Names(
        {old.urn: new.urn for _, old, new in both},
        {new.urn: renaming(pair) for pair, _, new in both if pair.renamed},
    )


def _users(plan: Plan) -> _Users:
    users: dict[str, list[tuple[str, str]]] = {}
    for resource in sorted(plan.resources, key=lambda r: r.key):
        for name, urns in sorted(resource.property_dependencies.items()):
            for urn in urns:
                users.setdefault(urn, []).append((resource.urn, name))
    return {urn: tuple(found) for urn, found in users.items()}


def _cascade(found: Mapping[str, Verdicts], users: _Users) -> None:
    """Carries each replacement to its users; nothing becomes replaced twice, so this ends."""
    waiting = deque(urn for urn, verdicts in found.items() if verdicts.kind is Kind.REPLACED)
    seen = set(waiting)
    while waiting:
        urn = waiting.popleft()
        for user, name in users.get(urn, ()):
            if user not in found:
                continue
            found[user].follow(found[urn].pair.resource, name)
            if found[user].kind is Kind.REPLACED and user not in seen:
                seen.add(user)
                waiting.append(user)


def _resource_change(verdicts: Verdicts, before: Plan, after: Plan, users: _Users) -> ResourceChange:
    pair, kind = verdicts.pair, verdicts.kind
    component = (after if pair.after else before).component_of(pair.resource)
    return ResourceChange(
        kind,
        pair.before,
        pair.after,
        component.name if component else "",
        tuple(sorted(verdicts.changes.values(), key=lambda change: change.path)),
        tuple(verdicts.not_comparable),
        renamed_from=pair.before.name if pair.before and pair.renamed else None,
        blocked=_blocked(kind, pair),
        note=_note(kind, verdicts, users),
    )


def _blocked(kind: Kind, pair: Pair) -> str | None:
    """The engine asks the old state before it deletes, and the new program before it replaces."""
    asked = {Kind.REMOVED: pair.before, Kind.REPLACED: pair.after}.get(kind)
    return "protected" if asked is not None and asked.options.protect else None


def _note(kind: Kind, verdicts: Verdicts, users: _Users) -> str:
    resource = verdicts.pair.resource
    if kind is Kind.REMOVED and resource.options.retain_on_delete:
        return "stays in AWS (retainOnDelete)"
    if kind is Kind.REPLACED and resource.options.delete_before_replace:
        return "the old one goes before the new one stands (deleteBeforeReplace)"
    if kind is Kind.UNKNOWN and (reach := _reach(resource.urn, users)):
        return f"if it is replaced, {len(reach)} more may be touched"
    if resource.type.startswith(PROVIDER_PREFIX) and any(
        path[0] == "defaultTags" for path in verdicts.changes
    ):
        return "whatever it tags is updated with it"
    return ""


def _reach(urn: str, users: _Users) -> set[str]:
    found: set[str] = set()
    waiting = [urn]
    while waiting:
        fresh = {user for user, _ in users.get(waiting.pop(), ())} - found - {urn}
        found |= fresh
        waiting += fresh
    return found


def _outputs(
    before: Plan, after: Plan, found: Iterable[Verdicts], names: Names
) -> tuple[tuple[OutputChange, ...], tuple[str, ...]]:
    """Stack outputs that change, place by place, and those that cannot be compared.

    No output says what it is made of; one that shows the id of a replaced resource is new with it.
    """
    renamed = {old: new for texts in names.renamed.values() for old, new in texts.items()}
    old = compare.texts(before.outputs, lambda text: renamed.get(text, text))
    changes, lost = {}, []
    for difference in compare.differences(old, dict(after.outputs)):
        path = compare.dotted(difference.path)
        if difference.comparable:
            changes[path] = OutputChange(path, difference.before, difference.after)
        else:
            lost.append(path)
    for path, value, new, because in _new_values(after.outputs, found):
        known = changes.get(path, OutputChange(path, value, new))
        changes[path] = replace(known, because=because)
    return tuple(changes[path] for path in sorted(changes)), tuple(lost)


def _new_values(
    outputs: Mapping[str, Any], found: Iterable[Verdicts]
) -> Iterator[tuple[str, Any, Any, tuple[str, ...]]]:
    """(path, value, value with what is new marked, why) of each place that shows a replaced resource."""
    replaced = [verdicts.pair.resource for verdicts in found if verdicts.kind is Kind.REPLACED]
    for place, value in compare.units(dict(outputs)):
        new, because = value, []
        for resource in replaced:
            changed = renewed(new, (t for t in identity(resource).values() if len(t) >= _LONG_ENOUGH))
            if changed != new:
                new = changed
                because.append(resource.label)
        if because:
            yield compare.dotted(place), compare.masked(value), compare.masked(new), tuple(because)
