"""MOD-6: the pipeline says what it should, the registry lets only approvers decide, roles are narrow."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from components.training import definition, filled
from plan import Plan
from tests.components.data_helpers import ACCOUNT, Check, each, replaced, statements, unnoticed
from tests.components.inference_helpers import BOUNDARY, DIGEST, key
from tests.components.training_helpers import APPROVER, INFERENCE_DIGEST, training

PIPELINE = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:pipeline/concierge-shop-train-intent"
GROUP = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:model-package-group/concierge-shop-intent"
JOBS = [
    f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:{kind}-job/pipelines-*" for kind in ("processing", "training")
]
IMAGE = f"images/concierge-shop-models@{DIGEST}"
NETWORK = {"Subnets": ["subnet-a", "subnet-b"], "SecurityGroupIds": ["sg-models"]}


def pipeline(plan: Plan) -> dict[str, Any]:
    (made,) = each(plan, "sagemaker.Pipeline")
    found: dict[str, Any] = json.loads(made.inputs["pipelineDefinition"])
    return found


def steps(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every step by its name, those inside of conditions too."""
    found: dict[str, dict[str, Any]] = {}
    for step in document["Steps"]:
        inner = step["Arguments"].get("IfSteps", []) + step["Arguments"].get("ElseSteps", [])
        for each_step in (step, *inner):
            assert each_step["Name"] not in found, "names of steps are unique"
            found[each_step["Name"]] = each_step
    return found


def named(node: Any) -> Iterator[str]:
    """Every `Get` in a document."""
    if isinstance(node, dict):
        if set(node) == {"Get"}:
            yield node["Get"]
        for value in node.values():
            yield from named(value)
    elif isinstance(node, list):
        for value in node:
            yield from named(value)


def the_pipeline_is_named_and_runs_by_itself(plan: Plan) -> None:
    (made,) = each(plan, "sagemaker.Pipeline")
    assert made.inputs["pipelineName"] == made.inputs["pipelineDisplayName"] == "concierge-shop-train-intent"
    assert made.inputs["roleArn"] == plan.get("primary-training-train-pipeline-role").outputs["arn"]
    assert made.inputs["parallelismConfiguration"] == {"maxParallelExecutionSteps": 2}
    assert plan.get("primary-training-train-pipeline-grants").urn in made.dependencies


def data_becomes_a_model_that_is_judged_before_it_is_registered(plan: Plan) -> None:
    """process -> train -> evaluate -> register, each with what the one before made."""
    found = steps(pipeline(plan))
    assert [s["Type"] for s in pipeline(plan)["Steps"]] == [
        "Processing",
        "Training",
        "Processing",
        "Condition",
    ]
    uses = {
        name: {g.split(".")[1] for g in named(s["Arguments"]) if g.startswith("Steps.")}
        for name, s in found.items()
    }
    assert uses["Process"] == set()
    assert uses["Train"] == {"Process"}
    assert uses["Evaluate"] == {"Process", "Train"}
    assert uses["Register"] == {"Evaluate", "Train"}
    outputs = {o["OutputName"] for o in found["Process"]["Arguments"]["ProcessingOutputConfig"]["Outputs"]}
    assert outputs == {"train", "held-back"}, "what judges a model was not seen by it"


def only_a_model_above_the_threshold_is_registered_and_waits(plan: Plan) -> None:
    found, parameters = steps(pipeline(plan)), {p["Name"]: p for p in pipeline(plan)["Parameters"]}
    (condition,) = found["GoodEnough"]["Arguments"]["Conditions"]
    assert condition["Type"] == "GreaterThanOrEqualTo"
    assert condition["RightValue"] == {"Get": "Parameters.Threshold"}
    assert parameters["Threshold"] == {"Name": "Threshold", "Type": "Float", "DefaultValue": 0.92}
    read = condition["LeftValue"]["Std:JsonGet"]
    (file,) = found["Evaluate"]["PropertyFiles"]
    assert read["PropertyFile"] == {"Get": f"Steps.Evaluate.PropertyFiles.{file['PropertyFileName']}"}
    assert read["Path"] == "accuracy"
    assert file["OutputName"] in {
        o["OutputName"] for o in found["Evaluate"]["Arguments"]["ProcessingOutputConfig"]["Outputs"]
    }
    inside = found["GoodEnough"]["Arguments"]
    assert [s["Type"] for s in inside["IfSteps"]] == ["RegisterModel"]
    assert [s["Type"] for s in inside["ElseSteps"]] == ["Fail"]
    register = found["Register"]["Arguments"]
    assert register["ModelApprovalStatus"] == "PendingManualApproval"
    assert register["ModelPackageGroupName"] == "concierge-shop-intent"
    (container,) = register["InferenceSpecification"]["Containers"]
    assert container["Image"] == f"images/concierge-shop-models@{INFERENCE_DIGEST}"


