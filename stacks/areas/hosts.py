"""What runs: the agent's services, the queue they ingest from, a load fleet (RUN-19, RUN-20)."""

import math
from dataclasses import dataclass
from typing import Any

from components.agent_core import AgentCore, AgentCoreArgs, Code, Issuer
from components.agent_ecs import AgentEcs, AgentEcsArgs
from components.alarms import Watched
from components.ingest import Ingest, IngestArgs
from components.ingest_bulk import IngestBulk, IngestBulkArgs
from components.load_fleet import LoadFleet, LoadFleetArgs
from components.registry import Registry, RegistryArgs
from components.service import Workload
from components.traffic import Traffic
from stacks.areas import places
from stacks.areas.data import Data
from stacks.areas.doors import Doors
from stacks.areas.ground import Ground
from stacks.areas.mind import Mind
from stacks.areas.signals import Signals
from stacks.areas.workloads import Needs, allowed
from stacks.sections.agent import Service
from stacks.site import Site


@dataclass(frozen=True, kw_only=True)
class Hosts:
    """Services, and what feeds or loads them."""

    registry: Registry
    ecs: AgentEcs
    agent_core: AgentCore | None
    ingest: Ingest | None
    bulk: IngestBulk | None
    fleet: LoadFleet | None

    @property
    def watched(self) -> list[Watched | None]:
        return [self.registry, self.ecs, self.agent_core, self.ingest, self.bulk, self.fleet]


def run(site: Site, ground: Ground, data: Data, signals: Signals, mind: Mind, doors: Doors) -> Hosts:
    agent = site.settings.agent
    registry = Registry(
        site.named("registry"),
        RegistryArgs(
            environment=site.environment,
            key_arn=site.keys["images"],
            keep=agent.keep_images,
            scan=agent.scan,
            protect=site.guarded,
        ),
        site.inside,
    )
    ingest = _ingest(site, data) if site.settings.ingest.enabled else None
    needs = Needs(site=site, data=data, mind=mind, doors=doors, ingest=ingest)
    shared = _shared(needs, ground, signals, registry)
    return Hosts(
        registry=registry,
        ecs=AgentEcs(
            site.named("agent"),
            AgentEcsArgs(
                services={
                    name: _workload(needs, name, size)
                    for name, size in agent.services
                    if name not in site.on_agentcore
                },
                repository_name=registry.repository_name,
                drain_s=site.settings.runtime.request_s,
                bake_minutes=agent.bake_minutes,
                insights=agent.insights,
                shell=agent.shell,
                **shared,
            ),
            site.inside,
        ),
        agent_core=_agent_core(needs, shared, data) if site.on_agentcore else None,
        ingest=ingest,
        bulk=_bulk(site, data, ingest) if ingest and site.settings.ingest.bulk.enabled else None,
        fleet=_fleet(site, ground, data, doors) if site.settings.fleet.enabled else None,
    )


def _shared(needs: Needs, ground: Ground, signals: Signals, registry: Registry) -> dict[str, Any]:
    """What both hosts take: one image, one network, one set of documents to read."""
    site, mind = needs.site, needs.mind
    agent = site.settings.agent
    return {
        "environment": site.environment,
        "place": site.place,
        "repository_arn": registry.repository_arn,
        "image": registry.image(agent.image_digest),
        "built": agent.image_digest is not None,
        "subnet_ids": ground.network.private_subnet_ids,
        "security_group_id": ground.groups.ids["agent"],
        "variables": {
            "AWS_REGION": site.chosen.name,
            "CONCIERGE_ENVIRONMENT": site.environment,
            "CONCIERGE_SETTINGS": mind.models.settings_parameter,
            "CONCIERGE_CONTROLS": signals.controls.parameter,
            "CONCIERGE_MODELS": mind.calls.parameter,
            **places.variables(site, needs.data, mind, needs.doors),
        },
        "log_days": agent.log_days,
        "log_key_arn": site.keys["logs"],
        "boundary": site.boundary,
    }


