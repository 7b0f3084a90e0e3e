"""Changing one resource of a plan by hand, to see whether a check finds it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from plan import Plan, Resource

Change = Callable[[Resource], Resource | None]


def loosened(plan: Plan, name: str, change: Change) -> Plan:
    """The plan with one resource changed; `<Type name>` in an input stands for that resource's id."""
    ids = {f"<{label(r)}>": r.id for r in plan.resources}
    kept = [change(r) if label(r) == name else r for r in plan.resources]
    assert tuple(kept) != plan.resources, f"nothing is called {name}"
    named = [replace(r, inputs={k: filled(v, ids) for k, v in r.inputs.items()}) for r in kept if r]
    return replace(plan, resources=tuple(named))


def label(resource: Resource) -> str:
    return f"{resource.type.rpartition(':')[2]} {resource.name}"


def filled(value: Any, ids: Mapping[str, str]) -> Any:
    return ids[value] if isinstance(value, str) and value.startswith("<") else value


def gone(_: Resource) -> None:
    """The resource is not declared at all."""


def without(*keys: str) -> Callable[[Resource], Resource]:
    return lambda r: replace(r, inputs={k: v for k, v in r.inputs.items() if k not in keys})


def having(**inputs: Any) -> Callable[[Resource], Resource]:
    return lambda r: replace(r, inputs={**r.inputs, **inputs})


def policy(
    key: str, edit: Callable[[dict[str, Any]], Any], sid: str | None = None
) -> Callable[[Resource], Resource]:
    """A statement of a policy rewritten: the one of this name, or the first."""

    def change(resource: Resource) -> Resource:
        document = json.loads(resource.inputs[key])
        edit(next(s for s in document["Statement"] if sid in {None, s.get("Sid")}))
        return having(**{key: json.dumps(document)})(resource)

    return change


def rule(direction: str, **parts: Any) -> Callable[[Resource], Resource]:
    """One more rule in an access list."""
    extra = {"ruleNo": 90, "action": "allow", "protocol": "tcp", "fromPort": 0, "toPort": 0, **parts}
    return lambda r: having(**{direction: [*r.inputs[direction], extra]})(r)
