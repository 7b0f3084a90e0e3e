"""How code gets to production (OPS-8): a pipeline a service, and one for the estate. Only Pulumi deploys.

Source, ARM64 image, tests, `pulumi up` of the first stack, a person's approval, `pulumi up` of the last one
(its services roll out blue/green by themselves), and three conversations from outside. Pipelines only order
builds; what a build does stands in `buildspecs/`. All lines share the builds, and each deploys the image of
its own commit, to its own part of the estate (`delivery.toml`).

No key is kept anywhere. The source comes through a connection that a person confirms once in the console. A
build that deploys may do one thing, take the role of its stack's deployer; that role belongs to whoever owns
the account and is made before any of this. The component stands once, in the account that delivers.
"""

import tomllib
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
from components.build_project import Artifacts, BuildProject, BuildProjectArgs
from components.event_watch import Event, EventWatch, EventWatchArgs
from components.grants import EVERYTHING, Grant, pull_image
from components.pipeline import Line, Pipeline, PipelineArgs, Source
from components.place import Place
from components.private_bucket import Keeping, PrivateBucket, PrivateBucketArgs
from components.service_role import ServiceRole, ServiceRoleArgs
from contract.alarms import Widget

ARTIFACT_DAYS = 30


@cache
def lines() -> Mapping[str, Line]:
    """Name -> line."""
    rows = tomllib.loads(Path(__file__).with_name("delivery.toml").read_text(encoding="utf-8"))
    return {name: Line.model_validate(row) for name, row in rows.items()}


@dataclass(frozen=True, kw_only=True)
class Deployer:
    """A stack, and the role that may change it."""

    stack: str
    role_arn: str


@dataclass(frozen=True, kw_only=True)
class DeliveryArgs:
    """`first` is deployed at once, `last` after approval. `repositories`: ARNs of every registry to push to.

    `cli_image`: image with the Pulumi CLI, by digest; `cli_repository_arn` if it lies in a registry of ours.
    `topic_arn` hears of approvals and is encrypted with `topic_key_arn`.
    """

    environment: str
    place: Place
    provider: str
    repository: str
    branch: str
    first: Deployer
    last: Deployer
    state_url: str
    repositories: Sequence[Input[str]]
    cli_image: str
    cli_repository_arn: str | None
    topic_arn: Input[str]
    topic_key_arn: Input[str]
    bucket_key_arn: Input[str]
    access_log_bucket: Input[str]
    log_days: int
    log_key_arn: Input[str]
    boundary: str | None


