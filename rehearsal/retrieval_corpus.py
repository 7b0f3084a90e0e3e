"""The shop's help pages as files, cut by the product's chunker, embedded, in a search of their own."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from contract import search
from contract.ingest_settings import ChunkSettings
from contract.runtime_settings import BreakerSettings, BudgetSettings, DownstreamSettings
from rehearsal.search.cluster import Cluster
from rehearsal.search.corpus import TENANT
from rehearsal.shop.knowledge import Document, documents
from runtime.downstream import Downstream
from runtime.ingest.chunks import Chunk, cut
from runtime.ingest.documents import embedded
from runtime.ingest.reading import Block
from runtime.places import Places
from runtime.retrieval.opening import Clients, embedder

SEED = 7
REGION = "us-east-1"
CALM = DownstreamSettings(breaker=BreakerSettings(enabled=False), retry=BudgetSettings(most=0))
_VERSION = "2.19"
Chunker = Callable[[Sequence[Block], ChunkSettings], Sequence[Chunk]]


def sections() -> Mapping[str, str]:
    """Every section's text by its name, language and all."""
    return {one.id: one.text for one in documents(SEED)}


async def fill(cluster: Cluster, cutting: ChunkSettings, places: Places, chunker: Chunker = cut) -> int:
    """The shop's pages as ingest would cut and embed them."""
    known = search.index()
    cluster.templates[known.name] = search.template(known, version=_VERSION, replicas=known.replicas)
    made = cluster.create(f"{known.name}-000001", {"aliases": {known.name: {"is_write_index": True}}})
    async with AsyncExitStack() as stack:
        clients_ = Clients(stack, REGION, 20.0, 16)
        embed = await embedder(clients_, places, Downstream("embed", 20.0, CALM), lambda: None)
        assert embed is not None  # noqa: S101 - Bedrock has no other place
        for page in pages():
            for number, chunk in enumerate(chunker(page.blocks, cutting)):
                vector = await embed.embed(embedded(page.title, chunk), 20.0)
                made.put(f"{page.key}-{number}", page.source(chunk.text, chunk.section, number, vector))
    made.refresh()
    return len(made.documents)


@dataclass(frozen=True)
class Page:
    """What a shop would keep in one file: a manual, all answers to one subject, the policies."""

    key: str
    title: str
    language: str
    genre: str
    blocks: tuple[Block, ...]

    def source(self, text: str, section: str, number: int, vector: Sequence[float]) -> dict[str, Any]:
        return {
            "text": text,
            "title": self.title,
            "genre": self.genre,
            "category": "shop",
            "language": self.language,
            "tenant": TENANT,
            "deleted": False,
            "document": self.key,
            "section": section,
            "chunk": number,
            "updated": "2026-11-01",
            search.VECTOR: list(vector),
        }


def pages() -> Sequence[Page]:
    """The shop's sections, those of one file together."""
    files: dict[tuple[str, str, str], list[Document]] = defaultdict(list)
    for one in documents(SEED):
        title = one.title.replace("：", ":").partition(":")[0].strip()
        about = {"manual": title, "faq": one.section, "policy": "policies"}[one.genre]
        files[one.genre, about, one.language].append(one)
    return [
        Page(
            key=f"{genre}-{about}-{language}".lower().replace(" ", "-"),
            title=about,
            language=language,
            genre=genre,
            blocks=tuple(block for one in parts for block in _blocks(one)),
        )
        for (genre, about, language), parts in files.items()
    ]


def _blocks(one: Document) -> tuple[Block, Block]:
    heading = one.title if one.genre != "manual" else one.section
    return Block(heading, heading, None, heading=True), Block(one.text, heading)
