"""What checks of the agent have in common: how they are collected, and the questions they ask of a plan.

A check takes a plan and raises AssertionError; `test_agent_loosened.py` shows for each that it can fail.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from plan import Options, Plan, Resource

Check = Callable[[Plan], None]
CHECKS: list[Check] = []
WORKLOADS = ("chat", "tools", "ingest")
SERVICES = {workload: f"concierge-test-{workload}" for workload in WORKLOADS}


def check(function: Check) -> Check:
    CHECKS.append(function)
    return function


def unprotected(resource: Resource) -> Resource:
    """Neither protected nor spared any change."""
    return replace(resource, options=Options())


def one(plan: Plan, name: str) -> dict[str, Any]:
    """The inputs of a resource; it must be there."""
    found = plan.by_name.get(name, ())
    assert len(found) == 1, f"{len(found)} resources are named {name}"
    return dict(found[0].inputs)


def statements(text: Any) -> dict[str, dict[str, Any]]:
    """Sid (or number) -> statement of a policy document."""
    assert isinstance(text, str), "no document"
    found = json.loads(text)["Statement"]
    return {statement.get("Sid", str(number)): statement for number, statement in enumerate(found)}


def granted(plan: Plan, role: str) -> dict[str, dict[str, Any]]:
    policy = one(plan, f"{role}-grants")
    owner = plan.owner_of(policy.get("role", ""))
    assert owner is not None, f"{role}: granted to nobody"
    assert owner.name == f"{role}-role"
    return statements(policy.get("policy"))


def container(plan: Plan, workload: str) -> dict[str, Any]:
    definitions = one(plan, f"ecs-{workload}-definition").get("containerDefinitions")
    assert isinstance(definitions, str)
    (only,) = json.loads(definitions)
    return dict(only)


def roles(plan: Plan) -> list[Resource]:
    return list(plan.of_type("iam.Role"))
