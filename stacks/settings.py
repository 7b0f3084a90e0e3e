"""The settings tree: what `Pulumi.<stack>.yaml` may say, with defaults that are safe for production.

Parsed once into frozen models, the same whether Pulumi or `concierge` reads the file. Every problem is one
line that names file, key, value and the fix; secret values are never printed. No resource is made here.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pulumi
from pulumi.runtime import config as pulumi_config
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from contract import regions
from stacks import stackfile
from stacks.stackfile import NAMESPACE, Problem, SettingsError

EndpointPreset = Literal["agent", "none"]


class Section(BaseModel):
    """A part of the tree: frozen, and closed against keys nobody reads."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)


def _private_cidr(value: str) -> str:
    network = ipaddress.IPv4Network(value)
    if not 16 <= network.prefixlen <= 20:
        raise ValueError("a VPC here is between /16 and /20, for example 10.0.0.0/16")
    if not any(network.subnet_of(ipaddress.IPv4Network(block)) for block in _PRIVATE):
        raise ValueError("use a private block: inside 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16")
    return value


_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
Cidr = Annotated[str, AfterValidator(_private_cidr)]


class Environment(Section):
    """What kind of place this is."""

    protect: bool = Field(True, description="refuse to delete or replace what holds data or addresses")
    owner: str = Field("platform", min_length=1, description="team that answers for it; a tag on everything")
    monthly_budget_usd: int | None = Field(
        None, gt=0, description="what a month may cost; `concierge plan --cost` holds the estimate against it"
    )


class RegionSettings(Section):
    """One region the estate stands in. Zones are ids (use1-az1): names differ between accounts."""

    name: str = Field(description="AWS region, one of those in contract/regions/")
    cidr: Cidr = Field(description="address block of the VPC; regions must not overlap")
    zones: Annotated[tuple[str, ...], Field(strict=False, min_length=2, max_length=6)] = Field(
        description="availability zone ids, at least two"
    )

    @model_validator(mode="after")
    def _zones_exist(self) -> Self:
        try:
            facts = regions.region(self.name)
        except KeyError as unknown:
            raise ValueError(unknown.args[0]) from None
        for zone in self.zones:
            if zone not in facts.zones:
                raise ValueError(
                    f"zone {zone!r} is not in {self.name}: zone ids there are {', '.join(facts.zones)}"
                )
        if len(set(self.zones)) != len(self.zones):
            raise ValueError(f"a zone is listed twice in {', '.join(self.zones)}")
        return self


class Regions(Section):
    """Where traffic lives, and where it goes when that is lost."""

    primary: RegionSettings = RegionSettings(
        name="us-east-1", cidr="10.0.0.0/16", zones=("use1-az1", "use1-az2", "use1-az4")
    )
    standby: RegionSettings | None = Field(
        None, description="region that takes over (NET-7); none: no failover"
    )

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.standby is None:
            return self
        if self.standby.name == self.primary.name:
            raise ValueError(f"standby must be another region than the primary, {self.primary.name}")
        ours, theirs = (ipaddress.IPv4Network(r.cidr) for r in (self.primary, self.standby))
        if ours.overlaps(theirs):
            raise ValueError(f"standby.cidr {theirs} overlaps primary.cidr {ours}: choose another block")
        return self


class Network(Section):
    """How private subnets reach the world (NET-1, NET-2)."""

    nat: Literal["none", "single", "per-az"] = Field(
        "per-az", description="NAT gateways: none, one for all zones, or one in each zone"
    )
    endpoints: EndpointPreset = Field(
        "agent", description="interface endpoints: everything the agent calls (NET-2), or none"
    )
    endpoint_zones: Literal["all", "one"] = Field(
        "all", description="zones that get an interface endpoint each; `one` is cheaper and less available"
    )
    flow_log_days: Literal[1, 3, 7, 14, 30, 60, 90, 180, 365] = Field(
        90, description="days VPC flow logs stay in CloudWatch"
    )

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.nat == "none" and self.endpoints == "none":
            raise ValueError(
                "nat: none with endpoints: none leaves the agent no way to Bedrock: "
                "set endpoints: agent, or nat: single"
            )
        return self


class Agent(Section):
    """Where the agent runs (RUN-19)."""

    host: Literal["ecs", "agentcore"] = Field(
        "ecs", description="ECS Fargate, or AgentCore Runtime in VPC mode"
    )


