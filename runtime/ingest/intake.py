"""Takes files in: whatever the index holds of them afterwards is what stands in them, once (VEC-4).

A document's chunks have ids that follow from its address and their number, so writing one twice changes nothing.
What is there already is compared and left alone; a vector that is known is not made again. The first chunk says
how many there are: it is written before the others where they become more, after them where they become fewer,
so that whoever was killed between any two writes has left nothing that the next does not see.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from contract import search
from contract.ingest_settings import IngestSettings
from runtime.ingest.documents import Document, chunk_id, documents, same
from runtime.ingest.generation import Generation, Known, Row, Write
from runtime.ingest.origins import GoneError, Origin
from runtime.ingest.reading import ReadingError
from runtime.ingest.vectors import Vectors

SEVERAL = (".json", ".jsonl")  # files that may hold several documents
REMEMBERED = 50_000  # digests of this run: what was written before a refresh is in no search yet
AGAIN, AGAIN_S = 6, 0.05  # times a file that changes while it is read is read anew; the first wait


class Became(StrEnum):
    """What became of a document."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    TWIN = "duplicate"
    GONE = "deleted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one document, or of a file that could not be read. `writes`: chunks written for it."""

    file: str
    became: Became
    why: str = ""
    writes: int = 0
    document: str = ""