def jobs_run_encrypted_in_our_network_with_their_own_role(plan: Plan) -> None:
    found = steps(pipeline(plan))
    jobs = plan.get("primary-training-train-jobs-role").outputs["arn"]
    for name in ("Process", "Evaluate"):
        job = found[name]["Arguments"]
        assert job["RoleArn"] == jobs
        assert job["AppSpecification"]["ImageUri"] == IMAGE
        assert job["NetworkConfig"] == {
            "EnableNetworkIsolation": True,
            "EnableInterContainerTrafficEncryption": True,
            "VpcConfig": NETWORK,
        }
        assert job["ProcessingResources"]["ClusterConfig"]["VolumeKmsKeyId"] == key("models")
        assert job["ProcessingOutputConfig"]["KmsKeyId"] == key("objects")
    train = found["Train"]["Arguments"]
    assert train["RoleArn"] == jobs
    assert train["AlgorithmSpecification"]["TrainingImage"] == IMAGE
    assert train["VpcConfig"] == NETWORK
    assert train["EnableNetworkIsolation"] is True
    assert train["EnableInterContainerTrafficEncryption"] is True
    assert train["OutputDataConfig"] == {"S3OutputPath": "s3://models/intent", "KmsKeyId": key("objects")}
    assert all("StoppingCondition" in found[name]["Arguments"] for name in ("Process", "Train", "Evaluate"))


