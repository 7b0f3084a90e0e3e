"""What a region tells operators' tools: its names, in the shape of `contract.inventory.RegionInventory`."""

from typing import TYPE_CHECKING, Any

from pulumi import Input, Output

if TYPE_CHECKING:
    from stacks.region import RegionStack
    from stacks.world import World


def of(region: "RegionStack", world: "World") -> dict[str, Input[Any]]:
    """Our words -> what AWS calls things. What stands once for all regions is told by each."""
    data, mind, doors, hosts, watch = region.data, region.mind, region.doors, region.hosts, region.operations
    prefix = f"concierge-{region.site.environment}"
    machines = dict(mind.events.machine_arns) if mind.events else {}
    if hosts.bulk:
        machines["ingest-bulk"] = hosts.bulk.arn
    queues = {"event-dead-letters": f"{prefix}-event-dead-letters"} if mind.events else {}
    if hosts.ingest:
        queues |= {"ingest": hosts.ingest.queue_name, "ingest-dead": hosts.ingest.dead_name}
    return {
        "region": region.place.name,
        "tables": data.tables.names,
        "parameters": {
            "settings": mind.models.settings_parameter,
            "controls": region.signals.controls.parameter,
            "models": mind.calls.parameter,
        },
        "topics": region.signals.notices.topics,
        "alarms": region.alarms.names,
        "models": mind.calls.calls,
        "endpoints": mind.inference.names,
        "machines": machines,
        "experiments": watch.faults.templates if watch.faults else {},
        "services": {name: service.physical_name for name, service in hosts.ecs.services.items()},
        "clusters": {"agent": hosts.ecs.cluster_name},
        "domains": {"search": mind.search.domain},
        "caches": {"cache": data.cache.group_id},
        "queues": queues,
        "buckets": {**data.buckets.names, "search-snapshots": mind.snapshots.bucket},
        "apis": {"websocket": doors.websocket.api_id, "rest": f"{prefix}-rest"},
        "balancers": {"application": doors.balancers.arn, "network": doors.entry.arn},
        "checks": dict(world.health_checks),
        "acls": {"regional": f"{prefix}-regional"},
        "logs": {name: f"/concierge/{region.site.environment}/{name}" for name in hosts.ecs.services},
        "secrets": _secrets(world),
        "pipelines": watch.pipelines,
        "vaults": {"backups": watch.vault.vault} if watch.vault else {},
        "runtimes": _runtimes(hosts.agent_core.runtime_arns) if hosts.agent_core else {},
    }


def _runtimes(arns: dict[str, Output[str]]) -> dict[str, Output[str]]:
    """An AgentCore runtime's id is the end of its ARN."""
    return {name: arn.apply(lambda arn: str(arn).rpartition("/")[2]) for name, arn in arns.items()}


def _secrets(world: "World") -> dict[str, Input[str]]:
    """Those that operators' tools must read or turn; that of tokens only where guests have any."""
    found: dict[str, Input[str]] = {
        "origin": world.origin_secret.secret_name,
        "keys": world.key_seed.secret_name,
    }
    if world.token_secret is not None:
        found["tokens"] = world.token_secret.secret_name
    return found