@dataclass(frozen=True, slots=True)
class _Read:
    """A file: its documents, or that it is gone, or why it cannot be read."""

    file: str
    version: str = ""
    documents: Sequence[Document] = ()
    gone: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What has to be written for one document into one generation."""

    document: Document
    became: Became
    sources: Sequence[tuple[str, Row]] = ()
    surplus: Sequence[str] = ()
    grows: bool = False
    other: str | None = None


class Intake:
    """`generations`: those that are written to now (VEC-5). `dry`: everything but writing and embedding.

    `apart`: where files are parsed, so that nobody waits for it.
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
        apart: Callable[..., Awaitable[Any]] = asyncio.to_thread,
    ) -> None:
        self._generations = generations
        self._vectors = vectors
        self._settings = settings
        self._tenant = tenant
        self._wall = wall
        self._dry = dry
        self._apart = apart
        self._digests: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def take(self, origin: Origin, files: Sequence[str]) -> Sequence[Outcome]:
        """Whatever becomes of these files. One that changes meanwhile is taken again: the last word counts."""
        done: list[Outcome] = []
        left: Sequence[str] = list(dict.fromkeys(files))
        for tries in range(AGAIN):
            read = await asyncio.gather(*(self._read(origin, file) for file in left))
            outcomes, alone = await self._take(read)
            left = [] if self._dry else [*alone, *await self._changed(origin, read, outcomes)]
            done += [one for one in outcomes if one.file not in left]
            if not left:
                return done
            await asyncio.sleep(AGAIN_S * 2**tries)
        return [*done, *(Outcome(file, Became.FAILED, "changes faster than it can be read") for file in left)]

    async def drop(self, gone: Sequence[tuple[Generation, Sequence[Known]]]) -> Sequence[Outcome]:
        """Soft-deletes documents; the next re-index leaves them behind."""
        outcomes: dict[str, Outcome] = {}
        for generation, known in gone:
            refused = {} if self._dry else await self._drop(generation, known)
            for one in known:
                why = refused.get(one.id, "")
                became = Became.FAILED if why else Became.GONE
                outcomes[one.id] = Outcome(one.file, became, why, one.chunks, one.id)
        return list(outcomes.values())

    async def left_alone(self, outcomes: Sequence[Outcome]) -> Sequence[str]:
        """Files that were not kept because a document said the same that is changed or gone: take them now."""
        others = [one.document for one in outcomes if one.became in (Became.CHANGED, Became.GONE)]
        if self._dry or not others:
            return ()
        found = [file for one in self._generations() for file in await one.twins(others)]
        return list(dict.fromkeys(found))

    # -- reading ------------------------------------------------------------------------------------------

    async def _read(self, origin: Origin, file: str) -> _Read:
        try:
            content = await origin.read(file)
            most = self._settings.most_megabytes << 20
            if len(content.data) > most:
                raise ReadingError(f"is larger than {self._settings.most_megabytes} MB: split it")
            made = await self._apart(
                documents, file, content.data, content.labels, self._tenant, self._settings
            )
        except GoneError:
            return _Read(file, gone=True)
        except ReadingError as wrong:
            return _Read(file, why=str(wrong))
        return _Read(file, content.version, made)

    async def _changed(
        self, origin: Origin, read: Sequence[_Read], outcomes: Sequence[Outcome]
    ) -> Sequence[str]:
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

    # -- one batch ----------------------------------------------------------------------------------------

    async def _take(self, read: Sequence[_Read]) -> tuple[Sequence[Outcome], Sequence[str]]:
        """What became of them, and files that count on another that is not there after all."""
        batch = [document for one in read for document in one.documents]
        vectors: dict[str, Sequence[float]] = {}
        outcomes: dict[str, Outcome] = {}
        alone: list[str] = []
        for generation in self._generations() if batch else ():
            plans = await self._plans(generation, batch)
            refused = {} if self._dry else await self._write(generation, plans, vectors)
            alone += await self._alone(generation, [one for one in plans if one.other])
            for plan in plans:
                outcomes[plan.document.id] = _worse(outcomes.get(plan.document.id), plan, refused)
        gone = await self._left_files(read)
        unread = [Outcome(one.file, Became.FAILED, one.why) for one in read if one.why]
        return [*outcomes.values(), *gone, *unread], list(dict.fromkeys(alone))

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

    async def _alone(self, generation: Generation, twins: Sequence[_Plan]) -> Sequence[str]:
        """Looked at after a twin is written down: whoever changes the other looks for twins after that."""
        heads = await generation.chunks({str(one.other): 1 for one in twins}) if twins else {}
        return [
            one.document.file
            for one in twins
            if not _kept(heads, str(one.other))
            or heads[chunk_id(str(one.other), 0)].get("digest") != one.document.digest
        ]

    async def _plans(self, generation: Generation, batch: Sequence[Document]) -> Sequence[_Plan]:
        heads = await generation.chunks({one.id: 1 for one in batch})
        counts = {one.id: max(len(one.chunks), _count(heads, one.id)) for one in batch}
        more = await generation.chunks({name: count for name, count in counts.items() if count > 1})
        rows = {**heads, **more}
        alike = await generation.alike([one.digest for one in batch])
        return [self._plan(generation, one, rows, alike) for one in batch]

    def _plan(
        self, generation: Generation, one: Document, rows: Mapping[str, Row], alike: Mapping[str, str]
    ) -> _Plan:
        kept = _kept(rows, one.id)
        other = _smaller(one, alike) if kept else self._remembered(generation, one, alike)
        wanted = [one.twin(other)] if other else one.sources()
        had = _count(rows, one.id)
        changed = [
            (chunk_id(one.id, number), source)
            for number, source in enumerate(wanted)
            if not same(rows.get(chunk_id(one.id, number), {}), source)
        ]
        beyond = (chunk_id(one.id, number) for number in range(len(wanted), had))
        surplus = [name for name in beyond if name in rows and not rows[name]["deleted"]]
        if not changed and not surplus:
            return _Plan(one, Became.TWIN if other else Became.UNCHANGED, other=other)
        if kept:
            self._forget(generation, rows[chunk_id(one.id, 0)])
        became = Became.TWIN if other else Became.CHANGED if kept else Became.NEW
        return _Plan(one, became, changed, surplus, grows=len(wanted) > had, other=other)

    def _remembered(self, generation: Generation, one: Document, alike: Mapping[str, str]) -> str | None:
        """Who says the same; where nobody does, it is this one from now on."""
        key = (generation.name, one.digest)
        other = self._digests.get(key) or alike.get(one.digest)
        if other is not None and other != one.id:
            return other
        self._digests[key] = one.id
        if len(self._digests) > REMEMBERED:
            self._digests.popitem(last=False)
        return None

    # -- writing ------------------------------------------------------------------------------------------

    async def _write(
        self, generation: Generation, plans: Sequence[_Plan], vectors: dict[str, Sequence[float]]
    ) -> Mapping[str, str]:
        """Document -> why it could not be written whole."""
        refused = await self._learn(generation, plans, vectors)
        able = [plan for plan in plans if plan.document.id not in refused]
        before = [write for plan in able for write in self._writes(plan, vectors, first=True)]
        after = [write for plan in able for write in self._writes(plan, vectors, first=False)]
        for phase in (before, after):
            lost = await generation.write([write for write in phase if _whose(write.id) not in refused])
            refused |= {_whose(name): why for name, why in lost.items()}
        for plan in plans:
            if plan.document.id in refused:
                self._digests.pop((generation.name, plan.document.digest), None)
        return refused

    async def _learn(
        self, generation: Generation, plans: Sequence[_Plan], vectors: dict[str, Sequence[float]]
    ) -> dict[str, str]:
        """Sees to it that every chunk to be written has its vector; document -> why one has none."""
        texts = {
            source["hash"]: plan.document.embedded[source["hash"]]
            for plan in plans
            if plan.became is not Became.TWIN
            for _, source in plan.sources
        }
        for place in self._places(generation):
            if unknown := [name for name in texts if name not in vectors]:
                vectors |= await place.vectors(unknown)
        made, refused = await self._vectors.of({n: text for n, text in texts.items() if n not in vectors})
        vectors |= made
        return {
            plan.document.id: refused[source["hash"]]
            for plan in plans
            for _, source in plan.sources
            if source["hash"] in refused
        }

    def _places(self, generation: Generation) -> Sequence[Generation]:
        """Where vectors may be known: here, and in the other generations."""
        return [generation, *(one for one in self._generations() if one.name != generation.name)]

    def _writes(self, plan: _Plan, vectors: Mapping[str, Sequence[float]], *, first: bool) -> Sequence[Write]:
        """Of one document, what is written `first` or afterwards."""
        head = chunk_id(plan.document.id, 0)
        stamp = self._wall().isoformat()
        found = []
        for name, source in plan.sources:
            if (name == head) is (plan.grows is first):
                vector = {} if source["deleted"] else {search.VECTOR: vectors[source["hash"]]}
                found.append(Write(name, {**_present(source), "updated": stamp, **vector}))
        if plan.grows is not first:
            found += [_deletion(name, stamp) for name in plan.surplus]
        return found

    async def _drop(self, generation: Generation, known: Sequence[Known]) -> Mapping[str, str]:
        """The first chunk goes last: as long as it is there, the next run sees the document."""
        rows = await generation.chunks({one.id: one.chunks for one in known})
        stamp = self._wall().isoformat()
        heads = {chunk_id(one.id, 0) for one in known}
        alive = [name for name, row in rows.items() if not row["deleted"] or row.get("same_as")]
        refused: dict[str, str] = {}
        for wanted in (False, True):
            writes = [_deletion(name, stamp) for name in alive if (name in heads) is wanted]
            lost = await generation.write([write for write in writes if _whose(write.id) not in refused])
            refused |= {_whose(name): why for name, why in lost.items()}
        for one in known:
            self._forget(generation, rows.get(chunk_id(one.id, 0), {}))
        return refused

    def _forget(self, generation: Generation, head: Row) -> None:
        self._digests.pop((generation.name, str(head.get("digest"))), None)


