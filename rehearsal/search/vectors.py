"""The vectors of one index: an HNSW graph of faiss, and exact search where a filter leaves few.

faiss's graph cannot forget: what is deleted is masked. A re-index starts a new graph, as in OpenSearch.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from rehearsal.search.errors import SearchError, illegal

faiss.omp_set_num_threads(1)  # a stand-in has one core to spare
# OpenSearch looks at every candidate when there are no more numbers to compare than this.
_EXACT_BELOW = 2_048_000
_DEFAULTS = {"m": 16, "ef_construction": 100, "ef_search": 100}


@dataclass(frozen=True)
class VectorField:
    """The mapping of a `knn_vector`."""

    name: str
    dims: int
    space: str
    m: int
    ef_construction: int
    ef_search: int

    @classmethod
    def of(cls, name: str, mapping: dict[str, Any]) -> "VectorField":
        method = mapping.get("method", {})
        given = {**_DEFAULTS, **method.get("parameters", {})}
        space = method.get("space_type", mapping.get("space_type", "l2"))
        if space not in ("l2", "cosinesimil", "innerproduct"):
            raise illegal(f"Unsupported space type: {space}")
        if not 1 <= mapping.get("dimension", 0) <= 16_000:
            raise SearchError(400, "mapper_parsing_exception", "Dimension value must be within [1, 16000]")
        return cls(
            name, mapping["dimension"], space, given["m"], given["ef_construction"], given["ef_search"]
        )


class Vectors:
    """Numbers of documents -> vectors. Numbers count up from 0 and are never used twice."""

    def __init__(self, field: VectorField) -> None:
        self.field = field
        inner = field.space != "l2"
        metric = faiss.METRIC_INNER_PRODUCT if inner else faiss.METRIC_L2
        self._graph = faiss.IndexHNSWFlat(field.dims, field.m, metric)
        self._graph.hnsw.efConstruction = field.ef_construction
        self._numbers: list[int] = []  # place in the graph -> document
        self._places: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._places)

    def checked(self, vector: Sequence[float], *, query: bool = False) -> NDArray[np.float32]:
        """As the graph holds it; SearchError for a wrong length, as OpenSearch words it."""
        if len(vector) != self.field.dims:
            if query:
                raise illegal(
                    f"Query vector has invalid dimension: {len(vector)}. "
                    f"Dimension should be: {self.field.dims}"
                )
            raise SearchError(
                400,
                "mapper_parsing_exception",
                f"failed to parse field [{self.field.name}]: Vector dimension mismatch. "
                f"Expected: {self.field.dims}, Given: {len(vector)}",
            )
        row = np.asarray(vector, np.float32)
        length = float(np.linalg.norm(row))
        if self.field.space != "cosinesimil":
            return row
        if length == 0:
            raise illegal("zero vector is not supported when space type is [cosinesimil]")
        return row / np.float32(length)

    def add(self, numbers: Sequence[int], rows: Sequence[NDArray[np.float32]]) -> None:
        """Many at once: faiss is much faster so."""
        if not numbers:
            return
        start = len(self._numbers)
        self._graph.add(np.stack(rows))
        self._numbers += numbers
        self._places.update({number: start + place for place, number in enumerate(numbers)})

    def remove(self, number: int) -> None:
        self._places.pop(number, None)

    def nearest(
        self, vector: Sequence[float], k: int, among: Collection[int] | None, ef: int | None
    ) -> dict[int, float]:
        """The k nearest documents with OpenSearch's scores. `among`: only these."""
        row = self.checked(vector, query=True)
        wanted = self._places.keys() if among is None else self._places.keys() & set(among)
        if not wanted:
            return {}
        if among is not None and len(wanted) * self.field.dims <= _EXACT_BELOW:
            return self.exact(row, k, wanted)
        places = np.fromiter((self._places[number] for number in wanted), np.int64)
        options = faiss.SearchParametersHNSW(  # type: ignore[attr-defined] # faiss makes it at import
            efSearch=max(ef or self.field.ef_search, k),
            **({} if len(places) == len(self._numbers) else {"sel": faiss.IDSelectorBatch(places)}),
        )
        found, at = self._graph.search(row[None], min(k, len(wanted)), params=options)
        return {
            self._numbers[place]: self._score(float(value))
            for value, place in zip(found[0], at[0], strict=True)
            if place >= 0
        }

    def exact(self, row: NDArray[np.float32], k: int, wanted: Collection[int]) -> dict[int, float]:
        """Every candidate, one by one."""
        numbers = list(wanted)
        rows = np.stack([self._graph.reconstruct(self._places[number]) for number in numbers])
        if self.field.space == "l2":
            values = ((rows - row) ** 2).sum(axis=1)
            best = np.argsort(values, kind="stable")[:k]
        else:
            values = rows @ row
            best = np.argsort(-values, kind="stable")[:k]
        return {numbers[place]: self._score(float(values[place])) for place in best}

    def _score(self, value: float) -> float:
        match self.field.space:
            case "l2":
                return 1 / (1 + value)
            case "cosinesimil":
                return (1 + value) / 2
            case _:
                return value + 1 if value >= 0 else 1 / (1 - value)
