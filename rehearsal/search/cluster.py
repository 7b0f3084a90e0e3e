"""The cluster around the indices: names, templates, shards and their health, disks, snapshots.

Shards are counted, not stored: which copy is where follows from the numbers of shards, copies and nodes, and
from faults that say so. Documents of a lost shard are not found.
"""

import copy
import re
import time
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from contract.faults import FaultKind
from rehearsal.faults import Faults
from rehearsal.search.errors import SearchError, illegal, no_index
from rehearsal.search.index import Index

USUAL_DISK_PERCENT, FULL_DISK_PERCENT = 41.0, 96.0
LOW, HIGH, FLOOD = 85.0, 90.0, 95.0
STATES = (FaultKind.RED, FaultKind.YELLOW, FaultKind.DISK_FULL)
_DISK_GB = 100.0


class Cluster:
    """One domain. `nodes`: data nodes, one a zone."""

    def __init__(self, faults: Faults, now: Callable[[], float], nodes: int = 3) -> None:
        self.name, self.nodes = "concierge-rehearsal", nodes
        self.indices: dict[str, Index] = {}
        self.templates: dict[str, dict[str, Any]] = {}
        self.pipelines: dict[str, dict[str, Any]] = {}
        self.settings: dict[str, dict[str, Any]] = {"persistent": {}, "transient": {}}
        self.repositories: dict[str, dict[str, Any]] = {}
        self.snapshots: dict[tuple[str, str], dict[str, Any]] = {}
        self._faults, self._now = faults, now

    # --- Names

    def create(self, name: str, body: Mapping[str, Any]) -> Index:
        if name in self.indices:
            raise SearchError(
                400, "resource_already_exists_exception", f"index [{name}] already exists", index=name
            )
        if name != name.lower() or re.search(r"[\s,\"*\\<>|?#/]", name) or name[:1] in "_-+":
            raise SearchError(400, "invalid_index_name_exception", f"Invalid index name [{name}]")
        index = Index(name, _merged(self._template(name), body), self._now)
        self.indices[name] = index
        return index

    def find(self, expression: str) -> list[Index]:
        """Indices by name, alias, pattern or a list of these."""
        found: dict[str, Index] = {}
        for part in expression.split(","):
            matching = [
                index
                for index in self.indices.values()
                if part == "_all" or any(fnmatchcase(name, part) for name in (index.name, *index.aliases))
            ]
            if not matching and "*" not in part and part != "_all":
                raise no_index(part)
            found |= {index.name: index for index in matching}
        return list(found.values())

    def write_index(self, name: str) -> Index:
        """Where a write to this name goes; an index that is not there is made."""
        if name not in self.indices and not any(name in index.aliases for index in self.indices.values()):
            return self.create(name, {})
        found = self.find(name)
        if len(found) > 1:
            chosen = [index for index in found if index.aliases.get(name, {}).get("is_write_index")]
            if len(chosen) != 1:
                raise illegal(f"no write index is defined for alias [{name}]")
            found = chosen
        self._require_writable(found[0])
        return found[0]

    def _template(self, name: str) -> dict[str, Any]:
        fitting = [
            template
            for template in self.templates.values()
            if any(fnmatchcase(name, pattern) for pattern in template.get("index_patterns", ()))
        ]
        best = max(fitting, key=lambda template: template.get("priority", 0), default={})
        return dict(best.get("template", {}))

    # --- Health

    @property
    def disk_percent(self) -> float:
        full = self._faults.standing(FaultKind.DISK_FULL)
        return full.measure(FULL_DISK_PERCENT) if full else USUAL_DISK_PERCENT

    def lost_shards(self, index: Index) -> frozenset[int]:
        """Shards of which there is no copy."""
        red = self._faults.standing(FaultKind.RED)
        count = min(index.primaries, round(red.measure(1))) if red else 0
        return frozenset(range(count))

    def shards(self, index: Index) -> list[dict[str, Any]]:
        """Every copy of every shard, and whether it has a node."""
        copies = min(index.replicas, self.nodes - 1)
        if self._faults.standing(FaultKind.YELLOW) or self.disk_percent >= LOW:
            copies = 0
        lost = self.lost_shards(index)
        made = []
        for shard in range(index.primaries):
            for copy_ in range(1 + index.replicas):
                assigned = shard not in lost and copy_ <= copies
                node = f"node-{(shard + copy_) % self.nodes}" if assigned else None
                made.append({"shard": shard, "primary": copy_ == 0, "assigned": assigned, "node": node})
        return made

    def status_of(self, index: Index) -> str:
        shards = self.shards(index)
        if any(shard["primary"] and not shard["assigned"] for shard in shards):
            return "red"
        return "green" if all(shard["assigned"] for shard in shards) else "yellow"

    def health(self, expression: str = "_all") -> dict[str, Any]:
        indices = self.find(expression)
        shards = [shard for index in indices for shard in self.shards(index)]
        states = {self.status_of(index) for index in indices}
        active = sum(shard["assigned"] for shard in shards)
        return {
            "cluster_name": self.name,
            "status": next((state for state in ("red", "yellow") if state in states), "green"),
            "timed_out": False,
            "number_of_nodes": self.nodes + 3,
            "number_of_data_nodes": self.nodes,
            "discovered_master": True,
            "discovered_cluster_manager": True,
            "active_primary_shards": sum(shard["assigned"] and shard["primary"] for shard in shards),
            "active_shards": active,
            "relocating_shards": len(indices) if HIGH <= self.disk_percent < FLOOD else 0,
            "initializing_shards": 0,
            "unassigned_shards": len(shards) - active,
            "delayed_unassigned_shards": 0,
            "number_of_pending_tasks": 0,
            "number_of_in_flight_fetch": 0,
            "task_max_waiting_in_queue_millis": 0,
            "active_shards_percent_as_number": 100.0 * active / len(shards) if shards else 100.0,
        }

    def disks(self) -> list[dict[str, Any]]:
        used = _DISK_GB * self.disk_percent / 100
        return [
            {"node": f"node-{number}", "used_gb": used, "total_gb": _DISK_GB, "percent": self.disk_percent}
            for number in range(self.nodes)
        ]

    def _require_writable(self, index: Index) -> None:
        """Above the flood stage an index takes nothing but deletions, until the disk has room."""
        blocked = str(index.settings.get("blocks.read_only_allow_delete", "")).lower() == "true"
        if blocked or self.disk_percent >= FLOOD:
            raise SearchError(
                429,
                "cluster_block_exception",
                f"index [{index.name}] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage "
                "watermark, index has read-only-allow-delete block];",
            )

    # --- Snapshots

    def snapshot(self, repository: str, name: str, expression: str) -> dict[str, Any]:
        self._require_repository(repository)
        if (repository, name) in self.snapshots:
            reason = f"[{repository}:{name}] snapshot with the same name already exists"
            raise SearchError(400, "invalid_snapshot_name_exception", reason)
        indices = self.find(expression)
        lost = sum(len(self.lost_shards(index)) for index in indices)
        total, now = sum(index.primaries for index in indices), round(time.time() * 1000)
        info = {
            "snapshot": name,
            "uuid": f"{now:x}",
            "version": "2.19.0",
            "indices": [index.name for index in indices],
            "include_global_state": True,
            "state": "PARTIAL" if lost else "SUCCESS",
            "start_time_in_millis": now,
            "end_time_in_millis": now,
            "duration_in_millis": 0,
            "failures": [],
            "shards": {"total": total, "failed": lost, "successful": total - lost},
        }
        kept = {index.name: (_body(index), copy.copy(dict(index.documents))) for index in indices}
        self.snapshots[repository, name] = {"info": info, "kept": kept}
        return info

    def restore(self, repository: str, name: str, body: Mapping[str, Any]) -> list[str]:
        kept = self.found_snapshot(repository, name)["kept"]
        pattern, other = body.get("rename_pattern", "(?!)"), body.get("rename_replacement", "")
        restored = []
        for index, (described, documents) in kept.items():
            if not any(fnmatchcase(index, part) for part in str(body.get("indices", "*")).split(",")):
                continue
            target = re.sub(pattern, re.sub(r"\$(\d)", r"\\\1", other), index)
            if target in self.indices:
                reason = (
                    f"cannot restore index [{target}] because an open index with same name already exists"
                )
                raise SearchError(500, "snapshot_restore_exception", f"[{repository}:{name}] {reason}")
            made = self.create(target, described)
            for document, source in documents.items():
                made.put(document, source)
            made.refresh()
            restored.append(target)
        return restored

    def found_snapshot(self, repository: str, name: str) -> dict[str, Any]:
        self._require_repository(repository)
        if (repository, name) not in self.snapshots:
            raise SearchError(404, "snapshot_missing_exception", f"[{repository}:{name}] is missing")
        return self.snapshots[repository, name]

    def _require_repository(self, name: str) -> None:
        if name not in self.repositories:
            raise SearchError(404, "repository_missing_exception", f"[{name}] missing")


def _merged(template: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """What a request says wins over what a template says, key by key."""
    merged = dict(template)
    for key, value in body.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _body(index: Index) -> dict[str, Any]:
    return {"settings": {"index": dict(index.settings)}, "mappings": copy.deepcopy(index.mappings)}
