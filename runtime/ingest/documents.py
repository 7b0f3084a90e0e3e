"""From a file to what the index holds of it: a document, and its chunks as they are stored."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contract.ingest_settings import IngestSettings
from runtime.answer.texts import language_of
from runtime.ingest import formats
from runtime.ingest.chunks import Chunk, cut
from runtime.ingest.reading import Reading, ReadingError
from runtime.retrieval import Passage
from runtime.safety.watch import harmless

SAMPLE = 2_000  # letters from which a language is told
_OWN = ("source", "title", "language", "genre", "category", "tenant")


@dataclass(frozen=True, slots=True)
class Document:
    """`file`: where it was read."""

    id: str
    file: str
    labels: Mapping[str, str]
    chunks: tuple[Chunk, ...]

    @property
    def digest(self) -> str:
        """Of all it says, and to whom; not of where it lies."""
        told = [self.labels[name] for name in _OWN if name != "source"]
        return _digest("\0".join([*told, *(f"{one.section}\0{one.text}" for one in self.chunks)]))

    def sources(self) -> Sequence[Mapping[str, Any]]:
        """Its chunks as the index holds them, but for their vectors and when they were written."""
        return [self._source(number, chunk) for number, chunk in enumerate(self.chunks)]

    def twin(self, other: str) -> Mapping[str, Any]:
        """What is written in its place, where another document says the same."""
        first = self._source(0, self.chunks[0])
        return {**first, "text": "", "deleted": True, "chunks": 1, "same_as": other}

    @property
    def embedded(self) -> Mapping[str, str]:
        """Digest -> what it is the digest of: all that needs a vector."""
        texts = [embedded(self.labels["title"], chunk) for chunk in self.chunks]
        return {_digest(text): text for text in texts}

    def _source(self, number: int, chunk: Chunk) -> Mapping[str, Any]:
        whole = {"chunks": len(self.chunks), "file": self.file, "digest": self.digest} if number == 0 else {}
        return {
            "text": chunk.text,
            **self.labels,
            "deleted": False,
            "document": self.id,
            "section": chunk.section,
            "page": chunk.page,
            "chunk": number,
            "hash": _digest(embedded(self.labels["title"], chunk)),
            "same_as": None,
            **whole,
        }


def documents(
    address: str, content: bytes, said: Mapping[str, str], tenant: str, settings: IngestSettings
) -> Sequence[Document]:
    """Every document of a file; ReadingError where it cannot be read or may not be kept."""
    made = []
    for reading in formats.read(address, content):
        named = f"{address}#{reading.key}" if reading.key else address
        chunks = tuple(cut(reading.blocks, settings.chunks))
        labels = _labels(named, reading, said, tenant, settings)
        _refuse_orders(labels["title"], chunks)
        made.append(Document(document_id(named), address, labels, chunks))
    return made


def document_id(address: str) -> str:
    """The same for ever, and nothing that a bulk line or a URL could not hold."""
    return _digest(address)[:24]


def chunk_id(document: str, number: int) -> str:
    return f"{document}-{number}"


def embedded(title: str, chunk: Chunk) -> str:
    """What a vector is made of: a chunk that does not say what it is about would be found by nobody."""
    above = [title, chunk.section] if chunk.section and chunk.section != title else [title]
    return "\n".join([*above, chunk.text])


def _labels(
    address: str, reading: Reading, said: Mapping[str, str], tenant: str, settings: IngestSettings
) -> Mapping[str, str]:
    """What the document says of itself goes before what its store says, and both before our settings."""
    own = {**{name.lower(): value for name, value in said.items()}, **reading.labels}
    name = address.partition("#")[0].rpartition("/")[2].rpartition(".")[0]
    return {
        "source": own.get("source", address),
        "title": own.get("title") or reading.key or name,
        "language": _language(own.get("language", ""), reading.text, settings.language),
        "genre": own.get("genre", settings.genre).lower(),
        "category": own.get("category", settings.category).lower(),
        "tenant": tenant,
    }


def _language(said: str, text: str, usual: str) -> str:
    """Without its region: people ask for a language, not for a country."""
    return said.partition("-")[0].lower() if said else language_of(text[:SAMPLE], usual)


def _refuse_orders(title: str, chunks: Sequence[Chunk]) -> None:
    """A document that speaks to the model is an attack, or reads like one: a person must look at it."""
    for number, chunk in enumerate(chunks):
        if not harmless(Passage(id="", text=chunk.text, title=title, score=0.0)):
            where = f" ({chunk.section})" if chunk.section else ""
            raise ReadingError(f"speaks to the model in chunk {number}{where}: it was not kept")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def same(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a chunk stands in the index as it should. What is written without a value is not stored."""
    return all(stored.get(name) == value for name, value in wanted.items() if name != "text")


def line(action: Mapping[str, Any]) -> str:
    return json.dumps(action, ensure_ascii=False, separators=(",", ":"))