def _holds_several(file: str) -> bool:
    return file.lower().endswith(SEVERAL)


def _count(rows: Mapping[str, Row], document: str) -> int:
    return int(rows.get(chunk_id(document, 0), {}).get("chunks", 0))


def _kept(rows: Mapping[str, Row], document: str) -> bool:
    """Whether it is there and found, and not a twin of another or deleted."""
    return rows.get(chunk_id(document, 0), {}).get("deleted") is False


def _smaller(one: Document, alike: Mapping[str, str]) -> str | None:
    """Of two that were both kept, since neither was to be seen yet when the other was written, one stays."""
    other = alike.get(one.digest, one.id)
    return other if other < one.id else None


def _whose(chunk: str) -> str:
    return chunk.rpartition("-")[0]


def _deletion(name: str, stamp: str) -> Write:
    return Write(name, {"deleted": True, "same_as": None, "updated": stamp}, change=True)


def _present(source: Row) -> dict[str, Any]:
    return {name: value for name, value in source.items() if value is not None}


def _worse(before: Outcome | None, plan: _Plan, refused: Mapping[str, str]) -> Outcome:
    """A document that one generation has not taken was not taken."""
    why = refused.get(plan.document.id, "")
    writes = len(plan.sources) + len(plan.surplus)
    became = Became.FAILED if why else plan.became
    now = Outcome(plan.document.file, became, why, writes, plan.document.id)
    if before is None or (before.became is not Became.FAILED and (why or before.became is Became.UNCHANGED)):
        return now
    return before
