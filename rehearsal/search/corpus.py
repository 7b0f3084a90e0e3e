"""The shop's documents as an index: the same template, alias and fields as in AWS (contract/search.toml)."""

from collections.abc import Iterator
from typing import Any

from contract import search
from rehearsal.embedding import embed
from rehearsal.search.cluster import Cluster
from rehearsal.shop.knowledge import Document, documents

TENANT = "shop"
SHOP = "https://shop.example"
_VERSION = "2.19"


def fill(cluster: Cluster, seed: int) -> int:
    """Makes the index's template and first generation, and puts every document into it."""
    index = search.index()
    cluster.templates[index.name] = search.template(index, version=_VERSION, replicas=index.replicas)
    made = cluster.create(f"{index.name}-000001", {"aliases": {index.name: {"is_write_index": True}}})
    for name, source in sources(seed, index.dims):
        made.put(name, source)
    made.refresh()
    return len(made.documents)


def sources(seed: int, dims: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """(id, document) as ingest would write it."""
    for document in documents(seed):
        yield document.id, _source(document, dims)


def _source(document: Document, dims: int) -> dict[str, Any]:
    return {
        "text": document.text,
        "title": document.title,
        "genre": document.genre,
        "category": document.category,
        "language": document.language,
        "tenant": TENANT,
        "deleted": False,
        "document": document.id,
        "source": f"{SHOP}/help/{document.language}/{document.id}",
        "section": document.section,
        "chunk": 0,
        "updated": "2026-11-01",
        search.VECTOR: [float(value) for value in embed(f"{document.title} {document.text}", dims)],
    }
