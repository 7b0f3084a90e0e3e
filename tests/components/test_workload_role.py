"""Grants refuse to be vague, and roles refuse what IAM would refuse later (RUN-17)."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from components import grants
from components.grants import Grant
from components.workload_role import WorkloadRole, WorkloadRoleArgs
from contract.models import models
from plan import Plan, PlanError
from tests.components.agent_estate_helpers import place, planned


def role(allowed: Callable[[], list[Grant]]) -> Plan:
    """Grants hold outputs, which are made inside the program."""
    return planned(
        lambda options: WorkloadRole(
            "chat",
            WorkloadRoleArgs(
                environment="test",
                workload="chat",
                place=place(),
                host="task",
                grants=allowed(),
                boundary=None,
            ),
            options,
        )
    )


def allowed_by(made: Plan) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(made.get("chat-grants").inputs["policy"])["Statement"]
    return found


def test_a_wildcard_among_the_actions_is_refused():
    with pytest.raises(ValueError, match=r"grant Tables: name the actions instead of dynamodb:\*$"):
        Grant("Tables", ["dynamodb:*"], ["arn:aws:dynamodb:::table/x"])


def test_every_resource_needs_a_condition():
    with pytest.raises(ValueError, match="grant Metrics: on every resource needs a condition"):
        Grant("Metrics", ["cloudwatch:PutMetricData"], ["*"])


def test_a_grant_of_nothing_is_refused():
    with pytest.raises(ValueError, match="grant Parameters: names no action or no resource"):
        Grant("Parameters", ["ssm:GetParameter"], [])


def test_two_statements_of_one_name_stop_the_plan():
    twice = [grants.read_parameters(["arn:aws:ssm:::parameter/a"])] * 2
    with pytest.raises(PlanError, match="role chat: granted twice: ReadParameters"):
        role(lambda: twice)


def test_a_role_without_grants_has_no_policy():
    made = role(list)
    assert made.of_type("iam.RolePolicy") == ()
    assert "permissionsBoundary" not in made.get("chat-role").inputs


def test_its_name_says_the_region_because_roles_are_global():
    assert role(list).get("chat-role").inputs["name"] == "concierge-test-us-east-1-chat"


def test_every_profile_of_the_model_table_says_which_regions_it_spans():
    profiles = {profile for model in models().values() for profile in model.profile.values()}
    assert profiles
    for profile in profiles:
        assert set(grants.spans(profile)) >= {r for m in models().values() for r in m.profile}


def test_a_profile_nobody_described_stops_the_plan():
    with pytest.raises(ValueError, match=r"inference profile eu.unheard.of: list its regions in"):
        grants.spans("eu.unheard.of")


def test_a_model_without_a_profile_is_called_where_we_are():
    bare = models()["haiku"].model_copy(update={"profile": {}})
    (statement,) = allowed_by(role(lambda: grants.invoke_models(place(), [bare])))
    assert statement["Resource"] == [f"arn:aws:bedrock:us-east-1::foundation-model/{bare.id}"]


def test_a_table_that_is_only_read_is_not_written():
    (statement,) = allowed_by(
        role(lambda: grants.use_tables([grants.TableUse("arn:aws:dynamodb:::table/x")]))
    )
    assert statement["Action"] == ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"]
