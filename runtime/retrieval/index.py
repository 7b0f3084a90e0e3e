"""The search index as it is asked: one `_search`, by vector, by words, or by both (VEC-3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
_FIELDS = ("text", "title", "genre", "category", "language", "document", "source", "section", "page")
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


class Index:
    """The index by its alias. `signer`: None where nobody checks signatures."""

    _reader = TypeAdapter(_Answer)

    def __init__(
        self,
        at: Downstream,
        session: aiohttp.ClientSession,
        url: str,
        signer: Signer | None,
        tenant: str,
        headers: Headers,
    ) -> None:
        self._at = at
        self._session = session
        self._url = f"{url.rstrip('/')}/{search.index().name}/_search"
        self._signer = signer
        self._tenant = tenant
        self._headers = headers

    async def find(self, question: Question, within_s: float) -> Found:
        body = to_json(self._body(question))
        return await self._at.ask(lambda: self._once(body), within_s=within_s)

    async def _once(self, body: bytes) -> Found:
        try:
            async with self._session.post(self._url, data=body, headers=await self._signed(body)) as response:
                status, said = response.status, await response.read()
        except (aiohttp.ClientError, OSError) as lost:
            raise self._at.error(Why.UNAVAILABLE, type(lost).__name__, passing=True) from lost
        if status != 200:
            why = Why.THROTTLED if status == 429 else Why.UNAVAILABLE if status >= 500 else Why.REFUSED
            raise self._at.error(why, f"status {status}", passing=status == 503)
        answer = aws.read_body(self._at, self._reader, said)
        whole = not answer.timed_out and answer.shards.failed == 0
        return Found([_passage(hit) for hit in answer.hits.hits], whole)

    async def _signed(self, body: bytes) -> Mapping[str, str]:
        headers = {"Content-Type": "application/json", **self._headers()}
        return await self._signer.sign("POST", self._url, body, headers) if self._signer else headers

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
