"""CHAOS-1, CHAOS-2: experiments that exist, hit what they should, and end by themselves."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from components import fault_catalogue as catalogue
from components.faults import Faults
from plan import Plan, PlanError
from tests.components import acting_helpers as made
from tests.components.acting_helpers import BOUNDARY, HERE, TABLE, allows, arn
from tests.components.data_helpers import Check, each, options, planned, without

DRILLS = ("az-loss", "bedrock-down", "replication-paused", "task-kill", "valkey-failover")
GROUP = "/aws/vendedlogs/fis/concierge-shop"
OURS = {"key": "Stack", "value": "shop"}
BY_FIS = {"aws:ResourceTag/managedByFIS": "true"}
WATCH = ("faults-events",)


def template(plan: Plan, drill: str) -> Mapping[str, Any]:
    return plan.get(f"faults-{drill}").inputs


def target(plan: Plan, drill: str, name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(t for t in template(plan, drill)["targets"] if t["name"] == name)
    return found


def actions(plan: Plan, drill: str) -> dict[str, tuple[str, dict[str, str], dict[str, str] | None]]:
    """Step -> action, parameters, what it hits."""
    return {
        a["name"]: (a["actionId"], {p["key"]: p["value"] for p in a["parameters"]}, a.get("target"))
        for a in template(plan, drill)["actions"]
    }


def there_is_an_experiment_for_each_real_loss(plan: Plan) -> None:
    assert {t.name.removeprefix("faults-") for t in each(plan, "fis.ExperimentTemplate")} == set(DRILLS)
    for drill in DRILLS:
        data = catalogue.drills()[drill]
        assert template(plan, drill)["description"] == data.what
        tags = template(plan, drill)["tags"]
        assert (tags["Name"], tags["Runbook"]) == (f"concierge-shop-{drill}", data.runbook)


def customers_who_notice_stop_it(plan: Plan) -> None:
    """Never `none`: an experiment nobody can stop is an outage."""
    alarm = arn("cloudwatch", "alarm:concierge-shop-canary-region")
    for drill in DRILLS:
        assert template(plan, drill)["stopConditions"] == [{"source": "aws:cloudwatch:alarm", "value": alarm}]


def an_experiment_without_a_target_fails(plan: Plan) -> None:
    for drill in DRILLS:
        assert template(plan, drill)["experimentOptions"] == {
            "accountTargeting": "single-account",
            "emptyTargetResolutionMode": "fail",
        }


def every_run_leaves_a_log(plan: Plan) -> None:
    made.logs(plan, {"faults-log": GROUP}, 30)
    for drill in DRILLS:
        assert template(plan, drill)["logConfiguration"] == {
            "logSchemaVersion": 2,
            "cloudwatchLogsConfiguration": {"logGroupArn": arn("logs", f"log-group:{GROUP}:*")},
        }


def bedrock_is_cut_off_at_its_endpoint(plan: Plan) -> None:
    """FIS has no fault for Bedrock itself."""
    assert actions(plan, "bedrock-down") == {
        "cut": (
            "aws:network:disrupt-vpc-endpoint",
            {"duration": "PT10M"},
            {"key": "VPCEndpoints", "value": "endpoint"},
        )
    }
    hit = target(plan, "bedrock-down", "endpoint")
    assert (hit["resourceType"], hit["selectionMode"]) == ("aws:ec2:vpc-endpoint", "ALL")
    assert hit["resourceTags"] == [{"key": "Name", "value": "primary-endpoints-bedrock-runtime"}, OURS]


def two_tasks_of_the_chat_service_die_and_the_run_watches_on(plan: Plan) -> None:
    done = actions(plan, "task-kill")
    assert done["stop"] == ("aws:ecs:stop-task", {}, {"key": "Tasks", "value": "tasks"})
    assert done["watch"] == ("aws:fis:wait", {"duration": "PT10M"}, None)
    after = {a["name"]: a["startAfters"] for a in template(plan, "task-kill")["actions"]}
    assert after == {"stop": [], "watch": ["stop"]}
    hit = target(plan, "task-kill", "tasks")
    assert (hit["resourceType"], hit["selectionMode"]) == ("aws:ecs:task", "COUNT(2)")
    assert hit["parameters"] == {"cluster": "concierge-shop", "service": "concierge-shop-chat"}
    assert hit["resourceTags"] == [OURS]


def one_zone_goes_dark_as_a_whole(plan: Plan) -> None:
    """Its subnets let nothing through, and the cache's nodes there lose power at the same time."""
    done = actions(plan, "az-loss")
    assert done["isolate"] == (
        "aws:network:disrupt-connectivity",
        {"duration": "PT10M", "scope": "all"},
        {"key": "Subnets", "value": "subnets"},
    )
    assert done["power"][0] == "aws:elasticache:replicationgroup-interrupt-az-power"
    subnets = target(plan, "az-loss", "subnets")
    assert subnets["parameters"] == {"availabilityZoneIdentifier": "use1-az1", "vpc": "vpc-1"}
    assert (subnets["resourceTags"], subnets["selectionMode"]) == ([OURS], "ALL")


