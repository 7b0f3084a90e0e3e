"""What an endpoint runs (MOD-5): the role, the model, and the configuration that says how it is hosted.

A model and a configuration cannot be changed, only made anew: their names say what is in them, so that the
new ones exist before the endpoint moves over, and the old ones go last.

Warm-up. A request to an endpoint goes to any instance, so nothing outside can warm the one that was just
added. The container does: it answers `/ping` with 200 only after WARMUP_REQUESTS inferences of its own, and
SageMaker sends it nothing before that. `startup_s` is how long it may take (the classifier: 55 s when cold).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.base import Component
from components.grants import Grant, pull_image, write_logs
from components.inference_instances import instances
from components.model_role import ModelRole, ModelRoleArgs, attach, open_disks
from components.place import Place
from components.private_bucket import through_s3

# Deployment guardrails want the same name in every configuration.
VARIANT = "live"
WARMUP_REQUESTS = 32


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A bucket by name and ARN, and the key its objects are encrypted with."""

    name: Input[str]
    arn: Input[str]
    key_arn: Input[str]


@dataclass(frozen=True, kw_only=True)
class InferenceGround:
    """What all endpoints of a region share."""

    environment: str
    place: Place
    repository_arn: Input[str]
    repository_url: Input[str]
    artifacts: Bucket
    captures: Bucket
    subnet_ids: Sequence[Input[str]]
    security_group_id: Input[str]
    disk_key_arn: Input[str]
    log_key_arn: Input[str]
    log_days: int
    protect: bool
    boundary_arn: Input[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Served:
    """One model: what it is, where it runs and how much of it there is.

    `artifact`: key in the bucket of models; of many models (`multi_model`) their common prefix. `busy`:
    whether no call for a quarter of an hour means that something is wrong.
    """

    image_digest: str
    artifact: str
    instance_type: str
    minimum: int
    maximum: int
    invocations_per_instance: int
    capture_percent: int
    latency_ms: int
    startup_s: int
    download_s: int
    multi_model: bool = False
    scaling: bool = True
    guarded: bool = True
    busy: bool = True


@dataclass(frozen=True, kw_only=True)
class InferenceModelArgs:
    """`what` names the endpoint: intent, embed or rerank. `log_arn`: where its containers write."""

    what: str
    served: Served
    ground: InferenceGround
    log_arn: Input[str]


class InferenceModel(Component):
    """One version of a model, ready for its endpoint. `configuration` is its name."""

    kind = "models:Model"
    configuration: Output[str]

    def __init__(
        self, name: str, args: InferenceModelArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self._args, self._served, self._ground = args, args.served, args.ground
        self._instance = instances()[args.served.instance_type]
        self._endpoint = endpoint_name(args.ground.environment, args.what)
        self.configuration = self._configuration(self._model(self._role()))
        self.register_outputs({"configuration": self.configuration})

    def _role(self) -> Output[str]:
        ground = self._ground
        disks = [] if self._instance.local_storage else open_disks(ground.place, ground.disk_key_arn)
        return ModelRole(
            f"{self.name}-runs",
            ModelRoleArgs(
                environment=ground.environment,
                workload=self._args.what,
                place=ground.place,
                grants=[
                    *pull_image(ground.place, ground.repository_arn),
                    *attach(ground.place, ground.subnet_ids, ground.security_group_id),
                    *self._files(),
                    *disks,
                    write_logs(self._args.log_arn),
                ],
                boundary_arn=ground.boundary_arn,
            ),
            self.child(),
        ).arn

    def _files(self) -> list[Grant]:
        """Its own model to read, its own calls to write down."""
        place, models, captures = self._ground.place, self._ground.artifacts, self._ground.captures
        many, key = self._served.multi_model, self._served.artifact
        files = f"{key.rstrip('/')}/*" if many else key
        # Which of many models there are is found by listing.
        listed = Grant("SeeModels", ["s3:ListBucket"], [models.arn], {"StringLike": {"s3:prefix": files}})
        written = f"/{captured(self._args.what)}/*"
        read, write = through_s3(place.region, models.arn), through_s3(place.region, captures.arn)
        return [
            *([listed] if many else []),
            Grant("ReadModel", ["s3:GetObject"], [Output.concat(models.arn, "/", files)]),
            Grant("OpenModel", ["kms:Decrypt"], [models.key_arn], read),
            Grant("Capture", ["s3:PutObject"], [Output.concat(captures.arn, written)]),
            Grant("CloseCaptures", ["kms:GenerateDataKey", "kms:Decrypt"], [captures.key_arn], write),
        ]

    def _model(self, role: Output[str]) -> Output[str]:
        """The container without a network of its own: calls come in by SageMaker, nothing goes out."""
        ground, served = self._ground, self._served
        inputs: dict[str, Any] = {
            "execution_role_arn": role,
            "enable_network_isolation": True,
            "vpc_config": {"subnets": ground.subnet_ids, "security_group_ids": [ground.security_group_id]},
            "primary_container": {
                "image": Output.concat(ground.repository_url, "@", served.image_digest),
                "model_data_url": Output.concat("s3://", ground.artifacts.name, "/", served.artifact),
                "mode": "MultiModel" if served.multi_model else "SingleModel",
                "environment": {"WARMUP_REQUESTS": str(WARMUP_REQUESTS)},
            },
        }
        return aws.sagemaker.Model(
            f"{self.name}-model", name=self._named_after(inputs), opts=self._renewed(), **inputs
        ).name

    def _configuration(self, model: Output[str]) -> Output[str]:
        """The count is the first one only: another minimum later changes bounds, and rolls nothing out."""
        served, local = self._served, self._instance.local_storage
        variant: dict[str, Any] = {
            "variant_name": VARIANT,
            "model_name": model,
            "instance_type": served.instance_type,
            "initial_variant_weight": 1,
            "container_startup_health_check_timeout_in_seconds": served.startup_s,
            "model_data_download_timeout_in_seconds": served.download_s,
            "routing_configs": [{"routing_strategy": "LEAST_OUTSTANDING_REQUESTS"}],
        }
        inputs: dict[str, Any] = {
            # A disk that is part of the instance has its own key.
            "kms_key_arn": None if local else self._ground.disk_key_arn,
            "data_capture_config": self._capture() if served.capture_percent else None,
        }
        variants: Any = [{**variant, "initial_instance_count": served.minimum}]
        return aws.sagemaker.EndpointConfiguration(
            f"{self.name}-configuration",
            name=self._named_after({**inputs, "variant": variant}),
            production_variants=variants,
            opts=self._renewed(ignore=["productionVariants[0].initialInstanceCount"]),
            **inputs,
        ).name

    def _capture(self) -> dict[str, Any]:
        """JSON is written as it is; without the header it would be base64."""
        captures = self._ground.captures
        return {
            "enable_capture": True,
            "initial_sampling_percentage": self._served.capture_percent,
            "destination_s3_uri": Output.concat("s3://", captures.name, f"/{captured(self._args.what)}"),
            "kms_key_id": captures.key_arn,
            "capture_options": [{"capture_mode": mode} for mode in ("Input", "Output")],
            "capture_content_type_header": {"json_content_types": ["application/json"]},
        }

    def _named_after(self, inputs: Mapping[str, Any]) -> Output[str]:
        """The endpoint's name and twelve digits of what is in it."""
        text = Output.json_dumps(dict(inputs), sort_keys=True)
        return text.apply(lambda t: f"{self._endpoint}-{hashlib.sha256(t.encode()).hexdigest()[:12]}")

    def _renewed(self, ignore: Sequence[str] = ()) -> pulumi.ResourceOptions:
        """The provider would delete first, as it does with names that are given; then nothing would serve."""
        return pulumi.ResourceOptions(parent=self, delete_before_replace=False, ignore_changes=list(ignore))


def endpoint_name(environment: str, what: str) -> str:
    """What AWS calls it."""
    return f"concierge-{environment}-{what}"


def captured(what: str) -> str:
    """Where in the bucket of captures an endpoint's calls lie."""
    return f"captures/{what}"
