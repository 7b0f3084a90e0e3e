"""The Valkey group: what its nodes report, and its size."""

from runbooks.engine.places import cache_nodes
from runbooks.engine.shape import Call, Finding, calling
from runbooks.engine.steps import Switch
from runbooks.engine.watch import METRICS, Watch
from runbooks.engine.world import World

NAMESPACE = "AWS/ElastiCache"
GROUPS = "elasticache.describe_replication_groups"
# Each size and the next larger one, of the families components/cache offers.
LARGER = {
    "cache.t4g.micro": "cache.t4g.small",
    "cache.t4g.small": "cache.t4g.medium",
    "cache.r7g.large": "cache.r7g.xlarge",
    "cache.r7g.xlarge": "cache.r7g.2xlarge",
    "cache.r7g.2xlarge": "cache.r7g.4xlarge",
}

ENGINE_BUSY = Watch(
    what="how busy the engine's one thread is",
    namespace=NAMESPACE,
    metric="EngineCPUUtilization",
    of=cache_nodes,
    limit=80,
    unit=" %",
)
MISSES = Watch(
    what="share of look-ups that miss",
    namespace=NAMESPACE,
    metric="CacheMisses",
    over="GetTypeCmds",
    of=cache_nodes,
    limit=0.6,
)
FULL = Watch(
    what="memory in use",
    namespace=NAMESPACE,
    metric="DatabaseMemoryUsagePercentage",
    of=cache_nodes,
    limit=90,
    unit=" %",
)
_ALIVE = Watch(
    what="nodes that report",
    namespace=NAMESPACE,
    metric="EngineCPUUtilization",
    of=cache_nodes,
    statistic="SampleCount",
    limit=1,
    below=True,
    silent=True,
)


@calling(METRICS)
def reporting(world: World) -> Finding:
    """Which nodes report nothing any more? A dead one has no metrics, not bad ones."""
    seen = _ALIVE(world)
    alive = {name for name in _ALIVE.of(world) if name in seen.evidence}
    dead = tuple(sorted(set(_ALIVE.of(world)) - alive))
    what = f"no word from {', '.join(dead)} in {_ALIVE.minutes} minutes" if dead else "all nodes report"
    return Finding(what=what, evidence={"reporting": len(alive)}, cause=bool(dead), subjects=dead)


@calling(GROUPS)
def group(world: World) -> Finding:
    """What does ElastiCache say of the group?"""
    found = _group(world)
    state = str(found["Status"])
    size = str(found.get("CacheNodeType", "unknown"))
    return Finding(
        what=f"the group is {state}, nodes are {size}",
        evidence={"status": state, "size": size},
        cause=state not in {"available", "modifying", "snapshotting"},
    )


def _group(world: World) -> dict[str, object]:
    name = world.named("caches", "cache")
    found = world.aws.read("elasticache", "describe_replication_groups", ReplicationGroupId=name)
    return dict(found["ReplicationGroups"][0])


def larger() -> Switch:
    """The next larger node, as the finding `group` saw it; made by replicas that take over one by one."""

    def present(world: World, _: str) -> str:
        return str(_group(world).get("CacheNodeType", "unknown"))

    def wanted(world: World, _: str, present: str) -> str:
        seen = str(world.findings["group"].evidence.get("size", ""))
        return LARGER.get(seen, present)

    def call(world: World, _: str, state: str) -> Call:
        request = {
            "ReplicationGroupId": world.named("caches", "cache"),
            "CacheNodeType": state,
            "ApplyImmediately": True,
        }
        return Call(service="elasticache", operation="modify_replication_group", request=request)

    return Switch(
        name="take larger nodes",
        effect="room for what is remembered, and a faster engine",
        subjects=lambda _: ("cache",),
        present=present,
        wanted=wanted,
        call=call,
        calls=(GROUPS, "elasticache.modify_replication_group"),
        keep=lambda _, __, state: f"concierge:data cache.node_type: {state}",
    )