def the_cache_loses_a_zone(plan: Plan) -> None:
    """FIS finds replication groups by tags only."""
    for drill in ("az-loss", "valkey-failover"):
        hit = target(plan, drill, "cache")
        assert hit["resourceType"] == "aws:elasticache:replicationgroup"
        assert hit["resourceTags"] == [OURS]
        assert "resourceArns" not in hit
        assert hit["parameters"] == {"availabilityZoneIdentifier": "use1-az1"}
    assert actions(plan, "valkey-failover")["power"][1] == {"duration": "PT10M"}


def tables_stop_being_copied(plan: Plan) -> None:
    hit = target(plan, "replication-paused", "tables")
    assert (hit["resourceType"], hit["resourceArns"]) == ("aws:dynamodb:global-table", [TABLE])
    assert actions(plan, "replication-paused")["pause"][0] == "aws:dynamodb:global-table-pause-replication"


def each_experiment_runs_as_a_role_of_its_own(plan: Plan) -> None:
    for drill in DRILLS:
        role = f"faults-{drill}-runs-as"
        made.taken_by(plan, role, "fis", arn("fis", "experiment/*"))
        assert template(plan, drill)["roleArn"] == plan.get(f"{role}-role").outputs["arn"]
        assert plan.get(f"{role}-grants").urn in plan.get(f"faults-{drill}").dependencies
        assert allows(plan, role)["DeliverLogs"][1:] == (["*"], HERE)
        for said in made.granted(plan, role).values():
            # Whatever has no ARN is fenced in by the region at least.
            if said["Resource"] == ["*"]:
                fences = said.get("Condition", {}).get("StringEquals", {})
                assert fences.get("aws:RequestedRegion") == "us-east-1", said["Sid"]


def an_endpoint_is_closed_by_swapping_groups_and_opened_again(plan: Plan) -> None:
    may = allows(plan, "faults-bedrock-down-runs-as")
    groups, ours = arn("ec2", "security-group/*"), {"StringEquals": {"aws:ResourceTag/Stack": "shop"}}
    assert set(may) == {
        *("FindEndpoints", "MakeEmptyGroup", "MarkEmptyGroup", "ClearEmptyGroup", "DeliverLogs"),
        *("SwapGroups", "SwapOurGroups", "SwapTheirGroups"),
    }
    assert may["FindEndpoints"][0] == ["ec2:DescribeSecurityGroups", "ec2:DescribeVpcEndpoints"]
    assert may["MakeEmptyGroup"] == (["ec2:CreateSecurityGroup"], [arn("ec2", "vpc/vpc-1"), groups])
    marked = {"ec2:CreateAction": "CreateSecurityGroup", "aws:RequestTag/managedByFIS": "true"}
    assert may["MarkEmptyGroup"] == (["ec2:CreateTags"], [groups], {"StringEquals": marked})
    assert may["ClearEmptyGroup"] == (
        ["ec2:DeleteSecurityGroup", "ec2:RevokeSecurityGroupEgress"],
        [groups],
        {"StringEquals": BY_FIS},
    )
    assert may["SwapGroups"] == (["ec2:ModifyVpcEndpoint"], [arn("ec2", "vpc-endpoint/*")], ours)
    assert may["SwapOurGroups"] == (["ec2:ModifyVpcEndpoint"], [groups], ours)
    assert may["SwapTheirGroups"] == (["ec2:ModifyVpcEndpoint"], [groups], {"StringEquals": BY_FIS})


