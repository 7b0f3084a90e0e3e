"""Both stacks' networks against NET-1, NET-2 and NET-3, and a stack that is only a file (OPS-11)."""

import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import plan
from plan import Plan, Resource
from tests.stacks.checks import CHECKS, Check, Place, places
from tests.stacks.checks.endpoint_helpers import endpoints


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_network_is_as_required(either: Plan, check: Check):
    check(either)


def of_file(project: Path, text: str, stack: str = "x") -> Plan:
    """The plan of a stack that is this file."""
    (project / f"Pulumi.{stack}.yaml").write_text(text, encoding="utf-8")
    return plan.once(stack, project, {})


# NET-1: what the two stacks are meant to look like --------------------------------------------------------


def shape(place: Place) -> tuple[str, str, list[str], int]:
    """(region, block, zones, NAT gateways)"""
    block = place.one("Vpc").inputs["cidrBlock"]
    return place.region, block, list(place.subnets("private")), len(place.all("NatGateway"))


def test_dev_has_two_zones_and_one_of_everything(dev: Plan):
    assert {place.role: shape(place) for place in places(dev)} == {
        "primary": ("us-east-1", "10.0.0.0/16", ["use1-az1", "use1-az2"], 1)
    }
    (place,) = places(dev)
    assert {len(e.inputs["subnetIds"]) for e in endpoints(place, "Interface").values()} == {1}


def test_prod_has_three_zones_and_a_nat_in_each_in_two_regions(prod: Plan):
    assert {place.role: shape(place) for place in places(prod)} == {
        "primary": ("us-east-1", "10.0.0.0/16", ["use1-az1", "use1-az2", "use1-az4"], 3),
        "standby": ("us-west-2", "10.1.0.0/16", ["usw2-az1", "usw2-az2", "usw2-az3"], 3),
    }
    for place in places(prod):
        assert {len(e.inputs["subnetIds"]) for e in endpoints(place, "Interface").values()} == {3}


def test_the_standby_is_built_like_the_primary(prod: Plan):
    """Failing over must not find a group, a route or an endpoint missing (NET-7)."""

    def parts(place: Place) -> list[tuple[str, str, tuple[str, ...]]]:
        zones = {zone: f"zone{n}" for n, zone in enumerate(place.subnets("private"))}
        return sorted((r.type, anonymous(r, place, zones), tuple(sorted(r.inputs))) for r in place.resources)

    def anonymous(resource: Resource, place: Place, zones: dict[str, str]) -> str:
        name = resource.name.removeprefix(place.role)
        return re.sub(r"\w+-az\d", lambda zone: zones[zone[0]], name)

    primary, standby = places(prod)
    assert parts(primary) == parts(standby)


def test_another_zone_moves_nothing(project: Path, root: Path, prod: Plan):
    """NET-1: stable addressing. What was planned before is planned after, with the same inputs."""
    text = (root / "Pulumi.prod.yaml").read_text(encoding="utf-8")
    more = text.replace("[use1-az1, use1-az2, use1-az4]", "[use1-az2, use1-az1, use1-az4, use1-az6]")
    assert more != text
    grown = of_file(project, more, stack="prod").by_urn
    for token in ("Subnet", "RouteTable", "RouteTableAssociation", "Route", "NatGateway", "Eip"):
        for place in places(prod):
            for resource in place.all(token):
                assert grown[resource.urn].inputs == resource.inputs


def test_without_nat_nothing_leads_out(project: Path):
    (place,) = places(of_file(project, "config:\n  concierge:network: {nat: none}\n"))
    assert place.all("NatGateway") == place.all("Eip") == ()
    assert all("gatewayId" in route.inputs for route in place.all("Route"))
    assert not [r for r in place.all("SecurityGroupEgressRule") if "cidrIpv4" in r.inputs]


def test_endpoints_can_be_left_out_but_the_free_ones_stay(project: Path):
    (place,) = places(of_file(project, "config:\n  concierge:network: {endpoints: none}\n"))
    assert set(endpoints(place, "Gateway")) == {"s3", "dynamodb"}
    assert endpoints(place, "Interface") == {}


# Accounts and names ---------------------------------------------------------------------------------------


def test_every_account_number_comes_from_the_caller(monkeypatch: pytest.MonkeyPatch, root: Path):
    monkeypatch.setattr("plan.answers.ACCOUNT", "210987654321")
    monkeypatch.setattr("plan.identities.ACCOUNT", "210987654321")
    other = plan.once("dev", root, {})
    numbers = {
        n for r in other.resources for n in re.findall(r"\b\d{12}\b", json.dumps(r.inputs, default=repr))
    }
    assert numbers == {"210987654321"}


# Types whose names are unique in an account and region.
UNIQUE = {
    "aws:cloudwatch/logGroup:LogGroup": "name",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "name",
    "aws:dynamodb/table:Table": "name",
    "aws:iam/role:Role": "name",
    "aws:s3/bucket:Bucket": "bucket",
    "aws:sns/topic:Topic": "name",
    "aws:sqs/queue:Queue": "name",
    "aws:ssm/parameter:Parameter": "name",
}


def test_two_stacks_can_share_an_account(dev: Plan, prod: Plan):
    def names(plan: Plan) -> set[tuple[str, str]]:
        chosen = ((r.type, r.inputs.get(key)) for token, key in UNIQUE.items() for r in plan.of_type(token))
        return {(token, name) for token, name in chosen if name is not None}

    assert names(dev)
    assert names(dev) & names(prod) == set()


# A stack is a file (OPS-11), and a plan is the same wherever it is made -----------------------------------


def test_a_new_environment_is_one_file(project: Path):
    text = """
config:
  concierge:environment: {protect: false, owner: performance}
  concierge:regions:
    primary: {name: us-west-2, cidr: 172.20.0.0/18, zones: [usw2-az1, usw2-az3]}
  concierge:network: {nat: single}
  concierge:search: {zones: 2, nodes: 2, replicas: 1, standby_zone: false, documents: 500000}
"""
    perf = of_file(project, text, stack="perf")
    for check in CHECKS:
        check(perf)
    (place,) = places(perf)
    assert shape(place) == ("us-west-2", "172.20.0.0/18", ["usw2-az1", "usw2-az3"], 1)


PRINT_PLAN = """
import dataclasses, json, plan
print(json.dumps(dataclasses.asdict(plan.once("prod", None, {})), sort_keys=True))
"""


def test_a_plan_is_the_same_in_every_process(root: Path, prod: Plan):
    """No order of sets, no hash and no clock reaches a plan."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PRINT_PLAN],
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "4242")
    ]
    first, second = (process.communicate()[0] for process in running)
    assert json.loads(first) == json.loads(json.dumps(dataclasses.asdict(prod)))
    assert first == second
