"""Plans with faults planted into them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from plan import Plan, Resource

Change = Callable[[dict[str, Any]], object]


def changed(plan: Plan, changes: Mapping[str, Change], *, without: tuple[str, ...] = ()) -> Plan:
    """The plan with other inputs of some resources, by name, and without others."""
    missing = (changes.keys() | set(without)) - plan.by_name.keys()
    assert not missing, f"the plan of {plan.stack} has no {sorted(missing)}"
    kept = [
        _with(resource, changes[resource.name]) if resource.custom and resource.name in changes else resource
        for resource in plan.resources
        if resource.name not in without
    ]
    return Plan(plan.stack, tuple(kept), plan.outputs, plan.warnings)


def _with(resource: Resource, change: Change) -> Resource:
    inputs = _copy(resource.inputs)
    change(inputs)
    return replace(resource, inputs=inputs)


def added(plan: Plan, like: str, *more: tuple[str, str, dict[str, Any]]) -> Plan:
    """The plan with further resources (type, name, inputs) beside one that it has."""
    sibling = plan.get(like)
    made = tuple(_beside(sibling, *each) for each in more)
    return Plan(plan.stack, plan.resources + made, plan.outputs, plan.warnings)


def _beside(sibling: Resource, token: str, name: str, inputs: dict[str, Any]) -> Resource:
    urn = f"{sibling.urn.rpartition('$')[0]}${token}::{name}"
    return replace(
        sibling,
        urn=urn,
        type=token,
        name=name,
        id=f"{name}-id",
        inputs=inputs,
        outputs={},
        dependencies=(),
        property_dependencies={},
    )


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_copy(each) for each in value]
    return value
