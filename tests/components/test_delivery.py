"""OPS-8: a pipeline a service, on ARM64, with a person before production and no key kept anywhere."""

import json
from typing import Any

import pytest

from components import build_project
from components.delivery import lines
from plan import Plan
from tests.components import acting_helpers as made
from tests.components.acting_helpers import DEPLOYERS, HERE, KEYS, REPOSITORY, allows, arn
from tests.components.data_helpers import ACCOUNT, Check, each, statements, without

LINES = ("chat", "estate", "ingest", "rest", "tools")
BUILDS = ("image", "smoke", "test", "up-dev", "up-prod")
BUCKET = f"concierge-shop-artifacts-us-east-1-{ACCOUNT}"
ELSEWHERE = ("delivery-artifacts", "delivery-events")
CONNECTED = "CodeStarSourceConnection"
THROUGH_S3 = {
    "StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"},
    "ArnLike": {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{BUCKET}*"},
}
HAND_OVER = {
    "HandOver": (["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"], [f"arn:aws:s3:::{BUCKET}/*"]),
    "KnowBucket": (["s3:GetBucketLocation", "s3:GetBucketVersioning"], [f"arn:aws:s3:::{BUCKET}"]),
    "SealArtifacts": (["kms:Decrypt", "kms:GenerateDataKey"], [KEYS["objects"]], THROUGH_S3),
}


def stages(plan: Plan, line: str) -> dict[str, dict[str, Any]]:
    """Stage -> its one action, in order."""
    return {s["name"]: s["actions"][0] for s in plan.get(f"delivery-{line}-pipeline").inputs["stages"]}


def told(action: dict[str, Any]) -> dict[str, str]:
    return {v["name"]: v["value"] for v in json.loads(action["configuration"]["EnvironmentVariables"])}


def variables(plan: Plan, build: str) -> dict[str, str]:
    environment = plan.get(f"delivery-{build}-project").inputs["environment"]
    return {v["name"]: v["value"] for v in environment["environmentVariables"]}


def every_service_and_the_estate_have_a_line(plan: Plan) -> None:
    for line in LINES:
        pipeline = plan.get(f"delivery-{line}-pipeline").inputs
        assert pipeline["name"] == f"concierge-shop-{line}"
        assert pipeline["roleArn"] == plan.get("delivery-runs-as-role").outputs["arn"]
        assert plan.get("delivery-runs-as-grants").urn in plan.get(f"delivery-{line}-pipeline").dependencies
    assert len(plan.of_type("codepipeline.Pipeline")) == len(LINES)


def a_line_goes_from_source_to_smoke_past_a_person(plan: Plan) -> None:
    for line in LINES:
        order = stages(plan, line)
        assert list(order) == ["Source", "Image", "Test", "Up-Dev", "Approve", "Up-Prod", "Smoke"]
        built = ("Image", "Test", "Up-Dev", "Up-Prod", "Smoke")
        projects = [order[stage]["configuration"]["ProjectName"] for stage in built]
        assert projects == [f"concierge-shop-{b}" for b in ("image", "test", "up-dev", "up-prod", "smoke")]
        assert all(order[stage]["inputArtifacts"] == ["source"] for stage in built)
        assert {order[stage]["provider"] for stage in built} == {"CodeBuild"}


def a_person_is_asked_by_name_of_the_change(plan: Plan) -> None:
    for line in LINES:
        ask = stages(plan, line)["Approve"]
        assert (ask["category"], ask["provider"]) == ("Approval", "Manual")
        assert ask["configuration"] == {
            "NotificationArn": arn("sns", "concierge-shop-ticket"),
            "CustomData": f"{lines()[line].what}: dev runs it; should prod?",
        }


def the_source_comes_through_a_connection(plan: Plan) -> None:
    """A person confirms it once; no token is stored."""
    (connection,) = each(plan, "codeconnections.Connection")
    assert (connection.inputs["name"], connection.inputs["providerType"]) == ("concierge-shop", "GitHub")
    for line in LINES:
        source = stages(plan, line)["Source"]
        assert (source["provider"], source["outputArtifacts"]) == (CONNECTED, ["source"])
        assert source["configuration"] == {
            "ConnectionArn": connection.outputs["arn"],
            "FullRepositoryId": "shop/concierge",
            "BranchName": "main",
        }


def what_was_changed_starts_its_line_and_runs_keep_their_order(plan: Plan) -> None:
    for line in LINES:
        pipeline = plan.get(f"delivery-{line}-pipeline").inputs
        assert (pipeline["pipelineType"], pipeline["executionMode"]) == ("V2", "QUEUED")
        (trigger,) = pipeline["triggers"]
        assert trigger["providerType"] == CONNECTED
        assert trigger["gitConfiguration"] == {
            "sourceActionName": "Source",
            "pushes": [
                {"branches": {"includes": ["main"]}, "filePaths": {"includes": list(lines()[line].paths)}}
            ],
        }


