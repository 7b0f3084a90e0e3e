"""An index in memory with the promises of the real one, and a process that can be killed at any write.

Reads by ids are true at once; what is looked for by fields is seen after a refresh.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from contract import search
from contract.ingest_settings import ChunkSettings, IngestSettings
from runtime.ingest.documents import chunk_id
from runtime.ingest.generation import Known, Write
from runtime.ingest.intake import Intake
from runtime.ingest.run import Run

SMALL = IngestSettings(
    chunks=ChunkSettings(least_tokens=20, most_tokens=40, least_overlap=2, most_overlap=5), batch=2, batches=1
)
BIG = ("text", search.VECTOR)


class KilledError(BaseException):
    """The process is gone, between any two writes."""


@dataclass
class Memory:
    """`dies_after`: writes it still does; None: as many as you like. `refuses`: ids it will not have."""

    name: str = "documents"
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    dies_after: int | None = None
    refuses: set[str] = field(default_factory=set)
    writes: int = 0

    def refresh(self) -> None:
        self.seen = {name: dict(row) for name, row in self.rows.items()}

    async def chunks(self, wanted: Mapping[str, int]) -> Mapping[str, dict[str, Any]]:
        names = [chunk_id(one, number) for one, count in wanted.items() for number in range(count)]
        return {
            name: {key: value for key, value in self.rows[name].items() if key not in BIG}
            for name in names
            if name in self.rows
        }

    async def vectors(self, hashes: Sequence[str]) -> Mapping[str, Sequence[float]]:
        return {
            row["hash"]: row[search.VECTOR]
            for row in self.seen.values()
            if row["hash"] in hashes and search.VECTOR in row
        }

    async def alike(self, digests: Sequence[str]) -> Mapping[str, Sequence[str]]:
        alive = [row for row in self.seen.values() if not row["deleted"]]
        return {
            digest: sorted(row["document"] for row in alive if row.get("digest") == digest)
            for digest in digests
        }

    async def twins(self, documents: Sequence[str]) -> Sequence[str]:
        self.refresh()
        return [row["file"] for row in self.seen.values() if row.get("same_as") in documents]

    async def below(self, scope: str) -> AsyncIterator[Known]:
        for known in self._known(lambda file: file.startswith(scope)):
            yield known

    async def of(self, files: Sequence[str]) -> AsyncIterator[Known]:
        for known in self._known(lambda file: file in files):
            yield known

    async def ever(self, files: Sequence[str]) -> Sequence[str]:
        self.refresh()
        return [row["document"] for row in self.seen.values() if row["chunk"] == 0 and row["file"] in files]

    def _known(self, fits):
        self.refresh()
        return [
            Known(row["document"], row["file"], row["chunks"], row["digest"])
            for row in self.seen.values()
            if row["chunk"] == 0 and fits(row["file"]) and (not row["deleted"] or row.get("same_as"))
        ]

    async def write(self, writes: Sequence[Write]) -> Mapping[str, str]:
        refused = {}
        for write in writes:
            if self.dies_after is not None:
                if self.dies_after == 0:
                    raise KilledError
                self.dies_after -= 1
            self.writes += 1
            if write.id in self.refuses:
                refused[write.id] = "will not have it"
            elif write.change:
                self.rows[write.id].update(write.source)
            else:
                self.rows[write.id] = dict(write.source)
        return refused

    def live(self) -> dict[str, dict[str, Any]]:
        """What a search can find, but for when it was written."""
        return {
            name: {key: value for key, value in row.items() if key != "updated" and value is not None}
            for name, row in self.rows.items()
            if not row["deleted"]
        }


@dataclass
class Letters:
    """Vectors by the letters of a text. `asked`: how many were made."""

    asked: int = 0
    refuses: str = "\0"

    async def of(self, texts: Mapping[str, str]):
        self.asked += len(texts)
        refused = {name: "will not have it" for name, text in texts.items() if self.refuses in text}
        made = {name: [float(len(text)), 1.0] for name, text in texts.items() if name not in refused}
        return made, refused


async def _here(work, *given):
    return work(*given)


def _letters() -> Any:
    return Letters()


def intake(*generations: Any, vectors: Any = None, **more) -> Intake:
    """As a process that has just started."""
    return Intake(
        generations=lambda: generations,
        vectors=vectors if vectors is not None else _letters(),
        settings=SMALL,
        tenant="shop",
        wall=lambda: datetime.now(UTC),
        apart=_here,
        **more,
    )


def run(*generations: Any, vectors: Any = None, **more) -> Run:
    return Run(intake(*generations, vectors=vectors, **more), lambda: generations, SMALL)
