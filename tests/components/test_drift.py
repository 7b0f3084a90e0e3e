"""The daily look whether AWS is what the repository says (OPS-4), and the age of secrets (OPS-9)."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from components import drift as component
from components.functions import secret_age
from plan import Plan
from tests.components import operations_helpers as shop
from tests.components.data_helpers import ACCOUNT, Check, each, replaced, statements, unnoticed
from tests.components.operations_helpers import INVENTORY, STATE, key

PROJECT = f"arn:aws:codebuild:us-east-1:{ACCOUNT}:project/concierge-shop-drift"
BUILD_ROLE = "concierge-shop-us-east-1-drift"
GROUP = f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule-group/default"


def the_build_previews_with_a_refresh_and_expects_nothing(plan: Plan) -> None:
    (project,) = each(plan, "codebuild.Project")
    source = project.inputs["source"]
    spec = yaml.safe_load(source["buildspec"])
    (command,) = spec["phases"]["build"]["commands"]
    assert command.startswith("pulumi preview ")
    assert {"--refresh", "--expect-no-changes", "--non-interactive"} <= set(command.split())
    assert spec["phases"]["pre_build"]["commands"] == ['pulumi config refresh --stack "$STACK" --force']
    assert "pulumi up" not in source["buildspec"] and "pulumi refresh" not in source["buildspec"]
    assert source["buildspec"] == Path(component.__file__).with_name("drift_buildspec.yaml").read_text()


def the_build_runs_on_graviton_and_keeps_to_itself(plan: Plan) -> None:
    (project,) = each(plan, "codebuild.Project")
    said = project.inputs
    assert said["name"] == "concierge-shop-drift"
    place = said["environment"]
    assert (place["type"], place["computeType"]) == ("ARM_CONTAINER", "BUILD_GENERAL1_SMALL")
    assert place["privilegedMode"] is False
    assert "@sha256:" in place["image"]
    assert place["imagePullCredentialsType"] == "SERVICE_ROLE"
    assert {v["name"]: v["value"] for v in place["environmentVariables"]} == {
        "STACK": "shop",
        "PULUMI_BACKEND_URL": "s3://state",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "AWS_REGION": "us-east-1",
    }
    assert said["artifacts"] == {"type": "NO_ARTIFACTS"}
    assert said["concurrentBuildLimit"] == 1
    assert (said["buildTimeout"], said["queuedTimeout"]) == (45, 30)
    assert said["logsConfig"]["cloudwatchLogs"] == {"status": "ENABLED", "groupName": "/concierge/shop/drift"}


def the_deployed_branch_is_read_without_a_lasting_token(plan: Plan) -> None:
    (project,) = each(plan, "codebuild.Project")
    source = project.inputs["source"]
    assert source["location"] == "https://git.example.com/shop/concierge.git"
    assert project.inputs["sourceVersion"] == "main"
    assert source["auth"]["type"] == "CODECONNECTIONS"


def the_role_reads_configuration_and_no_data(plan: Plan) -> None:
    (project,) = each(plan, "codebuild.Project")
    assert project.inputs["serviceRole"] == f"arn:aws:iam::{ACCOUNT}:role/{BUILD_ROLE}"
    assert plan.get("drift-build-role").inputs["name"] == BUILD_ROLE
    attached = {a.inputs["policyArn"] for a in each(plan, "iam.RolePolicyAttachment")}
    assert attached == {
        "arn:aws:iam::aws:policy/SecurityAudit",
        "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess",
    }
    assert {a.inputs["role"] for a in each(plan, "iam.RolePolicyAttachment")} == {BUILD_ROLE}
    assert plan.get("drift-no-data").inputs["role"] == BUILD_ROLE
    denied = statements(plan.get("drift-no-data"))
    assert (denied["NoItems"]["Effect"], denied["NoItems"]["Resource"]) == ("Deny", "*")
    assert {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan"} <= set(denied["NoItems"]["Action"])
    assert (denied["NoObjects"]["Effect"], denied["NoObjects"]["Action"]) == ("Deny", "s3:GetObject")
    assert denied["NoObjects"]["NotResource"] == [f"{STATE}/*", INVENTORY]


def the_role_reads_nothing_else_and_writes_only_its_log(plan: Plan) -> None:
    assert plan.get("drift-build-grants").inputs["role"] == BUILD_ROLE
    said = statements(plan.get("drift-build-grants"))
    assert said["ReadState"]["Resource"] == [f"{STATE}/*", INVENTORY]
    assert said["OpenState"]["Resource"] == [key("state")]
    assert said["ReadSecrets"]["Resource"] == [
        f"arn:aws:secretsmanager:{region}:{ACCOUNT}:secret:concierge-shop-*"
        for region in ("us-east-1", "us-west-2")
    ]
    assert said["PullImage"]["Resource"] == [f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/build"]
    reading = ("Get", "List", "BatchGet", "BatchCheck", "Decrypt", "GET")
    writing = {
        action
        for statement in said.values()
        for action in statement["Action"]
        if not action.partition(":")[2].startswith(reading)
    }
    assert writing == {"logs:CreateLogStream", "logs:PutLogEvents"}
    group = plan.get("drift-log").outputs["arn"]
    assert said["WriteLogs"]["Resource"] == [f"{group}:log-stream:*"]


def it_runs_every_day(plan: Plan) -> None:
    (schedule,) = each(plan, "scheduler.Schedule")
    said = schedule.inputs
    assert said["name"] == "concierge-shop-drift"
    assert said["scheduleExpression"] == "cron(30 4 * * ? *)"
    assert said["flexibleTimeWindow"] == {"mode": "FLEXIBLE", "maximumWindowInMinutes": 15}
    target = said["target"]
    assert target["arn"] == "arn:aws:scheduler:::aws-sdk:codebuild:startBuild"
    assert json.loads(target["input"]) == {"ProjectName": "concierge-shop-drift"}
    starter = plan.get("drift-starter-role")
    assert target["roleArn"] == starter.outputs["arn"]
    (may,) = statements(plan.get("drift-starter-grants")).values()
    assert (may["Action"], may["Resource"]) == (["codebuild:StartBuild"], [PROJECT])
    assert plan.get("drift-starter-grants").inputs["role"] == starter.inputs["name"]


def roles_are_taken_by_one_service_for_one_thing(plan: Plan) -> None:
    for name, service, source in (
        ("drift-build-role", "codebuild", PROJECT),
        ("drift-starter-role", "scheduler", GROUP),
    ):
        (trust,) = statements(plan.get(name), "assumeRolePolicy").values()
        assert trust["Principal"] == {"Service": f"{service}.amazonaws.com"}
        assert trust["Condition"]["ArnLike"] == {"aws:SourceArn": [source]}


def inline_roles_are_exact(plan: Plan) -> None:
    denies = plan.get("drift-no-data")
    shop.roles_are_bounded_and_say_exactly_what(replaced(plan, denies, None))


CHECKS: list[Check] = [
    the_build_previews_with_a_refresh_and_expects_nothing,
    the_build_runs_on_graviton_and_keeps_to_itself,
    the_deployed_branch_is_read_without_a_lasting_token,
    the_role_reads_configuration_and_no_data,
    the_role_reads_nothing_else_and_writes_only_its_log,
    it_runs_every_day,
    roles_are_taken_by_one_service_for_one_thing,
    inline_roles_are_exact,
    shop.logs_are_encrypted_and_end,
]


@pytest.mark.parametrize("check", CHECKS)
def test_the_drift_check(check: Check):
    check(shop.drift()[0])


def test_no_input_and_no_part_of_the_drift_check_can_go_missing_unseen():
    assert unnoticed(shop.drift()[0], CHECKS) == []


@pytest.mark.parametrize(
    ("policy", "sid", "change", "check"),
    [
        ("drift-no-data", "NoItems", {"Effect": "Allow"}, the_role_reads_configuration_and_no_data),
        ("drift-no-data", "NoObjects", {"NotResource": ["*"]}, the_role_reads_configuration_and_no_data),
        (
            "drift-build-grants",
            "ReadState",
            {"Action": ["s3:PutObject"]},
            the_role_reads_nothing_else_and_writes_only_its_log,
        ),
        ("drift-starter-grants", "StartCheck", {"Resource": ["*"]}, it_runs_every_day),
    ],
)
def test_a_loosened_role_is_found(policy: str, sid: str, change: dict[str, object], check: Check):
    made = shop.drift()[0]
    found = made.get(policy)
    said = statements(found)
    said[sid].update(change)
    document = json.dumps({"Version": "2012-10-17", "Statement": [*said.values()]})
    with pytest.raises(AssertionError):
        check(replaced(made, found, replace(found, inputs={**found.inputs, "policy": document})))


def test_a_difference_and_a_check_that_does_not_run_are_noticed():
    found, unchecked = (watch.alarm for watch in shop.drift()[1])
    assert (found.metric, found.missing) == ("FailedBuilds", "notBreaching")
    assert (unchecked.metric, unchecked.comparison, unchecked.missing) == (
        "Builds",
        "LessThanThreshold",
        "breaching",
    )


# The age of secrets


def every_secret_is_looked_at_daily(plan: Plan) -> None:
    look = plan.get("ages-look-function").inputs
    assert look["name"] == "concierge-shop-secret_age"
    assert (look["architectures"], look["handler"]) == (["arm64"], "secret_age.handler")
    assert look["runtime"] == "python3.13" and look["timeout"] == 30
    assert look["code"]["assets"]["secret_age.py"]["text"] == Path(secret_age.__file__).read_text()
    assert look["environment"]["variables"] == {
        "ENVIRONMENT": "shop",
        "SECRETS": "concierge-shop-origin-1,concierge-shop-keys-1",
    }
    assert look["role"] == plan.get("ages-look-role").outputs["arn"]
    assert look["loggingConfig"] == {"logFormat": "JSON", "logGroup": "/aws/lambda/concierge-shop-secret_age"}
    group = plan.get("ages-look-log").inputs
    assert (group["name"], group["retentionInDays"]) == ("/aws/lambda/concierge-shop-secret_age", 90)
    schedule = plan.get("ages-schedule").inputs
    assert schedule["name"] == "concierge-shop-secret-age"
    assert schedule["scheduleExpression"] == "rate(1 day)"
    assert schedule["flexibleTimeWindow"]["mode"] == "FLEXIBLE"
    assert schedule["target"]["arn"] == plan.get("ages-look-function").outputs["arn"]
    assert schedule["target"]["roleArn"] == plan.get("ages-caller-role").outputs["arn"]


def the_look_sees_ages_and_never_values(plan: Plan) -> None:
    assert plan.get("ages-look-may").inputs["role"] == plan.get("ages-look-role").id
    said = statements(plan.get("ages-look-may"))
    assert said["SeeVersions"]["Action"] == ["secretsmanager:ListSecretVersionIds"]
    assert said["SeeVersions"]["Resource"] == [
        f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:concierge-shop-{word}-1-??????"
        for word in ("origin", "keys")
    ]
    namespace = {"StringEquals": {"cloudwatch:namespace": "Concierge/Secrets"}}
    assert said["TellMetrics"]["Condition"] == namespace


def only_the_schedule_calls_it(plan: Plan) -> None:
    caller = plan.get("ages-caller-role")
    assert caller.inputs["name"] == plan.get("ages-caller-grants").inputs["role"]
    (trust,) = statements(caller, "assumeRolePolicy").values()
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    (may,) = statements(plan.get("ages-caller-grants")).values()
    assert may["Resource"] == [plan.get("ages-look-function").outputs["arn"]]
    (trust,) = statements(plan.get("ages-look-role"), "assumeRolePolicy").values()
    assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}


AGE_CHECKS: list[Check] = [
    every_secret_is_looked_at_daily,
    the_look_sees_ages_and_never_values,
    only_the_schedule_calls_it,
    shop.roles_are_bounded_and_say_exactly_what,
]


@pytest.mark.parametrize("check", AGE_CHECKS)
def test_the_age_of_secrets(check: Check):
    check(shop.ages()[0])


def test_no_input_and_no_part_of_the_look_can_go_missing_unseen():
    assert unnoticed(shop.ages()[0], AGE_CHECKS) == []


def test_a_secret_of_more_than_thirty_days_is_noticed_and_so_is_no_look():
    for watch in shop.ages()[1]:
        assert (watch.alarm.threshold, watch.alarm.missing) == (30, "breaching")
        assert watch.alarm.runbook == "secret-rotation"


class Secrets:
    """Secrets Manager, as far as the look asks it."""

    def __init__(self, versions: Mapping[str, list[dict[str, Any]]]) -> None:
        self._versions = versions

    def list_secret_version_ids(self, **asked: str) -> dict[str, Any]:
        return {"Versions": self._versions[asked["SecretId"]]}


def test_the_age_is_that_of_the_value_in_use():
    now = datetime(2026, 6, 1, tzinfo=UTC)

    def version(days: int, *stages: str) -> dict[str, Any]:
        return {"CreatedDate": now - timedelta(days=days), "VersionStages": [*stages]}

    secrets = Secrets(
        {
            "rotated": [version(40, "AWSPREVIOUS"), version(3, "AWSCURRENT")],
            "old": [version(40, "AWSCURRENT")],
            "empty": [version(1)],
        }
    )
    ages = secret_age.measure(secrets, ["rotated", "old", "empty"], now.timestamp())
    assert ages == {"rotated": 3.0, "old": 40.0}
