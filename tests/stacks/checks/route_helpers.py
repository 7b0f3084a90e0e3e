"""NET-1: addresses, tiers, routes and access lists."""

from ipaddress import IPv4Network
from itertools import combinations
from typing import Any

from plan import Plan, Resource
from tests.stacks.checks.place_helpers import ANYWHERE, TIERS, check, places


@check
def one_vpc_that_answers_names(plan: Plan) -> None:
    for place in places(plan):
        vpc = place.one("Vpc")
        assert IPv4Network(vpc.inputs["cidrBlock"]).is_private
        assert vpc.inputs.get("enableDnsSupport") is True
        assert vpc.inputs.get("enableDnsHostnames") is True


@check
def every_tier_stands_in_every_zone(plan: Plan) -> None:
    for place in places(plan):
        public, private, isolated = (place.subnets(tier) for tier in TIERS)
        assert set(public) == set(private) == set(isolated)
        assert len(place.all("Subnet")) == 3 * len(public)
        for zone, subnet in (*public.items(), *private.items(), *isolated.items()):
            assert subnet.inputs.get("availabilityZoneId") == zone
            assert place.owner(subnet, "vpcId") == place.one("Vpc")


@check
def subnets_lie_apart_and_inside_the_vpc(plan: Plan) -> None:
    for place in places(plan):
        vpc = IPv4Network(place.one("Vpc").inputs["cidrBlock"])
        blocks = [IPv4Network(subnet.inputs["cidrBlock"]) for subnet in place.all("Subnet")]
        assert all(block.subnet_of(vpc) for block in blocks)
        assert not any(one.overlaps(other) for one, other in combinations(blocks, 2))


@check
def nothing_is_given_a_public_address(plan: Plan) -> None:
    for place in places(plan):
        for subnet in place.all("Subnet"):
            assert subnet.inputs.get("mapPublicIpOnLaunch") is False, subnet.name


@check
def every_subnet_has_one_table_and_one_acl(plan: Plan) -> None:
    for place in places(plan):
        vpc = place.one("Vpc")
        for tier in TIERS:
            for subnet in place.subnets(tier).values():
                assert place.table_of(subnet).inputs.get("vpcId") == vpc.id
                acl = place.acl_of(subnet)
                assert acl.name.endswith(f"-{tier}-acl")
                assert acl.inputs.get("vpcId") == vpc.id


@check
def only_public_subnets_lead_to_the_internet_gateway(plan: Plan) -> None:
    for place in places(plan):
        gateway = place.one("InternetGateway")
        assert place.owner(gateway, "vpcId") == place.one("Vpc")
        for tier in TIERS:
            for subnet in place.subnets(tier).values():
                ways = [r for r in place.routes(place.table_of(subnet)) if "gatewayId" in r.inputs]
                assert len(ways) == (tier == "public"), f"{subnet.name} has {len(ways)} gateway routes"
                assert all(place.owner(way, "gatewayId") == gateway for way in ways)
                assert all(way.inputs.get("destinationCidrBlock") == ANYWHERE for way in ways)


@check
def private_subnets_leave_through_the_nat_of_their_zone(plan: Plan) -> None:
    """With one NAT for all, through that one."""
    for place in places(plan):
        public, private = place.subnets("public"), place.subnets("private")
        nats = {nat.inputs.get("subnetId"): nat for nat in place.all("NatGateway")}
        stands = {zone: nats[subnet.id] for zone, subnet in public.items() if subnet.id in nats}
        assert len(stands) == len(place.all("NatGateway")), "a NAT stands outside the public subnets"
        assert len(stands) in {1, len(public)}
        for zone, subnet in private.items():
            ways = place.routes(place.table_of(subnet))
            assert len(ways) == 1, f"{subnet.name} has {len(ways)} routes"
            way = ways[0]
            assert way.inputs.get("destinationCidrBlock") == ANYWHERE
            assert place.owner(way, "natGatewayId") == stands.get(zone, next(iter(stands.values())))


@check
def each_nat_keeps_an_address_of_its_own(plan: Plan) -> None:
    for place in places(plan):
        addresses = [place.owner(nat, "allocationId") for nat in place.all("NatGateway")]
        assert sorted(a.id for a in addresses) == sorted(eip.id for eip in place.all("Eip"))
        assert all(address.inputs.get("domain") == "vpc" for address in addresses)


@check
def private_tables_serve_one_zone_each(plan: Plan) -> None:
    """So that a lost zone, or one more NAT, changes no other zone's routes."""
    for place in places(plan):
        tables = [place.table_of(subnet).urn for subnet in place.subnets("private").values()]
        assert len(set(tables)) == len(tables)


@check
def isolated_subnets_have_no_way_out(plan: Plan) -> None:
    for place in places(plan):
        others = {place.table_of(s).urn for tier in TIERS[:2] for s in place.subnets(tier).values()}
        for subnet in place.subnets("isolated").values():
            table = place.table_of(subnet)
            assert place.routes(table) == []
            assert table.urn not in others


@check
def access_lists_keep_the_world_out(plan: Plan) -> None:
    """Public and private: anything inside, replies on high ports from outside. Isolated: inside only."""
    for place in places(plan):
        inside = place.one("Vpc").inputs["cidrBlock"]
        everything, replies = ("allow", "-1", inside, 0, 0), ("allow", "tcp", ANYWHERE, 1024, 65535)
        outside = ("allow", "-1", ANYWHERE, 0, 0)
        for tier in TIERS:
            for subnet in place.subnets(tier).values():
                acl = place.acl_of(subnet)
                isolated = tier == "isolated"
                assert acl_rules(acl, "ingress") == ({everything} if isolated else {everything, replies})
                assert acl_rules(acl, "egress") == ({everything} if isolated else {outside})


def acl_rules(acl: Resource, direction: str) -> set[tuple[Any, ...]]:
    keys = ("action", "protocol", "cidrBlock", "fromPort", "toPort")
    rules = acl.inputs.get(direction, [])
    assert len({rule.get("ruleNo") for rule in rules}) == len(rules), f"{acl.name}: two rules, one number"
    return {tuple(rule.get(key) for key in keys) for rule in rules}
