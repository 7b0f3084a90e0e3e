"""One CodeBuild project on ARM64: a buildspec from `buildspecs/`, a role of its own, a log (OPS-8).

What is built comes from a pipeline and goes back to it; `components.delivery` says in which order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Watch
from components.base import Component
from components.grants import Grant, write_logs
from components.place import Place
from components.private_bucket import through_s3
from components.service_role import ServiceRole, ServiceRoleArgs
from contract.alarms import Widget

SPECS = Path(__file__).with_name("buildspecs")
# CodeBuild's own image for ARM64; its tools are what `make setup` and `docker build` need.
ARM64_IMAGE = "aws/codebuild/amazonlinux-aarch64-standard:3.0"


@dataclass(frozen=True, kw_only=True)
class Artifacts:
    """Where stages hand over to each other."""

    bucket: Input[str]
    arn: Input[str]
    key_arn: Input[str]

    def grants(self, region: str) -> list[Grant]:
        return [
            Grant(
                "HandOver",
                ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
                [Output.concat(self.arn, "/*")],
            ),
            Grant("KnowBucket", ["s3:GetBucketLocation", "s3:GetBucketVersioning"], [self.arn]),
            Grant(
                "SealArtifacts",
                ["kms:Decrypt", "kms:GenerateDataKey"],
                [self.key_arn],
                through_s3(region, self.arn),
            ),
        ]


@dataclass(frozen=True, kw_only=True)
class BuildProjectArgs:
    """`spec`: file in `buildspecs/` without `.yml`. `docker`: builds images, so it needs the daemon.

    `image` none: CodeBuild's own. `grants`: what the build may do besides writing its log and its artifacts.
    """

    environment: str
    place: Place
    part: str
    spec: str
    variables: Mapping[str, Input[str]]
    artifacts: Artifacts
    grants: Sequence[Grant]
    image: str | None
    docker: bool
    minutes: int
    log_days: int
    log_key_arn: Input[str]
    boundary: str | None


class BuildProject(Component):
    """Project, role and log."""

    kind = "delivery:BuildProject"
    arn: Output[str]
    project: str

    def __init__(self, name: str, args: BuildProjectArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self.project = f"concierge-{args.environment}-{args.part}"
        log = aws.cloudwatch.LogGroup(
            f"{name}-log",
            name=f"/concierge/{args.environment}/build/{args.part}",
            retention_in_days=args.log_days,
            kms_key_id=args.log_key_arn,
            opts=self.child(),
        )
        role = ServiceRole(
            f"{name}-runs-as",
            ServiceRoleArgs(
                environment=args.environment,
                place=args.place,
                part=f"build-{args.part}",
                service="codebuild",
                for_arns=[args.place.arn("codebuild", f"project/{self.project}")],
                grants=[write_logs(log.arn), *args.artifacts.grants(args.place.region), *args.grants],
                boundary=args.boundary,
            ),
            self.child(),
        )
        self.arn = self._project(args, role, log).arn
        self.register_outputs({"project": self.project})

    def alarms(self) -> list[Watch]:
        """None of its own: a failed build fails its pipeline, and that is told."""
        return []

    def widgets(self) -> list[Widget]:
        return [
            Widget(
                title=f"{self.project}: {title}",
                namespace="AWS/CodeBuild",
                metric=metric,
                statistic=statistic,
                dimensions=({"ProjectName": self.project},),
            )
            for title, metric, statistic in (
                ("seconds a build", "Duration", "Average"),
                ("failed builds", "FailedBuilds", "Sum"),
            )
        ]

    def _project(
        self, args: BuildProjectArgs, role: ServiceRole, log: aws.cloudwatch.LogGroup
    ) -> aws.codebuild.Project:
        return aws.codebuild.Project(
            f"{self.name}-project",
            name=self.project,
            description=f"Buildspec {args.spec}, on ARM64.",
            service_role=role.arn,
            source={
                "type": "CODEPIPELINE",
                "buildspec": (SPECS / f"{args.spec}.yml").read_text(encoding="utf-8"),
            },
            artifacts={"type": "CODEPIPELINE"},
            environment={
                "type": "ARM_CONTAINER",
                "compute_type": "BUILD_GENERAL1_LARGE" if args.docker else "BUILD_GENERAL1_SMALL",
                "image": args.image or ARM64_IMAGE,
                "image_pull_credentials_type": "SERVICE_ROLE" if args.image else "CODEBUILD",
                "privileged_mode": args.docker,
                "environment_variables": [
                    {"name": key, "value": value, "type": "PLAINTEXT"}
                    for key, value in sorted(args.variables.items())
                ],
            },
            logs_config={"cloudwatch_logs": {"status": "ENABLED", "group_name": log.name}},
            encryption_key=args.artifacts.key_arn,
            build_timeout=args.minutes,
            opts=self.child(),
        )
