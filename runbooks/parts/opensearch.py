"""The search domain: what CloudWatch says of it, what it says of itself, and what can be turned on it."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from contract.search import index
from runbooks.engine import search
from runbooks.engine.places import domain
from runbooks.engine.shape import Call, Finding, calling
from runbooks.engine.steps import Subjects, Switch
from runbooks.engine.watch import Watch
from runbooks.engine.world import World

ALIAS = index().name
CONFIG = "opensearch.describe_domain_config"
CHANGE = "opensearch.update_domain_config"
READ = (search.GET, search.DOMAIN)


def gauge(what: str, metric: str, limit: float, statistic: str = "Maximum", **more: Any) -> Watch:
    return Watch(
        what=what, namespace="AWS/ES", metric=metric, of=domain, limit=limit, statistic=statistic, **more
    )


SLOW = gauge("search P99", "SearchLatency", 500, "p99", unit=" ms")
BUSY = gauge("CPU of data nodes", "CPUUtilization", 80, "Average", unit=" %")
HEAP = gauge("heap in use", "JVMMemoryPressure", 80, unit=" %")
GRAPHS = gauge("memory of graphs", "KNNGraphMemoryUsagePercentage", 80, unit=" %")
FREE = gauge("free space of the fullest node", "FreeStorageSpace", 25_600, "Minimum", below=True, unit=" MiB")
BLOCKED = gauge("writes are blocked", "ClusterIndexWritesBlocked", 0.5)
RED = gauge("shards without any copy", "ClusterStatus.red", 0.5)
YELLOW = gauge("shards that lack a copy", "ClusterStatus.yellow", 0.5)
KEY = gauge("trouble with the key", "KMSKeyError", 0.5, silent=False)


@calling(*READ)
def health(world: World) -> Finding:
    """What does the cluster say of itself?"""
    said = search.read(world, "/_cluster/health")
    waiting, nodes = said["unassigned_shards"], said["number_of_data_nodes"]
    return Finding(
        what=f"the cluster is {said['status']}: {nodes} data nodes, {waiting} shards wait",
        evidence={
            "status": said["status"],
            "unassigned": waiting,
            "data nodes": nodes,
        },
        cause=said["status"] != "green",
    )


def stored_gb(world: World) -> Mapping[str, float]:
    """Index of ours -> gigabytes of all its copies."""
    said = search.read(world, "/_stats/store") or {"indices": {}}
    return {
        name: found["total"]["store"]["size_in_bytes"] / 1024**3
        for name, found in said["indices"].items()
        if not name.startswith(".")
    }


def fullest_gb(world: World) -> float:
    """Gigabytes in use on the node that uses most."""
    nodes = search.read(world, "/_nodes/stats/fs")["nodes"].values()
    disks = [node["fs"]["total"] for node in nodes]
    used = [disk["total_in_bytes"] - disk["available_in_bytes"] for disk in disks]
    return float(max(used, default=0)) / 1024**3


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"index": {"blocks": {"write": "true"}}}` -> `{"index.blocks.write": "true"}`."""
    kept: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            kept |= flat(value, f"{prefix}{key}.")
        else:
            kept[f"{prefix}{key}"] = value
    return kept


def _config(world: World) -> Mapping[str, Any]:
    name = world.named("domains", "search")
    found: Mapping[str, Any] = world.aws.read("opensearch", "describe_domain_config", DomainName=name)
    return dict(found["DomainConfig"])


def more_nodes(count: int, subjects: Subjects) -> Switch:
    """More data nodes; a multiple of the zones. The service makes a second fleet first: half an hour."""

    def present(world: World, _: str) -> str:
        return str(_config(world)["ClusterConfig"]["Options"]["InstanceCount"])

    def call(world: World, _: str, state: str) -> Call:
        request = {
            "DomainName": world.named("domains", "search"),
            "ClusterConfig": {"InstanceCount": int(state)},
        }
        return Call(service="opensearch", operation="update_domain_config", request=request)

    return Switch(
        name="add data nodes",
        effect="fewer searches and graphs a node",
        subjects=subjects,
        present=present,
        wanted=lambda _, __, present: str(max(count, int(present))),
        call=call,
        calls=(CONFIG, CHANGE),
        unit=" data nodes",
        keep=lambda _, __, state: f"concierge:search nodes: {state}",
    )