class Delivery(Component):
    """Connection, builds, pipelines, and the watch over them."""

    kind = "delivery:Delivery"
    connection_arn: Output[str]
    pipelines: Mapping[str, str]

    def __init__(self, name: str, args: DeliveryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        self.pipelines = {line: f"concierge-{args.environment}-{line}" for line in lines()}
        connection = aws.codeconnections.Connection(
            f"{name}-source",
            name=f"concierge-{args.environment}",
            provider_type=args.provider,
            opts=self.child(),
        )
        self.connection_arn = connection.arn
        self._artifacts = self._keep_artifacts()
        self.builds = {part: self._build(part, **how) for part, how in self._ways().items()}
        role = self._role()
        for line, data in lines().items():
            self._line(line, data, role)
        self._events = self._watch()
        self.register_outputs({"connection": self.connection_arn, "pipelines": dict(self.pipelines)})

    def alarms(self) -> list[Watch]:
        return self._events.alarms()

    def widgets(self) -> list[Widget]:
        return [widget for build in self.builds.values() for widget in build.widgets()]

    def _keep_artifacts(self) -> Artifacts:
        args = self._args
        bucket = PrivateBucket(
            f"{self.name}-artifacts",
            PrivateBucketArgs(
                bucket=Output.concat(
                    f"concierge-{args.environment}-artifacts-{args.place.region}-", args.place.account_id
                ),
                key_arn=args.bucket_key_arn,
                log_to=args.access_log_bucket,
                keeping=[Keeping(expire=ARTIFACT_DAYS)],
                old_days=1,
                # Everything in it can be built again.
                protect=False,
            ),
            self.child(),
        )
        return Artifacts(bucket=bucket.bucket, arn=bucket.arn, key_arn=args.bucket_key_arn)

    def _ways(self) -> Mapping[str, Mapping[str, Any]]:
        """Build -> what is special about it."""
        args = self._args
        pushed = list(args.repositories)
        ways: dict[str, Mapping[str, Any]] = {
            "image": {
                "spec": "image",
                "docker": True,
                "grants": self._push(pushed),
                "variables": {"REPOSITORIES": Output.all(*pushed).apply(" ".join)},
            },
            "test": {"spec": "test", "minutes": 30},
            "smoke": {"spec": "smoke", **self._as_deployer(args.last)},
        }
        pull = pull_image(args.place, args.cli_repository_arn) if args.cli_repository_arn else []
        for deployer in (args.first, args.last):
            as_deployer = self._as_deployer(deployer)
            ways[f"up-{deployer.stack}"] = {
                **as_deployer,
                "spec": "up",
                "minutes": 180,
                "image": args.cli_image,
                "grants": [*as_deployer["grants"], *pull],
            }
        return ways

    def _as_deployer(self, deployer: Deployer) -> Mapping[str, Any]:
        return {
            "grants": [Grant("BecomeDeployer", ["sts:AssumeRole"], [deployer.role_arn])],
            "variables": {
                "STACK": deployer.stack,
                "DEPLOYER": deployer.role_arn,
                "STATE_URL": self._args.state_url,
            },
        }

    def _push(self, repositories: Sequence[Input[str]]) -> list[Grant]:
        """Logging in has no ARN; the layers have. Registries may be those of other accounts and regions."""
        layers = (
            "BatchCheckLayerAvailability",
            "CompleteLayerUpload",
            "DescribeImages",
            "DescribeRepositories",
            "InitiateLayerUpload",
            "PutImage",
            "UploadLayerPart",
        )
        ours = {"StringEquals": {"aws:PrincipalAccount": self._args.place.account_id}}
        return [
            Grant("RegistryLogin", ["ecr:GetAuthorizationToken"], [EVERYTHING], ours),
            Grant("PushImage", [f"ecr:{verb}" for verb in layers], repositories),
        ]

    def _build(
        self,
        part: str,
        *,
        spec: str,
        grants: Sequence[Grant] = (),
        variables: Mapping[str, Input[str]] | None = None,
        image: str | None = None,
        docker: bool = False,
        minutes: int = 60,
    ) -> BuildProject:
        args = self._args
        return BuildProject(
            f"{self.name}-{part}",
            BuildProjectArgs(
                environment=args.environment,
                place=args.place,
                part=part,
                spec=spec,
                variables=variables or {},
                artifacts=self._artifacts,
                grants=grants,
                image=image,
                docker=docker,
                minutes=minutes,
                log_days=args.log_days,
                log_key_arn=args.log_key_arn,
                boundary=args.boundary,
            ),
            self.child(),
        )

    def _role(self) -> ServiceRole:
        """One for all lines: they start the same builds and ask the same people."""
        args = self._args
        region = args.place.region
        asking = {"StringEquals": {"kms:ViaService": f"sns.{region}.amazonaws.com"}}
        # A connection's permission has had two names; which one is asked for depends on the caller.
        use = ["codeconnections:UseConnection", "codestar-connections:UseConnection"]
        return ServiceRole(
            f"{self.name}-runs-as",
            ServiceRoleArgs(
                environment=args.environment,
                place=args.place,
                part="delivery",
                service="codepipeline",
                for_arns=[args.place.arn("codepipeline", pipeline) for pipeline in self.pipelines.values()],
                grants=[
                    *self._artifacts.grants(region),
                    Grant("ReadSource", use, [self.connection_arn]),
                    Grant(
                        "StartBuilds",
                        ["codebuild:BatchGetBuilds", "codebuild:StartBuild"],
                        [build.arn for build in self.builds.values()],
                    ),
                    Grant("AskForApproval", ["sns:Publish"], [args.topic_arn]),
                    Grant(
                        "SealQuestion", ["kms:Decrypt", "kms:GenerateDataKey"], [args.topic_key_arn], asking
                    ),
                ],
                boundary=args.boundary,
            ),
            self.child(),
        )

    def _line(self, line: str, data: Line, role: ServiceRole) -> None:
        args = self._args
        Pipeline(
            f"{self.name}-{line}",
            PipelineArgs(
                pipeline=self.pipelines[line],
                line=line,
                data=data,
                role_arn=role.arn,
                artifacts=self._artifacts,
                source=Source(
                    connection_arn=self.connection_arn, repository=args.repository, branch=args.branch
                ),
                projects={part: build.project for part, build in self.builds.items()},
                first=args.first.stack,
                last=args.last.stack,
                topic_arn=args.topic_arn,
            ),
            self.child(),
        )

    def _watch(self) -> EventWatch:
        """CodePipeline counts nothing for people who do not look: a failed run is an event."""
        args = self._args
        return EventWatch(
            f"{self.name}-events",
            EventWatchArgs(
                environment=args.environment,
                place=args.place,
                topic="delivery",
                events=[
                    Event(
                        id=f"delivery-{line}",
                        pattern={
                            "source": ["aws.codepipeline"],
                            "detail-type": ["CodePipeline Pipeline Execution State Change"],
                            "detail": {"pipeline": [pipeline], "state": ["FAILED"]},
                        },
                        severity="ticket",
                        impact=f"A change did not reach production: {lines()[line].what}.",
                        runbook="deploy-rollback",
                    )
                    for line, pipeline in self.pipelines.items()
                ],
                key_arn=args.log_key_arn,
                log_days=args.log_days,
            ),
            self.child(),
        )
