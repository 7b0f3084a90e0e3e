"""Bedrock, Parameter Store and SNS as the machines for events see them, with every call checked.

A call's parameters are held against the SDK's own description of it: names, types, lengths, patterns. Errors
have the names that Step Functions gives them, and only such as the call can end with.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.model import ListShape, OperationModel, ServiceModel, Shape, StructureShape
from botocore.validate import ParamValidator

from tests.components.asl_helpers import Clock, StateError

# What any call can end with, beyond what the SDK lists for each.
EVERYWHERE = {"ThrottlingException", "SdkClientException"}
MINUTE = timedelta(minutes=1)


@cache
def service(name: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(name)


def operation(resource: str) -> tuple[str, OperationModel]:
    """(service, operation) of `aws-sdk:bedrock:getThing` or `sns:publish`."""
    name, call = resource.removeprefix("aws-sdk:").split(":")
    return name, service(name).operation_model(call[0].upper() + call[1:])


def errors_of(resource: str) -> set[str]:
    """Names a Catch or Retry can mean: the service's, always with the ending that the API may leave out."""
    name, model = operation(resource)
    own = {f"{shape.name.removesuffix('Exception')}Exception" for shape in model.error_shapes}
    return {f"{name.capitalize()}.{error}" for error in own | EVERYWHERE}


def checked(resource: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters under their own names. Step Functions writes each with a capital letter."""
    _, model = operation(resource)
    assert model.input_shape is not None
    told: dict[str, Any] = _renamed(parameters, model.input_shape)
    report = ParamValidator().validate(told, model.input_shape)
    assert not report.has_errors(), report.generate_report()
    return told


def _renamed(value: Any, shape: Shape) -> Any:
    if isinstance(shape, StructureShape):
        members = {name[0].upper() + name[1:]: name for name in shape.members}
        assert set(value) <= set(members), f"{shape.name} has no {set(value) - set(members)}"
        return {members[key]: _renamed(item, shape.members[members[key]]) for key, item in value.items()}
    if isinstance(shape, ListShape):
        return [_renamed(item, shape.member) for item in value]
    if shape.type_name == "string":
        _check_text(value, shape)
    return value


def _check_text(value: Any, shape: Shape) -> None:
    limits = shape.metadata
    assert isinstance(value, str), f"{shape.name}: {value!r}"
    assert len(value) <= limits.get("max", len(value)), f"{shape.name}: {value!r} is too long"
    assert re.fullmatch(limits.get("pattern", r"(?s).*"), value), f"{shape.name}: {value!r}"
    assert value in limits.get("enum", [value]), f"{shape.name}: {value!r}"


@dataclass
class Units:
    """A provisioned throughput."""

    arn: str
    token: str
    model_id: str
    units: int
    tags: Mapping[str, str]
    in_service_at: datetime
    failed: bool = False


@dataclass
class EventWorld:
    """What is there, and what was called. `fails`: operation -> errors it ends with, one a call."""

    clock: Clock
    provisioning: timedelta = 15 * MINUTE
    units: dict[str, Units] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    messages: list[tuple[str, str]] = field(default_factory=list)
    calls: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    fails: dict[str, list[str]] = field(default_factory=dict)
    bought: int = 0
    stays: bool = False

    def __call__(self, resource: str, parameters: Mapping[str, Any]) -> Any:
        told = checked(resource, parameters)
        name = resource.rsplit(":", 1)[-1]
        self.calls.append((name, told))
        if self.fails.get(name):
            raise self._error(resource, self.fails[name].pop(0))
        return getattr(self, f"_{xform_name(name)}")(resource, told)

    def said(self, topic: str) -> list[str]:
        """Messages to a topic, by the last part of its name."""
        return [text for arn, text in self.messages if arn.endswith(f"-{topic}")]

    def called(self, name: str) -> list[Mapping[str, Any]]:
        return [told for called, told in self.calls if called == name]

    def _error(self, resource: str, error: str, words: str = "no more units") -> StateError:
        assert error in errors_of(resource) | {"States.Timeout"}, f"{resource} never ends with {error}"
        return StateError(error, words)

    def _create_provisioned_model_throughput(self, resource: str, told: Mapping[str, Any]) -> Any:
        assert "commitmentDuration" not in told, "only by the hour: committed units cannot be deleted"
        name = told["provisionedModelName"]
        if name in self.units:
            if self.units[name].token == told["clientRequestToken"]:
                return {"ProvisionedModelArn": self.units[name].arn}
            raise self._error(resource, "Bedrock.ValidationException")
        self.bought += 1
        arn = f"arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdefghij{self.bought:02}"
        self.units[name] = Units(
            arn,
            told["clientRequestToken"],
            told["modelId"],
            told["modelUnits"],
            {tag["key"]: tag["value"] for tag in told["tags"]},
            self.clock.now + self.provisioning,
        )
        return {"ProvisionedModelArn": arn}

    def _get_provisioned_model_throughput(self, resource: str, told: Mapping[str, Any]) -> Any:
        wanted = told["provisionedModelId"]
        for name, units in self.units.items():
            if wanted in (name, units.arn):
                ready = "InService" if self.clock.now >= units.in_service_at else "Creating"
                return {
                    "ProvisionedModelArn": units.arn,
                    "ProvisionedModelName": name,
                    "ModelUnits": units.units,
                    "Status": "Failed" if units.failed else ready,
                }
        raise self._error(resource, "Bedrock.ResourceNotFoundException")

    def _delete_provisioned_model_throughput(self, resource: str, told: Mapping[str, Any]) -> Any:
        for name, units in self.units.items():
            if units.arn == told["provisionedModelId"]:
                self._nobody_calls(units)
                if self.clock.now < units.in_service_at:
                    raise self._error(resource, "Bedrock.ConflictException")
                if not self.stays:
                    del self.units[name]
                return {}
        raise self._error(resource, "Bedrock.ResourceNotFoundException")

    def _nobody_calls(self, units: Units) -> None:
        """The rule above all: no rung leads to what is being deleted."""
        published = {json.loads(text)["arn"] for text in self.parameters.values()}
        assert units.arn not in published, "deleted while a rung still led there"

    def _put_parameter(self, resource: str, told: Mapping[str, Any]) -> Any:
        if told["Name"] in self.parameters and not told["Overwrite"]:
            raise self._error(resource, "Ssm.ParameterAlreadyExistsException")
        self.parameters[told["Name"]] = told["Value"]
        return {"Version": 1}

    def _get_parameter(self, resource: str, told: Mapping[str, Any]) -> Any:
        if told["Name"] not in self.parameters:
            raise self._error(resource, "Ssm.ParameterNotFoundException")
        return {"Parameter": {"Name": told["Name"], "Value": self.parameters[told["Name"]], "Version": 1}}

    def _delete_parameter(self, resource: str, told: Mapping[str, Any]) -> Any:
        if told["Name"] not in self.parameters:
            raise self._error(resource, "Ssm.ParameterNotFoundException")
        del self.parameters[told["Name"]]
        return {}

    def _publish(self, _: str, told: Mapping[str, Any]) -> Any:
        assert len(told["Subject"]) <= 100, "a subject has at most 100 characters"
        self.messages.append((told["TopicArn"], told["Message"]))
        return {"MessageId": "m"}