def _workload(needs: Needs, name: str, size: Service) -> Workload:
    rollout = needs.doors.balancers.rollouts.get(name)
    traffic = (
        Traffic(
            target_group_arn=rollout.target_groups["blue"],
            alternate_target_group_arn=rollout.target_groups["green"],
            rule_arn=rollout.production_rule,
            test_rule_arn=rollout.test_rule,
        )
        if rollout
        else None
    )
    reads = needs.ingest.variables() if needs.ingest and name == "ingest" else {}
    return Workload(
        cpu=size.cpu,
        memory_mb=size.memory_mb,
        minimum=_least(needs.site, size.minimum),
        maximum=size.maximum,
        grants=allowed(needs, name),
        variables=reads,
        traffic=traffic,
        registry_arn=None if rollout else needs.doors.service_names.registries.get(name),
    )


def _least(site: Site, minimum: int) -> int:
    """The standby always runs a share of the primary: failing over asks AWS for nothing first (NET-7)."""
    if site.role == "primary":
        return minimum
    return math.ceil(minimum * site.settings.regions.standby_percent / 100)


def _agent_core(needs: Needs, shared: dict[str, Any], data: Data) -> AgentCore:
    site, identity = needs.site, needs.doors.identity
    agent = site.settings.agent
    bucket = data.buckets.names["agent"]
    code = Code(bucket=bucket, **agent.code.model_dump()) if agent.code else None
    return AgentCore(
        site.named("agent-core"),
        AgentCoreArgs(
            allowed={name: allowed(needs, name) for name in sorted(site.on_agentcore)},
            issuer=Issuer(discovery_url=identity.discovery_url, client_ids=[identity.web_client_id]),
            memory_days=agent.memory_days,
            memory_key_arn=site.keys["agent"],
            protect=site.guarded,
            code=code,
            **{**shared, "built": shared["built"] or code is not None},
        ),
        site.inside,
    )


def _ingest(site: Site, data: Data) -> Ingest:
    return Ingest(
        site.named("ingest"),
        IngestArgs(
            environment=site.environment,
            place=site.place,
            bucket=data.buckets.names["documents"],
            bucket_arn=data.buckets.arns["documents"],
            bucket_key_arn=site.keys["objects"],
            key_arn=site.keys["ingest"],
            **site.settings.ingest.model_dump(exclude={"enabled", "bulk"}),
        ),
        site.inside,
    )


def _bulk(site: Site, data: Data, ingest: Ingest) -> IngestBulk:
    return IngestBulk(
        site.named("ingest-bulk"),
        IngestBulkArgs(
            environment=site.environment,
            place=site.place,
            bucket=data.buckets.names["documents"],
            bucket_arn=data.buckets.arns["documents"],
            results_bucket=data.buckets.names["agent"],
            results_arn=data.buckets.arns["agent"],
            bucket_key_arn=site.keys["objects"],
            queue_url=ingest.queue_url,
            send=ingest.send(),
            log_days=site.settings.ingest.bulk.log_days,
            log_key_arn=site.keys["logs"],
            boundary=site.boundary,
        ),
        site.inside,
    )


def _fleet(site: Site, ground: Ground, data: Data, doors: Doors) -> LoadFleet | None:
    if site.role == "standby":
        return None
    return LoadFleet(
        site.named("load"),
        LoadFleetArgs(
            environment=site.environment,
            place=site.place,
            namespace_id=doors.service_names.namespace_id,
            domain=doors.service_names.domain,
            subnet_ids=ground.network.private_subnet_ids,
            security_group_id=ground.groups.ids["load"],
            bucket_key_arn=site.keys["objects"],
            access_log_bucket=data.buckets.names["access-logs"],
            log_key_arn=site.keys["logs"],
            boundary=site.boundary,
            **site.settings.fleet.model_dump(exclude={"enabled"}),
        ),
        site.inside,
    )
