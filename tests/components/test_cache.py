"""The cache: Valkey as a replication group that only the agent's role may open (DATA-3)."""

from dataclasses import replace

import pytest

from plan import Plan
from tests.components.data_helpers import ACCOUNT, Check, cached, each, fake_keys, replaced, unnoticed

ARN = f"arn:aws:elasticache:us-east-1:{ACCOUNT}"


def it_is_a_replication_group_of_valkey(plan: Plan) -> None:
    """A cache cluster has no failover, no encryption at rest and no users."""
    (group,) = each(plan, "elasticache.ReplicationGroup")
    assert plan.of_type("elasticache.Cluster") == ()
    said = group.inputs
    assert (said["engine"], said["engineVersion"]) == ("valkey", "8.1")
    assert said["replicationGroupId"] == "concierge-shop-cache"
    assert (said["nodeType"], said["port"]) == ("cache.t4g.micro", 6379)
    assert said["autoMinorVersionUpgrade"] is True
    assert said["snapshotRetentionLimit"] == 1
    assert group.options.protect


def a_lost_node_or_zone_is_replaced_by_itself(plan: Plan) -> None:
    (group,) = each(plan, "elasticache.ReplicationGroup")
    assert group.inputs["numCacheClusters"] == 3
    assert group.inputs["automaticFailoverEnabled"] is True
    assert group.inputs["multiAzEnabled"] is True


def the_parameter_family_is_that_of_the_engine(plan: Plan) -> None:
    (group,) = each(plan, "elasticache.ReplicationGroup")
    (parameters,) = each(plan, "elasticache.ParameterGroup")
    assert group.inputs["parameterGroupName"] == parameters.inputs["name"]
    assert parameters.inputs["family"] == f"valkey{group.inputs['engineVersion'].split('.')[0]}"
    assert parameters.inputs["parameters"] == [{"name": "maxmemory-policy", "value": "allkeys-lru"}]


def it_is_encrypted_at_rest_and_on_the_way(plan: Plan) -> None:
    (group,) = each(plan, "elasticache.ReplicationGroup")
    assert group.inputs["atRestEncryptionEnabled"] is True
    assert group.inputs["kmsKeyId"] == fake_keys("primary")["cache"]
    assert group.inputs["transitEncryptionEnabled"] is True
    assert group.inputs["transitEncryptionMode"] == "required"


def it_stands_in_the_given_subnets_behind_the_given_group(plan: Plan) -> None:
    (group,) = each(plan, "elasticache.ReplicationGroup")
    (subnets,) = each(plan, "elasticache.SubnetGroup")
    assert group.inputs["subnetGroupName"] == subnets.inputs["name"]
    assert subnets.inputs["subnetIds"] == ["subnet-a", "subnet-b"]
    assert group.inputs["securityGroupIds"] == ["sg-cache"]


def nobody_signs_in_with_a_password(plan: Plan) -> None:
    """The agent by its role, for which both names must be alike; `default`, which AWS adds, is off."""
    (group,) = each(plan, "elasticache.ReplicationGroup")
    (users,) = each(plan, "elasticache.UserGroup")
    assert group.inputs["userGroupIds"] == [users.inputs["userGroupId"]]
    assert "authToken" not in group.inputs
    agent, nobody = plan.get("primary-cache-agent").inputs, plan.get("primary-cache-nobody").inputs
    assert sorted(users.inputs["userIds"]) == sorted([agent["userId"], nobody["userId"]])
    assert {users.inputs["engine"], agent["engine"], nobody["engine"]} == {"redis"}
    assert agent["authenticationMode"] == {"type": "iam"}
    assert agent["userId"] == agent["userName"] == "concierge-shop-agent"
    assert agent["accessString"] == "on ~* &* +@all -@admin -@dangerous"
    assert nobody["userName"] == "default"
    assert nobody["authenticationMode"] == {"type": "no-password-required"}
    assert nobody["accessString"] == "off -@all"
    assert len(plan.of_type("elasticache.User")) == 2


