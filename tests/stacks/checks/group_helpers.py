"""NET-3: who may open a connection to whom. The list below is the requirement; nothing else is open."""

from contract import regions
from plan import Plan, Resource
from tests.stacks.checks.place_helpers import ANYWHERE, Place, check, places

CONNECTIONS = {
    ("link", "edge", 443),
    ("edge", "agent", 8080),
    ("agent", "agent", 8080),
    ("agent", "link", 50051),
    ("link", "agent", 50051),
    ("agent", "search", 443),
    ("agent", "cache", 6379),
    ("agent", "endpoints", 443),
    ("agent", "s3", 443),
    ("agent", "dynamodb", 443),
    ("agent", "internet", 443),
    ("models", "search", 443),
    ("models", "endpoints", 443),
    ("models", "s3", 443),
}
OUTSIDE = {"s3", "dynamodb", "internet"}
NETWORK = ("aws:ec2/", "aws:vpc/")
NETWORK_KINDS = {
    "Vpc", "Subnet", "InternetGateway", "NatGateway", "RouteTable", "Route", "RouteTableAssociation",
    "NetworkAcl", "NetworkAclRule", "SecurityGroup", "SecurityGroupRule", "SecurityGroupIngressRule",
    "SecurityGroupEgressRule", "VpcEndpoint", "VpcPeeringConnection", "Eip",
}  # fmt: skip


@check
def connections_are_exactly_those_listed(plan: Plan) -> None:
    for place in places(plan):
        assert {way for way, _ in ways_out(place)} == CONNECTIONS
        assert len(ways_out(place)) == len(CONNECTIONS)


@check
def every_way_out_has_its_way_in(plan: Plan) -> None:
    for place in places(plan):
        expected = sorted(way for way, _ in ways_out(place) if way[1] not in OUTSIDE)
        assert sorted(ways_in(place)) == expected


@check
def search_answers_only_the_agent_and_the_models(plan: Plan) -> None:
    for place in places(plan):
        assert {way for way in ways_in(place) if way[1] == "search"} == {
            ("agent", "search", 443),
            ("models", "search", 443),
        }


@check
def nothing_is_open_to_addresses(plan: Plan) -> None:
    """Groups let in groups, never blocks; only the agent may call out to any address."""
    for place in places(plan):
        for rule in place.all("SecurityGroupIngressRule"):
            assert not {"cidrIpv4", "cidrIpv6", "prefixListId"} & set(rule.inputs), rule.name
        for way, rule in ways_out(place):
            assert "cidrIpv6" not in rule.inputs
            assert ("cidrIpv4" in rule.inputs) == (way == ("agent", "internet", 443))
        for group in place.all("SecurityGroup"):
            assert not {"ingress", "egress"} & set(group.inputs), f"{group.name} has rules of its own"
            assert place.owner(group, "vpcId") == place.one("Vpc")


@check
def nobody_else_opens_anything(plan: Plan) -> None:
    """The whole plan: groups, rules and ways through the network stand in its own components only."""
    ours = {r.urn for place in places(plan) for r in place.resources}
    for resource in plan.cloud:
        if resource.type.startswith(NETWORK) and resource.type.rpartition(":")[2] in NETWORK_KINDS:
            assert resource.urn in ours, f"{resource.name} opens the network from outside of it"


def ways_out(place: Place) -> list[tuple[tuple[str, str, int], Resource]]:
    found = []
    for rule in place.all("SecurityGroupEgressRule"):
        if rule.inputs.get("cidrIpv4") == ANYWHERE:
            target = "internet"
        elif "prefixListId" in rule.inputs:
            lists = regions.region(place.region).prefix_lists
            target = next(name for name, known in lists.items() if known == rule.inputs["prefixListId"])
        else:
            target = role_of(place, rule, "referencedSecurityGroupId")
        found.append(((role_of(place, rule, "securityGroupId"), target, port_of(rule)), rule))
    return found


def ways_in(place: Place) -> list[tuple[str, str, int]]:
    return [
        (
            role_of(place, rule, "referencedSecurityGroupId"),
            role_of(place, rule, "securityGroupId"),
            port_of(rule),
        )
        for rule in place.all("SecurityGroupIngressRule")
    ]


def role_of(place: Place, rule: Resource, key: str) -> str:
    return str(place.owner(rule, key).inputs.get("tags", {}).get("Role"))


def port_of(rule: Resource) -> int:
    assert rule.inputs.get("ipProtocol") == "tcp", rule.name
    assert rule.inputs.get("fromPort") == rule.inputs.get("toPort"), rule.name
    return int(rule.inputs["fromPort"])
