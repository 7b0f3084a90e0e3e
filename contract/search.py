"""The search index as data: its fields, its graph, and the one embedder whose vectors it holds (VEC-2).

Three tables, `search.toml`, `embedders.toml` and `search_engines.toml`, are checked against one another when
they are loaded. `template` renders the body of `PUT _index_template`; it sends nothing. Which nodes hold the
index is the business of `components.search_sizing`.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from contract.base import Knobs
from contract.errors import WrongUseError

_HERE = Path(__file__).parent
VECTOR = "vector"
Space = Literal["l2", "cosinesimil", "innerproduct"]
COSINE: Space = "cosinesimil"
INNER: Space = "innerproduct"


class SearchError(WrongUseError):
    """What was asked for does not fit the index."""


class Embedder(Knobs):
    """A model that turns text into vectors."""

    key: str
    id: str
    service: Literal["bedrock", "sagemaker"]
    dims: int = Field(gt=0)
    normalised: bool
    languages: str


class Engine(Knobs):
    """A library that can hold vectors, and what it needs for one."""

    key: str
    since: str
    until: str | None = None
    spaces: Mapping[Space, str]
    ef_search: Literal["method", "index", "query"]
    max_dims: int
    overhead: float = Field(ge=1)
    link_bytes: int
    share: float = Field(gt=0, lt=1)

    def offers(self, space: Space, version: str) -> bool:
        """Whether an index of this space can be made in this version of OpenSearch."""
        since = self.spaces.get(space)
        return since is not None and not _before(version, since)

    def vector_bytes(self, dims: int, m: int) -> float:
        """Memory of one vector: four bytes a number, and its links in the graph."""
        return self.overhead * (4 * dims + self.link_bytes * m)


class Hnsw(Knobs):
    """The graph: links of a vector, and how far it looks around when it builds and when it searches."""

    m: int = Field(ge=2, le=100)
    ef_construction: int = Field(gt=0)
    ef_search: int = Field(gt=0)


class SlowMs(Knobs):
    """What takes longer is written down."""

    query: int = Field(gt=0)
    fetch: int = Field(gt=0)
    index: int = Field(gt=0)


class IndexField(Knobs):
    """One field of a document beside its vector."""

    type: Literal["text", "keyword", "boolean", "integer", "date"]
    what: str


class SearchIndex(Knobs):
    """The index, as `search.toml` has it."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    embedder: str
    dims: int = Field(gt=0)
    engine: str
    space: Space
    primaries: int = Field(gt=0)
    replicas: int = Field(ge=0)
    refresh_s: int = Field(gt=0)
    hnsw: Hnsw
    slow_ms: SlowMs
    fields: Mapping[str, IndexField]

    @model_validator(mode="after")
    def _sound(self) -> Self:
        embedder, engine = embedders().get(self.embedder), engines().get(self.engine)
        if embedder is None:
            raise ValueError(f"embedder {self.embedder!r} is none of {', '.join(embedders())}")
        if embedder.dims != self.dims:
            raise ValueError(f"dims {self.dims}: {embedder.key} makes vectors of {embedder.dims}, write that")
        if engine is None:
            raise ValueError(f"engine {self.engine!r} is none of {', '.join(engines())}")
        if self.dims > engine.max_dims:
            raise ValueError(f"dims {self.dims}: {engine.key} holds vectors of at most {engine.max_dims}")
        if self.space == INNER and not embedder.normalised:
            raise ValueError(f"space {INNER} ranks by length too, and {embedder.key} does not normalise")
        if VECTOR in self.fields:
            raise ValueError(f"field {VECTOR!r} is made from dims and hnsw: leave it out")
        return self

    @property
    def vector_bytes(self) -> float:
        return engines()[self.engine].vector_bytes(self.dims, self.hnsw.m)

    def shards(self, replicas: int) -> int:
        """All copies of all shards."""
        return self.primaries * (1 + replicas)

    def space_in(self, version: str) -> Space:
        """The space an index gets in this version; SearchError says what else would do.

        On vectors of length one the inner product is the cosine, so it stands in for it.
        """
        engine = engines()[self.engine]
        if _before(version, engine.since) or not _before(version, engine.until or "999"):
            raise SearchError(
                f"engine {engine.key} makes no index in OpenSearch {version}: {_others(self, version)}"
            )
        if engine.offers(self.space, version):
            return self.space
        unit = embedders()[self.embedder].normalised
        if self.space == COSINE and unit and engine.offers(INNER, version):
            return INNER
        raise SearchError(
            f"engine {engine.key} has no {self.space} in OpenSearch {version}: {_others(self, version)}"
        )

    def accept(self, embedder: str) -> None:
        """Refuses a vector of another model: it has as many numbers, and they mean something else."""
        if embedder != self.embedder:
            raise SearchError(
                f"index {self.name} holds vectors of {self.embedder}, not of {embedder}: embed with "
                f"{self.embedder}, or rebuild the index (runbook reindex)"
            )


