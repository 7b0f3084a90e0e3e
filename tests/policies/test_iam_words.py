"""`concierge policy iam`: what a role can do, told in words."""

import json
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import plan as plan_room
from concierge.commands import policy_iam
from plan import Plan
from policies.iam import words
from policies.iam.roles import Can, NoRoleError
from tests.policies.planted_helpers import changed

ROLE, ITS_POLICY = "primary-call-log-writer-role", "primary-call-log-writer-grants"
CARTS = "arn:aws:dynamodb:us-east-1:123456789012:table/concierge-dev-carts"
BOUNDARY = "arn:aws:iam::123456789012:policy/bootstrap/concierge-boundary"


def told(dev: Plan, *statements: dict[str, Any], bounded: bool = False) -> list[Can]:
    """What a role can do that has just these statements."""
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    limit = {"permissionsBoundary": BOUNDARY} if bounded else {}
    planted = changed(
        dev,
        {
            ITS_POLICY: lambda inputs: inputs.update(policy=text),
            ROLE: lambda inputs: inputs.update(limit),
        },
    )
    return list(words(planted, ROLE)[0].can)


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def test_actions_are_grouped_by_what_they_do_to_a_thing_that_has_a_name(dev: Plan):
    can = told(dev, allow(["dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem"], CARTS))
    assert [(each.service, each.verb, each.what, each.actions) for each in can] == [
        ("dynamodb", "read", "dynamodb.Table primary-tables-carts", ("GetItem", "Query")),
        ("dynamodb", "write", "dynamodb.Table primary-tables-carts", ("PutItem",)),
    ]


def test_a_part_of_a_thing_is_named_after_it_and_a_stranger_keeps_its_arn(dev: Plan):
    can = told(dev, allow("dynamodb:Query", [f"{CARTS}/index/user", "arn:aws:dynamodb:us-east-1:1:table/x"]))
    assert [each.what for each in can] == [
        "arn:aws:dynamodb:us-east-1:1:table/x",
        "dynamodb.Table primary-tables-carts, index/user",
    ]


def test_conditions_are_told(dev: Plan):
    (can,) = told(
        dev,
        allow(
            "cloudwatch:PutMetricData", Condition={"StringEquals": {"cloudwatch:namespace": ["Concierge"]}}
        ),
    )
    assert (can.what, can.only) == ("anything", ("cloudwatch:namespace is Concierge",))


def test_what_its_own_policy_denies_it_cannot(dev: Plan):
    deny = {"Effect": "Deny", "Action": "dynamodb:P*", "Resource": "*"}
    (can,) = told(dev, allow(["dynamodb:GetItem", "dynamodb:PutItem"], CARTS), deny)
    assert can.actions == ("GetItem",)


@pytest.mark.parametrize(
    ("action", "refused"),
    [
        ("dynamodb:GetItem", ""),
        ("cloudtrail:StopLogging", "TheTrailStays"),
        ("iam:CreateUser", "NobodyNew"),
        ("iam:GetRole", ""),
        ("organizations:LeaveOrganization", "nothing in it allows this"),
    ],
)
def test_what_its_boundary_takes_away_is_told_with_the_statement(dev: Plan, action: str, refused: str):
    (can,) = told(dev, allow(action), bounded=True)
    assert can.refused == refused
    (without,) = told(dev, allow(action))
    assert without.refused == ""


def test_a_wildcard_becomes_the_actions_it_means(dev: Plan):
    (can,) = told(dev, allow("dynamodb:BatchGet*", CARTS))
    assert can.actions == ("BatchGetItem",)


def test_a_role_is_found_by_either_name_and_by_a_part_of_one(prod: Plan):
    role = "primary-agent-chat-task-role"
    for name in (role, "concierge-prod-us-east-1-chat-task"):
        assert [found.role for found in words(prod, name)] == [role]
    assert {found.role for found in words(prod, "chat-task")} == {role, role.replace("primary", "standby")}
    with pytest.raises(NoRoleError, match=f"no role of prod is called 'nobody'; there are: .*{role}"):
        words(prod, "nobody")


def test_the_command_prints_words_and_json(prod: Plan, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(plan_room, "run", {"prod": prod}.__getitem__)
    monkeypatch.setenv("COLUMNS", "200")
    app = typer.Typer()
    app.command()(policy_iam.iam)
    shown = CliRunner().invoke(app, ["prod", "--role", "concierge-prod-us-east-1-chat-task"])
    assert shown.exit_code == 0
    assert "primary-agent-chat-task-role can" in shown.stdout
    assert "read dynamodb.Table primary-tables-product-graph  (BatchGetItem, GetItem, Query)" in shown.stdout
    assert "no permission boundary" in shown.stdout
    data = CliRunner().invoke(app, ["prod", "--role", "concierge-prod-us-east-1-chat-task", "--json"])
    assert json.loads(data.stdout)["roles"][0]["role"] == "primary-agent-chat-task-role"
