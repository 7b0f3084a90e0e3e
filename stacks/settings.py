"""The settings tree: what `Pulumi.<stack>.yaml` may say, with defaults that are safe for production.

Parsed once into frozen models, the same whether Pulumi or `concierge` reads the file. Every problem is one
line that names file, key, value and the fix; secret values are never printed. No resource is made here.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pulumi
from pulumi.runtime import config as pulumi_config
from pydantic import AfterValidator, Field, SecretStr, model_validator

from contract import regions
from contract.runtime_settings import RuntimeSettings
from stacks import stackfile
from stacks.problems import rule, validated
from stacks.section import Section
from stacks.sections.agent import Agent
from stacks.sections.data import Data
from stacks.sections.delivery import Delivery, Faults, Fleet
from stacks.sections.edge import Domain, Edge, Waf, exposed
from stacks.sections.events import Events
from stacks.sections.gateway import Gateway
from stacks.sections.identity import Identity
from stacks.sections.inference import Inference, Training
from stacks.sections.ingest import Ingest
from stacks.sections.models import ModelSettings
from stacks.sections.operations import Operations
from stacks.sections.search import Search
from stacks.sections.shop import Shop
from stacks.stackfile import NAMESPACE

EndpointPreset = Literal["agent", "none"]


def _private_cidr(value: str) -> str:
    try:
        network = ipaddress.IPv4Network(value, strict=False)
    except ValueError:
        raise ValueError("must be an IPv4 block such as 10.0.0.0/16") from None
    if not 16 <= network.prefixlen <= 20:
        raise ValueError(f"is a /{network.prefixlen}; a VPC here is between /16 and /20, such as 10.0.0.0/16")
    if not any(network.subnet_of(ipaddress.IPv4Network(block)) for block in _PRIVATE):
        raise ValueError("use a private block: inside 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16")
    if str(network) != value:
        raise ValueError(f"write it as {network}: AWS takes the first address of the block and its length")
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
        if self.name not in regions.known():
            raise rule(
                "name", f"is not described in contract/regions/: known are {', '.join(regions.known())}"
            )
        offered = regions.region(self.name).zones
        for zone in self.zones:
            if zone not in offered:
                raise rule("zones", f"{zone} is no zone id of {self.name}: use {', '.join(offered)}")
        if len(set(self.zones)) != len(self.zones):
            raise rule("zones", "lists a zone twice: each zone gets one set of subnets")
        return self


class Regions(Section):
    """Where traffic lives, and where it goes when that is lost."""

    primary: RegionSettings = RegionSettings(
        name="us-east-1", cidr="10.0.0.0/16", zones=("use1-az1", "use1-az2", "use1-az4")
    )
    standby: RegionSettings | None = Field(
        None, description="region that takes over (NET-7), with the keys of primary; none: no failover"
    )
    standby_percent: int = Field(
        100, ge=1, le=100, description="tasks the standby always runs, in percent of the primary's least"
    )

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.standby is None:
            return self
        if self.standby.name == self.primary.name:
            raise rule("standby.name", "is the primary's region too: choose another, or remove standby")
        ours, theirs = (ipaddress.IPv4Network(r.cidr) for r in (self.primary, self.standby))
        if ours.overlaps(theirs):
            raise rule("standby.cidr", f"overlaps the primary's {ours}: choose another block")
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
            raise rule(
                "nat",
                "with endpoints: none the agent cannot reach Bedrock: set endpoints: agent, or nat: single",
            )
        return self


class Notices(Section):
    """Who hears of alarms (OPS-2)."""

    pager_url: SecretStr | None = Field(
        None, description="the pager's HTTPS integration URL; set it with `pulumi config set --secret --path`"
    )
    ticket_email: str | None = Field(None, description="address for what can wait until morning")


class Settings(Section):
    """Everything that may differ between two environments."""

    environment: Environment = Environment()
    regions: Regions = Regions()
    network: Network = Network()
    agent: Agent = Agent()
    identity: Identity = Identity()
    domain: Domain = Domain()
    waf: Waf = Waf()
    edge: Edge = Edge()
    gateway: Gateway = Gateway()
    data: Data = Data()
    search: Search = Search()
    models: ModelSettings = ModelSettings()
    inference: Inference = Inference()
    training: Training = Training()
    events: Events = Events()
    ingest: Ingest = Ingest()
    operations: Operations = Operations()
    delivery: Delivery = Delivery()
    faults: Faults = Faults()
    fleet: Fleet = Fleet()
    shop: Shop = Shop()
    runtime: RuntimeSettings = RuntimeSettings()
    notices: Notices = Notices()

    @model_validator(mode="after")
    def _agentcore_zones(self) -> Self:
        if self.agent.host != "agentcore":
            return self
        for place in self.places.values():
            supported = regions.region(place.name).agentcore_zones
            for zone in place.zones:
                if zone not in supported:
                    raise rule(
                        "agent.host",
                        f"AgentCore has no VPC mode in zone {zone} of {place.name}: "
                        f"use zones of {', '.join(supported)}, or host: ecs",
                    )
        return self

    @model_validator(mode="after")
    def _reachable_from_outside(self) -> Self:
        exposed(self.domain, self.edge, standby=self.regions.standby is not None)
        return self

    @model_validator(mode="after")
    def _models_callable(self) -> Self:
        self.models.check(
            self.runtime.rungs,
            self._region_names,
            production=self.environment.protect,
            today=datetime.now(UTC).date(),
        )
        self.events.check_sold(self._region_names)
        return self

    @model_validator(mode="after")
    def _search_stands(self) -> Self:
        for place in self.places.values():
            if why := self.search.outside(place.zones):
                raise rule("search.zones", why)
        return self

    @property
    def _region_names(self) -> Mapping[str, str]:
        return {role: place.name for role, place in self.places.items()}

    def runtime_in(self, region: str) -> RuntimeSettings:
        """What the agent of this region is set to: the ladder as it stands there."""
        role = next(role for role, name in self._region_names.items() if name == region)
        ladder = self.models.standing(self.runtime.rungs, self._region_names, role).rungs
        return self.runtime.model_copy(update={"ladder": ladder, "premium": None})

    @property
    def places(self) -> Mapping[str, RegionSettings]:
        """Role -> region, primary first."""
        standby = self.regions.standby
        return {"primary": self.regions.primary} | ({"standby": standby} if standby else {})

    def warnings(self) -> list[str]:
        """What is allowed but should be known."""
        found = self.data.warnings(protected=self.environment.protect)
        if self.environment.protect and self.network.nat == "single":
            found.append("network.nat is single in a protected environment: losing its zone cuts all egress")
        if self.regions.standby is not None and self.network.nat == "none":
            found.append(
                "network.nat is none: no call leaves for the other region's models, so the ladder ends here; "
                "set nat: single, or leave the rungs of region: standby out of runtime.ladder"
            )
        if self.environment.protect and self.network.endpoint_zones == "one":
            found.append(
                "network.endpoint_zones is one in a protected environment: losing it cuts off AWS APIs"
            )
        if self.environment.protect and len(self.regions.primary.zones) < 3:
            found.append("regions.primary has two zones in a protected environment: NET-1 asks for three")
        if self.environment.protect and self.domain.name is None:
            found.append(
                "domain.name is missing in a protected environment: without a certificate CloudFront takes "
                "old TLS and balancers take none"
            )
        found += self.agent.warnings(protect=self.environment.protect)
        protect, places = self.environment.protect, self._region_names
        found += self.identity.warnings(protect=protect)
        found += self.search.warnings(protected=protect)
        found += self.models.warnings(
            self.runtime.rungs, places, production=protect, today=datetime.now(UTC).date()
        )
        found += self.inference.warnings(protect=protect)
        found += self.operations.warnings(protect=protect, budget=self.environment.monthly_budget_usd)
        return found


def parse(
    config: Mapping[str, str],
    *,
    file: str,
    lines: Mapping[str, int] | None = None,
    secret_keys: Collection[str] = (),
) -> Settings:
    """The tree from Pulumi configuration: namespaced keys, each value JSON or plain text.

    `file` and `lines` only serve the messages; `secret_keys` are those the engine opened a `secure:` in.
    """
    ours = {key.removeprefix(f"{NAMESPACE}:"): text for key, text in config.items() if _is_ours(key)}
    return validated(
        Settings,
        {name: _decode(text) for name, text in ours.items()},
        file=file,
        lines=lines or {},
        sealed_sections=[key.removeprefix(f"{NAMESPACE}:") for key in secret_keys if _is_ours(key)],
    )


def load(stack: str, root: Path | None = None) -> Settings:
    """The tree of one stack, read from its file without Pulumi."""
    found = stackfile.read(stack, root)
    return parse(found.config, file=found.path.name, lines=found.lines)


def from_pulumi() -> Settings:
    """The tree inside a running Pulumi program, from the configuration the engine passed."""
    stackfile.check_name(pulumi.get_stack())
    config = pulumi_config.CONFIG.get() or pulumi_config.get_config_env()
    secret = {*pulumi_config.get_config_secret_keys_env(), *filter(pulumi_config.is_config_secret, config)}
    return parse(config, file=f"Pulumi.{pulumi.get_stack()}.yaml", secret_keys=secret)


def _is_ours(key: str) -> bool:
    return key.startswith(f"{NAMESPACE}:")


def _decode(text: str) -> Any:
    """What a text says as JSON; what is no JSON, or deeper than any setting, stays the text it is."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if stackfile.is_shallow(value) else text