def template(index: SearchIndex, *, version: str, replicas: int) -> dict[str, Any]:
    """The body of `PUT _index_template/<name>`: every generation of the index is made alike."""
    embedder = embedders()[index.embedder]
    return {
        "index_patterns": [f"{index.name}-*"],
        "priority": 100,
        "template": {
            "settings": {"index": _settings(index, replicas)},
            "mappings": {
                # A misspelt field is an error, and not a new field that nobody filters by.
                "dynamic": "strict",
                "_meta": {"embedder": embedder.key, "model": embedder.id, "dims": index.dims},
                "properties": {
                    **{name: {"type": field.type} for name, field in index.fields.items()},
                    VECTOR: _vector(index, version),
                },
            },
        },
    }


def _settings(index: SearchIndex, replicas: int) -> dict[str, Any]:
    slow = index.slow_ms
    settings: dict[str, Any] = {
        "knn": True,
        "number_of_shards": index.primaries,
        "number_of_replicas": replicas,
        "refresh_interval": f"{index.refresh_s}s",
        # Without thresholds the domain's slow logs stay empty.
        "search.slowlog.threshold.query.warn": f"{slow.query}ms",
        "search.slowlog.threshold.fetch.warn": f"{slow.fetch}ms",
        "indexing.slowlog.threshold.index.warn": f"{slow.index}ms",
    }
    if engines()[index.engine].ef_search == "index":
        settings["knn.algo_param.ef_search"] = index.hnsw.ef_search
    return settings


def _vector(index: SearchIndex, version: str) -> dict[str, Any]:
    parameters = {"m": index.hnsw.m, "ef_construction": index.hnsw.ef_construction}
    if engines()[index.engine].ef_search == "method":
        parameters["ef_search"] = index.hnsw.ef_search
    return {
        "type": "knn_vector",
        "dimension": index.dims,
        "method": {
            "name": "hnsw",
            "engine": index.engine,
            "space_type": index.space_in(version),
            "parameters": parameters,
        },
    }


@cache
def embedders() -> Mapping[str, Embedder]:
    """Key -> embedder."""
    return {key: Embedder(key=key, **row) for key, row in _read("embedders.toml").items()}


@cache
def engines() -> Mapping[str, Engine]:
    """Key -> engine."""
    return {key: Engine(key=key, **row) for key, row in _read("search_engines.toml").items()}


@cache
def index() -> SearchIndex:
    """The index of this checkout."""
    return SearchIndex.model_validate(_read("search.toml"))


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((_HERE / name).read_text(encoding="utf-8"))


def _others(index: SearchIndex, version: str) -> str:
    able = [
        engine.key
        for engine in engines().values()
        if engine.offers(index.space, version) and _before(version, engine.until or "999")
    ]
    return f"use {' or '.join(able)} in contract/search.toml" if able else "use a newer version"


def _before(version: str, other: str) -> bool:
    return _numbers(version) < _numbers(other)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
