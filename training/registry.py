"""Versions of a model in the estate's registry (MOD-6): registered, approved or rejected, and by whom.

Approving deploys nothing; the event that it makes says which settings to change. The group's own policy
decides who may (`components/training.py`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import Field

from contract.base import Shape
from contract.errors import InconclusiveError
from training.errors import RegistryError

Status = Literal["Approved", "Rejected", "PendingManualApproval"]
MEASURE = "accuracy"  # what a version must say of itself before it may be approved
LATEST = 100  # versions that are looked at


class UnreachableError(InconclusiveError):
    """SageMaker did not answer, or not to us."""


class Version(Shape):
    """One version. `measures`: what its training said of it."""

    arn: str
    number: int
    status: Status
    made: datetime
    why: str = ""
    artifact: str = ""
    image: str = ""
    measures: Mapping[str, float] = {}


class Wanted(Shape):
    """A version to register. `artifact`, `image`: where its weights and the code that serves them are."""

    artifact: str = Field(pattern=r"^s3://[^/]+/.+\.tar\.gz$")
    image: str = Field(pattern=r"^[^@\s]+@sha256:[0-9a-f]{64}$")
    measures: Mapping[str, float]
    about: str = Field("", max_length=1_024)


class Registry:
    """One group of the estate. `client`: SageMaker's; `threshold`: of the stack's settings."""

    def __init__(self, client: Any, group: str, threshold: float) -> None:
        self._client = client
        self.group = group
        self.threshold = threshold

    def versions(self) -> Sequence[Version]:
        """The newest first."""
        said = self._ask(
            "list_model_packages",
            ModelPackageGroupName=self.group,
            SortBy="CreationTime",
            SortOrder="Descending",
            MaxResults=LATEST,
        )
        found = [self._described(one["ModelPackageArn"]) for one in said["ModelPackageSummaryList"]]
        return sorted(found, key=lambda one: -one.number)

    def version(self, number: int) -> Version:
        """RegistryError names those there are."""
        known = self.versions()
        for one in known:
            if one.number == number:
                return one
        there = ", ".join(str(one.number) for one in known[:10]) or "none"
        raise RegistryError(f"{self.group} has no version {number}: there is {there}")

    def register(self, wanted: Wanted) -> Version:
        """A new version that waits for approval."""
        made = self._ask(
            "create_model_package",
            ModelPackageGroupName=self.group,
            ModelPackageDescription=wanted.about or f"{MEASURE} {wanted.measures.get(MEASURE, 0):.3f}",
            ModelApprovalStatus="PendingManualApproval",
            InferenceSpecification={
                "Containers": [{"Image": wanted.image, "ModelDataUrl": wanted.artifact}],
                "SupportedContentTypes": ["application/json"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
            CustomerMetadataProperties={name: f"{value:g}" for name, value in wanted.measures.items()},
        )
        return self._described(made["ModelPackageArn"])

    def refusal(self, version: Version, to: Status) -> str:
        """Why a version may not become that; empty where it may."""
        if version.status == to:
            return f"version {version.number} is {to} already"
        if to != "Approved":
            return ""
        measured = version.measures.get(MEASURE)
        if measured is None:
            return (
                f"version {version.number} says nothing of its {MEASURE}: register it with what was measured"
            )
        if measured < self.threshold:
            return (
                f"version {version.number} has {MEASURE} {measured:g}, below the stack's {self.threshold:g}"
            )
        return ""

    def decide(self, version: Version, to: Status, why: str) -> Version:
        """RegistryError, if it may not be."""
        if reason := self.refusal(version, to):
            raise RegistryError(reason)
        self._ask(
            "update_model_package",
            ModelPackageArn=version.arn,
            ModelApprovalStatus=to,
            ApprovalDescription=why,
        )
        return self._described(version.arn)

    def _described(self, arn: str) -> Version:
        said = self._ask("describe_model_package", ModelPackageName=arn)
        containers = said.get("InferenceSpecification", {}).get("Containers", [{}])
        return Version(
            arn=arn,
            number=int(said.get("ModelPackageVersion") or arn.rpartition("/")[2]),
            status=said["ModelApprovalStatus"],
            made=said["CreationTime"],
            why=said.get("ApprovalDescription", ""),
            artifact=containers[0].get("ModelDataUrl", ""),
            image=containers[0].get("Image", ""),
            measures=_numbers(said.get("CustomerMetadataProperties", {})),
        )

    def _ask(self, call: str, **parameters: Any) -> Mapping[str, Any]:
        try:
            said: Mapping[str, Any] = getattr(self._client, call)(**parameters)
        except ClientError as refused:
            error = refused.response.get("Error", {})
            code, message = str(error.get("Code", "")), str(error.get("Message", ""))
            if "not exist" in message or code in ("ResourceNotFound", "ValidationException"):
                raise RegistryError(f"{self.group}: {message or code}") from None
            if code.startswith("AccessDenied"):
                raise RegistryError(
                    f"{self.group}: {call} is not allowed to you: the stack's training.approvers are"
                ) from None
            raise UnreachableError(f"{self.group}: {call}: {code} {message}") from None
        except BotoCoreError as lost:
            raise UnreachableError(f"SageMaker cannot be asked: {lost}") from None
        return said


def _numbers(said: Mapping[str, str]) -> Mapping[str, float]:
    found = {}
    for name, value in said.items():
        try:
            found[name] = float(value)
        except ValueError:
            continue
    return found
