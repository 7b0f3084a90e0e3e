"""Takes files in: whatever the index holds of them afterwards is what stands in them, once (VEC-4).

A document's chunks have ids that follow from its address and their number, so writing one twice changes
nothing. What is there already is compared (`plans`) and left alone, and a vector that is known is not made
again (`writing`). A file is looked at again after it was written: of two who take it in at the same time, the
one who writes last has read it last.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contract.ingest_settings import IngestSettings
from runtime.downstream import ProviderError
from runtime.graph import Edge
from runtime.graph.table import TableGraph
from runtime.ingest import relations
from runtime.ingest.documents import Document, documents
from runtime.ingest.generation import Generation, Known
from runtime.ingest.origins import GoneError, Origin
from runtime.ingest.outcomes import Became, Outcome
from runtime.ingest.plans import Plan, Plans
from runtime.ingest.reading import ReadingError
from runtime.ingest.vectors import Vectors
from runtime.ingest.writing import Made, Writing

SEVERAL = (".json", ".jsonl")  # files that may hold several documents
AGAIN, AGAIN_S = 6, 0.05  # times a file that changes while it is read is read anew; the first wait


@dataclass(frozen=True, slots=True)
class _Read:
    """A file: its documents or edges, or that it is gone, or why it cannot be read."""

    file: str
    version: str = ""
    documents: Sequence[Document] = ()
    edges: Sequence[Edge] | None = None
    gone: bool = False
    why: str = ""


class Intake:
    """`generations`: those that are written to now (VEC-5). `dry`: everything but writing and embedding.

    `graph`: where edges of products go. `apart`: where files are parsed, so that nobody waits for it.
    """

    def __init__(
        self,
        *,
        generations: Callable[[], Sequence[Generation]],
        vectors: Vectors,
        settings: IngestSettings,
        tenant: str,
        wall: Callable[[], datetime],
        dry: bool = False,
        graph: TableGraph | None = None,
        apart: Callable[..., Awaitable[Any]] = asyncio.to_thread,
    ) -> None:
        self._generations = generations
        self._settings = settings
        self._tenant = tenant
        self._dry = dry
        self._graph = graph
        self._apart = apart
        self._plans = Plans()
        self._writing = Writing(generations, vectors, wall)

    async def take(self, origin: Origin, files: Sequence[str]) -> Sequence[Outcome]:
        """What becomes of these files. One that changes meanwhile is taken again: its last word counts."""
        done: list[Outcome] = []
        left: Sequence[str] = list(dict.fromkeys(files))
        for tries in range(AGAIN):
            read = await asyncio.gather(*(self._read(origin, file) for file in left))
            outcomes, alone = await self._taken(read)
            left = [] if self._dry else [*alone, *await _changed(origin, read, outcomes)]
            done += [one for one in outcomes if one.file not in left]
            if not left:
                return done
            await asyncio.sleep(AGAIN_S * 2**tries)
        return [*done, *(Outcome(file, Became.FAILED, "changes faster than it can be read") for file in left)]

    async def told(self, origin: Origin, files: Sequence[str]) -> Sequence[Outcome]:
        """Takes files an event tells of, and those that count on one of them having said the same.

        Who took them before may have died in between: so it does not matter what was left to do this time.
        """
        outcomes = await self.take(origin, files)
        ever = [name for one in self._generations() for name in await one.ever(files)]
        return [*outcomes, *await self.take(origin, await self._twins(ever))]

    async def drop(self, gone: Sequence[tuple[Generation, Sequence[Known]]]) -> Sequence[Outcome]:
        """Soft-deletes documents; the next re-index leaves them behind."""
        outcomes: dict[str, Outcome] = {}
        for generation, known in gone:
            refused = {} if self._dry else await self._writing.delete(generation, known)
            for one in known:
                self._plans.forget(generation, one.digest, one.id)
                why = refused.get(one.id, "")
                became = Became.FAILED if why else Became.GONE
                outcomes[one.id] = Outcome(one.file, became, why, one.chunks, one.id, moved=True)
        return list(outcomes.values())

    async def left_alone(self, outcomes: Sequence[Outcome]) -> Sequence[str]:
        """Files that were not kept because a document said the same that is another now: take them now."""
        return await self._twins([one.document for one in outcomes if one.moved])

    async def _twins(self, others: Sequence[str]) -> Sequence[str]:
        if self._dry or not others:
            return ()
        found = [file for one in self._generations() for file in await one.twins(others)]
        return list(dict.fromkeys(found))

    async def _read(self, origin: Origin, file: str) -> _Read:
        try:
            content = await origin.read(file)
            most = self._settings.most_megabytes << 20
            if len(content.data) > most:
                raise ReadingError(f"is larger than {self._settings.most_megabytes} MB: split it")
            if file.endswith(relations.ENDING):
                found = await self._apart(relations.edges, content.data)
                return _Read(file, content.version, edges=found)
            made = await self._apart(
                documents, file, content.data, content.labels, self._tenant, self._settings
            )
        except GoneError:
            return _Read(file, gone=True)
        except ReadingError as wrong:
            return _Read(file, why=str(wrong))
        return _Read(file, content.version, made)

    async def _taken(self, read: Sequence[_Read]) -> tuple[Sequence[Outcome], Sequence[str]]:
        """What became of them, and files that count on another that is not there after all."""
        batch = [document for one in read for document in one.documents]
        made: Made = {}
        outcomes: dict[str, Outcome] = {}
        alone: list[str] = []
        for generation in self._generations() if batch else ():
            plans = await self._plans.of(generation, batch)
            refused = await self._written(generation, plans, made)
            alone += await self._plans.alone(generation, plans)
            for plan in plans:
                outcomes[plan.document.id] = _worse(outcomes.get(plan.document.id), plan, refused)
        gone = await self._left_files(read)
        unread = [Outcome(one.file, Became.FAILED, one.why) for one in read if one.why]
        related = [await self._related(one.file, one.edges) for one in read if one.edges is not None]
        return [*outcomes.values(), *gone, *unread, *related], list(dict.fromkeys(alone))

    async def _written(self, generation: Generation, plans: Sequence[Plan], made: Made) -> Mapping[str, str]:
        if self._dry:
            return {}
        refused = await self._writing.write(generation, plans, made)
        for plan in plans:
            if plan.document.id in refused:
                self._plans.forget(generation, plan.document.digest, plan.document.id)
        return refused

    async def _left_files(self, read: Sequence[_Read]) -> Sequence[Outcome]:
        """Deletes documents that stood in these files, and do not any more: all, where the file is gone."""
        files = [one.file for one in read if one.gone or (not one.why and _holds_several(one.file))]
        if not files:
            return ()
        kept = {document.id for one in read for document in one.documents}
        gone = [
            (generation, [one async for one in generation.of(files) if one.id not in kept])
            for generation in self._generations()
        ]
        return await self.drop(gone)

    async def _related(self, file: str, edges: Sequence[Edge]) -> Outcome:
        """Edges have no chunks and no twins: they are made to be so, whatever was there."""
        if self._graph is None:
            return Outcome(file, Became.FAILED, "the graph of products has no table here")
        if self._dry:
            return Outcome(file, Became.CHANGED)
        try:
            written = await relations.write(self._graph, edges)
        except ProviderError as error:
            return Outcome(file, Became.FAILED, str(error))
        return Outcome(file, Became.CHANGED if written else Became.UNCHANGED)


async def _changed(origin: Origin, read: Sequence[_Read], outcomes: Sequence[Outcome]) -> Sequence[str]:
    """Of what was written, files that say something else by now: somebody else may have written before."""
    written = {one.file for one in outcomes if one.writes}

    async def differs(one: _Read) -> bool:
        try:
            return await origin.version(one.file) != one.version
        except GoneError:
            return not one.gone
        except ReadingError:
            return False

    looked = [one for one in read if one.file in written]
    found = await asyncio.gather(*(differs(one) for one in looked))
    return [one.file for one, other in zip(looked, found, strict=True) if other]


def _holds_several(file: str) -> bool:
    return file.lower().endswith(SEVERAL) and not file.endswith(relations.ENDING)


def _worse(before: Outcome | None, plan: Plan, refused: Mapping[str, str]) -> Outcome:
    """A document that one generation has not taken was not taken."""
    why = refused.get(plan.document.id, "")
    writes = len(plan.sources) + len(plan.surplus)
    became = Became.FAILED if why else plan.became
    now = Outcome(plan.document.file, became, why, writes, plan.document.id, plan.moved)
    if before is None or (before.became is not Became.FAILED and (why or before.became is Became.UNCHANGED)):
        return now
    return before
