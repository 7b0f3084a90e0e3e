"""MOD-5: three models behind endpoints; what is loosened or missing is noticed."""

import json
from dataclasses import replace
from typing import Any

import pytest

from plan import Plan
from tests.components.data_helpers import ACCOUNT, Check, each, replaced, statements, unnoticed
from tests.components.inference_helpers import BOUNDARY, DIGEST, INTENT, SERVED, Shop, key, shop, with_intent

ENDPOINTS = ("intent", "embed", "rerank")
# The GPU types have a disk of their own; Inferentia has not.
OWN_DISK = ("embed", "rerank")
INTERFACES = f"arn:aws:ec2:us-east-1:{ACCOUNT}:network-interface/*"
SUBNETS = [f"arn:aws:ec2:us-east-1:{ACCOUNT}:subnet/subnet-{zone}" for zone in "ab"]


def images_are_kept_encrypted_and_cannot_move(plan: Plan) -> None:
    (images,), (upkeep,) = each(plan, "ecr.Repository"), each(plan, "ecr.LifecyclePolicy")
    assert images.inputs["name"] == "concierge-shop-models"
    assert images.inputs["imageTagMutability"] == "IMMUTABLE"
    assert images.inputs["imageScanningConfiguration"] == {"scanOnPush": True}
    assert images.inputs["encryptionConfigurations"] == [{"encryptionType": "KMS", "kmsKey": key("images")}]
    assert images.inputs["forceDelete"] is False
    assert images.options.protect
    (rule,) = json.loads(upkeep.inputs["policy"])["rules"]
    assert rule["selection"]["tagStatus"] == "untagged", "a rollback needs the images that have a tag"
    assert upkeep.inputs["repository"] == images.id


def a_model_is_one_image_and_one_artifact_without_a_network(plan: Plan) -> None:
    for what in ENDPOINTS:
        model = plan.get(f"primary-inference-{what}-serves-model").inputs
        container = model["primaryContainer"]
        assert container["image"].endswith(f"/concierge-shop-models@{DIGEST}")
        assert container["modelDataUrl"] == f"s3://models/{SERVED[what].artifact}"
        assert container["mode"] == ("MultiModel" if what == "rerank" else "SingleModel")
        assert model["enableNetworkIsolation"] is True
        assert model["vpcConfig"] == {"securityGroupIds": ["sg-models"], "subnets": ["subnet-a", "subnet-b"]}
        assert model["name"].startswith(f"concierge-shop-{what}-")
        role = plan.get(f"primary-inference-{what}-serves-runs-role")
        assert model["executionRoleArn"] == role.outputs["arn"]


def a_container_is_warm_before_it_takes_calls(plan: Plan) -> None:
    """It answers /ping only after these, and SageMaker waits for that."""
    for what in ENDPOINTS:
        container = plan.get(f"primary-inference-{what}-serves-model").inputs["primaryContainer"]
        assert int(container["environment"]["WARMUP_REQUESTS"]) > 0
        variant = the_variant(plan, what)
        assert variant["containerStartupHealthCheckTimeoutInSeconds"] == 300
        assert variant["modelDataDownloadTimeoutInSeconds"] == 600


def every_configuration_has_the_one_variant(plan: Plan) -> None:
    """Deployment guardrails need equal variant names."""
    for what in ENDPOINTS:
        variant = the_variant(plan, what)
        assert variant["variantName"] == "live"
        assert variant["modelName"] == plan.get(f"primary-inference-{what}-serves-model").id
        assert variant["instanceType"] == SERVED[what].instance_type
        assert variant["initialInstanceCount"] == 2
        assert variant["routingConfigs"] == [{"routingStrategy": "LEAST_OUTSTANDING_REQUESTS"}]


def disks_are_encrypted(plan: Plan) -> None:
    """CreateEndpointConfig refuses a key where the disk is part of the instance."""
    for what in ENDPOINTS:
        inputs = plan.get(f"primary-inference-{what}-serves-configuration").inputs
        assert inputs.get("kmsKeyArn") == (None if what in OWN_DISK else key("models"))