def only_approvers_decide(plan: Plan) -> None:
    (group,) = each(plan, "sagemaker.ModelPackageGroup")
    (policy,) = each(plan, "sagemaker.ModelPackageGroupPolicy")
    assert group.inputs["modelPackageGroupName"] == "concierge-shop-intent"
    assert group.inputs["modelPackageGroupDescription"]
    assert group.options.protect
    assert policy.inputs["modelPackageGroupName"] == group.id
    (said,) = statements(policy, "resourcePolicy").values()
    assert (said["Effect"], said["Principal"]) == ("Deny", "*")
    assert said["Action"] == "sagemaker:UpdateModelPackage"
    assert said["Resource"] == f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:model-package/concierge-shop-intent/*"
    assert said["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": [APPROVER]}}


def the_pipeline_starts_jobs_and_registers_and_no_more(plan: Plan) -> None:
    said = statements(plan.get("primary-training-train-pipeline-grants"))
    assert set(said) == {
        *("RunJobs", "HandOverRole", "Register", "SeeVersions", "SeeGroup"),
        *("ReadResults", "OpenRuns", "OpenModels"),
    }
    assert said["RunJobs"]["Resource"] == JOBS
    assert said["HandOverRole"]["Resource"] == [plan.get("primary-training-train-jobs-role").outputs["arn"]]
    assert said["HandOverRole"]["Condition"] == {
        "StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}
    }
    assert said["Register"]["Action"] == ["sagemaker:CreateModelPackage"]
    assert said["Register"]["Resource"] == [
        GROUP,
        f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:model-package/concierge-shop-intent/*",
    ]


def jobs_read_messages_and_write_models_and_no_more(plan: Plan) -> None:
    said = statements(plan.get("primary-training-train-jobs-grants"))
    actions = {action for statement in said.values() for action in statement["Action"]}
    assert not any(action.startswith(("sagemaker:", "iam:")) for action in actions)
    assert said["ReadFiles"]["Resource"] == [
        "arn:aws:s3:::training/messages/*",
        "arn:aws:s3:::training/runs/*",
        "arn:aws:s3:::models/intent/*",
    ]
    assert said["SeeFiles"]["Condition"] == {
        "StringLike": {"s3:prefix": ["messages/*", "runs/*", "intent/*"]}
    }
    assert said["WriteFiles"]["Action"] == ["s3:PutObject"]
    assert said["WriteFiles"]["Resource"] == ["arn:aws:s3:::training/runs/*", "arn:aws:s3:::models/intent/*"]
    assert said["TellMetrics"]["Condition"] == {"StringLike": {"cloudwatch:namespace": "/aws/sagemaker/*"}}


def roles_serve_sagemaker_in_this_account(plan: Plan) -> None:
    for workload in ("train-jobs", "train-pipeline"):
        role = plan.get(f"primary-training-{workload}-role")
        assert role.inputs["name"] == f"concierge-shop-us-east-1-{workload}"
        assert role.inputs["permissionsBoundary"] == BOUNDARY
        assert plan.get(f"primary-training-{workload}-grants").inputs["role"] == role.id
        (trust,) = statements(role, "assumeRolePolicy").values()
        assert trust["Principal"] == {"Service": "sagemaker.amazonaws.com"}
        assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}


def approvals_and_failures_are_told(plan: Plan) -> None:
    patterns = {
        rule.inputs["name"].removeprefix("concierge-shop-intent-"): json.loads(rule.inputs["eventPattern"])
        for rule in each(plan, "cloudwatch.EventRule")
    }
    assert patterns["model-approved"]["detail"] == {
        "ModelPackageGroupName": ["concierge-shop-intent"],
        "ModelApprovalStatus": ["Approved"],
    }
    assert patterns["training-failed"]["detail"]["pipelineArn"] == [PIPELINE]
    assert all(pattern["source"] == ["aws.sagemaker"] for pattern in patterns.values())


CHECKS: list[Check] = [
    the_pipeline_is_named_and_runs_by_itself,
    data_becomes_a_model_that_is_judged_before_it_is_registered,
    only_a_model_above_the_threshold_is_registered_and_waits,
    jobs_run_encrypted_in_our_network_with_their_own_role,
    only_approvers_decide,
    the_pipeline_starts_jobs_and_registers_and_no_more,
    jobs_read_messages_and_write_models_and_no_more,
    roles_serve_sagemaker_in_this_account,
    approvals_and_failures_are_told,
]


@pytest.mark.parametrize("check", CHECKS)
def test_training(check: Check):
    check(training()[0])


def test_no_input_and_no_part_can_go_missing_unseen():
    """The log of events and its rules are held where they are made."""
    missing = unnoticed(training()[0], CHECKS)
    ours = [found for found in missing if "primary-training-events" not in found]
    assert [found for found in ours if not found.endswith("Description")] == []


@pytest.mark.parametrize(
    ("part", "key", "sid", "change", "check"),
    [
        ("approval", "resourcePolicy", "OnlyApproversDecide", {"Condition": {}}, only_approvers_decide),
        ("approval", "resourcePolicy", "OnlyApproversDecide", {"Effect": "Allow"}, only_approvers_decide),
        (
            "train-pipeline-grants",
            "policy",
            "HandOverRole",
            {"Resource": ["*"]},
            the_pipeline_starts_jobs_and_registers_and_no_more,
        ),
        (
            "train-pipeline-grants",
            "policy",
            "Register",
            {"Action": ["sagemaker:*"]},
            the_pipeline_starts_jobs_and_registers_and_no_more,
        ),
        (
            "train-jobs-grants",
            "policy",
            "ReadFiles",
            {"Action": ["sagemaker:UpdateModelPackage"]},
            jobs_read_messages_and_write_models_and_no_more,
        ),
        (
            "train-jobs-role",
            "assumeRolePolicy",
            "0",
            {"Principal": "*"},
            roles_serve_sagemaker_in_this_account,
        ),
    ],
)
def test_what_is_loosened_is_found(part: str, key: str, sid: str, change: dict[str, object], check: Check):
    plan = training()[0]
    found = plan.get(f"primary-training-{part}")
    said = statements(found, key)
    document = json.dumps({"Statement": list({**said, sid: {**said[sid], **change}}.values())})
    with pytest.raises(AssertionError):
        check(replaced(plan, found, replace(found, inputs={**found.inputs, key: document})))


def test_every_name_in_the_pipeline_stands_for_something():
    document = pipeline(training()[0])
    known = {f"Parameters.{parameter['Name']}" for parameter in document["Parameters"]}
    names = set(steps(document))
    for name in named(document):
        kind, first, *_ = name.split(".")
        assert kind in {"Parameters", "Steps", "Execution"}
        assert kind != "Parameters" or name in known
        assert kind != "Steps" or first in names


def test_every_output_that_is_asked_for_is_made():
    document = pipeline(training()[0])
    made = {
        (name, output["OutputName"])
        for name, step in steps(document).items()
        if step["Type"] == "Processing"
        for output in step["Arguments"]["ProcessingOutputConfig"]["Outputs"]
    }
    asked = {m.groups() for n in named(document) if (m := re.match(r"Steps\.(\w+)\..*Outputs\['(.+?)'\]", n))}
    assert asked
    assert asked <= made


def test_nothing_is_left_to_fill_in():
    text = json.dumps(pipeline(training()[0]))
    assert re.findall(r'"\$\w+"', text) == []
    assert re.findall(r'"\$\w+"', json.dumps(definition())), "the file has places to fill"


def test_a_place_without_a_value_is_an_error():
    with pytest.raises(KeyError):
        filled({"RoleArn": "$nobody"}, {"role": "somebody"})


def test_people_hear_of_an_approval_and_of_a_failure():
    assert {watch.alarm.id: watch.alarm.severity for watch in training()[1]} == {
        "intent-model-approved": "ticket",
        "intent-training-failed": "ticket",
    }
