"""The search index as it is asked: one `_search`, by vector, by words, or by both (VEC-3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import aiohttp
from pydantic import ConfigDict, Field, TypeAdapter
from pydantic_core import to_json

from contract import search
from runtime import aws
from runtime.connections import Headers
from runtime.downstream import Downstream, Why
from runtime.retrieval.embedders import Vector
from runtime.retrieval.passages import Filters, Passage
from runtime.signing import Signer

_READ = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)
# Everything of a passage but its vector, which nobody reads again.
_FIELDS = ("text", "title", "genre", "category", "language", "document", "source", "section", "page", "hash")
_WORDS = ("text", "title^2")


@dataclass(frozen=True, slots=True)
class _Source:
    __pydantic_config__ = _READ
    text: str
    title: str = ""
    genre: str = ""
    category: str = ""
    language: str = ""
    document: str = ""
    source: str = ""
    section: str = ""
    page: int | None = None
    hash: str = ""


@dataclass(frozen=True, slots=True)
class _Hit:
    __pydantic_config__ = _READ
    id: Annotated[str, Field(validation_alias="_id")]
    score: Annotated[float, Field(validation_alias="_score")]
    source: Annotated[_Source, Field(validation_alias="_source")]


@dataclass(frozen=True, slots=True)
class _Hits:
    __pydantic_config__ = _READ
    hits: tuple[_Hit, ...]


@dataclass(frozen=True, slots=True)
class _Shards:
    __pydantic_config__ = _READ
    failed: int


@dataclass(frozen=True, slots=True)
class _Answer:
    __pydantic_config__ = _READ
    timed_out: bool
    shards: Annotated[_Shards, Field(validation_alias="_shards")]
    hits: _Hits


@dataclass(frozen=True, slots=True)
class _Mapping:
    __pydantic_config__ = _READ
    meta: Annotated[dict[str, Any], Field(validation_alias="_meta")] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Described:
    __pydantic_config__ = _READ
    mappings: _Mapping


@dataclass(frozen=True, slots=True)
class Found:
    """`whole`: every shard was searched."""

    passages: Sequence[Passage]
    whole: bool


@dataclass(frozen=True, slots=True)
class Question:
    """At least words; with a vector, nearness counts too. `words_share`: weight of the words beside it."""

    words: str
    filters: Filters
    size: int
    vector: Vector | None = None
    words_share: float = 0.0
    index: str = ""  # a generation by its name; else the one the alias names


class Index:
    """The index by its alias. `about`: asks what it is, which is no search.

    `signer`: None where nobody checks signatures.
    """

    _reader = TypeAdapter(_Answer)
    _mappings = TypeAdapter(dict[str, _Described])

    def __init__(
        self,
        at: Downstream,
        about: Downstream,
        session: aiohttp.ClientSession,
        url: str,
        signer: Signer | None,
        tenant: str,
        headers: Headers,
    ) -> None:
        self._at = at
        self._about = about
        self._session = session
        self._url = url.rstrip("/")
        self._signer = signer
        self._tenant = tenant
        self._headers = headers

    async def find(self, question: Question, within_s: float) -> Found:
        url = f"{self._url}/{question.index or search.index().name}/_search"
        body = to_json(self._body(question))

        async def once() -> Found:
            answer = aws.read_body(self._at, self._reader, await self._said("POST", url, body))
            whole = not answer.timed_out and answer.shards.failed == 0
            return Found([_passage(hit) for hit in answer.hits.hits], whole)

        return await self._at.ask(once, within_s=within_s)

    async def embedders(self, index: str) -> frozenset[str]:
        """Whose vectors an index holds, or those of an alias; empty where it does not say."""

        async def once() -> frozenset[str]:
            said = await self._said("GET", f"{self._url}/{index}/_mapping", b"")
            found = aws.read_body(self._at, self._mappings, said)
            return frozenset(one.mappings.meta.get("embedder", "") for one in found.values())

        return await self._about.ask(once)

    async def _said(self, method: str, url: str, body: bytes) -> bytes:
        headers: Mapping[str, str] = {"Content-Type": "application/json", **self._headers()}
        if self._signer is not None:
            headers = await self._signer.sign(method, url, body, headers)
        try:
            async with self._session.request(method, url, data=body, headers=headers) as response:
                status, said = response.status, await response.read()
        except (aiohttp.ClientError, OSError) as lost:
            raise self._at.error(Why.UNAVAILABLE, type(lost).__name__, passing=True) from lost
        if status != 200:
            why = Why.THROTTLED if status == 429 else Why.UNAVAILABLE if status >= 500 else Why.REFUSED
            raise self._at.error(why, f"status {status}", passing=status == 503)
        return said

    def _body(self, question: Question) -> Mapping[str, Any]:
        narrowed = {"bool": {"filter": self._filter(question.filters)}}
        words = _words(question.words, narrowed)
        asked: dict[str, Any] = {"size": question.size, "_source": list(_FIELDS)}
        if question.vector is None:
            return {**asked, "query": words}
        near = _near(question.vector, question.size, narrowed)
        if not question.words_share:
            return {**asked, "query": near}
        return {
            **asked,
            "query": {"hybrid": {"queries": [words, near]}},
            "search_pipeline": _weighed(question.words_share),
        }

    def _filter(self, filters: Filters) -> list[Mapping[str, Any]]:
        named = {"tenant": self._tenant, "language": filters.language, "category": filters.category}
        clauses: list[Mapping[str, Any]] = [{"term": {"deleted": False}}]
        clauses += [{"term": {name: value}} for name, value in named.items() if value]
        return [*clauses, {"terms": {"genre": list(filters.genres)}}] if filters.genres else clauses


def _words(words: str, narrowed: Mapping[str, Any]) -> Mapping[str, Any]:
    match = {"multi_match": {"query": words, "fields": list(_WORDS)}}
    return {"bool": {"must": [match], "filter": narrowed["bool"]["filter"]}}


def _near(vector: Vector, size: int, narrowed: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"knn": {search.VECTOR: {"vector": vector, "k": size, "filter": narrowed}}}


def _weighed(words_share: float) -> Mapping[str, Any]:
    """A pipeline of this one search: both scores brought to 0..1, then their weighted mean."""
    weights = {"weights": [words_share, 1 - words_share]}
    processor = {
        "normalization": {"technique": "min_max"},
        "combination": {"technique": "arithmetic_mean", "parameters": weights},
    }
    return {"phase_results_processors": [{"normalization-processor": processor}]}


def _passage(hit: _Hit) -> Passage:
    said = hit.source
    return Passage(
        id=hit.id,
        score=hit.score,
        **{name: getattr(said, name) for name in _FIELDS},
    )