def calls_are_captured_encrypted_and_readable(plan: Plan) -> None:
    for what in ("intent", "embed"):
        capture = plan.get(f"primary-inference-{what}-serves-configuration").inputs["dataCaptureConfig"]
        assert capture["enableCapture"] is True
        assert 10 <= capture["initialSamplingPercentage"] <= 20
        assert capture["kmsKeyId"] == key("objects")
        assert capture["destinationS3Uri"] == f"s3://training/captures/{what}"
        assert capture["captureOptions"] == [{"captureMode": "Input"}, {"captureMode": "Output"}]
        assert capture["captureContentTypeHeader"] == {"jsonContentTypes": ["application/json"]}
    assert "dataCaptureConfig" not in plan.get("primary-inference-rerank-serves-configuration").inputs


def the_old_version_goes_last(plan: Plan) -> None:
    """New names, so that both exist at once, and no other minimum is a new configuration."""
    for what in ENDPOINTS:
        configuration = plan.get(f"primary-inference-{what}-serves-configuration")
        assert configuration.inputs["name"].startswith(f"concierge-shop-{what}-")
        assert not configuration.options.delete_before_replace
        assert configuration.options.ignore_changes == ("productionVariants[0].initialInstanceCount",)


def the_endpoint_is_rolled_out_by_its_stack(plan: Plan) -> None:
    for what in ENDPOINTS:
        stack = plan.get(f"primary-inference-{what}-rollout")
        assert stack.inputs["name"] == f"concierge-shop-{what}-endpoint"
        assert stack.inputs["parameters"] == {
            "Endpoint": f"concierge-shop-{what}",
            "Configuration": plan.get(f"primary-inference-{what}-serves-configuration").id,
            "Guarded": "true",
            "ErrorsAlarm": f"concierge-shop-{what}-rollback-errors",
            "LatencyAlarm": f"concierge-shop-{what}-rollback-latency",
        }
        properties = json.loads(stack.inputs["templateBody"])["Resources"]["Live"]["Properties"]
        assert properties["RetainAllVariantProperties"] is True
        assert {"Update:Replace", "Update:Delete"} == {
            action
            for s in json.loads(stack.inputs["policyBody"])["Statement"]
            if s["Effect"] == "Deny"
            for action in s["Action"]
        }
        assert stack.inputs["onFailure"] == "DELETE"
        assert stack.options.protect


def errors_and_latency_turn_a_rollout_back(plan: Plan) -> None:
    for what in ENDPOINTS:
        errors = plan.get(f"primary-inference-{what}-rollback-errors").inputs
        latency = plan.get(f"primary-inference-{what}-rollback-latency").inputs
        live = {"EndpointName": f"concierge-shop-{what}", "VariantName": "live"}
        queries = {query["id"]: query for query in errors["metricQueries"]}
        rate = queries.pop("rate")
        assert rate["expression"].endswith("/ calls, 0)")
        assert rate["returnData"] is True
        assert {q["metric"]["metricName"] for q in queries.values()} == {
            "Invocations",
            "InvocationModelErrors",
            "Invocation5XXErrors",
        }
        assert all(q["metric"]["dimensions"] == live for q in queries.values())
        assert errors["threshold"] == 1
        assert latency["dimensions"] == live
        assert (latency["namespace"], latency["metricName"]) == ("AWS/SageMaker", "ModelLatency")
        assert (latency["extendedStatistic"], latency["period"]) == ("p99", 60)
        assert latency["threshold"] == 2 * SERVED[what].latency_ms * 1000
        for part, alarm in (("errors", errors), ("latency", latency)):
            assert alarm["name"] == f"concierge-shop-{what}-rollback-{part}"
            assert alarm["comparisonOperator"] == "GreaterThanThreshold"
            # Two minutes of three, within a step of 200 s; no traffic is no reason.
            assert (alarm["datapointsToAlarm"], alarm["evaluationPeriods"]) == (2, 3)
            assert alarm["treatMissingData"] == "notBreaching"