def a_zone_is_isolated_by_swapping_access_lists_of_this_vpc(plan: Plan) -> None:
    may = allows(plan, "faults-az-loss-runs-as")
    lists = arn("ec2", "network-acl/*")
    assert set(may) == {
        *("FindSubnets", "MakeList", "MakeListHere", "MarkList", "ChangeList", "SwapLists"),
        *("CutPower", "FindByTag", "DeliverLogs"),
    }
    asked = {"StringEquals": {"aws:RequestTag/managedByFIS": "true"}}
    marked = {"ec2:CreateAction": "CreateNetworkAcl", "aws:RequestTag/managedByFIS": "true"}
    assert may["MakeList"] == (["ec2:CreateNetworkAcl"], [lists], asked)
    assert may["MakeListHere"] == (["ec2:CreateNetworkAcl"], [arn("ec2", "vpc/vpc-1")])
    assert may["MarkList"] == (["ec2:CreateTags"], [lists], {"StringEquals": marked})
    assert may["ChangeList"] == (
        ["ec2:CreateNetworkAclEntry", "ec2:DeleteNetworkAcl"],
        [lists],
        {"StringEquals": {"ec2:ResourceTag/managedByFIS": "true"}},
    )
    assert may["SwapLists"] == (
        ["ec2:ReplaceNetworkAclAssociation"],
        [arn("ec2", "subnet/*"), lists],
        {"ArnEquals": {"ec2:Vpc": arn("ec2", "vpc/vpc-1")}},
    )


def tasks_of_our_cluster_only_may_be_stopped(plan: Plan) -> None:
    may = allows(plan, "faults-task-kill-runs-as")
    assert set(may) == {"FindTasks", "StopTasks", "FindByTag", "DeliverLogs"}
    cluster = {"ArnEquals": {"ecs:cluster": arn("ecs", "cluster/concierge-shop")}}
    assert may["FindTasks"] == (["ecs:ListTasks"], ["*"], {**HERE, **cluster})
    assert may["StopTasks"] == (
        ["ecs:DescribeTasks", "ecs:StopTask"],
        [arn("ecs", "task/concierge-shop/*")],
    )


def power_is_cut_to_our_cache_only(plan: Plan) -> None:
    for drill in ("az-loss", "valkey-failover"):
        assert allows(plan, f"faults-{drill}-runs-as")["CutPower"] == (
            ["elasticache:DescribeReplicationGroups", "elasticache:InterruptClusterAzPower"],
            [
                arn("elasticache", "replicationgroup:concierge-shop"),
                arn("elasticache", "cluster:concierge-shop*"),
            ],
        )


def replication_is_held_of_the_named_tables_only(plan: Plan) -> None:
    """FIS does it through the table's resource policy, which it takes away again."""
    may = allows(plan, "faults-replication-paused-runs-as")
    verbs = ["DeleteResourcePolicy", "DescribeTable", "GetResourcePolicy", "PutResourcePolicy"]
    assert may["HoldReplication"] == ([f"dynamodb:{verb}" for verb in verbs], [TABLE])
    assert set(may) == {"HoldReplication", "FindByTag", "DeliverLogs"}


CHECKS: list[Check] = [
    there_is_an_experiment_for_each_real_loss,
    customers_who_notice_stop_it,
    an_experiment_without_a_target_fails,
    every_run_leaves_a_log,
    bedrock_is_cut_off_at_its_endpoint,
    two_tasks_of_the_chat_service_die_and_the_run_watches_on,
    one_zone_goes_dark_as_a_whole,
    the_cache_loses_a_zone,
    tables_stop_being_copied,
    each_experiment_runs_as_a_role_of_its_own,
    an_endpoint_is_closed_by_swapping_groups_and_opened_again,
    a_zone_is_isolated_by_swapping_access_lists_of_this_vpc,
    tasks_of_our_cluster_only_may_be_stopped,
    power_is_cut_to_our_cache_only,
    replication_is_held_of_the_named_tables_only,
]


