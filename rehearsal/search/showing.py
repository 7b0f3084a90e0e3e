"""What the cluster says of itself: `_cat`, stats, nodes. Tables are text for people, JSON when asked for."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from rehearsal.search.cluster import Cluster
from rehearsal.search.index import Index

Rows = Sequence[Mapping[str, Any]]
_VERSION = "2.19.0"


def root(cluster: Cluster) -> dict[str, Any]:
    """What clients look at first, to know whom they talk to."""
    return {
        "name": "node-0",
        "cluster_name": cluster.name,
        "cluster_uuid": "rehearsal",
        "version": {
            "distribution": "opensearch",
            "number": _VERSION,
            "build_type": "stand-in",
            "minimum_wire_compatibility_version": "7.10.0",
            "minimum_index_compatibility_version": "7.0.0",
        },
        "tagline": "The OpenSearch Project: https://opensearch.org/",
    }


def table(request: web.Request, rows: Rows) -> web.Response:
    """A `_cat` answer."""
    if request.query.get("format") == "json":
        return web.json_response([{key: str(value) for key, value in row.items()} for row in rows])
    wanted = request.query.get("h", "")
    columns = wanted.split(",") if wanted else list(rows[0]) if rows else []
    lines = [[str(row.get(column, "")) for column in columns] for row in rows]
    if "v" in request.query:
        lines.insert(0, columns)
    widths = [max(len(line[n]) for line in lines) for n in range(len(columns))] if lines else []
    text = "".join(
        " ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n"
        for line in lines
    )
    return web.Response(text=text, content_type="text/plain")


def health(cluster: Cluster) -> Rows:
    said = cluster.health()
    return [
        {
            "cluster": cluster.name,
            "status": said["status"],
            "node.total": said["number_of_nodes"],
            "node.data": said["number_of_data_nodes"],
            "shards": said["active_shards"],
            "pri": said["active_primary_shards"],
            "relo": said["relocating_shards"],
            "init": 0,
            "unassign": said["unassigned_shards"],
            "active_shards_percent": f"{said['active_shards_percent_as_number']:.1f}%",
        }
    ]


def indices(cluster: Cluster) -> Rows:
    return [
        {
            "health": cluster.status_of(index),
            "status": "open",
            "index": index.name,
            "uuid": index.uuid,
            "pri": index.primaries,
            "rep": index.replicas,
            "docs.count": len(index.visible),
            "docs.deleted": index.counts["delete"],
            "store.size": f"{size_of(index) * (1 + index.replicas)}b",
            "pri.store.size": f"{size_of(index)}b",
        }
        for index in cluster.indices.values()
    ]


def shards(cluster: Cluster) -> Rows:
    return [
        {
            "index": index.name,
            "shard": shard["shard"],
            "prirep": "p" if shard["primary"] else "r",
            "state": "STARTED" if shard["assigned"] else "UNASSIGNED",
            "docs": len(index.visible) // index.primaries,
            "node": shard["node"] or "",
        }
        for index in cluster.indices.values()
        for shard in cluster.shards(index)
    ]


def allocation(cluster: Cluster) -> Rows:
    every = [shard for index in cluster.indices.values() for shard in cluster.shards(index)]
    return [
        {
            "shards": sum(shard["node"] == disk["node"] for shard in every),
            "disk.used": f"{disk['used_gb']:.1f}gb",
            "disk.avail": f"{disk['total_gb'] - disk['used_gb']:.1f}gb",
            "disk.total": f"{disk['total_gb']:.0f}gb",
            "disk.percent": round(disk["percent"]),
            "node": disk["node"],
        }
        for disk in cluster.disks()
    ]


def nodes(cluster: Cluster) -> Rows:
    return [
        {
            "name": disk["node"],
            "node.role": "dimr",
            "heap.percent": 46,
            "cpu": 12,
            "disk.used_percent": disk["percent"],
        }
        for disk in cluster.disks()
    ]


def aliases(cluster: Cluster) -> Rows:
    return [
        {
            "alias": alias,
            "index": index.name,
            "is_write_index": str(options.get("is_write_index", "-")).lower(),
        }
        for index in cluster.indices.values()
        for alias, options in index.aliases.items()
    ]


def stats(cluster: Cluster, expression: str) -> dict[str, Any]:
    found = cluster.find(expression)
    told = {
        index.name: {"uuid": index.uuid, "primaries": _counts(index), "total": _counts(index)}
        for index in found
    }
    total = sum(index.primaries * (1 + index.replicas) for index in found)
    return {"_shards": {"total": total, "successful": total, "failed": 0}, "indices": told}


def _counts(index: Index) -> dict[str, Any]:
    return {
        "docs": {"count": len(index.visible), "deleted": index.counts["delete"]},
        "store": {"size_in_bytes": size_of(index)},
        "indexing": {"index_total": index.counts["index"], "delete_total": index.counts["delete"]},
        "search": {
            "query_total": index.counts["query"],
            "query_time_in_millis": index.counts["query_ms"],
        },
    }


def node_stats(cluster: Cluster) -> dict[str, Any]:
    gigabyte = 1024**3
    return {
        "cluster_name": cluster.name,
        "nodes": {
            disk["node"]: {
                "name": disk["node"],
                "roles": ["data", "ingest"],
                "fs": {
                    "total": {
                        "total_in_bytes": round(disk["total_gb"] * gigabyte),
                        "available_in_bytes": round((disk["total_gb"] - disk["used_gb"]) * gigabyte),
                    }
                },
                "jvm": {"mem": {"heap_used_percent": 46}},
                "os": {"cpu": {"percent": 12}},
            }
            for disk in cluster.disks()
        },
    }


def knn_stats(cluster: Cluster) -> dict[str, Any]:
    vectors = [found for index in cluster.indices.values() for found in index.vectors.values()]
    kilobytes = sum(len(found) * (4 * found.field.dims + 8 * found.field.m) for found in vectors) // 1024
    node = {
        "graph_memory_usage": kilobytes,
        "graph_memory_usage_percentage": round(kilobytes / (8 * 1024 * 1024) * 100, 2),
        "graph_query_requests": sum(index.counts["query"] for index in cluster.indices.values()),
        "eviction_count": 0,
        "cache_capacity_reached": False,
    }
    return {
        "_nodes": {"total": cluster.nodes, "successful": cluster.nodes, "failed": 0},
        "cluster_name": cluster.name,
        "circuit_breaker_triggered": False,
        "nodes": {disk["node"]: node for disk in cluster.disks()},
    }


def size_of(index: Index) -> int:
    """About: four bytes a number, and a kilobyte of text a document."""
    numbers = sum(len(found) * found.field.dims for found in index.vectors.values())
    return 4 * numbers + 1_024 * len(index.documents)