def instances_follow_the_calls(plan: Plan) -> None:
    for what in ENDPOINTS:
        bounds = plan.get(f"primary-inference-{what}-scaling-bounds")
        assert plan.get(f"primary-inference-{what}-rollout").urn in bounds.dependencies
        assert (bounds.inputs["minCapacity"], bounds.inputs["maxCapacity"]) == (2, 10)
        policy = plan.get(f"primary-inference-{what}-scaling-invocations").inputs
        assert policy["name"] == f"concierge-shop-{what}-invocations"
        for inputs in (bounds.inputs, policy):
            assert inputs["resourceId"] == f"endpoint/concierge-shop-{what}/variant/live"
            assert inputs["scalableDimension"] == "sagemaker:variant:DesiredInstanceCount"
            assert inputs["serviceNamespace"] == "sagemaker"
        assert policy["policyType"] == "TargetTrackingScaling"
        assert policy["targetTrackingScalingPolicyConfiguration"] == {
            "targetValue": 2000,
            "predefinedMetricSpecification": {
                "predefinedMetricType": "SageMakerVariantInvocationsPerInstance"
            },
            "scaleOutCooldown": 60,
            "scaleInCooldown": 300,
        }


def logs_are_encrypted_and_end(plan: Plan) -> None:
    for what in ENDPOINTS:
        group = plan.get(f"primary-inference-{what}-log").inputs
        assert group["name"] == f"/aws/sagemaker/Endpoints/concierge-shop-{what}"
        assert group["kmsKeyId"] == key("logs")
        assert group["retentionInDays"] == 30


def each_endpoint_has_a_role_of_its_own(plan: Plan) -> None:
    for what in ENDPOINTS:
        role = plan.get(f"primary-inference-{what}-serves-runs-role")
        assert role.inputs["name"] == f"concierge-shop-us-east-1-{what}"
        assert role.inputs["permissionsBoundary"] == BOUNDARY
        (trust,) = statements(role, "assumeRolePolicy").values()
        assert trust["Principal"] == {"Service": "sagemaker.amazonaws.com"}
        assert trust["Action"] == "sts:AssumeRole"
        assert trust["Condition"] == {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceArn": f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:*"},
        }
        granted = plan.get(f"primary-inference-{what}-serves-runs-grants")
        assert granted.inputs["role"] == role.id
        model = plan.get(f"primary-inference-{what}-serves-model")
        assert granted.urn in model.dependencies, "SageMaker reads the image when the model is made"


def a_role_reads_its_own_model_and_nothing_else(plan: Plan) -> None:
    below = {"intent": INTENT.artifact, "embed": "embed/1/model.tar.gz", "rerank": "rerank/*"}
    for what in ENDPOINTS:
        said = statements(plan.get(f"primary-inference-{what}-serves-runs-grants"))
        disks = set() if what in OWN_DISK else {"OpenDisks", "KeepDisksOpen"}
        many = {"SeeModels"} if SERVED[what].multi_model else set()
        assert set(said) == disks | many | {
            *("RegistryLogin", "PullImage", "MakeInterfaces", "UseInterfaces", "LookAround"),
            *("ReadModel", "OpenModel", "Capture", "CloseCaptures", "WriteLogs"),
        }
        assert said["PullImage"]["Resource"] == [
            f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/concierge-shop-models"
        ]
        assert said["ReadModel"]["Action"] == ["s3:GetObject"]
        assert said["ReadModel"]["Resource"] == [f"arn:aws:s3:::models/{below[what]}"]
        assert said["Capture"]["Action"] == ["s3:PutObject"]
        assert said["Capture"]["Resource"] == [f"arn:aws:s3:::training/captures/{what}/*"]
        for sid, bucket in (("OpenModel", "models"), ("CloseCaptures", "training")):
            assert said[sid]["Resource"] == [key("objects")]
            assert said[sid]["Condition"] == {
                "StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"},
                "ArnLike": {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}*"},
            }


