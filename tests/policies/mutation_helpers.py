"""One thing broken in a sound plan, and which rules notice.

How to write one:

    def test_a_table_without_recovery_is_found(prod):
        draft = Draft(prod)
        draft.set("dynamodb.Table primary-tables-orders", "pointInTimeRecovery.enabled", False)
        assert fired(prod, draft) == {"table-recovery"}

A resource is named as everywhere in plans: short type and name (`Resource.label`). A `Draft` copies what it
touches; the plan stays as it was. Its verbs: `set` and `drop` an input by its path (a number is a place in a
list), `edit` an input by a function, in place or by what it returns, `rewrite` JSON that an input holds as
text, `allow` adds a statement to a policy, `remove` resources, `unprotect` one, `add` one beside another.

`fired` says which rules find something in the draft that they do not find in the plan. Rules that judge a
resource alone are asked about what changed, the others about the whole stack, as the engine does it.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any

from plan import Plan, Resource
from plan.model import PROVIDER_PREFIX
from policies import view
from policies.finding import Finding
from policies.rules import RULES


class Draft:
    """A copy of a plan in which things can be changed."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._resources = {resource.urn: resource for resource in plan.resources}
        self.touched: set[str] = set()

    @property
    def plan(self) -> Plan:
        return replace(self._plan, resources=tuple(self._resources.values()))

    def inputs(self, label: str) -> dict[str, Any]:
        """The inputs of a resource, to be changed in place."""
        urn = self._one(label)
        found = self._resources[urn]
        if urn not in self.touched:
            found = self._resources[urn] = replace(found, inputs=deepcopy(dict(found.inputs)))
            self.touched.add(urn)
        made: dict[str, Any] = found.inputs  # type: ignore[assignment] # a copy of ours, made a line above
        return made

    def set(self, label: str, path: str, value: Any) -> None:
        holder, last = _holder(self.inputs(label), path)
        holder[last] = value

    def drop(self, label: str, path: str) -> None:
        holder, last = _holder(self.inputs(label), path)
        del holder[last]

    def edit(self, label: str, path: str, change: Callable[[Any], Any]) -> None:
        """Replaces a value by what `change` makes of it; None: it changed the value in place."""
        holder, last = _holder(self.inputs(label), path)
        made = change(holder[last])
        holder[last] = holder[last] if made is None else made

    def rewrite(self, label: str, path: str, change: Callable[[Any], Any]) -> None:
        """The same for JSON in a text."""

        def changed(text: str) -> str:
            document = json.loads(text)
            made = change(document)
            return json.dumps(document if made is None else made)

        self.edit(label, path, changed)

    def allow(self, label: str, path: str = "policy", **statement: Any) -> None:
        """Adds a statement to a policy."""
        added = {"Effect": "Allow", "Sid": "Added", **statement}
        self.rewrite(label, path, lambda document: document["Statement"].append(added))

    def remove(self, *labels: str) -> None:
        for label in labels:
            del self._resources[self._one(label)]

    def remove_where(self, type_: str, chosen: Callable[[Resource], bool] = lambda _: True) -> None:
        """Removes every resource of a type that a function chooses."""
        found = [r.urn for r in self.plan.of_type(type_) if chosen(r)]
        assert found, f"no {type_} is chosen: the mutation would change nothing"
        for urn in found:
            del self._resources[urn]

    def unprotect(self, label: str) -> None:
        self.inputs(label)
        urn = self._one(label)
        found = self._resources[urn]
        self._resources[urn] = replace(found, options=replace(found.options, protect=False))

    def add(
        self, token: str, name: str, inputs: dict[str, Any], *, beside: str, protect: bool = False
    ) -> None:
        """A resource of another type where one stands: same region, provider and parent."""
        found = self._resources[self._one(beside)]
        urn = f"{found.urn.rpartition('$')[0] or found.urn.rpartition('::')[0]}${token}::{name}"
        self._resources[urn] = replace(
            found,
            urn=urn,
            type=token,
            name=name,
            id=name,
            inputs=inputs,
            outputs={},
            property_dependencies={},
            options=replace(found.options, protect=protect),
        )
        self.touched.add(urn)

    def _one(self, label: str) -> str:
        found = [urn for urn, resource in self._resources.items() if resource.label == label]
        assert len(found) == 1, f"{len(found)} resources are called {label!r}"
        return found[0]


def _holder(value: Any, path: str) -> tuple[Any, Any]:
    *above, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in above:
        value = value[part]
    return value, last


def fired(plan: Plan, draft: Draft) -> set[str]:
    """Which rules find in the draft what they do not find in the plan."""
    return {finding.rule for finding in found(plan, draft)}


def found(plan: Plan, draft: Draft) -> set[Finding]:
    """What the rules find in the draft and not in the plan."""
    changed = draft.plan
    everything = _among(view.of_plan(changed)) | _found_alone(changed, draft)
    return everything - _sound(_Same(plan)) - _found_alone(plan, draft)


def _found_alone(plan: Plan, draft: Draft) -> set[Finding]:
    """Of what was touched only: the rest is as it was."""
    needed = tuple(r for r in plan.resources if r.urn in draft.touched or r.type.startswith(PROVIDER_PREFIX))
    nodes = [n for n in view.of_plan(replace(plan, resources=needed)).nodes if n.urn in draft.touched]
    return _ask(view.View(nodes), alone=True)


class _Same:
    """A plan as the key of a cache: the same object, not an equal one."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def __hash__(self) -> int:
        return id(self.plan)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.plan is self.plan


@cache
def _sound(plan: _Same) -> set[Finding]:
    return _among(view.of_plan(plan.plan))


def _among(seen: view.View) -> set[Finding]:
    return _ask(seen, alone=False)


def _ask(seen: view.View, *, alone: bool) -> set[Finding]:
    rules = [rule for rule in RULES.values() if rule.alone is alone]
    return {finding for rule in rules for finding in rule.findings(seen, protected=True)}
