"""Service-linked roles: an account's first environment fails where the second one does not."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache, partial
from pathlib import Path

from contract.base import Shape
from plan.preflight.facts import Facts
from plan.preflight.model import Check, Verdict, ok, problem, warning
from plan.preflight.refusals import code

FILE = Path(__file__).with_name("roles.toml")


class LinkedRole(Shape):
    """One row of `roles.toml`."""

    service: str
    types: tuple[str, ...]
    made: bool
    setting: str | None = None


@cache
def rows() -> Mapping[str, LinkedRole]:
    """Name -> role."""
    found = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {name: LinkedRole(**row) for name, row in found.items()}


def _look(name: str, role: LinkedRole, facts: Facts, region: str) -> Iterator[Verdict]:
    client = facts.client("iam", region)
    declared = [r.inputs["awsServiceName"] for r in facts.declared("iam.ServiceLinkedRole")]
    try:
        found = client.get_role(RoleName=name)["Role"]
    except client.exceptions.ClientError as error:
        if code(error) not in {"NoSuchEntity", "NoSuchEntityException"}:
            raise
        if role.service in declared:
            yield ok(f"{name}: `up` makes it")
        elif role.made:
            yield warning(
                f"{name} is missing: {role.service} makes it on first use, which may race with `up`"
            )
        else:
            yield problem(f"{name} is missing, and {role.service} does not make it itself")
    else:
        if role.service in declared and not facts.owns(found.get("Tags", ())):
            yield problem(f"{name} is there already: `up` would be refused", _there(role))
        else:
            yield ok(name)


def _there(role: LinkedRole) -> str:
    return f"Change {role.setting}: it exists." if role.setting else "Leave it out of this stack."


def _check(name: str, role: LinkedRole) -> Check:
    return Check(
        id=f"role-{role.service.removesuffix('.amazonaws.com').replace('.', '-')}",
        title="Service-linked role",
        why=f"{role.service} acts through it; one an account.",
        fix=f"aws iam create-service-linked-role --aws-service-name {role.service}"
        + (f", or let {role.setting} do it" if role.setting else ""),
        lead_time="a minute",
        look=partial(_look, name, role),
        actions=("iam:GetRole",),
        types=role.types,
        everywhere=False,
    )


CHECKS = tuple(_check(name, role) for name, role in rows().items())