def one_of_many_models_is_found_below_their_prefix(plan: Plan) -> None:
    said = statements(plan.get("primary-inference-rerank-serves-runs-grants"))
    assert said["SeeModels"]["Resource"] == ["arn:aws:s3:::models"]
    assert said["SeeModels"]["Condition"] == {"StringLike": {"s3:prefix": "rerank/*"}}


def interfaces_are_made_in_our_subnets_only(plan: Plan) -> None:
    for what in ENDPOINTS:
        said = statements(plan.get(f"primary-inference-{what}-serves-runs-grants"))
        group = f"arn:aws:ec2:us-east-1:{ACCOUNT}:security-group/sg-models"
        assert said["MakeInterfaces"]["Resource"] == [INTERFACES, *SUBNETS, group]
        assert said["UseInterfaces"]["Resource"] == [INTERFACES]
        assert said["UseInterfaces"]["Condition"] == {"ArnEquals": {"ec2:Subnet": SUBNETS}}
        assert all(action.startswith("ec2:Describe") for action in said["LookAround"]["Action"])


def disks_stay_open_by_grants_to_aws_only(plan: Plan) -> None:
    said = statements(plan.get("primary-inference-intent-serves-runs-grants"))
    via = {"kms:ViaService": ["sagemaker.us-east-1.amazonaws.com", "ec2.us-east-1.amazonaws.com"]}
    assert said["OpenDisks"]["Condition"] == {"StringEquals": via}
    assert said["KeepDisksOpen"]["Action"] == ["kms:CreateGrant"]
    assert said["KeepDisksOpen"]["Condition"] == {
        "StringEquals": via,
        "Bool": {"kms:GrantIsForAWSResource": "true"},
    }


def the_variant(plan: Plan, what: str) -> dict[str, object]:
    (variant,) = plan.get(f"primary-inference-{what}-serves-configuration").inputs["productionVariants"]
    return dict(variant)


CHECKS: list[Check] = [
    images_are_kept_encrypted_and_cannot_move,
    a_model_is_one_image_and_one_artifact_without_a_network,
    a_container_is_warm_before_it_takes_calls,
    every_configuration_has_the_one_variant,
    disks_are_encrypted,
    calls_are_captured_encrypted_and_readable,
    the_old_version_goes_last,
    the_endpoint_is_rolled_out_by_its_stack,
    errors_and_latency_turn_a_rollout_back,
    instances_follow_the_calls,
    logs_are_encrypted_and_end,
    each_endpoint_has_a_role_of_its_own,
    a_role_reads_its_own_model_and_nothing_else,
    one_of_many_models_is_found_below_their_prefix,
    interfaces_are_made_in_our_subnets_only,
    disks_stay_open_by_grants_to_aws_only,
]
# Words for people.
WORDS = ("alarmDescription", "tags")


@pytest.mark.parametrize("check", CHECKS)
def test_the_endpoints(check: Check):
    check(shop().plan)


def test_no_input_and_no_part_can_go_missing_unseen():
    missing = unnoticed(shop().plan, CHECKS)
    assert [each for each in missing if not each.endswith(WORDS)] == []


ROLE = "intent-serves-runs-role"
MAY = "intent-serves-runs-grants"


