"""One region's network in a plan, with the questions the checks ask of it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from plan import Plan, Resource

Check = Callable[[Plan], None]
CHECKS: list[Check] = []
TIERS = ("public", "private", "isolated")
ANYWHERE = "0.0.0.0/0"


def check(function: Check) -> Check:
    """Joins the checks that every stack must pass, and that must each be seen to fail."""
    CHECKS.append(function)
    return function


@dataclass(frozen=True)
class Place:
    """One region's network in a plan."""

    plan: Plan
    role: str
    region: str
    resources: tuple[Resource, ...]

    def all(self, token: str) -> tuple[Resource, ...]:
        return tuple(r for r in self.resources if r.type == token or r.type.endswith(f":{token}"))

    def one(self, token: str) -> Resource:
        found = self.all(token)
        assert len(found) == 1, f"{len(found)} of {token} in {self.role}"
        return found[0]

    def subnets(self, tier: str) -> dict[str, Resource]:
        """zone id -> subnet."""
        return {s.name.split(f"-{tier}-")[1]: s for s in self.all("Subnet") if f"-{tier}-" in s.name}

    def table_of(self, subnet: Resource) -> Resource:
        links = [a for a in self.all("RouteTableAssociation") if a.inputs.get("subnetId") == subnet.id]
        assert len(links) == 1, f"{subnet.name} has {len(links)} route tables"
        return self.owner(links[0], "routeTableId")

    def acl_of(self, subnet: Resource) -> Resource:
        lists = [acl for acl in self.all("NetworkAcl") if subnet.id in acl.inputs.get("subnetIds", ())]
        assert len(lists) == 1, f"{subnet.name} has {len(lists)} access lists"
        return lists[0]

    def routes(self, table: Resource) -> list[Resource]:
        return [route for route in self.all("Route") if route.inputs.get("routeTableId") == table.id]

    def owner(self, resource: Resource, key: str) -> Resource:
        """The resource that an input names by id or ARN."""
        value = resource.inputs.get(key)
        for candidate in self.resources:
            if value and value in (candidate.id, candidate.outputs.get("arn")):
                return candidate
        raise AssertionError(f"{resource.name}: {key} names nothing here: {value}")


def places(plan: Plan) -> Iterator[Place]:
    """The regions of a plan, cut down to what is the network's."""
    found = [c for c in plan.components if c.type == "concierge:estate:Region"]
    assert found, "no region"
    for region in found:
        role = region.name
        parts = [plan.component(f"{role}-{part}") for part in ("network", "groups", "endpoints")]
        inside = tuple(r for part in parts for r in plan.below(part.urn))
        yield Place(plan, role, plan.outputs[f"{role}_region"], inside)


def document(resource: Resource, key: str) -> list[dict[str, Any]]:
    """The statements of an IAM policy."""
    assert key in resource.inputs, f"{resource.name} has no {key}"
    statements: list[dict[str, Any]] = json.loads(resource.inputs[key])["Statement"]
    assert statements, f"{resource.name}: {key} says nothing"
    return statements