def larger_volumes(subjects: Subjects) -> Switch:
    """So that half of each volume is free, in steps of 50 GB; what is stored is what the finding saw."""

    def present(world: World, _: str) -> str:
        return str(_config(world)["EBSOptions"]["Options"]["VolumeSize"])

    def wanted(world: World, _: str, present: str) -> str:
        stored = world.findings["stored"].evidence.get("GB a node", 0.0)
        return str(max(int(present), 50 * math.ceil(2 * float(stored) / 50)))

    def call(world: World, _: str, state: str) -> Call:
        options = {**_config(world)["EBSOptions"]["Options"], "VolumeSize": int(state)}
        request = {"DomainName": world.named("domains", "search"), "EBSOptions": options}
        return Call(service="opensearch", operation="update_domain_config", request=request)

    return Switch(
        name="enlarge the volumes",
        effect="shards have room; no node is replaced when only the size changes",
        subjects=subjects,
        present=present,
        wanted=wanted,
        call=call,
        calls=(CONFIG, CHANGE),
        unit=" GB a node",
        keep=lambda _, __, state: f"concierge:search volume_gb: {state}",
    )


def index_setting(name: str, key: str, value: Any, subjects: Subjects, effect: str) -> Switch:
    """One setting of each index in `subjects`; `value`: text or null, as OpenSearch takes it."""

    def present(world: World, index: str) -> str:
        found = search.read(world, f"/{index}/_settings") or {}
        kept: dict[str, Any] = next(iter(found.values()), {"settings": {}})["settings"]
        return json.dumps(flat(kept).get(f"index.{key}"))

    def call(_: World, index: str, state: str) -> Call:
        request = {f"index.{key}": json.loads(state)}
        return Call(service="search", operation=f"PUT /{index}/_settings", request=request)

    return Switch(
        name=name,
        effect=effect,
        subjects=subjects,
        present=present,
        wanted=lambda world, _, __: json.dumps(value(world) if callable(value) else value),
        call=call,
        calls=(*READ, search.PUT),
    )


def read_now(world: World) -> list[str]:
    """The indices that searches read: those behind the alias."""
    return sorted(search.read(world, f"/_alias/{ALIAS}") or {})


def counts(world: World) -> dict[str, int]:
    """Generation -> documents."""
    said = search.read(world, f"/{ALIAS}-*/_stats") or {"indices": {}}
    return {name: int(found["primaries"]["docs"]["count"]) for name, found in said["indices"].items()}


def embedders(world: World) -> dict[str, str]:
    """Generation -> the model that embedded it, as the index says itself."""
    said = search.read(world, f"/{ALIAS}-*/_mapping") or {}
    return {
        name: str(found["mappings"].get("_meta", {}).get("embedder", "unknown"))
        for name, found in said.items()
    }


def point_alias(name: str, effect: str, wanted: Callable[[World, str], str]) -> Switch:
    """Moves the alias in one call: searches read the one or the other, never both, never none."""

    def present(world: World, _: str) -> str:
        return json.dumps(read_now(world))

    def call(world: World, _: str, state: str) -> Call:
        gone = [{"remove": {"index": one, "alias": ALIAS}} for one in read_now(world)]
        come = [{"add": {"index": one, "alias": ALIAS}} for one in json.loads(state)]
        return Call(service="search", operation="POST /_aliases", request={"actions": [*gone, *come]})

    return Switch(
        name=name,
        effect=effect,
        subjects=lambda _: (ALIAS,),
        present=present,
        wanted=lambda world, alias, _: wanted(world, alias),
        call=call,
        calls=(*READ, search.POST),
    )