class Settings(Section):
    """Everything that may differ between two environments."""

    environment: Environment = Environment()
    regions: Regions = Regions()
    network: Network = Network()
    agent: Agent = Agent()

    @model_validator(mode="after")
    def _agentcore_zones(self) -> Self:
        if self.agent.host != "agentcore":
            return self
        for place in self.places.values():
            supported = regions.region(place.name).agentcore_zones
            for zone in place.zones:
                if zone not in supported:
                    raise ValueError(
                        f"agent.host is agentcore, which has no VPC mode in zone {zone}: "
                        f"use zones of {', '.join(supported)} in {place.name}, or agent.host: ecs"
                    )
        return self

    @property
    def places(self) -> Mapping[str, RegionSettings]:
        """Role -> region, primary first."""
        standby = self.regions.standby
        return {"primary": self.regions.primary} | ({"standby": standby} if standby else {})

    def warnings(self) -> list[str]:
        """What is allowed but should be known."""
        found = []
        if self.environment.protect and self.network.nat == "single":
            found.append("network.nat is single in a protected environment: losing its zone cuts all egress")
        if self.environment.protect and self.network.endpoint_zones == "one":
            found.append(
                "network.endpoint_zones is one in a protected environment: losing it cuts off AWS APIs"
            )
        if self.environment.protect and len(self.regions.primary.zones) < 3:
            found.append("regions.primary has two zones in a protected environment: NET-1 asks for three")
        return found


def parse(config: Mapping[str, str], *, file: str, lines: Mapping[str, int] | None = None) -> Settings:
    """The tree from Pulumi configuration: namespaced keys, each value JSON or plain text.

    `file` and `lines` only serve the messages.
    """
    sections = {}
    for key, text in config.items():
        namespace, _, name = key.partition(":")
        if namespace == NAMESPACE:
            sections[name] = _decode(text)
    try:
        return Settings.model_validate(sections)
    except ValidationError as invalid:
        raise SettingsError([_problem(file, lines or {}, error) for error in invalid.errors()]) from None


def load(stack: str, root: Path | None = None) -> Settings:
    """The tree of one stack, read from its file without Pulumi."""
    found = stackfile.read(stack, root)
    return parse(found.config, file=found.path.name, lines=found.lines)


def from_pulumi() -> Settings:
    """The tree inside a running Pulumi program, from the configuration the engine passed."""
    config = pulumi_config.CONFIG.get() or pulumi_config.get_config_env()
    return parse(config, file=f"Pulumi.{pulumi.get_stack()}.yaml")


def _decode(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _problem(file: str, lines: Mapping[str, int], error: Any) -> Problem:
    path = [str(part) for part in error["loc"]]
    key = f"{NAMESPACE}:{'.'.join(path)}" if path else NAMESPACE
    line = next((lines[k] for k in stackfile.ancestors(path) if k in lines), None)
    return Problem(file, line, key, _shown(path, error), _fix(path, error))


def _shown(path: list[str], error: Any) -> str | None:
    if error["type"] in {"missing", "extra_forbidden"} or not path or _is_secret(path):
        return None
    value = error["input"]
    return None if isinstance(value, (dict, BaseModel)) else json.dumps(value, default=str)


def _field(path: list[str]) -> tuple[type[BaseModel], Any]:
    """The model and field a path leads to, as far as it leads."""
    model: type[BaseModel] = Settings
    found: Any = None
    for part in path:
        found = model.model_fields.get(part)
        inner = stackfile.model_in(found.annotation) if found else None
        if inner is None:
            break
        model = inner
    return model, found


def _is_secret(path: list[str]) -> bool:
    _, found = _field(path)
    return found is not None and "Secret" in str(found.annotation)


def _fix(path: list[str], error: Any) -> str:
    kind = error["type"]
    if kind == "extra_forbidden":
        model, _ = _field(path[:-1])
        return stackfile.unknown_key(path[-1], list(model.model_fields))
    if kind == "missing":
        _, found = _field(path)
        return f"is required: {found.description}" if found is not None else "is required"
    if kind in {"literal_error", "enum"}:
        return f"must be {error['ctx']['expected']}"
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind in {"model_type", "dict_type", "model_attributes_type"}:
        model, _ = _field(path)
        return f"must be a mapping with keys of {', '.join(model.model_fields)}"
    return stackfile.plain_words(kind, error)
