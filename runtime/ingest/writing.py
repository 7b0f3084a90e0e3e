"""Writing what was planned in steps, so that nothing is lost sight of whoever dies between two writes.

A document's first chunk says how many there are. It is written before the others where they become more, and
after them where they become fewer; it is deleted last. So whatever stands in the index of a document, the
next who looks at its first chunk knows of it. What was a twin stays one until all of it is there, since it is
by its other that it is found: its first chunk says how many there will be, and is written last.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from contract import search
from runtime.ingest.documents import chunk_id
from runtime.ingest.generation import Generation, Known, Row, Write
from runtime.ingest.outcomes import Became
from runtime.ingest.plans import Plan
from runtime.ingest.vectors import Vectors

Made = dict[str, Sequence[float]]


class Writing:
    """`generations`: all that are written to now: a vector that one of them knows is not made again."""

    def __init__(
        self, generations: Callable[[], Sequence[Generation]], vectors: Vectors, wall: Callable[[], datetime]
    ) -> None:
        self._generations = generations
        self._vectors = vectors
        self._wall = wall

    async def write(self, generation: Generation, plans: Sequence[Plan], made: Made) -> Mapping[str, str]:
        """Document -> why it could not be written whole. `made`: vectors so far, and more afterwards."""
        refused = await self._learn(generation, plans, made)
        stamp = self._wall().isoformat()
        able = [plan for plan in plans if plan.document.id not in refused]
        before = [_expected(plan) for plan in able if plan.returns]
        first = [write for plan in able for write in _writes(plan, made, stamp, first=True)]
        then = [write for plan in able for write in _writes(plan, made, stamp, first=False)]
        return {**refused, **await _in_turn(generation, before, first, then)}

    async def delete(self, generation: Generation, known: Sequence[Known]) -> Mapping[str, str]:
        """Softly; document -> why it could not be deleted whole."""
        rows = await generation.chunks({one.id: one.chunks for one in known})
        stamp, heads = self._wall().isoformat(), {chunk_id(one.id, 0) for one in known}
        alive = [name for name, row in rows.items() if not row["deleted"] or row.get("same_as")]
        return await _in_turn(
            generation,
            [_deletion(name, stamp) for name in alive if name not in heads],
            [_deletion(name, stamp) for name in alive if name in heads],
        )

    async def _learn(self, generation: Generation, plans: Sequence[Plan], made: Made) -> Mapping[str, str]:
        """Sees to it that every chunk to be written has its vector; document -> why one has none."""
        written = [plan for plan in plans if plan.became is not Became.TWIN]
        texts = {
            source["hash"]: plan.document.embedded[source["hash"]]
            for plan in written
            for _, source in plan.sources
        }
        others = (one for one in self._generations() if one.name != generation.name)
        for place in (generation, *others):
            if unknown := [name for name in texts if name not in made]:
                made |= await place.vectors(unknown)
        fresh, refused = await self._vectors.of({n: text for n, text in texts.items() if n not in made})
        made |= fresh
        return {
            plan.document.id: refused[source["hash"]]
            for plan in written
            for _, source in plan.sources
            if source["hash"] in refused
        }


async def _in_turn(generation: Generation, *steps: Sequence[Write]) -> Mapping[str, str]:
    """Document -> why it was refused: then its further steps are left undone."""
    refused: dict[str, str] = {}
    for step in steps:
        lost = await generation.write([write for write in step if _whose(write.id) not in refused])
        refused |= {_whose(name): why for name, why in lost.items()}
    return refused


def _writes(plan: Plan, made: Made, stamp: str, *, first: bool) -> Sequence[Write]:
    """Of one document, what is written `first` or afterwards."""
    head, head_first = chunk_id(plan.document.id, 0), plan.grows and not plan.returns
    found = [
        Write(name, _stored(source, made, stamp))
        for name, source in plan.sources
        if (name == head) is (head_first is first)
    ]
    if head_first is not first:
        found += [_deletion(name, stamp) for name in plan.surplus]
    return found


def _expected(plan: Plan) -> Write:
    return Write(chunk_id(plan.document.id, 0), {"chunks": len(plan.document.chunks)}, change=True)


def _stored(source: Row, made: Made, stamp: str) -> dict[str, Any]:
    """Without what has no value; what is not found has no vector."""
    vector = {} if source["deleted"] else {search.VECTOR: made[source["hash"]]}
    return {
        **{name: value for name, value in source.items() if value is not None},
        "updated": stamp,
        **vector,
    }


def _deletion(name: str, stamp: str) -> Write:
    return Write(name, {"deleted": True, "same_as": None, "updated": stamp}, change=True)


def _whose(chunk: str) -> str:
    return chunk.rpartition("-")[0]
