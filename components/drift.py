"""Does AWS still look as the program says (OPS-4)? Pulumi is the only deployer; this finds who was another.

A schedule starts a build that previews the stack with a refresh and expects no change. The build changes
nothing and could not: its role reads configuration by AWS's two policies for that (`SecurityAudit`,
`ViewOnlyAccess`), plus what a refresh reads beyond them, named here. Those two policies grow with AWS, so
reading customers' items and objects is denied whatever they will say.

The state lies in a bucket, which the role reads and cannot write. A difference and a build that could not
look end alike; the log says which. A check that does not run at all has an alarm of its own.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Watch
from components.base import Component
from components.grants import Grant, pull_image, write_logs
from components.place import Place
from components.service_role import ServiceRole, ServiceRoleArgs
from contract.alarms import Alarm, Widget

MANAGED = ("SecurityAudit", "job-function/ViewOnlyAccess")
ITEMS = (
    "dynamodb:BatchGetItem",
    "dynamodb:GetItem",
    "dynamodb:PartiQLSelect",
    "dynamodb:Query",
    "dynamodb:Scan",
)
PART = "drift"
_PRIVATE = re.compile(r"\d{12}\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.[a-z.]+/(?P<repository>[^:@]+)[:@].+")


@dataclass(frozen=True, kw_only=True)
class DriftArgs:
    """`connection_arn`: CodeConnections, reads the repository. `image`: has pulumi and Python, ARM64.

    `backend_url`: where the state is, `s3://...`; `state_bucket_arn` and `secrets_key_arn` belong to it.
    `readable`: ARNs of further objects a refresh reads.
    """

    environment: str
    place: Place
    regions: Sequence[str]
    repository: str
    branch: str
    connection_arn: str
    image: str
    backend_url: str
    state_bucket_arn: Input[str]
    secrets_key_arn: Input[str]
    readable: Sequence[Input[str]]
    schedule: str
    log_key_arn: Input[str]
    log_days: int
    boundary_arn: str | None = None


class Drift(Component):
    """The build, its role, its schedule."""

    kind = "operations:Drift"

    def __init__(self, name: str, args: DriftArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        self.project_name = f"concierge-{args.environment}-{PART}"
        group = aws.cloudwatch.LogGroup(
            f"{name}-log",
            name=f"/concierge/{args.environment}/{PART}",
            retention_in_days=args.log_days,
            kms_key_id=args.log_key_arn,
            opts=self.child(),
        )
        project = self._project(group, self._role(group.arn))
        self._schedule(project)
        self.register_outputs({"project": project.arn})

    def alarms(self) -> list[Watch]:
        return [
            self._watch(
                "drift-found",
                "FailedBuilds",
                threshold=0,
                period_s=3600,
                datapoints=1,
                of=1,
                missing="notBreaching",
                impact="AWS is not what the repository says: the next `up` would undo somebody's change.",
            ),
            self._watch(
                "drift-unchecked",
                "Builds",
                threshold=1,
                comparison="LessThanThreshold",
                period_s=86_400,
                datapoints=2,
                of=2,
                missing="breaching",
                impact="For two days nobody has looked whether AWS is what the repository says.",
            ),
        ]

    def widgets(self) -> list[Widget]:
        return [
            Widget(
                title=f"Drift checks, {word}",
                namespace="AWS/CodeBuild",
                metric=metric,
                statistic="Sum",
                dimensions=({"ProjectName": self.project_name},),
            )
            for word, metric in (("clean", "SucceededBuilds"), ("with differences", "FailedBuilds"))
        ]

    def _watch(self, id_: str, metric: str, **more: Any) -> Watch:
        return Watch(
            Alarm(
                id=id_,
                namespace="AWS/CodeBuild",
                metric=metric,
                dimensions={"ProjectName": self.project_name},
                statistic="Sum",
                severity="ticket",
                runbook="deploy-rollback",
                **more,
            )
        )

    def _role(self, group_arn: Input[str]) -> ServiceRole:
        """Reads configuration everywhere, and no customer's data anywhere."""
        args = self._args
        made = ServiceRole(
            f"{self.name}-build",
            ServiceRoleArgs(
                environment=args.environment,
                place=args.place,
                part=PART,
                service="codebuild",
                for_arns=[args.place.arn("codebuild", f"project/{self.project_name}")],
                grants=[write_logs(group_arn), *_pulls(args), *_reads(args)],
                boundary=args.boundary_arn,
            ),
            self.child(),
        )
        role = f"concierge-{args.environment}-{args.place.region}-{PART}"
        after = pulumi.ResourceOptions(parent=self, depends_on=[made])
        for policy in MANAGED:
            aws.iam.RolePolicyAttachment(
                f"{self.name}-{policy.rpartition('/')[2].lower()}",
                role=role,
                policy_arn=Output.concat("arn:", args.place.partition, f":iam::aws:policy/{policy}"),
                opts=after,
            )
        aws.iam.RolePolicy(
            f"{self.name}-no-data",
            role=role,
            policy=Output.json_dumps(_no_data([*_state_objects(args), *args.readable])),
            opts=after,
        )
        return made

    def _project(self, group: aws.cloudwatch.LogGroup, role: ServiceRole) -> aws.codebuild.Project:
        args = self._args
        variables = {
            "STACK": args.environment,
            "PULUMI_BACKEND_URL": args.backend_url,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "AWS_REGION": args.place.region,
        }
        return aws.codebuild.Project(
            f"{self.name}-project",
            name=self.project_name,
            description="Looks whether AWS is what the repository says; changes nothing.",
            service_role=role.arn,
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "ARM_CONTAINER",
                "compute_type": "BUILD_GENERAL1_SMALL",
                "image": args.image,
                "image_pull_credentials_type": "SERVICE_ROLE" if _pulls(args) else "CODEBUILD",
                "privileged_mode": False,
                "environment_variables": [{"name": k, "value": v} for k, v in variables.items()],
            },
            source={
                "type": "GITHUB",
                "location": args.repository,
                "git_clone_depth": 1,
                "auth": {"type": "CODECONNECTIONS", "resource": args.connection_arn},
                "buildspec": Path(__file__).with_name("drift_buildspec.yaml").read_text(encoding="utf-8"),
            },
            source_version=args.branch,
            logs_config={"cloudwatch_logs": {"status": "ENABLED", "group_name": group.name}},
            # Two looks at once would only share the same answer.
            concurrent_build_limit=1,
            build_timeout=45,
            queued_timeout=30,
            opts=self.child(),
        )

    def _schedule(self, project: aws.codebuild.Project) -> None:
        args = self._args
        starter = ServiceRole(
            f"{self.name}-starter",
            ServiceRoleArgs(
                environment=args.environment,
                place=args.place,
                part=f"{PART}-schedule",
                service="scheduler",
                # Scheduler names the group, never the schedule.
                for_arns=[args.place.arn("scheduler", "schedule-group/default")],
                grants=[Grant("StartCheck", ["codebuild:StartBuild"], [project.arn])],
                boundary=args.boundary_arn,
            ),
            self.child(),
        )
        aws.scheduler.Schedule(
            f"{self.name}-schedule",
            name=self.project_name,
            schedule_expression=args.schedule,
            flexible_time_window={"mode": "FLEXIBLE", "maximum_window_in_minutes": 15},
            target={
                "arn": Output.concat(
                    "arn:", args.place.partition, ":scheduler:::aws-sdk:codebuild:startBuild"
                ),
                "role_arn": starter.arn,
                "input": Output.json_dumps({"ProjectName": project.name}),
                "retry_policy": {"maximum_retry_attempts": 3, "maximum_event_age_in_seconds": 3600},
            },
            opts=self.child(),
        )


