"""How a model of ours is made (MOD-6): process -> train -> evaluate -> register, and who lets it out.

The pipeline is data (`training_pipeline.json`); what stands in it as `$name` is filled in here. It registers
a model that reaches the threshold, pending. Approving is for the named roles alone: the registry's own policy
denies it to everyone else, whatever their IAM policy allows, and so to the pipeline.

An approved model changes nothing by itself: the estate has one owner. The approval is a ticket that says
which settings to change (`inference.intent.artifact`, `image_digest`), and `up` rolls it out with its alarms.

The jobs and the pipeline have a role each: code that reads messages can register nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Watch
from components.base import Component
from components.event_watch import Event, EventWatch, EventWatchArgs
from components.grants import Grant
from components.inference_model import Bucket
from components.model_role import ModelRole, ModelRoleArgs
from components.place import Place
from components.training_grants import job_grants, pipeline_grants
from contract.alarms import Widget

MODEL = "intent"


@dataclass(frozen=True, kw_only=True)
class TrainingArgs:
    """`data` is the bucket of messages, runs and captures, `models` that of what endpoints load.

    `approvers`: ARNs of the roles that may approve.
    """

    environment: str
    place: Place
    data: Bucket
    models: Bucket
    repository_arn: Input[str]
    repository_url: Input[str]
    image_digest: str
    inference_digest: str
    training_instance: str
    processing_instance: str
    threshold: float
    approvers: Sequence[str]
    subnet_ids: Sequence[Input[str]]
    security_group_id: Input[str]
    disk_key_arn: Input[str]
    log_key_arn: Input[str]
    log_days: int
    protect: bool
    boundary_arn: Input[str] | None = None


class Training(Component):
    """The registry, the pipeline, and the two things people hear of it."""

    kind = "models:Training"
    group_arn: Output[str]
    pipeline_arn: Output[str]

    def __init__(self, name: str, args: TrainingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        self.pipeline_name = f"concierge-{args.environment}-train-{MODEL}"
        self.group_name = group_name(args.environment)
        self.group_arn = self._registry()
        jobs = self._role("train-jobs", job_grants(args))
        self.pipeline_arn = self._pipeline(jobs)
        self._events = EventWatch(
            f"{name}-events",
            EventWatchArgs(
                environment=args.environment,
                place=args.place,
                topic="training",
                events=[_approved(self.group_name), _failed(self.pipeline_arn)],
                key_arn=args.log_key_arn,
                log_days=args.log_days,
            ),
            self.child(),
        )
        self.register_outputs({"pipeline": self.pipeline_name, "group": self.group_name})

    def alarms(self) -> list[Watch]:
        return self._events.alarms()

    def widgets(self) -> list[Widget]:
        return [self._events.graph("Models approved, trainings failed")]

    def _registry(self) -> Output[str]:
        args = self._args
        group = aws.sagemaker.ModelPackageGroup(
            f"{self.name}-registry",
            model_package_group_name=self.group_name,
            model_package_group_description="Versions of the intent model, and who approved them",
            opts=self.child(protect=args.protect),
        )
        versions = args.place.arn("sagemaker", f"model-package/{self.group_name}/*")
        aws.sagemaker.ModelPackageGroupPolicy(
            f"{self.name}-approval",
            model_package_group_name=group.model_package_group_name,
            resource_policy=Output.json_dumps(_approval(versions, args.approvers)),
            opts=self.child(),
        )
        return group.arn

    def _role(self, workload: str, grants: Sequence[Grant]) -> Output[str]:
        args = self._args
        return ModelRole(
            f"{self.name}-{workload}",
            ModelRoleArgs(
                environment=args.environment,
                workload=workload,
                place=args.place,
                grants=grants,
                boundary_arn=args.boundary_arn,
            ),
            self.child(),
        ).arn

    def _pipeline(self, jobs: Output[str]) -> Output[str]:
        runs_as = self._role(
            "train-pipeline",
            pipeline_grants(self._args, self.group_name, self.group_arn, jobs),
        )
        return aws.sagemaker.Pipeline(
            f"{self.name}-pipeline",
            pipeline_name=self.pipeline_name,
            pipeline_display_name=self.pipeline_name,
            pipeline_description="Makes a model out of messages, and registers it when it is good enough",
            role_arn=runs_as,
            pipeline_definition=Output.json_dumps(filled(definition(), self._values(jobs))),
            parallelism_configuration={"max_parallel_execution_steps": 2},
            opts=self.child(),
        ).arn

    def _values(self, jobs: Output[str]) -> Mapping[str, Any]:
        args = self._args
        network = {"Subnets": list(args.subnet_ids), "SecurityGroupIds": [args.security_group_id]}
        return {
            "messages": Output.concat("s3://", args.data.name, f"/messages/{MODEL}"),
            "runs": Output.concat("s3://", args.data.name, f"/runs/{MODEL}"),
            "models": Output.concat("s3://", args.models.name, f"/{MODEL}"),
            "threshold": args.threshold,
            "training_instance": args.training_instance,
            "processing_instance": args.processing_instance,
            "image": Output.concat(args.repository_url, "@", args.image_digest),
            "inference_image": Output.concat(args.repository_url, "@", args.inference_digest),
            "job_role": jobs,
            "job_network": {
                "EnableNetworkIsolation": True,
                "EnableInterContainerTrafficEncryption": True,
                "VpcConfig": network,
            },
            "vpc": network,
            "disk_key": args.disk_key_arn,
            "objects_key": args.data.key_arn,
            "group": self.group_name,
        }


def group_name(environment: str) -> str:
    """The registry's group of an environment."""
    return f"concierge-{environment}-{MODEL}"


