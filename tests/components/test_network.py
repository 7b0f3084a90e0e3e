"""The network by itself, without the estate around it."""

from typing import Any, Literal

import pulumi
import pulumi_aws as aws
import pytest

import plan
from components.network import Network, NetworkArgs
from components.security_groups import REACH, ROLES
from plan import Plan, PlanError


def planned(
    offered: list[str], zones: list[str], nat: Literal["none", "single", "per-az"] = "single"
) -> Plan:
    def program() -> None:
        provider = aws.Provider("aws", region="us-east-1")
        network = Network(
            "shop",
            NetworkArgs(
                cidr="10.0.0.0/16",
                zones=zones,
                account_id="123456789012",
                offered_zones=offered,
                nat=nat,
                flow_log_days=7,
                protect=False,
            ),
            pulumi.ResourceOptions(providers=[provider]),
        )
        pulumi.export("private", network.private_subnet_ids)
        pulumi.export("isolated", network.isolated_subnet_ids)
        pulumi.export("public", network.public_subnet_ids)
        pulumi.export("tables", network.private_route_table_ids)

    return plan.of_program(program, project="shop", stack="test", config={})


def test_a_zone_the_account_does_not_have_stops_the_plan():
    """Zones are offered account by account; AWS would refuse only in the middle of an `up`."""
    with pytest.raises(
        PlanError, match=r"zone use1-az2 is not offered to this account: it has use1-az1, use1-az4$"
    ):
        planned(offered=["use1-az4", "use1-az1"], zones=["use1-az1", "use1-az2"])


def test_its_outputs_are_the_subnets_of_each_tier_in_the_order_of_the_zones():
    zones = ["use1-az4", "use1-az1"]
    made = planned(offered=zones, zones=zones)

    def named(key: str) -> list[Any]:
        return [owner.name for owner in map(made.owner_of, made.outputs[key]) if owner is not None]

    assert named("private") == ["shop-private-use1-az4", "shop-private-use1-az1"]
    assert named("tables") == ["shop-private-use1-az4-table", "shop-private-use1-az1-table"]
    assert named("public") == ["shop-public-use1-az4", "shop-public-use1-az1"]
    assert named("isolated") == ["shop-isolated-use1-az4", "shop-isolated-use1-az1"]


@pytest.mark.parametrize(("nat", "count"), [("none", 0), ("single", 1), ("per-az", 3)])
def test_nat_gateways_and_their_routes(nat: Literal["none", "single", "per-az"], count: int):
    zones = ["use1-az1", "use1-az2", "use1-az4"]
    made = planned(offered=zones, zones=zones, nat=nat)
    gateways = made.of_type("ec2.NatGateway")
    ways = [r.inputs["natGatewayId"] for r in made.of_type("ec2.Route") if "natGatewayId" in r.inputs]
    assert len(gateways) == len(made.of_type("ec2.Eip")) == count
    assert len(ways) == (3 if count else 0)
    assert set(ways) == {gateway.id for gateway in gateways}


def test_more_nat_gateways_later_move_no_subnet_and_no_association():
    zones = ["use1-az1", "use1-az2"]
    before, after = (planned(offered=zones, zones=zones, nat=nat) for nat in ("single", "per-az"))
    for token in ("ec2.Subnet", "ec2.RouteTable", "ec2.RouteTableAssociation", "ec2.NetworkAcl"):
        assert after.of_type(token) == before.of_type(token)


def test_every_sentence_about_reach_names_roles_there_are():
    for reach in REACH:
        assert reach.source in ROLES
        assert reach.target in {*ROLES, "s3", "dynamodb"}
        assert reach.why
