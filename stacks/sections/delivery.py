"""How code gets here, and what is done to it on purpose: pipelines, experiments, the load fleet (OPS-8).

All three are off unless asked for: pipelines stand once, in one account; experiments and load are for
environments somebody watches.
"""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from stacks.problems import rule
from stacks.section import Section

LogDays = Literal[1, 3, 7, 14, 30, 60, 90, 180, 365]
_DIGEST = re.compile(r"[^@\s]+@sha256:[0-9a-f]{64}")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")
_REPOSITORY = re.compile(r"arn:aws[a-z-]*:ecr:[a-z0-9-]+:\d{12}:repository/[a-z0-9._/-]+")


def _pinned(value: str) -> str:
    if not _DIGEST.fullmatch(value):
        raise ValueError("must name an image by its digest, name@sha256:...: a tag may move")
    return value


def _role(value: str) -> str:
    if not _ROLE.fullmatch(value):
        raise ValueError("is no ARN of a role: write it as arn:aws:iam::<account>:role/<name>")
    return value


def _repository(value: str) -> str:
    if not _REPOSITORY.fullmatch(value):
        raise ValueError(
            "is no ARN of a registry: write it as arn:aws:ecr:<region>:<account>:repository/<name>"
        )
    return value


Image = Annotated[str, AfterValidator(_pinned)]
RoleArn = Annotated[str, AfterValidator(_role)]
RepositoryArn = Annotated[str, AfterValidator(_repository)]


class Deployer(Section):
    """A stack and who may change it."""

    stack: str = Field(pattern=r"^[a-z][a-z0-9-]*$", description="name of the stack")
    role_arn: RoleArn = Field(
        description="role that `pulumi up` of this stack runs as, made by the account's owner"
    )


class Delivery(Section):
    """Pipelines from the repository to production (OPS-8)."""

    enabled: bool = Field(
        False, description="declare the pipelines; in one stack only, in the account that delivers"
    )
    provider: Literal["GitHub", "GitLab", "Bitbucket"] = Field(
        "GitHub", description="where the repository is; a person confirms the connection once"
    )
    repository: str | None = Field(
        None, pattern=r"^[\w.-]+(/[\w.-]+)+$", description="the repository as owner/name; pipelines need it"
    )
    branch: str = Field("main", min_length=1, description="branch that is delivered")
    first: Deployer | None = Field(None, description="stack that is deployed at once; pipelines need it")
    last: Deployer | None = Field(
        None, description="stack that is deployed after approval; pipelines need it"
    )
    state_url: str | None = Field(
        None, pattern=r"^s3://.+", description="where Pulumi keeps its state, as s3://...; pipelines need it"
    )
    repositories: tuple[RepositoryArn, ...] = Field(
        (), strict=False, description="ARNs of every image registry of both stacks; pipelines need them"
    )
    cli_image: Image | None = Field(
        None,
        description="ARM64 image with Python 3.11, make and the Pulumi CLI, by digest; pipelines need it",
    )
    cli_repository_arn: RepositoryArn | None = Field(
        None, description="registry of cli_image, if it is one of ours; none: it is public"
    )
    log_days: LogDays = Field(90, description="days the logs of builds stay in CloudWatch")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.enabled:
            return self
        for key in ("repository", "first", "last", "state_url", "repositories", "cli_image"):
            if not getattr(self, key):
                raise rule(key, "is needed by the pipelines: set it, or delivery.enabled to false")
        if self.first and self.last and self.first.stack == self.last.stack:
            raise rule("last.stack", "is the first stack too: approval would come after the fact")
        return self


class Faults(Section):
    """Experiments of AWS Fault Injection Service (CHAOS-1)."""

    enabled: bool = Field(
        False,
        description="declare the experiments; none runs before somebody starts it. In production too: ask",
    )
    minutes: int = Field(10, ge=1, le=60, description="minutes an experiment lasts at most")
    zone: str | None = Field(
        None, description="id of the zone that experiments take away; none: the region's first"
    )
    stop_alarms: Annotated[tuple[str, ...], Field(strict=False, min_length=1, max_length=5)] = Field(
        ("canary-region", "canary-slow"),
        description="alarms that end an experiment at once: those that say customers notice",
    )
    log_days: LogDays = Field(90, description="days the log of experiments stays in CloudWatch")


class Fleet(Section):
    """Locust on Fargate (LOAD-4)."""

    enabled: bool = Field(False, description="run the fleet; it costs for as long as this is true")
    image: Image | None = Field(
        None, description="ARM64 image with loadtests/, by digest; the fleet needs it"
    )
    repository_arn: RepositoryArn | None = Field(
        None, description="registry of the image; the fleet needs it"
    )
    workers: int = Field(10, ge=1, le=500, description="workers: about 4,000 users each")
    worker_cpu: Literal[1024, 2048, 4096] = Field(
        1024, description="CPU units of a worker; Locust uses one core, 1024 units"
    )
    worker_memory_mb: int = Field(2048, ge=2048, description="memory of a worker; a user takes about 12 KB")
    scenario: str = Field("prime-day", min_length=1, description="scenario of loadtests/scenarios/")
    target: str | None = Field(
        None,
        pattern=r"^(https|wss)://\S+$",
        description="door that is loaded, as https://...; the fleet needs it",
    )
    log_days: LogDays = Field(7, description="days the fleet's logs stay in CloudWatch")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.enabled:
            for key in ("image", "repository_arn", "target"):
                if getattr(self, key) is None:
                    raise rule(key, "is needed by the fleet: set it, or fleet.enabled to false")
        return self
