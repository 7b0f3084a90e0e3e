"""Whether an index fits the nodes that are to hold it: pure figures, no resource (VEC-2).

Graphs live in memory outside Java's heap. The heap is half of a node, at most 32 GB; of the rest the engine
may take its share (`contract/search_engines.toml`). Shards are whole, so what counts is the node with most of
them. While a re-index runs, the old and the new index are both in memory (VEC-5): an index that fits only
once could never be rebuilt without downtime, so it does not fit.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from contract.base import Knobs
from contract.search import SearchIndex, engines

GB = 1024**3
HEAP_SHARE = 0.5
MOST_HEAP_GB = 32
DURING_REINDEX = 2


class Family(Knobs):
    """What the nodes of one family have in common."""

    burstable: bool = False
    holds: Literal["vectors", "anything", "state"]
    memory_gb: Mapping[str, int]
    volume_gb: Mapping[str, int] = {}


@dataclass(frozen=True)
class Node:
    """One kind of node, such as r7g.large.search."""

    type: str
    family: Family
    memory_gb: int

    @property
    def most_gb(self) -> int | None:
        return self.family.volume_gb.get(self.type.split(".")[1])

    def room(self, index: SearchIndex) -> float:
        """Bytes that graphs of this index may take on one node."""
        heap = min(self.memory_gb * HEAP_SHARE, MOST_HEAP_GB)
        return (self.memory_gb - heap) * GB * engines()[index.engine].share


@dataclass(frozen=True)
class Fleet:
    """Data nodes, and how much they are to hold."""

    node: Node
    nodes: int
    replicas: int
    documents: int

    def busiest_shards(self, index: SearchIndex) -> int:
        """Shards on the node that has most of them."""
        return math.ceil(index.shards(self.replicas) / self.nodes)

    def need(self, index: SearchIndex) -> float:
        """Bytes of graphs on that node while a re-index runs."""
        shard = math.ceil(self.documents / index.primaries) * index.vector_bytes
        return self.busiest_shards(index) * shard * DURING_REINDEX


@cache
def families() -> Mapping[str, Family]:
    """Family -> its facts."""
    rows = tomllib.loads(Path(__file__).with_name("search_nodes.toml").read_text(encoding="utf-8"))
    return {name: Family.model_validate(row) for name, row in rows.items()}


def node(kind: str) -> Node:
    """The node of that name; ValueError says which there are."""
    parts = kind.split(".")
    family = families().get(parts[0])
    if len(parts) != 3 or parts[2] != "search" or family is None or parts[1] not in family.memory_gb:
        raise ValueError(f"is no node known here: use one such as {', '.join(_examples())}")
    return Node(kind, family, family.memory_gb[parts[1]])


def too_small(index: SearchIndex, fleet: Fleet) -> str | None:
    """None where the index fits; else what it needs, what there is, and three ways out."""
    need, room = fleet.need(index), fleet.node.room(index)
    if need <= room:
        return None
    return (
        f"{fleet.documents:,} documents need {need / GB:.2f} GB of vector memory on a node while they are "
        f"re-indexed ({fleet.busiest_shards(index)} of {index.shards(fleet.replicas)} shards, "
        f"{index.vector_bytes:,.0f} bytes a vector, twice), {fleet.node.type} has {room / GB:.2f} GB: "
        f"{_larger(index, fleet)} or plan for at most {most_documents(index, fleet):,} documents"
    )


def most_documents(index: SearchIndex, fleet: Fleet) -> int:
    """As many documents as fit this fleet."""
    of_shard = fleet.node.room(index) / (fleet.busiest_shards(index) * DURING_REINDEX * index.vector_bytes)
    return math.floor(of_shard) * index.primaries


def _larger(index: SearchIndex, fleet: Fleet) -> str:
    """The smallest node of the same family that would do, else of any family made for vectors."""
    ours = fleet.node.type.split(".")[0]
    for family in (ours, *(name for name, facts in families().items() if facts.holds == "vectors")):
        for size, memory in families()[family].memory_gb.items():
            larger = Node(f"{family}.{size}.search", families()[family], memory)
            if larger.room(index) >= fleet.need(index):
                return f"use {larger.type},"
    return "use more nodes and more primaries,"


def _examples() -> list[str]:
    return [f"{name}.{next(iter(facts.memory_gb))}.search" for name, facts in families().items()]