@pytest.mark.parametrize("check", CHECKS)
def test_the_experiments(check: Check):
    check(made.faults()[0])


def test_no_input_and_no_part_can_go_missing_unseen():
    assert made.unnoticed_of_ours(made.faults()[0], CHECKS, WATCH) == []


@pytest.mark.parametrize(
    ("drill", "sid", "parts"),
    [
        ("bedrock-down", "SwapGroups", {"Condition": None}),
        ("bedrock-down", "ClearEmptyGroup", {"Condition": None}),
        ("az-loss", "SwapLists", {"Condition": None}),
        ("az-loss", "ChangeList", {"Action": ["ec2:*"]}),
        ("task-kill", "StopTasks", {"Resource": ["*"]}),
        ("task-kill", "FindTasks", {"Condition": HERE}),
        ("valkey-failover", "CutPower", {"Resource": ["*"]}),
        ("replication-paused", "HoldReplication", {"Resource": ["*"]}),
    ],
)
def test_a_loosened_role_is_found(drill: str, sid: str, parts: dict[str, Any]):
    loose = made.loosened_policy(made.faults()[0], f"faults-{drill}-runs-as-grants", "policy", sid, **parts)
    assert any(made.caught(loose, check) for check in CHECKS)


@pytest.mark.parametrize("parts", [{"Condition": None}, {"Principal": {"AWS": "*"}}])
def test_a_role_anybody_could_borrow_is_found(parts: dict[str, Any]):
    loose = made.loosened_policy(
        made.faults()[0], "faults-az-loss-runs-as-role", "assumeRolePolicy", "0", **parts
    )
    assert made.caught(loose, each_experiment_runs_as_a_role_of_its_own)


@pytest.mark.parametrize("key", ["stopConditions", "experimentOptions", "logConfiguration"])
def test_an_experiment_without_its_brakes_is_found(key: str):
    plan = made.faults()[0]
    loose = without(plan, plan.get("faults-az-loss"), key)
    assert any(made.caught(loose, check) for check in CHECKS)


def test_an_experiment_that_ends_early_is_told_with_its_own_runbook():
    plan, watches, widgets = made.faults()
    alarms = {w.alarm.id: w.alarm for w in watches}
    assert {id_: a.runbook for id_, a in alarms.items()} == {
        f"experiment-{drill}": catalogue.drills()[drill].runbook for drill in DRILLS
    }
    rule = plan.get("faults-events-experiment-az-loss")
    assert json.loads(rule.inputs["eventPattern"])["detail"] == {
        "experiment-template-id": [plan.outputs["templates"]["az-loss"]],
        "new-state": {"status": ["failed", "stopped"]},
    }
    assert len(widgets[0].dimensions) == len(DRILLS)


def build(**changed: Any) -> Plan:
    def program() -> None:
        Faults("faults", made.fault_args(**changed), options(["primary"])["primary"])

    return planned(program)


def test_what_a_region_lacks_cannot_be_lost_there():
    """One cache node, no standby: development."""
    plan = build(able=frozenset(), boundary=BOUNDARY)
    found = {t.name.removeprefix("faults-") for t in each(plan, "fis.ExperimentTemplate")}
    assert found == {"bedrock-down", "task-kill"}


@pytest.mark.parametrize(
    ("changed", "fix"),
    [
        ({"stop_alarms": []}, "need 1 to 5 alarms that stop them"),
        ({"stop_alarms": ["a"] * 6}, "there are 6"),
        ({"ground": replace(made.fault_args().ground, tables=[TABLE] * 6)}, "may pause 1 to 5 tables"),
    ],
)
def test_what_fis_would_refuse_does_not_construct(changed: dict[str, Any], fix: str):
    with pytest.raises(PlanError, match=fix):
        build(**changed)
