"""Where the agent's image lies (RUN-19): tags that never move, scanned on push, named by digest only.

The digest of an image is known only after it was built, and it is built only after there is a registry. Until
then the image is `UNBUILT`: a digest no image has, with which nothing is ever started.
"""

import json
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Watch
from components.base import Component
from contract.alarms import Widget, graphs

UNBUILT = f"sha256:{0:064x}"
UNTAGGED_DAYS = 14


@dataclass(frozen=True, kw_only=True)
class RegistryArgs:
    """`keep` images stay; `scan: enhanced` turns Amazon Inspector on for this registry."""

    environment: str
    key_arn: Input[str]
    keep: int
    scan: Literal["basic", "enhanced"]
    protect: bool


class Registry(Component):
    """One repository: every service of the agent is the same image."""

    kind = "agent:Registry"
    repository_arn: Output[str]
    repository_name: str

    def __init__(self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self.repository_name = f"concierge-{args.environment}-agent"
        repository = aws.ecr.Repository(
            f"{name}-images",
            name=self.repository_name,
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration={"scan_on_push": True},
            encryption_configurations=[{"encryption_type": "KMS", "kms_key": args.key_arn}],
            force_delete=not args.protect,
            opts=self.child(protect=args.protect),
        )
        aws.ecr.LifecyclePolicy(
            f"{name}-upkeep",
            repository=repository.name,
            policy=_upkeep(args.keep),
            opts=self.child(),
        )
        if args.scan == "enhanced":
            self._scan_with_inspector()
        self.repository_arn = repository.arn
        self._url = repository.repository_url
        self.register_outputs({"url": repository.repository_url})

    def image(self, digest: str | None) -> Output[str]:
        """The image of this digest, or the one that is not built yet."""
        return Output.concat(self._url, "@", digest or UNBUILT)

    def alarms(self) -> list[Watch]:
        """Findings in an image are events, which the agent's host watches (`components.agent_ecs`)."""
        return []

    def widgets(self) -> list[Widget]:
        return graphs(
            "AWS/ECR",
            {"Images pulled": ("RepositoryPullCount", "Sum")},
            {"RepositoryName": self.repository_name},
        )

    def _scan_with_inspector(self) -> None:
        """The registry's own setting: an account and region have one, so one stack sets it."""
        aws.ecr.RegistryScanningConfiguration(
            f"{self.name}-scanning",
            scan_type="ENHANCED",
            rules=[
                {
                    "scan_frequency": "CONTINUOUS_SCAN",
                    "repository_filters": [{"filter": self.repository_name, "filter_type": "WILDCARD"}],
                }
            ],
            opts=self.child(),
        )


def _upkeep(keep: int) -> str:
    """Left-overs of builds go first; then the oldest images, never so many that a rollback misses its own."""
    left_over = {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": UNTAGGED_DAYS,
    }
    oldest = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": keep}
    return json.dumps(
        {
            "rules": [
                {"rulePriority": priority, "selection": selection, "action": {"type": "expire"}}
                for priority, selection in enumerate((left_over, oldest), start=1)
            ]
        }
    )