def its_logs_are_kept_for_a_while_and_encrypted(plan: Plan) -> None:
    (group,) = each(plan, "elasticache.ReplicationGroup")
    for log in group.inputs["logDeliveryConfigurations"]:
        kept = plan.get(f"primary-cache-{log['logType']}").inputs
        assert (log["destinationType"], log["logFormat"]) == ("cloudwatch-logs", "json")
        assert log["destination"] == kept["name"]
        assert kept["retentionInDays"] == 30
        assert kept["kmsKeyId"] == fake_keys("primary")["logs"]
    assert len(group.inputs["logDeliveryConfigurations"]) == len(plan.of_type("cloudwatch.LogGroup")) == 2


CHECKS: list[Check] = [
    it_is_a_replication_group_of_valkey,
    a_lost_node_or_zone_is_replaced_by_itself,
    the_parameter_family_is_that_of_the_engine,
    it_is_encrypted_at_rest_and_on_the_way,
    it_stands_in_the_given_subnets_behind_the_given_group,
    nobody_signs_in_with_a_password,
    its_logs_are_kept_for_a_while_and_encrypted,
]


@pytest.mark.parametrize("check", CHECKS)
def test_the_cache(check: Check):
    check(cached()[0])


def test_no_input_and_no_part_can_go_missing_unseen():
    assert unnoticed(cached()[0], CHECKS) == []


@pytest.mark.parametrize(
    ("resource", "inputs", "check"),
    [
        ("group", {"transitEncryptionMode": "preferred"}, it_is_encrypted_at_rest_and_on_the_way),
        ("group", {"automaticFailoverEnabled": False}, a_lost_node_or_zone_is_replaced_by_itself),
        ("group", {"authToken": "swordfish"}, nobody_signs_in_with_a_password),
        ("nobody", {"accessString": "on ~* +@all"}, nobody_signs_in_with_a_password),
        ("agent", {"authenticationMode": {"type": "password"}}, nobody_signs_in_with_a_password),
        ("parameters", {"family": "valkey7"}, the_parameter_family_is_that_of_the_engine),
    ],
)
def test_a_loosened_cache_is_found(resource: str, inputs: dict[str, object], check: Check):
    made = cached()[0]
    found = made.get(f"primary-cache-{resource}")
    with pytest.raises(AssertionError):
        check(replaced(made, found, replace(found, inputs={**found.inputs, **inputs})))


@pytest.mark.parametrize(("version", "family"), [("7.2", "valkey7"), ("8.0", "valkey8"), ("8.1", "valkey8")])
def test_each_version_gets_the_parameters_of_its_family(version: str, family: str):
    """A group of another family is refused."""
    (parameters,) = each(cached(version=version)[0], "elasticache.ParameterGroup")
    assert parameters.inputs["family"] == family


def test_one_node_for_development_has_nothing_to_fail_over_to():
    (group,) = each(cached(nodes=1, protect=False)[0], "elasticache.ReplicationGroup")
    assert group.inputs["numCacheClusters"] == 1
    assert group.inputs["automaticFailoverEnabled"] is group.inputs["multiAzEnabled"] is False
    assert not group.options.protect


def test_a_role_may_sign_in_as_the_agent_and_as_nobody_else():
    assert cached()[2] == {
        "Sid": "UseCache",
        "Effect": "Allow",
        "Action": ["elasticache:Connect"],
        "Resource": [f"{ARN}:replicationgroup:concierge-shop-cache", f"{ARN}:user:concierge-shop-agent"],
    }


def test_each_node_is_watched_for_what_goes_wrong_with_caches():
    """An average over the group would hide the primary behind its idle replicas."""
    for number in (1, 2, 3):
        node = {"CacheClusterId": f"concierge-shop-cache-00{number}", "CacheNodeId": "0001"}
        watched = {w.alarm.metric for w in cached()[1] if w.alarm.dimensions == node}
        assert watched == {
            "CurrConnections",
            "EngineCPUUtilization",
            "CPUUtilization",
            "DatabaseMemoryUsagePercentage",
            "Evictions",
        }


def test_a_node_that_says_nothing_is_down():
    down = [w.alarm for w in cached()[1] if w.alarm.id.endswith("-down")]
    assert len(down) == 3
    assert {(a.missing, a.severity, a.runbook) for a in down} == {("breaching", "page", "valkey-down")}
