"""One generation of the index as ingest reads and writes it: what it holds of a document, and bulk writes.

What it holds is read by ids, which is true at once; what is looked for by its fields is seen after a refresh
(30 s): so a search may say too little here, and nothing may depend on its being complete.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from pydantic_core import to_json

from contract import search
from contract.ingest_settings import IngestSettings
from runtime.ingest.documents import chunk_id, line
from runtime.ingest.pressure import Pressure
from runtime.ingest.wire import BusyError, IndexRefusedError, Wire, patiently

PAGE = 1_000
_BIG = ("text", search.VECTOR)
_ALIVE = {"bool": {"should": [{"term": {"deleted": False}}, {"exists": {"field": "same_as"}}]}}  # and twins
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Write:
    """One line of a bulk request: a whole chunk, or a change to one that is there."""

    id: str
    source: Row
    change: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """A document in the index, by its first chunk."""

    id: str
    file: str
    chunks: int
    digest: str


class Generation:
    """By its name, or by the alias that points to it."""

    def __init__(self, name: str, wire: Wire, pressure: Pressure, settings: IngestSettings) -> None:
        self.name = name
        self._wire = wire
        self._pressure = pressure
        self._settings = settings

    async def check(self, embedder: str) -> None:
        """SearchError where it holds another embedder's vectors; it must be there."""
        found = await self._wire.ask("GET", f"/{self.name}/_mapping")
        for index, said in found.items():
            held = said["mappings"].get("_meta", {}).get("embedder")
            if held != embedder:
                raise search.SearchError(
                    f"index {index} holds vectors of {held or 'nobody knows whom'}, not of {embedder}: "
                    "rebuild it (runbook reindex), or ingest with its embedder"
                )

    # -- what it holds ------------------------------------------------------------------------------------

    async def chunks(self, wanted: Mapping[str, int]) -> Mapping[str, Row]:
        """Id -> chunk, without text and vector. `wanted`: document -> how many of its chunks to look for."""
        ids = [chunk_id(document, number) for document, count in wanted.items() for number in range(count)]
        found: dict[str, Row] = {}
        for start in range(0, len(ids), PAGE):
            body = {"ids": ids[start : start + PAGE]}
            said = await self._wire.ask(
                "POST", f"/{self.name}/_mget?_source_excludes={','.join(_BIG)}", to_json(body)
            )
            found |= {one["_id"]: one["_source"] for one in said["docs"] if one.get("found")}
        return found

    async def vectors(self, hashes: Sequence[str]) -> Mapping[str, Sequence[float]]:
        """Digest of what was embedded -> its vector, of those that are known."""
        found: dict[str, Sequence[float]] = {}
        for start in range(0, len(hashes), PAGE):
            query = {"terms": {"hash": list(hashes[start : start + PAGE])}}
            for row in await self._search(query, ["hash", search.VECTOR]):
                if search.VECTOR in row:  # a twin has none
                    found[row["hash"]] = row[search.VECTOR]
        return found

    async def alike(self, digests: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Digest of a whole document -> ids of those that are kept, in order."""
        alive = {"bool": {"filter": [{"terms": {"digest": list(digests)}}, {"term": {"deleted": False}}]}}
        rows = await self._search(alive, ["digest", "document"])
        found: dict[str, list[str]] = {}
        for row in sorted(rows, key=itemgetter("document")):
            found.setdefault(row["digest"], []).append(row["document"])
        return found

    async def twins(self, documents: Sequence[str]) -> Sequence[str]:
        """Files of what was not kept because one of these documents says the same."""
        found: list[str] = []
        for start in range(0, len(documents), PAGE):
            which = {"terms": {"same_as": list(documents[start : start + PAGE])}}
            found += [one.file async for one in self._known(which, _ALIVE)]
        return found

    async def ever(self, files: Sequence[str]) -> Sequence[str]:
        """Ids of every document of these files, of deleted ones too."""
        return [one.id async for one in self._known({"terms": {"file": list(files)}})]

    def below(self, scope: str) -> AsyncIterator[Known]:
        """Every document of files whose addresses begin so."""
        return self._known({"prefix": {"file": scope}}, _ALIVE)

    def of(self, files: Sequence[str]) -> AsyncIterator[Known]:
        """Every document of these files."""
        return self._known({"terms": {"file": list(files)}}, _ALIVE)

    async def _known(self, *which: Row) -> AsyncIterator[Known]:
        """Complete: whoever deletes by it must see all."""
        await self._wire.ask("POST", f"/{self.name}/_refresh")
        body: dict[str, Any] = {
            "size": PAGE,
            "_source": ["document", "file", "chunks", "digest"],
            "query": {"bool": {"filter": [*which, {"term": {"chunk": 0}}]}},
            "sort": [{"document": "asc"}],
        }
        while True:
            said = await self._wire.ask("POST", f"/{self.name}/_search", to_json(body))
            hits = said["hits"]["hits"]
            for hit in hits:
                row = hit["_source"]
                yield Known(row["document"], row["file"], row["chunks"], row["digest"])
            if len(hits) < PAGE:
                return
            body["search_after"] = hits[-1]["sort"]

    async def _search(self, query: Row, fields: Sequence[str]) -> Sequence[Row]:
        body = {"size": PAGE, "_source": list(fields), "query": query}
        said = await self._wire.ask("POST", f"/{self.name}/_search", to_json(body))
        return [hit["_source"] for hit in said["hits"]["hits"]]

    # -- writing ------------------------------------------------------------------------------------------

    async def write(self, writes: Sequence[Write]) -> Mapping[str, str]:
        """Id -> why it was refused; nothing where all was taken. Those that found no room are sent again."""
        size = self._settings.write_actions
        parts = [writes[start : start + size] for start in range(0, len(writes), size)]
        refused = await asyncio.gather(*(self._part(part) for part in parts))
        return {name: why for one in refused for name, why in one.items()}

    async def _part(self, writes: Sequence[Write]) -> Mapping[str, str]:
        left = {write.id: write for write in writes}
        refused: dict[str, str] = {}

        async def once() -> None:
            async with self._pressure:
                await self._send(left, refused)

        await patiently(once, self._settings)
        return refused

    async def _send(self, left: dict[str, Write], refused: dict[str, str]) -> None:
        """One bulk request; what has its answer is left no more."""
        body = "".join(f"{said}\n" for write in left.values() for said in self._lines(write))
        try:
            said = await self._wire.once("POST", f"/{self.name}/_bulk", body.encode(), lines=True)
        except BusyError:
            self._pressure.pushed()
            raise
        except IndexRefusedError as wrong:
            refused |= dict.fromkeys(left, str(wrong))
            return
        busy = ""
        for item in said["items"]:
            ((_, told),) = item.items()
            if told["status"] in (429, 503):
                busy = str(told["error"]["reason"])
                continue
            if told["status"] >= 400:
                refused[told["_id"]] = str(told["error"]["reason"])
            del left[told["_id"]]
        if busy:
            self._pressure.pushed()
            raise BusyError(f"the index takes no writes: {busy}")
        self._pressure.eased()

    def _lines(self, write: Write) -> tuple[str, str]:
        to = {"_id": write.id}
        if write.change:
            return line({"update": to}), line({"doc": write.source})
        return line({"index": to}), line(write.source)