def both_stacks_get_the_image_that_was_tested(plan: Plan) -> None:
    """And a service's line changes that service only."""
    for line in LINES:
        order = stages(plan, line)
        assert order["Image"]["namespace"] == "Image"
        for stage in ("Up-Dev", "Up-Prod"):
            assert told(order[stage]) == {
                "LINE": line,
                "IMAGE_DIGEST": "#{Image.IMAGE_DIGEST}",
                "TARGETS": "" if line == "estate" else f"**::*-agent-{line}-*",
            }


def stages_hand_over_encrypted(plan: Plan) -> None:
    for line in LINES:
        assert plan.get(f"delivery-{line}-pipeline").inputs["artifactStores"] == [
            {"type": "S3", "location": BUCKET, "encryptionKey": {"type": "KMS", "id": KEYS["objects"]}}
        ]
    for build in BUILDS:
        project = plan.get(f"delivery-{build}-project").inputs
        assert project["encryptionKey"] == KEYS["objects"]
        assert project["artifacts"] == {"type": "CODEPIPELINE"}


def builds_run_on_arm64_and_only_one_may_use_docker(plan: Plan) -> None:
    for build in BUILDS:
        project = plan.get(f"delivery-{build}-project").inputs
        environment = project["environment"]
        assert project["name"] == f"concierge-shop-{build}"
        assert environment["type"] == "ARM_CONTAINER"
        assert environment["privilegedMode"] == (build == "image")
        up = build.startswith("up-")
        assert environment["image"] == ("pulumi@sha256:0" if up else build_project.ARM64_IMAGE)
        assert environment["imagePullCredentialsType"] == ("SERVICE_ROLE" if up else "CODEBUILD")
        assert project["buildTimeout"] <= 180


def builds_do_what_stands_in_their_files(plan: Plan) -> None:
    for build in BUILDS:
        source = plan.get(f"delivery-{build}-project").inputs["source"]
        file = build_project.SPECS / f"{build.partition('-')[0]}.yml"
        assert source == {"type": "CODEPIPELINE", "buildspec": file.read_text(encoding="utf-8")}


def builds_are_logged(plan: Plan) -> None:
    for build in BUILDS:
        group = f"/concierge/shop/build/{build}"
        made.logs(plan, {f"delivery-{build}-log": group}, 30)
        project = plan.get(f"delivery-{build}-project").inputs
        assert project["logsConfig"] == {"cloudwatchLogs": {"status": "ENABLED", "groupName": group}}


def each_build_has_a_role_for_itself(plan: Plan) -> None:
    for build in BUILDS:
        role = f"delivery-{build}-runs-as"
        made.taken_by(plan, role, "codebuild", arn("codebuild", f"project/concierge-shop-{build}"))
        project = plan.get(f"delivery-{build}-project")
        assert project.inputs["serviceRole"] == plan.get(f"{role}-role").outputs["arn"]
        may = allows(plan, role)
        log = arn("logs", f"log-group:/concierge/shop/build/{build}:log-stream:*")
        assert may["WriteLogs"] == (["logs:CreateLogStream", "logs:PutLogEvents"], [log])
        assert {sid: may[sid] for sid in HAND_OVER} == HAND_OVER


def deploying_is_taking_the_deployers_role_and_nothing_else(plan: Plan) -> None:
    """Pulumi is the only deployer; the build itself can change nothing."""
    for build, stack in (("up-dev", "dev"), ("up-prod", "prod"), ("smoke", "prod")):
        may = allows(plan, f"delivery-{build}-runs-as")
        assert set(may) == {"WriteLogs", "BecomeDeployer", *HAND_OVER}
        assert may["BecomeDeployer"] == (["sts:AssumeRole"], [DEPLOYERS[stack]])
        assert variables(plan, build) == {
            "STACK": stack,
            "DEPLOYER": DEPLOYERS[stack],
            "STATE_URL": "s3://state",
        }
    assert set(allows(plan, "delivery-test-runs-as")) == {"WriteLogs", *HAND_OVER}


def the_image_is_pushed_to_named_registries_only(plan: Plan) -> None:
    may = allows(plan, "delivery-image-runs-as")
    assert set(may) == {"WriteLogs", "RegistryLogin", "PushImage", *HAND_OVER}
    ours = {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}
    assert may["RegistryLogin"] == (["ecr:GetAuthorizationToken"], ["*"], ours)
    actions, registries = may["PushImage"]
    assert registries == [REPOSITORY]
    assert not {"ecr:BatchDeleteImage", "ecr:DeleteRepository"} & set(actions)
    assert variables(plan, "image") == {"REPOSITORIES": REPOSITORY}


