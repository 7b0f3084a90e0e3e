"""What every area of a region needs to know: where it stands, for which environment, with which keys."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.place import Place
from contract.runtime_settings import RuntimeSettings
from stacks.settings import RegionSettings, Settings

Role = Literal["primary", "standby"]


@dataclass(frozen=True, kw_only=True)
class Site:
    """`inside` makes a child of the region; `ask` is for questions to AWS in it."""

    role: str
    environment: str
    settings: Settings
    chosen: RegionSettings
    place: Place
    keys: Mapping[str, Output[str]]
    inside: pulumi.ResourceOptions
    ask: pulumi.InvokeOptions

    @property
    def guarded(self) -> bool:
        """Whether what holds data may not be deleted."""
        return self.settings.environment.protect

    @property
    def boundary(self) -> str | None:
        """ARN of the permission boundary of every role."""
        return self.settings.identity.permission_boundary_arn

    @property
    def runtime(self) -> RuntimeSettings:
        """What the agent of this region is set to."""
        return self.settings.runtime_in(self.chosen.name)

    @property
    def account_id(self) -> Input[str]:
        return self.place.account_id

    def role_name(self, part: str) -> str:
        """Name of an IAM role here: policies name roles that are made after them."""
        return f"concierge-{self.environment}-{self.chosen.name}-{part}"

    def role_of(self, workload: str) -> str:
        """The role a service of the agent works as, on the host it has."""
        return self.role_name(f"{workload}-{'agentcore' if workload in self.on_agentcore else 'task'}")

    @property
    def on_agentcore(self) -> frozenset[str]:
        """What moves to AgentCore when the agent's host is that; the rest stays on ECS."""
        return frozenset({"chat", "tools"}) if self.settings.agent.host == "agentcore" else frozenset()

    def named(self, part: str) -> str:
        """Logical name of a component: `primary-cache`."""
        return f"{self.role}-{part}"


def standing(provider: aws.Provider, region: str) -> Place:
    """The place a provider works in."""
    ask = pulumi.InvokeOutputOptions(provider=provider)
    return Place(
        partition=aws.get_partition_output(opts=ask).partition,
        region=region,
        account_id=aws.get_caller_identity_output(opts=ask).account_id,
    )
