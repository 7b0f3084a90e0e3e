"""Reads a plan's places: regions, their VPCs, zones and tiers, gateways and endpoints. Draws nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from plan import reach
from plan.model import Plan, Resource
from plan.picture.words import noun, own_name

_ANYWHERE = {"0.0.0.0/0", "::/0"}
_TIERS = ("public", "private", "isolated")


@dataclass(frozen=True, slots=True)
class Nat:
    """A NAT gateway and the address others know it by."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Subnet:
    """One subnet with what it can reach. `tier` follows from its routes, not from its name."""

    resource: Resource
    zone: str
    block: str
    tier: str
    routes: tuple[str, ...]
    nats: tuple[Nat, ...]
    endpoints: int
    access_list: bool


@dataclass(frozen=True, slots=True)
class Role:
    """A security group by what it stands for."""

    name: str
    description: str
    resource: Resource


@dataclass(frozen=True, slots=True)
class Vpc:
    """One VPC: the boundary and what the picture draws of it."""

    resource: Resource
    block: str
    notes: tuple[str, ...]
    subnets: tuple[Subnet, ...]
    internet_gateway: Resource | None
    endpoints: tuple[str, ...]
    gateway_endpoints: tuple[str, ...]
    roles: tuple[Role, ...]
    rows: tuple[reach.Row, ...]

    @property
    def zones(self) -> tuple[str, ...]:
        return tuple(sorted({subnet.zone for subnet in self.subnets}))

    @property
    def tiers(self) -> tuple[str, ...]:
        return tuple(tier for tier in _TIERS if any(subnet.tier == tier for subnet in self.subnets))

    def at(self, tier: str, zone: str) -> tuple[Subnet, ...]:
        return tuple(s for s in self.subnets if (s.tier, s.zone) == (tier, zone))

    @property
    def endpoint_zones(self) -> tuple[str, ...]:
        return tuple(sorted({subnet.zone for subnet in self.subnets if subnet.endpoints}))

    @property
    def nats(self) -> int:
        return sum(len(subnet.nats) for subnet in self.subnets)


@dataclass(frozen=True, slots=True)
class Place:
    """A region, or what belongs to none (`name` is empty)."""

    name: str
    role: str
    resources: int
    vpcs: tuple[Vpc, ...]

    @property
    def standby(self) -> bool:
        return self.role == "standby"


def places(plan: Plan) -> tuple[Place, ...]:
    """Regions in the order of their roles, the standby last; resources without a region after them."""
    regions = {resource.region or "" for resource in plan.cloud}
    found = [_place(plan, region) for region in regions]
    return tuple(sorted(found, key=lambda p: (not p.name, p.standby, p.role != "primary", p.name)))


def _place(plan: Plan, region: str) -> Place:
    here = [resource for resource in plan.cloud if (resource.region or "") == region]
    vpcs = tuple(_Reader(plan, r).vpc() for r in here if r.type == "aws:ec2/vpc:Vpc")
    return Place(region, _role(plan, region), len(here), vpcs)


def _role(plan: Plan, region: str) -> str:
    """Name of the outermost component that says it is this region; a region may have none."""
    outermost = (c for c in plan.children(plan.root.urn) if not c.custom)
    return next((c.name for c in outermost if region and c.outputs.get("region") == region), "")