def pipelines_start_builds_and_ask_and_no_more(plan: Plan) -> None:
    made.taken_by(
        plan,
        "delivery-runs-as",
        "codepipeline",
        *(arn("codepipeline", f"concierge-shop-{line}") for line in lines()),
    )
    may = allows(plan, "delivery-runs-as")
    (connection,) = each(plan, "codeconnections.Connection")
    use = [f"{service}:UseConnection" for service in ("codeconnections", "codestar-connections")]
    asking = {"StringEquals": {"kms:ViaService": "sns.us-east-1.amazonaws.com"}}
    assert may == {
        **HAND_OVER,
        "ReadSource": (use, [connection.outputs["arn"]]),
        "StartBuilds": (
            ["codebuild:BatchGetBuilds", "codebuild:StartBuild"],
            [
                arn("codebuild", f"project/concierge-shop-{b}")
                for b in ("image", "test", "smoke", "up-dev", "up-prod")
            ],
        ),
        "AskForApproval": (["sns:Publish"], [arn("sns", "concierge-shop-ticket")]),
        "SealQuestion": (["kms:Decrypt", "kms:GenerateDataKey"], [KEYS["notices"]], asking),
    }


CHECKS: list[Check] = [
    every_service_and_the_estate_have_a_line,
    a_line_goes_from_source_to_smoke_past_a_person,
    a_person_is_asked_by_name_of_the_change,
    the_source_comes_through_a_connection,
    what_was_changed_starts_its_line_and_runs_keep_their_order,
    both_stacks_get_the_image_that_was_tested,
    stages_hand_over_encrypted,
    builds_run_on_arm64_and_only_one_may_use_docker,
    builds_do_what_stands_in_their_files,
    builds_are_logged,
    each_build_has_a_role_for_itself,
    deploying_is_taking_the_deployers_role_and_nothing_else,
    the_image_is_pushed_to_named_registries_only,
    pipelines_start_builds_and_ask_and_no_more,
]


@pytest.mark.parametrize("check", CHECKS)
def test_the_way_to_production(check: Check):
    check(made.delivery()[0])


def test_no_input_and_no_part_can_go_missing_unseen():
    assert made.unnoticed_of_ours(made.delivery()[0], CHECKS, ELSEWHERE) == []


@pytest.mark.parametrize(
    ("role", "sid", "parts"),
    [
        ("delivery-up-prod-runs-as", "BecomeDeployer", {"Resource": ["*"]}),
        ("delivery-up-dev-runs-as", "BecomeDeployer", {"Resource": [DEPLOYERS["prod"]]}),
        ("delivery-test-runs-as", "HandOver", {"Resource": ["*"]}),
        ("delivery-image-runs-as", "RegistryLogin", {"Condition": HERE}),
        ("delivery-image-runs-as", "PushImage", {"Resource": ["*"]}),
        ("delivery-runs-as", "StartBuilds", {"Resource": ["*"]}),
        ("delivery-runs-as", "SealQuestion", {"Condition": None}),
        ("delivery-smoke-runs-as", "SealArtifacts", {"Condition": None}),
    ],
)
def test_a_loosened_role_is_found(role: str, sid: str, parts: dict[str, Any]):
    loose = made.loosened_policy(made.delivery()[0], f"{role}-grants", "policy", sid, **parts)
    assert any(made.caught(loose, check) for check in CHECKS)


@pytest.mark.parametrize("role", ["delivery-runs-as", "delivery-up-prod-runs-as"])
def test_a_role_anybody_could_borrow_is_found(role: str):
    loose = made.loosened_policy(made.delivery()[0], f"{role}-role", "assumeRolePolicy", "0", Condition=None)
    assert any(made.caught(loose, check) for check in CHECKS)


def test_a_pipeline_past_nobody_is_found():
    plan = made.delivery()[0]
    loose = without(plan, plan.get("delivery-chat-pipeline"), "stages")
    assert made.caught(loose, a_line_goes_from_source_to_smoke_past_a_person)


def test_artifacts_are_private_and_go_after_a_month():
    plan = made.delivery()[0]
    kept = plan.get("delivery-artifacts-lifecycle").inputs["rules"]
    assert [rule["expiration"] for rule in kept if "expiration" in rule] == [{"days": 30}]
    assert "TlsOnly" in statements(plan.get("delivery-artifacts-policy"))
    assert not plan.get("delivery-artifacts-bucket").options.protect


def test_a_change_that_does_not_arrive_is_told():
    plan, watches, _ = made.delivery()
    assert {w.alarm.id for w in watches} == {f"delivery-{line}" for line in LINES}
    assert {w.alarm.runbook for w in watches} == {"deploy-rollback"}
    pattern = json.loads(plan.get("delivery-events-delivery-chat").inputs["eventPattern"])
    assert pattern["detail"] == {"pipeline": ["concierge-shop-chat"], "state": ["FAILED"]}
