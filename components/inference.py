"""Our own models, asked at every message (MOD-5): intent, embed and rerank, each behind an endpoint.

Their images lie in one repository, named by digest, their weights in the bucket of models. A model stands
here once both exist: the repository is made first, then the image is pushed and the artifact written, then
the settings name them. Nothing else of an endpoint could be made before: SageMaker looks for both at once.

In development they are off: the agent falls back to rules, Titan and unranked results, paid by the call.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Watch
from components.base import Component
from components.grants import Grant
from components.inference_endpoint import InferenceEndpoint, InferenceEndpointArgs
from components.inference_model import Bucket, InferenceGround, Served
from components.place import Place
from contract.alarms import Widget

UNTAGGED_DAYS = 14


@dataclass(frozen=True, kw_only=True)
class InferenceArgs:
    """`served`: endpoint -> model, of those that are to stand."""

    environment: str
    place: Place
    served: Mapping[str, Served]
    artifacts: Bucket
    captures: Bucket
    subnet_ids: Sequence[Input[str]]
    security_group_id: Input[str]
    image_key_arn: Input[str]
    disk_key_arn: Input[str]
    log_key_arn: Input[str]
    log_days: int
    protect: bool
    boundary_arn: Input[str] | None = None


class Inference(Component):
    """Images and endpoints of a region."""

    kind = "models:Inference"
    endpoints: dict[str, InferenceEndpoint]
    repository_arn: Output[str]
    repository_url: Output[str]

    def __init__(self, name: str, args: InferenceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        repository = self._repository()
        self.repository_arn, self.repository_url = repository.arn, repository.repository_url
        ground = InferenceGround(
            environment=args.environment,
            place=args.place,
            repository_arn=self.repository_arn,
            repository_url=self.repository_url,
            artifacts=args.artifacts,
            captures=args.captures,
            subnet_ids=args.subnet_ids,
            security_group_id=args.security_group_id,
            disk_key_arn=args.disk_key_arn,
            log_key_arn=args.log_key_arn,
            log_days=args.log_days,
            protect=args.protect,
            boundary_arn=args.boundary_arn,
        )
        self.endpoints = {
            what: InferenceEndpoint(
                f"{name}-{what}",
                InferenceEndpointArgs(what=what, served=served, ground=ground),
                self.child(),
            )
            for what, served in args.served.items()
        }
        self.register_outputs({"repository": repository.repository_url, "endpoints": self.names})

    @property
    def names(self) -> dict[str, str]:
        """Endpoint -> what AWS calls it; of those that stand."""
        return {what: endpoint.endpoint_name for what, endpoint in self.endpoints.items()}

    def grants(self) -> list[Grant]:
        """What a caller of the endpoints may do; nothing when there are none."""
        arns = [endpoint.arn for endpoint in self.endpoints.values()]
        return [Grant("InvokeEndpoints", ["sagemaker:InvokeEndpoint"], arns)] if arns else []

    def alarms(self) -> list[Watch]:
        return [watch for endpoint in self.endpoints.values() for watch in endpoint.alarms()]

    def widgets(self) -> list[Widget]:
        return [widget for endpoint in self.endpoints.values() for widget in endpoint.widgets()]

    def _repository(self) -> aws.ecr.Repository:
        """One for all models. Tagged images stay: a rollback of any of them needs its own."""
        args = self._args
        repository = aws.ecr.Repository(
            f"{self.name}-images",
            name=f"concierge-{args.environment}-models",
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration={"scan_on_push": True},
            encryption_configurations=[{"encryption_type": "KMS", "kms_key": args.image_key_arn}],
            force_delete=not args.protect,
            opts=self.child(protect=args.protect),
        )
        aws.ecr.LifecyclePolicy(
            f"{self.name}-upkeep",
            repository=repository.name,
            policy=json.dumps({"rules": [_LEFT_OVERS]}),
            opts=self.child(),
        )
        return repository


_LEFT_OVERS = {
    "rulePriority": 1,
    "selection": {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": UNTAGGED_DAYS,
    },
    "action": {"type": "expire"},
}
