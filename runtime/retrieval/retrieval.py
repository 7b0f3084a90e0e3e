"""One search, start to end, within its budget: vector, nearest passages, best of them. Never an error.

Step by step it does without what is late or down, and says so: without the reranker the order found stays,
without a vector the words are searched for, without the index there is nothing. While the index is rebuilt, a
document (`contract.cutover`) says which generation is asked.
"""

import asyncio
from collections.abc import Callable, Sequence

from contract import search
from contract.cutover import Cutover
from contract.runtime_settings import RetrievalSettings
from runtime.coalesce import Coalesce
from runtime.downstream import ProviderError
from runtime.retrieval.embedders import Embedder, Vector
from runtime.retrieval.endpoints import MOST_LETTERS, Reranker
from runtime.retrieval.generations import Held, read_by
from runtime.retrieval.index import Index, Question
from runtime.retrieval.passages import Filters, How, Lacking, Passage, Passages

ALL = Filters()


class Retrieval:
    """Parts that are None are not there: no embedder, and words alone are searched for."""

    def __init__(
        self,
        index: Index,
        embedder: Embedder | None,
        reranker: Reranker | None,
        settings: RetrievalSettings,
        cutover: Callable[[], Cutover | None] = lambda: None,
    ) -> None:
        """SearchError when the index is to hold another embedder's vectors. `cutover`: as of now."""
        if embedder is not None:
            search.index().accept(embedder.key)
        self._index = index
        self._held = Held(index.embedders)
        self._cutover = cutover
        self._embedder = embedder
        self._reranker = reranker
        self._settings = settings
        self._asked: Coalesce[tuple[str, Filters], Passages] = Coalesce()
        self._vectors: Coalesce[str, Vector] = Coalesce()

    async def embed(self, query: str) -> Vector | None:
        """The question's vector, for whoever else compares questions; None where there is none in time.

        Asked beside `find`, it is the same call.
        """
        words = query.strip()[:MOST_LETTERS]
        return await self._vector(words, _Run(self._settings.total_s)) if words else None

    async def find(self, query: str, filters: Filters = ALL) -> Passages:
        """The best passages for a question; the same question asked at the same time is one search."""
        words = query.strip()[:MOST_LETTERS]
        if not words:
            return Passages((), "nothing", (), 0.0)
        return await self._asked.do((words, filters), lambda: self._find(words, filters))

    async def _find(self, words: str, filters: Filters) -> Passages:
        run = _Run(self._settings.total_s)
        question = await self._question(words, filters, run)
        try:
            found = await self._index.find(question, run.left_s)
        except ProviderError:
            return run.end((), "nothing", Lacking.SEARCH)
        if not found.whole:
            run.lacking.append(Lacking.SHARDS)
        best = await self._best(words, _once(found.passages), run)
        return run.end(best, _how(question))

    async def _question(self, words: str, filters: Filters, run: "_Run") -> Question:
        index = read_by(words, self._cutover())
        vector = await self._fitting(index, words, run)
        share = self._settings.words_share if self._settings.hybrid else 0.0
        return Question(words, filters, self._settings.found, vector, share, index)

    async def _fitting(self, index: str, words: str, run: "_Run") -> Vector | None:
        """The question's vector, where the index holds vectors of the same model (VEC-2)."""
        if self._embedder is not None and not await self._held.holds(index, self._embedder.key):
            run.lacking.append(Lacking.EMBEDDER)
            return None
        return await self._vector(words, run)

    async def _vector(self, words: str, run: "_Run") -> Vector | None:
        if self._embedder is None:
            return None
        embedder, left_s = self._embedder, run.left_s
        try:
            return await self._vectors.do(words, lambda: embedder.embed(words, left_s))
        except ProviderError:
            run.lacking.append(Lacking.EMBED)
            return None

    async def _best(self, words: str, passages: Sequence[Passage], run: "_Run") -> Sequence[Passage]:
        kept = self._settings.kept
        if self._reranker is None or not passages:
            return passages[:kept]
        try:
            ranked = await self._reranker.rank(words, [p.text for p in passages], run.left_s)
        except ProviderError:
            run.lacking.append(Lacking.RERANK)
            return passages[:kept]
        return [passages[number].ranked(score) for number, score in ranked[:kept]]


class _Run:
    """One search under way: what is left of its time, and what it had to do without."""

    def __init__(self, total_s: float) -> None:
        self._now = asyncio.get_running_loop().time
        self._began = self._now()
        self._ends = self._began + total_s
        self.lacking: list[Lacking] = []

    @property
    def left_s(self) -> float:
        return max(0.0, self._ends - self._now())

    def end(self, passages: Sequence[Passage], how: How, *lacking: Lacking) -> Passages:
        return Passages(tuple(passages), how, (*self.lacking, *lacking), self._now() - self._began)


def _once(passages: Sequence[Passage]) -> Sequence[Passage]:
    """Each text once: what stands in two documents is no better for it."""
    kept: dict[str, Passage] = {}
    for passage in passages:
        kept.setdefault(passage.hash or passage.id, passage)
    return list(kept.values())


def _how(question: Question) -> How:
    if question.vector is None:
        return "words"
    return "hybrid" if question.words_share else "vectors"
