"""Edges of products from a file `*.graph.json` into the graph's table (DATA-7):

    {"edges": [{"product": "B01", "kind": "compatible", "target": "B02", "rank": 0}]}

Of each product that a file names it says everything: edges that it does not name are taken out.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from runtime.graph.port import Edge, Kind
from runtime.graph.table import BETWEEN, MOST_RANK, TableGraph
from runtime.ingest.formats.plain import decoded
from runtime.ingest.reading import ReadingError

ENDING = ".graph.json"
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=f"^[^{BETWEEN}]+$")]


@dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class _Edge:
    product: Name
    kind: Kind
    target: Name
    rank: Annotated[int, Field(ge=0, le=MOST_RANK)] = 0


@dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class _File:
    edges: tuple[_Edge, ...]


_FILE: TypeAdapter[_File] = TypeAdapter(_File)


def edges(content: bytes) -> Sequence[Edge]:
    """ReadingError names the first edge that is none."""
    try:
        said: Any = json.loads(decoded(content))
        return [
            Edge(one.product, one.kind, one.target, one.rank) for one in _FILE.validate_python(said).edges
        ]
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "document"
        raise ReadingError(f"{place}: {first['msg']}") from None
    except (ValueError, RecursionError) as wrong:
        raise ReadingError(f"is no JSON: {wrong}") from None


async def write(graph: TableGraph, found: Sequence[Edge]) -> int:
    """How many items were written or deleted."""
    of: dict[str, list[Edge]] = defaultdict(list)
    for edge in found:
        of[edge.product].append(edge)
    return sum([await graph.replace(product, some) for product, some in of.items()])