@cache
def definition() -> Mapping[str, Any]:
    """The pipeline as it stands in its file, with `$name` where the estate's values go."""
    text = Path(__file__).with_name("training_pipeline.json").read_text(encoding="utf-8")
    read: Mapping[str, Any] = json.loads(text)
    return read


def filled(node: Any, values: Mapping[str, Any]) -> Any:
    """A document with each `$name` replaced; a name without a value is an error."""
    if isinstance(node, str) and node.startswith("$"):
        return values[node[1:]]
    if isinstance(node, Mapping):
        return {key: filled(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [filled(value, values) for value in node]
    return node


def _approval(versions: Input[str], approvers: Sequence[str]) -> dict[str, Any]:
    """An explicit denial, so that no other policy can widen it."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OnlyApproversDecide",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sagemaker:UpdateModelPackage",
                "Resource": versions,
                "Condition": {"ArnNotEquals": {"aws:PrincipalArn": list(approvers)}},
            }
        ],
    }


def _approved(group: str) -> Event:
    return Event(
        id=f"{MODEL}-model-approved",
        pattern={
            "source": ["aws.sagemaker"],
            "detail-type": ["SageMaker Model Package State Change"],
            "detail": {"ModelPackageGroupName": [group], "ModelApprovalStatus": ["Approved"]},
        },
        severity="ticket",
        impact=f"A model of {MODEL} was approved and waits: set inference.{MODEL}.artifact and image_digest "
        "to those in the event, then `up`.",
        runbook="deploy-rollback",
    )


def _failed(pipeline_arn: Input[str]) -> Event:
    return Event(
        id=f"{MODEL}-training-failed",
        pattern={
            "source": ["aws.sagemaker"],
            "detail-type": ["SageMaker Model Building Pipeline Execution Status Change"],
            "detail": {"pipelineArn": [pipeline_arn], "currentPipelineExecutionStatus": ["Failed"]},
        },
        severity="ticket",
        impact=f"A training of {MODEL} failed, or its model was too weak: the model in service gets older.",
        runbook="irrelevant-results",
    )
