"""MOD-5: how a new model takes over, and that the instances auto scaling has added stay through it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.model import ServiceModel
from botocore.validate import ParamValidator
from cfnlint.api import lint
from moto import mock_aws

import components

TEMPLATE = (Path(components.__file__).parent / "inference_rollout.json").read_text()
PARAMETERS = {
    "Endpoint": "concierge-shop-intent",
    "Configuration": "first",
    "Guarded": "true",
    "ErrorsAlarm": "errors",
    "LatencyAlarm": "latency",
}


def properties() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(TEMPLATE)["Resources"]["Live"]["Properties"]
    return found


def policy() -> dict[str, Any]:
    found: dict[str, Any] = properties()["DeploymentConfig"]["BlueGreenUpdatePolicy"]
    return found


def test_cloudformation_knows_everything_in_the_template():
    assert lint(TEMPLATE, regions=["us-east-1", "us-west-2"]) == []


def test_the_count_of_instances_is_kept():
    """Nothing is excluded from what is retained: count and weight both stay."""
    assert properties()["RetainAllVariantProperties"] is True
    assert "ExcludeRetainedVariantProperties" not in properties()


def test_what_the_template_says_is_what_update_endpoint_takes():
    """CloudFormation hands it on as it is: the API has the same words, and these values pass its checks."""
    client = boto3.client("sagemaker", region_name="us-east-1")
    model: ServiceModel = client.meta.service_model
    shape = model.shape_for("UpdateEndpointInput")
    alarms = properties()["DeploymentConfig"]["AutoRollbackConfiguration"]["Fn::If"][1]["Alarms"]
    request = {
        "EndpointName": "concierge-shop-intent",
        "EndpointConfigName": "concierge-shop-intent-2",
        "RetainAllVariantProperties": properties()["RetainAllVariantProperties"],
        "DeploymentConfig": {
            "BlueGreenUpdatePolicy": policy(),
            "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": a["AlarmName"]["Ref"]} for a in alarms]},
        },
    }
    assert ParamValidator().validate(request, shape).generate_report() == ""


def test_traffic_moves_from_ten_to_a_hundred_per_cent_in_half_an_hour():
    """10 %, half after a quarter of an hour, all after thirty minutes."""
    routing = policy()["TrafficRoutingConfiguration"]
    assert routing["Type"] == "LINEAR"
    assert routing["LinearStepSize"] == {"Type": "CAPACITY_PERCENT", "Value": 10}
    wait = routing["WaitIntervalInSeconds"]
    share_at = {10 + 10 * step: step * wait / 60 for step in range(10)}
    assert share_at[10] == 0
    assert share_at[50] == pytest.approx(15, abs=2)
    assert share_at[100] == 30


def test_there_is_time_to_start_and_to_turn_back():
    """The time limit is above all waits; the old fleet stays a while after the last step."""
    waits = 10 * policy()["TrafficRoutingConfiguration"]["WaitIntervalInSeconds"]
    assert policy()["TerminationWaitInSeconds"] >= 300
    assert policy()["MaximumExecutionTimeoutInSeconds"] > waits + policy()["TerminationWaitInSeconds"] + 3600


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    with mock_aws():
        yield


def test_a_new_configuration_reaches_the_endpoint_by_an_update_of_the_stack(cloud: None):
    """The path an `up` takes. moto has no UpdateEndpoint, so that counts stay is not shown here but above."""
    sagemaker = boto3.client("sagemaker", region_name="us-east-1")
    stacks = boto3.client("cloudformation", region_name="us-east-1")
    for number in ("first", "second"):
        sagemaker.create_model(ModelName=number, ExecutionRoleArn="arn:aws:iam::123456789012:role/intent")
        sagemaker.create_endpoint_config(
            EndpointConfigName=number,
            ProductionVariants=[
                {
                    "VariantName": "live",
                    "ModelName": number,
                    "InstanceType": "ml.g4dn.xlarge",
                    "InitialInstanceCount": 2,
                    "InitialVariantWeight": 1,
                }
            ],
        )
    stacks.create_stack(StackName="intent", TemplateBody=TEMPLATE, Parameters=given("first"))
    assert serving(sagemaker) == "first"
    stacks.update_stack(StackName="intent", TemplateBody=TEMPLATE, Parameters=given("second"))
    assert serving(sagemaker) == "second"
    sagemaker.delete_endpoint_config(EndpointConfigName="first")
    (only,) = sagemaker.list_endpoints()["Endpoints"]
    assert only["EndpointStatus"] == "InService"


def given(configuration: str) -> list[dict[str, str]]:
    values = {**PARAMETERS, "Configuration": configuration}
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


def serving(sagemaker: Any) -> str:
    (only,) = sagemaker.list_endpoints()["Endpoints"]
    return str(sagemaker.describe_endpoint(EndpointName=only["EndpointName"])["EndpointConfigName"])