class _Reader:
    """Collects what belongs to one VPC."""

    def __init__(self, plan: Plan, vpc: Resource) -> None:
        self._plan, self._vpc = plan, vpc

    def vpc(self) -> Vpc:
        endpoints = self._endpoints()
        return Vpc(
            resource=self._vpc,
            block=str(self._vpc.inputs.get("cidrBlock", "")),
            notes=tuple(self._notes()),
            subnets=tuple(self._subnet(subnet) for subnet in self._own("ec2.Subnet")),
            internet_gateway=next(iter(self._own("ec2.InternetGateway")), None),
            endpoints=tuple(sorted(_service(e) for e in endpoints if _kind(e) == "Interface")),
            gateway_endpoints=tuple(sorted(_service(e) for e in endpoints if _kind(e) == "Gateway")),
            roles=tuple(
                Role(reach.role(group), str(group.inputs.get("description", "")), group)
                for group in self._own("ec2.SecurityGroup")
            ),
            rows=reach.table(self._plan, self._vpc.id),
        )

    def _own(self, kind: str) -> list[Resource]:
        return [r for r in self._plan.of_type(kind) if r.inputs.get("vpcId") == self._vpc.id]

    def _endpoints(self) -> list[Resource]:
        return self._own("ec2.VpcEndpoint")

    def _notes(self) -> Iterator[str]:
        """What guards the whole VPC, in a few words."""
        for log in self._own("ec2.FlowLog"):
            traffic = str(log.inputs.get("trafficType", "all")).lower()
            yield f"flow logs of {traffic} traffic{self._kept(log)}"
        for group in self._own("ec2.DefaultSecurityGroup"):
            if not group.inputs.get("ingress") and not group.inputs.get("egress"):
                yield "default security group locked"

    def _kept(self, log: Resource) -> str:
        for urn in log.property_dependencies.get("logDestination", ()):
            days = self._plan.by_urn[urn].inputs.get("retentionInDays")
            if days:
                return f", kept {days} days"
        return ""

    def _subnet(self, subnet: Resource) -> Subnet:
        ways = self._ways(subnet)
        tables = self._tables(subnet)
        gated = any(
            _kind(endpoint) == "Gateway" and tables & set(endpoint.inputs.get("routeTableIds", ()))
            for endpoint in self._endpoints()
        )
        interfaces = [e for e in self._endpoints() if subnet.id in e.inputs.get("subnetIds", ())]
        acls = self._own("ec2.NetworkAcl")
        return Subnet(
            resource=subnet,
            zone=str(subnet.inputs.get("availabilityZoneId") or subnet.inputs.get("availabilityZone", "?")),
            block=str(subnet.inputs.get("cidrBlock", "")),
            tier=_tier(ways, gated),
            routes=tuple(self._route_text(to, by) for to, by in ways) or ("no route out",),
            nats=tuple(self._nats(subnet)),
            endpoints=len(interfaces),
            access_list=any(subnet.id in acl.inputs.get("subnetIds", ()) for acl in acls),
        )

    def _tables(self, subnet: Resource) -> set[str]:
        """The route table a subnet is tied to, or the VPC's main one."""
        own = {
            str(tie.inputs.get("routeTableId"))
            for tie in self._plan.of_type("ec2.RouteTableAssociation")
            if tie.inputs.get("subnetId") == subnet.id
        }
        return own or {str(self._vpc.outputs.get("mainRouteTableId"))}

    def _ways(self, subnet: Resource) -> list[tuple[str, Resource | None]]:
        """(destination, what it goes through) of every route that leaves the VPC."""
        tables = self._tables(subnet)
        routes: list[Mapping[str, Any]] = [
            route.inputs
            for route in self._plan.of_type("ec2.Route")
            if str(route.inputs.get("routeTableId")) in tables
        ]
        for table in self._own("ec2.RouteTable"):
            if table.id in tables:
                routes.extend(table.inputs.get("routes", ()))
        return [(_destination(route), self._through(route)) for route in routes]

    def _through(self, route: Mapping[str, Any]) -> Resource | None:
        for key in sorted(route):
            if key.endswith("Id") and key not in {"routeTableId", "destinationPrefixListId"}:
                owner = self._plan.owner_of(str(route[key]))
                if owner is not None:
                    return owner
        return None

    def _route_text(self, destination: str, through: Resource | None) -> str:
        by = "another network" if through is None else noun(through.type)
        if through is not None and _is(through, "NatGateway"):
            subnet = self._plan.owner_of(str(through.inputs.get("subnetId")))
            zone = subnet.inputs.get("availabilityZoneId", "") if subnet else ""
            by = f"NAT in {zone}" if zone else "NAT"
        return f"out by {by}" if destination in _ANYWHERE else f"{destination} by {by}"

    def _nats(self, subnet: Resource) -> Iterator[Nat]:
        for nat in self._plan.of_type("ec2.NatGateway"):
            if nat.inputs.get("subnetId") == subnet.id:
                address = self._plan.owner_of(str(nat.inputs.get("allocationId")))
                kept = ", protected" if address and address.options.protect else ""
                name = own_name(self._plan, address) + kept if address else ""
                yield Nat(own_name(self._plan, nat), name)


def _is(resource: Resource, kind: str) -> bool:
    return resource.type.endswith(f":{kind}")


def _kind(endpoint: Resource) -> str:
    return str(endpoint.inputs.get("vpcEndpointType", "Gateway"))


def _service(endpoint: Resource) -> str:
    """`com.amazonaws.us-east-1.ecr.api` -> `ecr.api`."""
    parts = str(endpoint.inputs.get("serviceName", endpoint.name)).split(".")
    return ".".join(parts[3:]) if parts[:2] == ["com", "amazonaws"] else ".".join(parts)


def _destination(route: Mapping[str, Any]) -> str:
    keys = ("destinationCidrBlock", "cidrBlock", "destinationIpv6CidrBlock", "ipv6CidrBlock")
    return next((str(route[key]) for key in keys if route.get(key)), "a prefix list")


def _tier(ways: list[tuple[str, Resource | None]], gated: bool) -> str:
    """Public: a route to the internet gateway. Isolated: no way out at all. Private: all others."""
    if any(by is not None and _is(by, "InternetGateway") for _, by in ways):
        return "public"
    return "private" if ways or gated else "isolated"