def _pulls(args: DriftArgs) -> list[Grant]:
    """An image of a private registry is pulled as the build's own role."""
    match = _PRIVATE.fullmatch(args.image)
    if match is None:
        return []
    repository = args.place.arn("ecr", f"repository/{match['repository']}", region=match["region"])
    return pull_image(args.place, repository)


def _state_objects(args: DriftArgs) -> list[Input[str]]:
    return [Output.concat(args.state_bucket_arn, "/*")]


def _reads(args: DriftArgs) -> list[Grant]:
    """What a refresh reads beyond AWS's two policies: the state, and values that resources are made of."""
    place, ours = args.place, f"concierge-{args.environment}-*"

    def everywhere(service: str, resource: str) -> list[Input[str]]:
        return [place.arn(service, resource, region=region) for region in args.regions]

    gateways: list[Input[str]] = [
        place.ownerless_arn("apigateway", "/*", region=region) for region in args.regions
    ]
    return [
        Grant("FindState", ["s3:GetBucketLocation", "s3:ListBucket"], [args.state_bucket_arn]),
        Grant("ReadState", ["s3:GetObject"], [*_state_objects(args), *args.readable]),
        Grant("OpenState", ["kms:Decrypt"], [args.secrets_key_arn]),
        Grant(
            "FetchRepository",
            ["codeconnections:GetConnection", "codeconnections:GetConnectionToken"],
            [args.connection_arn],
        ),
        Grant(
            "ReadParameters",
            ["ssm:GetParameter"],
            everywhere("ssm", f"parameter/concierge/{args.environment}/*"),
        ),
        Grant(
            "ReadSecrets", ["secretsmanager:GetSecretValue"], everywhere("secretsmanager", f"secret:{ours}")
        ),
        Grant("ReadFunctions", ["lambda:GetFunction"], everywhere("lambda", f"function:{ours}")),
        Grant("ReadGateways", ["apigateway:GET"], gateways),
    ]


def _no_data(but: Sequence[Input[str]]) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "NoItems", "Effect": "Deny", "Action": list(ITEMS), "Resource": "*"},
            {"Sid": "NoObjects", "Effect": "Deny", "Action": "s3:GetObject", "NotResource": [*but]},
        ],
    }