@pytest.mark.parametrize(
    ("role", "key", "sid", "change", "check"),
    [
        (ROLE, "assumeRolePolicy", "0", {"Condition": {}}, each_endpoint_has_a_role_of_its_own),
        (ROLE, "assumeRolePolicy", "0", {"Principal": {"AWS": "*"}}, each_endpoint_has_a_role_of_its_own),
        (MAY, "policy", "ReadModel", {"Resource": ["*"]}, a_role_reads_its_own_model_and_nothing_else),
        (MAY, "policy", "ReadModel", {"Action": ["s3:*"]}, a_role_reads_its_own_model_and_nothing_else),
        (MAY, "policy", "OpenModel", {"Condition": {}}, a_role_reads_its_own_model_and_nothing_else),
        (MAY, "policy", "Capture", {"Resource": ["*"]}, a_role_reads_its_own_model_and_nothing_else),
        (MAY, "policy", "PullImage", {"Resource": ["*"]}, a_role_reads_its_own_model_and_nothing_else),
        (MAY, "policy", "UseInterfaces", {"Condition": {}}, interfaces_are_made_in_our_subnets_only),
        (MAY, "policy", "MakeInterfaces", {"Resource": ["*"]}, interfaces_are_made_in_our_subnets_only),
        (MAY, "policy", "KeepDisksOpen", {"Condition": {}}, disks_stay_open_by_grants_to_aws_only),
        (MAY, "policy", "OpenDisks", {"Condition": {}}, disks_stay_open_by_grants_to_aws_only),
    ],
)
def test_a_loosened_role_is_found(role: str, key: str, sid: str, change: dict[str, object], check: Check):
    plan = shop().plan
    found = plan.get(f"primary-inference-{role}")
    said = statements(found, key)
    document = json.dumps({"Statement": list({**said, sid: {**said[sid], **change}}.values())})
    with pytest.raises(AssertionError):
        check(replaced(plan, found, replace(found, inputs={**found.inputs, key: document})))


def test_the_agent_may_call_these_endpoints_and_no_other():
    (grant,) = shop().grants
    assert grant["Action"] == ["sagemaker:InvokeEndpoint"]
    assert grant["Resource"] == [
        f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/concierge-shop-{what}" for what in ENDPOINTS
    ]


def test_without_models_there_is_only_the_place_for_their_images():
    """Development: nothing that costs by the hour, nothing to watch, nothing to be called."""
    none = Shop({}, False)
    assert {resource.type.rpartition(":")[2] for resource in none.plan.cloud} == {
        "Repository",
        "LifecyclePolicy",
    }
    assert (none.watches, none.widgets, none.grants) == ([], [], [])


def test_another_minimum_changes_the_bounds_and_rolls_nothing_out():
    """A runbook that scales 2 -> 5 must not start half an hour of rollout in the middle of an incident."""
    plan = with_intent(lambda intent: replace(intent, minimum=5))
    assert plan.get("primary-inference-intent-scaling-bounds").inputs["minCapacity"] == 5
    name = "primary-inference-intent-rollout"
    assert plan.get(name).inputs == shop().plan.get(name).inputs


@pytest.mark.parametrize(
    "change",
    [
        {"artifact": "intent/2026-12-01/model.tar.gz"},
        {"image_digest": f"sha256:{'c3' * 32}"},
        {"instance_type": "ml.inf2.8xlarge"},
        {"capture_percent": 20},
        {"startup_s": 600},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_runs_otherwise_has_another_name(change: dict[str, Any]):
    before, after = shop().plan, with_intent(lambda intent: replace(intent, **change))
    name = "primary-inference-intent-serves-configuration"
    assert after.get(name).id != before.get(name).id
    parameters = after.get("primary-inference-intent-rollout").inputs["parameters"]
    assert parameters["Configuration"] == after.get(name).id


def test_while_the_type_changes_nothing_holds_the_variant():
    """SageMaker refuses to change the type of a variant that is a scalable target."""
    plan = with_intent(lambda intent: replace(intent, scaling=False))
    assert plan.by_name.get("primary-inference-intent-scaling-bounds", ()) == ()
    assert plan.get("primary-inference-intent-rollout").inputs == (
        shop().plan.get("primary-inference-intent-rollout").inputs
    )


def test_a_mend_is_not_turned_back_by_the_alarm_it_is_for():
    plan = with_intent(lambda intent: replace(intent, guarded=False))
    assert plan.get("primary-inference-intent-rollout").inputs["parameters"]["Guarded"] == "false"
