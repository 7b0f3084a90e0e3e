"""The inventory names what the plan declares: a wrong name sends a runbook to the wrong door."""

import json
from typing import Any

import pytest

from contract.inventory import Inventory
from plan import Plan
from tests.conftest import Planned

# Kind of the inventory -> type in the plan, and the input that AWS calls it by.
TYPES = {
    "tables": ("dynamodb.Table", "name"),
    "services": ("ecs.Service", "name"),
    "clusters": ("ecs.Cluster", "name"),
    "domains": ("opensearch.Domain", "domainName"),
    "caches": ("elasticache.ReplicationGroup", "replicationGroupId"),
    "queues": ("sqs.Queue", "name"),
    "buckets": ("s3.Bucket", "bucket"),
    "acls": ("wafv2.WebAcl", "name"),
    "logs": ("cloudwatch.LogGroup", "name"),
    "secrets": ("secretsmanager.Secret", "name"),
    "vaults": ("backup.Vault", "name"),
    "parameters": ("ssm.Parameter", "name"),
    "alarms": ("cloudwatch.MetricAlarm", "name"),
}
# Those that AWS makes up: what the plan computed.
COMPUTED = {
    "apis": ("apigatewayv2.Api", "id"),
    "balancers": ("lb.LoadBalancer", "arn"),
    "checks": ("route53.HealthCheck", "id"),
    "machines": ("sfn.StateMachine", "arn"),
    "topics": ("sns.Topic", "arn"),
}


@pytest.fixture(scope="module")
def plan(planned: Planned) -> Plan:
    return planned("prod")


def inventory(plan: Plan) -> Inventory:
    return Inventory.model_validate(json.loads(str(plan.outputs["inventory"])))


@pytest.mark.parametrize("kind", TYPES)
def test_names_are_those_of_resources(plan: Plan, kind: str) -> None:
    wanted, key = TYPES[kind]
    declared = {str(one.inputs.get(key) or one.id) for one in plan.of_type(wanted)}
    if kind == "alarms":  # those over others are of a type of their own
        declared |= {str(one.inputs["alarmName"]) for one in plan.of_type("cloudwatch.CompositeAlarm")}
    told: dict[str, Any] = dict(getattr(inventory(plan).primary, kind))
    assert told
    assert set(told.values()) <= declared


@pytest.mark.parametrize("kind", COMPUTED)
def test_ids_are_those_of_resources(plan: Plan, kind: str) -> None:
    wanted, key = COMPUTED[kind]
    declared = {str(one.id if key == "id" else one.outputs[key]) for one in plan.of_type(wanted)}
    told: dict[str, str] = dict(getattr(inventory(plan).primary, kind))
    assert told
    named = {value for value in told.values() if value != "concierge-prod-rest"}  # REST APIs go by name
    assert named <= declared


def test_both_regions_know_of_each_other(plan: Plan) -> None:
    assert set(inventory(plan).regions) == {"primary", "standby"}
