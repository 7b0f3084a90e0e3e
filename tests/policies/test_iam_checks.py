"""What is found in a policy document, each fault by itself in a document that is otherwise sound."""

import json
from typing import Any

import pytest

from plan import Plan
from policies import iam, suppressions
from policies.iam import services
from tests.policies.planted_helpers import changed

SOUND = {
    "Sid": "ReadCarts",
    "Effect": "Allow",
    "Action": ["dynamodb:GetItem"],
    "Resource": "arn:aws:dynamodb:us-east-1:123456789012:table/carts",
}
TRUST = {
    "Effect": "Allow",
    "Action": "sts:AssumeRole",
    "Principal": {"Service": "lambda.amazonaws.com"},
    "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
}
TOPIC = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
    "Action": "sns:Publish",
    "Resource": "arn:aws:sns:us-east-1:123456789012:alarms",
}
ROLE, ITS_POLICY = "primary-call-log-writer-role", "primary-call-log-writer-grants"


def document(*statements: dict[str, Any], **more: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements), **more})


def found(plan: Plan, name: str, key: str, text: str) -> set[str]:
    """Rules that fire on a resource whose document is this one."""
    planted = changed(plan, {name: lambda inputs: inputs.update({key: text})})
    urn = planted.get(name).urn
    return {finding.rule for finding in iam.judge(planted) if finding.urn == urn}


def of_role(plan: Plan, *statements: dict[str, Any], **more: Any) -> set[str]:
    return found(plan, ITS_POLICY, "policy", document(*statements, **more))


def test_sound_documents_are_let_pass(dev: Plan):
    assert of_role(dev, SOUND) == set()
    assert found(dev, ROLE, "assumeRolePolicy", document(TRUST)) == set()


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ("iam-shape", {"Effect": "allow"}),
        ("iam-shape", {"Actions": ["dynamodb:GetItem"]}),
        ("iam-shape", {"NotAction": "dynamodb:PutItem"}),
        ("iam-shape", {"Principal": "*"}),
        ("iam-action", {"Action": "dynamodb:ReadItem"}),
        ("iam-action", {"Action": "dynamo:GetItem"}),
        ("iam-action", {"Action": "dynamodb:Fetch*"}),
        ("iam-resource", {"Resource": "arn:aws:s3:::carts/*"}),
        ("iam-resource", {"Action": "dynamodb:ListTables"}),
        ("iam-resource", {"Action": "s3:ListBucket", "Resource": "arn:aws:s3:::carts/*"}),
        ("iam-condition", {"Condition": {"StringEqual": {"aws:RequestedRegion": "us-east-1"}}}),
        ("iam-condition", {"Condition": {"StringEquals": {"aws:RequestedRegoin": "us-east-1"}}}),
        ("iam-condition", {"Condition": {"StringEquals": {"s3:prefix": "carts"}}}),
        ("iam-condition", {"Condition": {"StringEquals": {"aws:RequestedRegion": "us-*"}}}),
        ("iam-everything", {"Action": "*", "Resource": "*"}),
        ("iam-everything", {"Action": "dynamodb:*", "Resource": "*"}),
        ("iam-escalation", {"Action": "iam:PassRole", "Resource": "*"}),
        ("iam-escalation", {"Action": ["iam:Put*"], "Resource": "*"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_a_fault_in_what_a_role_may_do_is_found(dev: Plan, rule: str, fault: dict[str, Any]):
    assert rule in of_role(dev, SOUND | fault)


def test_allowing_by_exception_is_found_and_denying_by_it_is_not(dev: Plan):
    turned = {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}
    assert "iam-exceptions" in of_role(dev, turned)
    assert "iam-exceptions" not in of_role(dev, turned | {"Effect": "Deny"})


def test_what_holds_for_a_whole_document_is_found(dev: Plan):
    assert of_role(dev, SOUND, Version="2008-10-17") == {"iam-shape"}
    assert of_role(dev, SOUND, SOUND) == {"iam-names"}
    many = [SOUND | {"Sid": f"Read{number}"} for number in range(90)]
    assert of_role(dev, *many) == {"iam-length"}


def test_a_service_that_may_act_for_any_account_is_found(dev: Plan):
    assert found(dev, ROLE, "assumeRolePolicy", document({**TRUST, "Condition": {}})) == {"iam-deputy"}


@pytest.mark.parametrize(
    ("who", "rules"),
    [
        ({"Principal": "*"}, {"iam-anyone"}),
        ({"Principal": {"AWS": "*"}}, {"iam-anyone"}),
        ({"Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}, {"iam-anyone"}),
        ({"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalAccount": "123456789012"}}}, set()),
        ({"Principal": "*", "Effect": "Deny"}, set()),
        ({"Principal": {"AWS": "arn:aws:iam::123456789012:root"}}, set()),
    ],
    ids=["anybody", "any account", "anybody by TLS", "anybody of ours", "nobody", "us"],
)
def test_what_is_open_to_the_world_is_found(dev: Plan, who: dict[str, Any], rules: set[str]):
    topic = next(r.name for r in dev.of_type("sns.TopicPolicy"))
    assert found(dev, topic, "policy", document({**TOPIC, **who})) == rules


def test_a_role_that_no_deployer_may_make_is_found(dev: Plan):
    planted = changed(dev, {ROLE: lambda inputs: inputs.update(name="writer")})
    assert [f.rule for f in iam.judge(planted) if f.urn == planted.get(ROLE).urn] == ["iam-role-name"]


def test_a_finding_names_the_file_of_the_component(dev: Plan):
    planted = changed(dev, {ITS_POLICY: lambda inputs: inputs.update(policy=document(SOUND, SOUND))})
    (finding,) = [f for f in iam.judge(planted) if f.rule == "iam-names"]
    assert finding.source == "iam"
    assert "components/service_role.py" in finding.fix


def test_every_document_of_both_stacks_is_sound_or_waived_with_a_reason(either: Plan):
    protected = either.stack == "prod"
    outcome = suppressions.apply(iam.judge(either), either, protected=protected, sources=["iam"])
    assert outcome.left == ()


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("arn:aws:s3:::a/*", "arn:*:s3:::*/*", True),
        ("arn:aws:s3:::a", "arn:*:s3:::*/*", False),
        ("arn:aws:s3:::a/x", "arn:*:s3:::*", False),
        ("arn:aws:s3:::a/*", "arn:*:dynamodb:*:*:table/*", False),
        ("arn:aws:sqs:*:1:jobs-*", "arn:*:sqs:*:*:*", True),
        ("arn:aws:sqs:*", "arn:*:sqs:*:*:*", True),
        ("arn:aws:ecs:*:*:task/a*c", "arn:*:ecs:*:*:task/ab?", True),
        ("arn:aws:ecs:*:*:task/a?", "arn:*:ecs:*:*:task/a", False),
    ],
)
def test_two_patterns_meet_where_one_resource_fits_both(one: str, other: str, meet: bool):
    assert services.overlap(one, other) is meet
