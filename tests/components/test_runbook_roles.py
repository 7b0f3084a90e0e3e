"""OPS-4: a role for each runbook, with what it declares and nothing else, for those who may take it."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from plan import Plan, short_type
from policies import iam
from stacks.sections.operations import Runbooks
from tests.conftest import Planned

OPERATOR = "arn:aws:iam::123456789012:role/on-call"


@pytest.fixture(scope="module")
def plan(planned: Planned) -> Plan:
    return planned("prod", {"operations.runbooks.operators": json.dumps([OPERATOR])})


def roles(plan: Plan):
    return [role for role in plan.of_type("iam.Role") if "-runbook-" in role.inputs.get("name", "")]


def allowed(plan: Plan, runbook: str) -> list[dict[str, Any]]:
    (policy,) = [
        one for one in plan.of_type("iam.RolePolicy") if one.name == f"primary-runbooks-{runbook}-may"
    ]
    statements: list[dict[str, Any]] = json.loads(policy.inputs["policy"])["Statement"]
    return statements


def test_every_runbook_has_one(plan: Plan) -> None:
    import runbooks

    assert sorted(role.inputs["name"].removeprefix("concierge-prod-runbook-") for role in roles(plan)) == [
        *runbooks.scripts()
    ]


def test_only_those_who_are_named_may_take_it(plan: Plan) -> None:
    for role in roles(plan):
        (trust,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        assert trust["Principal"] == {"AWS": [OPERATOR]}


def test_what_has_no_resource_is_fenced_by_region(plan: Plan) -> None:
    for statement in allowed(plan, "sagemaker-unresponsive"):
        if statement["Resource"] == ["*"]:
            regions = statement["Condition"]["StringEquals"]["aws:RequestedRegion"]
            assert regions == ["us-east-1", "us-west-2"]


def test_a_change_is_allowed_on_this_environments_things(plan: Plan) -> None:
    (scale,) = [
        one
        for one in allowed(plan, "sagemaker-unresponsive")
        if "sagemaker:UpdateEndpointWeightsAndCapacities" in one["Action"]
    ]
    assert scale["Resource"] == [
        f"arn:aws:sagemaker:{region}:123456789012:endpoint/concierge-prod-*"
        for region in ("us-east-1", "us-west-2")
    ]


def test_iam_has_nothing_to_say_against_them(plan: Plan) -> None:
    assert [found for found in iam.judge(plan) if "runbook" in found.urn] == []


def test_their_log_takes_lines_and_nobody_there_may_delete(plan: Plan) -> None:
    names = [group.inputs["name"] for group in plan.of_type("cloudwatch.LogGroup")]
    assert "/concierge/prod/runbooks" in names
    import runbooks

    for runbook in runbooks.scripts():
        actions = {action for one in allowed(plan, runbook) for action in one["Action"]}
        assert not {action for action in actions if action.startswith("logs:Delete")}


def test_nobody_named_means_no_roles(planned: Planned) -> None:
    assert roles(planned("prod")) == []


def test_a_group_is_no_operator() -> None:
    with pytest.raises(ValidationError, match="is no role or user: write arn:aws:iam"):
        Runbooks(operators=("arn:aws:iam::123456789012:group/on-call",))


def test_the_types_are_few(plan: Plan, planned: Planned) -> None:
    more = {r.name for r in plan.cloud} - {r.name for r in planned("prod").cloud}
    kinds = {short_type(r.type) for r in plan.cloud if r.name in more}
    assert kinds == {"iam.Role", "iam.RolePolicy", "cloudwatch.LogGroup"}
