"""Asks labelled questions of the help pages, cut and searched in one way after another (VEC-3, VEC-4).

The product's own chunker, embedder, search and reranker over the real protocol. On stand-ins vectors are
hashes of letters: then the figures show what changed, and nothing of how well a real embedder finds.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from statistics import fmean

from contract.errors import InconclusiveError, WrongUseError
from contract.ingest_settings import ChunkSettings
from contract.prices import table
from contract.runtime_settings import RetrievalSettings
from rehearsal import clients, serving
from rehearsal.bedrock.server import Bedrock
from rehearsal.retrieval_corpus import CALM, REGION, Chunker, fill, sections
from rehearsal.sagemaker.instances import kinds
from rehearsal.sagemaker.server import SageMaker
from rehearsal.search.server import Search
from runtime.eval import retrieval as measures
from runtime.eval import stats
from runtime.eval.retrieval import Query, Result, Sweep
from runtime.ingest.chunks import cut, tokens
from runtime.places import Places
from runtime.retrieval import Filters, Passage, Retrieval
from runtime.retrieval.opening import open_retrieval

_PATIENT = RetrievalSettings(embed_s=20.0, search_s=20.0, rerank_s=20.0, total_s=60.0)
Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way of cutting and searching. `rerank`: so many that are found are put in order; 0: none is."""

    name: str
    chunks: ChunkSettings
    kept: int = 5
    words_share: float = 0.0
    rerank: int = 10

    @property
    def settings(self) -> RetrievalSettings:
        found = max(self.rerank, self.kept)
        hybrid = {"hybrid": True, "words_share": self.words_share} if self.words_share else {}
        return _PATIENT.model_copy(update={"found": found, "kept": self.kept, **hybrid})


def _cut(least: int, most: int) -> ChunkSettings:
    return ChunkSettings(least_tokens=least, most_tokens=most, least_overlap=0, most_overlap=most // 8)


BASE = Way(name="top 5 of 10 reranked", chunks=_cut(64, 128))
WAYS: Mapping[str, Sequence[Way]] = {
    "chunking": (
        replace(BASE, name="as the product cuts: 512 to 1,024", chunks=ChunkSettings()),
        replace(BASE, name="128 to 256", chunks=_cut(128, 256)),
        replace(BASE, name="64 to 128"),
        replace(BASE, name="20 to 40", chunks=_cut(20, 40)),
    ),
    "k": tuple(replace(BASE, name=f"top {k}", kept=k) for k in (1, 3, 5, 10)),
    "hybrid": (
        replace(BASE, name="vectors alone"),
        *(replace(BASE, name=f"words {share:.0%}", words_share=share) for share in (0.2, 0.3, 0.5, 0.8)),
    ),
    "rerank": tuple(replace(BASE, name=f"{n or 'none'}", rerank=n) for n in (0, 10, 20, 50)),
}


def sweep(
    chosen: Sequence[str],
    tell: Tell,
    *,
    real: bool = False,
    ways: Mapping[str, Sequence[Way]] = WAYS,
    chunker: Chunker = cut,
) -> Sweep:
    """Each way of each chosen kind. `real`: Bedrock's own embedder, by the caller's credentials."""
    if unknown := sorted(set(chosen) - set(ways)):
        raise WrongUseError(f"there is no sweep of {unknown[0]}: {', '.join(ways)}")
    return asyncio.run(_sweep({name: ways[name] for name in chosen or ways}, tell, chunker, real=real))


async def _sweep(ways: Mapping[str, Sequence[Way]], tell: Tell, chunker: Chunker, *, real: bool) -> Sweep:
    found: list[Result] = []
    seen: dict[Way, Result] = {}  # by all but the name: kinds share a way
    async with _models(real=real):
        for kind, some in ways.items():
            for way in some:
                key = replace(way, name="")
                if key not in seen:
                    tell(f"{kind}: {way.name}")
                    seen[key] = await _one(way, chunker)
                found.append(seen[key].model_copy(update={"kind": kind, "way": way.name}))
    return Sweep(stand_ins=not real, results=tuple(found))


@asynccontextmanager
async def _models(*, real: bool) -> AsyncIterator[None]:
    """Bedrock, unless it is the real one, and SageMaker's endpoints, as stand-ins of this process."""
    sagemaker = SageMaker(speed=3)
    async with (
        serving.serving(Bedrock(speed=3).app()) as bedrock,
        serving.serving(sagemaker.app()) as endpoints,
    ):
        named = {"AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": endpoints}
        if not real:
            named |= {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": bedrock, **clients.NOBODYS}
        with clients.told(named):
            yield


async def _one(way: Way, chunker: Chunker) -> Result:
    index = Search(seed=7, speed=3)
    async with serving.serving(index.app()) as url:
        places = Places(search=url, rerank_endpoint="concierge-dev-rerank" if way.rerank else None)
        async with open_retrieval(places, way.settings, CALM, region=REGION) as parts:
            assert parts.retrieval is not None  # noqa: S101 - it has a place
            count = await fill(index.cluster, way.chunks, places, chunker)
            return await _measured(way, parts.retrieval, count)


async def _measured(way: Way, retrieval: Retrieval, chunks: int) -> Result:
    texts = sections()
    scores: dict[str, measures.Scores] = {}
    times, read = [], []
    for query in measures.queries():
        found = await retrieval.find(query.text, Filters(language=query.lang))
        if found.lacking:
            raise InconclusiveError(f"{way.name}: {query.id} went without {', '.join(found.lacking)}")
        times.append(found.seconds * 1_000)
        scores[query.id] = _scores(query, found.passages, texts, way.kept)
        read.append(sum(tokens(passage.text) for passage in found.passages))
    ndcg = {name: one.ndcg for name, one in scores.items()}
    return Result(
        kind="",
        way=way.name,
        chunks=chunks,
        precision=fmean(one.precision for one in scores.values()),
        recall=fmean(one.recall for one in scores.values()),
        mrr=fmean(one.reciprocal for one in scores.values()),
        ndcg=fmean(ndcg.values()),
        ndcg_between=stats.bootstrap(list(ndcg.values()), fmean),
        p50_ms=stats.percentile(times, 0.5),
        p95_ms=stats.percentile(times, 0.95),
        tokens=fmean(read),
        usd=_cost(way, fmean(read)),
        by_query=ndcg,
    )


def _scores(query: Query, found: Sequence[Passage], texts: Mapping[str, str], k: int) -> measures.Scores:
    grades = [
        max(
            measures.grade(one.text, texts[f"{section}-{query.lang}"], worth)
            for section, worth in query.relevant.items()
        )
        for one in found
    ]
    return measures.scores(grades, list(query.relevant.values()), k)


def _cost(way: Way, read: float) -> float:
    """Dollars of a thousand searches: the question's vector, the reranker, and what the model reads."""
    question = fmean(tokens(query.text) for query in measures.queries())
    rerank = kinds()["rerank"]
    seconds = rerank.base_s + rerank.item_s * way.rerank if way.rerank else 0.0
    each = question * _usd("bedrock-titan-embed-input") / 1e6
    each += seconds / rerank.slots / 3_600 * _usd("sagemaker-g4dn-xlarge-hour")
    return 1_000 * (each + read * _usd("bedrock-sonnet-input") / 1e6)


def _usd(row: str) -> float:
    price = table().price(row, REGION)
    if price is None:
        raise InconclusiveError(f"contract/prices.toml has no {row} for {REGION}")
    return float(price.usd)
