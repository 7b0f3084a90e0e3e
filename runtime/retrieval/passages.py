"""What a search gives: passages with where they come from, and what had to be done without."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal, Self

How = Literal["vectors", "hybrid", "words", "nothing"]


class Lacking(StrEnum):
    """What a search went without."""

    EMBED = "embed"  # no vector of the question: its words were searched for
    EMBEDDER = "embedder"  # the index holds vectors of another model: words were searched for (VEC-2)
    SEARCH = "search"  # no passages
    SHARDS = "shards"  # passages of a part of the index only
    RERANK = "rerank"  # in the order they were found in


@dataclass(frozen=True, slots=True)
class Filters:
    """What narrows a search; empty: everything of the tenant."""

    language: str = ""
    category: str = ""
    genres: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document. `score`: of the search, higher is better; `rank`: of the reranker."""

    id: str
    text: str
    title: str
    score: float
    genre: str = ""
    category: str = ""
    language: str = ""
    document: str = ""
    source: str = ""
    section: str = ""
    page: int | None = None
    hash: str = ""
    rank: float | None = None

    def ranked(self, rank: float) -> Self:
        return replace(self, rank=rank)


@dataclass(frozen=True, slots=True)
class Passages:
    """The best first. `how` they were looked for and what was `lacking` belong to the answer's metadata."""

    passages: tuple[Passage, ...]
    how: How
    lacking: tuple[Lacking, ...]
    seconds: float

    @property
    def degraded(self) -> bool:
        return bool(self.lacking)
