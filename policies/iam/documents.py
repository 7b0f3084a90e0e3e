"""Every policy document of a plan: whose it is, of what kind, and its statements in one shape."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from plan.model import Plan, Resource, Secret, short_type

# identity: what a role may do; trust: who may become it; resource: who may do what with this one thing;
# endpoint: what may pass through a network's door.
Kind = Literal["identity", "trust", "resource", "endpoint"]

_KINDS: Mapping[str, Kind] = {
    "ec2.VpcEndpoint": "endpoint",
    "iam.GroupPolicy": "identity",
    "iam.Policy": "identity",
    "iam.Role": "identity",
    "iam.RolePolicy": "identity",
    "iam.UserPolicy": "identity",
}
_TRUST = "assumeRolePolicy"
_MARK = '"Statement"'


@dataclass(frozen=True)
class Statement:
    """One statement; what may be one or many is always many."""

    number: int
    raw: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.raw.get("Sid") or f"statement {self.number}")

    @property
    def allows(self) -> bool:
        return self.raw.get("Effect") == "Allow"

    @property
    def actions(self) -> list[str]:
        return many(self.raw.get("Action"))

    @property
    def resources(self) -> list[str]:
        return many(self.raw.get("Resource"))

    @property
    def principals(self) -> list[tuple[str, str]]:
        """`("Service", "ecs-tasks.amazonaws.com")`; anybody is `("AWS", "*")`."""
        found = self.raw.get("Principal")
        if isinstance(found, str):
            return [("AWS", found)]
        return [(kind, who) for kind, whom in (found or {}).items() for who in many(whom)]

    @property
    def conditions(self) -> list[tuple[str, str, list[str]]]:
        """Operator, key, values."""
        return [
            (operator, key, many(values))
            for operator, keys in (self.raw.get("Condition") or {}).items()
            for key, values in keys.items()
        ]


@dataclass(frozen=True)
class Document:
    """One document, and the resource it stands in."""

    urn: str
    owner: Resource
    kind: Kind
    content: Mapping[str, Any]

    @property
    def statements(self) -> list[Statement]:
        found = self.content.get("Statement", [])
        return [
            Statement(number, each)
            for number, each in enumerate(found if isinstance(found, list) else [found], 1)
            if isinstance(each, Mapping)
        ]


def documents(plan: Plan) -> Iterator[Document]:
    """All of them, wherever they stand in a resource's inputs."""
    for resource in plan.cloud:
        for path, text in _texts(resource.inputs, ""):
            if _MARK in text and isinstance(content := _parsed(text), dict):
                yield Document(resource.urn, resource, _kind(resource, path), content)


def of_role(plan: Plan, role: Resource) -> list[Document]:
    """What a role may do by its own policies: those written into it and those of the plan attached to it."""
    held = {
        each.inputs.get("policyArn")
        for each in plan.of_type("iam.RolePolicyAttachment")
        if each.inputs.get("role") in _called(role)
    }
    return [
        document
        for document in documents(plan)
        if document.kind == "identity"
        and (
            document.urn == role.urn
            or document.owner.inputs.get("role") in _called(role)
            or document.owner.outputs.get("arn") in held
        )
    ]


def _called(role: Resource) -> set[Any]:
    """How a policy may name its role."""
    return {role.id, role.outputs.get("arn"), role.inputs.get("name", role.id)}


def attached(plan: Plan, role: Resource) -> list[str]:
    """ARNs of policies attached to a role that are not in the plan: AWS's own."""
    ours = {policy.outputs.get("arn") for policy in plan.of_type("iam.Policy")}
    named = [
        str(each.inputs.get("policyArn"))
        for each in plan.of_type("iam.RolePolicyAttachment")
        if each.inputs.get("role") in _called(role)
    ]
    return sorted({*named, *many(role.inputs.get("managedPolicyArns"))} - ours)


def many(value: Any) -> list[str]:
    """A value, or several, or none, as a list."""
    if value is None:
        return []
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def _kind(resource: Resource, path: str) -> Kind:
    return "trust" if path == _TRUST else _KINDS.get(short_type(resource.type), "resource")


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    match value:
        case str():
            yield path, value
        case Secret():
            yield from _texts(value.value, path)
        case Mapping():
            for key, each in value.items():
                yield from _texts(each, f"{path}.{key}" if path else str(key))
        case list() | tuple():
            for each in value:
                yield from _texts(each, path)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return None
