"""Where the agent runs, which image, and how large each of its services is (RUN-19, RUN-20)."""

from collections.abc import Mapping, Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from stacks.problems import rule
from stacks.section import Section

Workload = Literal["chat", "rest", "tools", "ingest"]

# CPU units -> the memory Fargate offers with them, in MB (ECS developer guide, "Task CPU and memory").
_MEMORY: Mapping[int, Sequence[int]] = {
    256: (512, 1024, 2048),
    512: range(1024, 4096 + 1, 1024),
    1024: range(2048, 8192 + 1, 1024),
    2048: range(4096, 16384 + 1, 1024),
    4096: range(8192, 30720 + 1, 1024),
    8192: range(16384, 61440 + 1, 4096),
    16384: range(32768, 122880 + 1, 8192),
}


class Service(Section):
    """One service: what a task gets, and how many there may be."""

    cpu: int = Field(1024, description="CPU units of a task; 1024 are one core")
    memory_mb: int = Field(2048, description="memory of a task, one of the sizes Fargate has for its cpu")
    minimum: int = Field(2, ge=1, description="tasks that always run; two, so that a zone may be lost")
    maximum: int = Field(50, ge=1, description="tasks that may run at most")

    @model_validator(mode="after")
    def _offered(self) -> Self:
        if self.cpu not in _MEMORY:
            raise rule("cpu", f"Fargate has tasks of {', '.join(map(str, _MEMORY))} CPU units")
        sizes = _MEMORY[self.cpu]
        if self.memory_mb not in sizes:
            some = ", ".join(map(str, sizes)) if len(sizes) < 8 else f"{sizes[0]}, {sizes[1]} ... {sizes[-1]}"
            raise rule("memory_mb", f"with cpu {self.cpu} Fargate has {some}")
        if self.maximum < self.minimum:
            raise rule("maximum", f"is below minimum: use at least {self.minimum}")
        return self


class Chat(Service):
    """Holds the sockets and streams the answers."""

    cpu: int = Field(2048, description="CPU units of a task; 1024 are one core")
    memory_mb: int = Field(4096, description="memory of a task, one of the sizes Fargate has for its cpu")


class Services(Section):
    """The image, four times (NET-4)."""

    chat: Chat = Chat()
    rest: Service = Service()
    tools: Service = Service()
    ingest: Service = Service()


class Code(Section):
    """A zip in the bucket of the agent, `code/DIGITS.zip` (`concierge package`)."""

    digest: str = Field(description="`sha256:...`, as `concierge package` prints it")
    version: str = Field(
        min_length=1, description="the VersionId that the upload prints; the copy in the standby has the same"
    )
    python: Literal["3.11", "3.12", "3.13"] = Field("3.13", description="what the zip was built for")

    @model_validator(mode="after")
    def _pinned(self) -> Self:
        _check_digest("digest", "zip", self.digest)
        return self


class Agent(Section):
    """Where the agent runs (RUN-19)."""

    host: Literal["ecs", "agentcore"] = Field(
        "ecs", description="ECS Fargate for everything, or AgentCore Runtime in VPC mode for chat and tools"
    )
    image_digest: str | None = Field(
        None,
        description="`sha256:...` of the image that runs; none: nothing is built yet, so no task is started",
    )
    code: Code | None = Field(None, description="the zip that AgentCore runs instead of the image")
    services: Services = Services()
    insights: Literal["disabled", "enabled", "enhanced"] = Field(
        "enhanced", description="Container Insights: metrics for each task cost by their number"
    )
    bake_minutes: int = Field(
        10, ge=0, le=1440, description="minutes the old version stays after a rollout, ready to take over"
    )
    log_days: Literal[1, 3, 7, 14, 30, 60, 90, 180, 365] = Field(
        90, description="days the services' logs stay in CloudWatch"
    )
    shell: bool = Field(
        False, description="`aws ecs execute-command` into tasks; makes their file system writable"
    )
    keep_images: int = Field(
        30, ge=5, description="images the registry keeps: how far back a rollback reaches"
    )
    scan: Literal["basic", "enhanced"] = Field(
        "basic",
        description="image scans: on push, or Amazon Inspector all the time. The registry's setting belongs "
        "to the account: with several environments in one, set `enhanced` in one of them",
    )
    memory_days: int = Field(90, ge=7, le=365, description="days AgentCore Memory keeps events")

    @model_validator(mode="after")
    def _pinned(self) -> Self:
        if self.image_digest is not None:
            _check_digest("image_digest", "image", self.image_digest)
        if self.code is not None and self.host != "agentcore":
            raise rule("code", "is for agent.host agentcore; ECS takes an image (image_digest)")
        return self

    def warnings(self, *, protect: bool) -> list[str]:
        """What is allowed but should be known."""
        found = []
        if self.image_digest is None:
            found.append(
                "agent.image_digest is not set: every service is declared without a task. After the first "
                "`pulumi up` push the image and set the digest that the push prints"
            )
        if protect and self.shell:
            found.append(
                "agent.shell is on in a protected environment: tasks take commands and can be written"
            )
        for name, service in self.services:
            if protect and service.minimum < 2:
                found.append(
                    f"agent.services.{name} may run a single task in a protected environment (RUN-20)"
                )
        return found


def _check_digest(key: str, what: str, digest: str) -> None:
    word, _, number = digest.partition(":")
    if word != "sha256" or len(number) != 64 or set(number) - set("0123456789abcdef"):
        raise rule(
            key,
            f"must be the {what}'s digest, `sha256:` and 64 hexadecimal digits: a tag may move, and a "
            "plan would not say what it starts; `concierge package` and the push print it",
        )
    if not number.strip("0"):
        raise rule(key, f"is the digest of no {what}: leave the key out until one is pushed")
