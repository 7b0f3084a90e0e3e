"""What has to be written, by comparing documents with what a generation of the index holds of them."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runtime.ingest.documents import Document, chunk_id, same
from runtime.ingest.generation import Generation, Row
from runtime.ingest.outcomes import Became

REMEMBERED = 50_000  # digests of this run: what was written before a refresh is in no search yet


@dataclass(frozen=True, slots=True)
class Plan:
    """Of one document. `sources`: chunks to write, by id; `surplus`: ids of those that are too many.

    `grows`: it gets more chunks than it ever had. `other`: who says the same, and is kept in its place.
    """

    document: Document
    became: Became
    sources: Sequence[tuple[str, Row]] = ()
    surplus: Sequence[str] = ()
    grows: bool = False
    other: str | None = None
    moved: bool = False


class Plans:
    """Compares; remembers who in this run was the first to say something."""

    def __init__(self) -> None:
        self._digests: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def of(self, generation: Generation, batch: Sequence[Document]) -> Sequence[Plan]:
        """One for each document."""
        heads = await generation.chunks({one.id: 1 for one in batch})
        counts = {one.id: max(len(one.chunks), _count(heads, one.id)) for one in batch}
        more = await generation.chunks({name: count for name, count in counts.items() if count > 1})
        alike = await generation.alike([one.digest for one in batch])
        return [self._plan(generation, one, {**heads, **more}, alike) for one in batch]

    async def alone(self, generation: Generation, plans: Sequence[Plan]) -> Sequence[str]:
        """Files of twins whose other is not kept, or says something else by now.

        Asked after a twin is written down; whoever changes the other looks for its twins after that. So one
        of the two sees it.
        """
        twins = [(plan.document, plan.other) for plan in plans if plan.other]
        heads = await generation.chunks({other: 1 for _, other in twins}) if twins else {}
        return [
            document.file
            for document, other in twins
            if not _kept(heads, other) or heads[chunk_id(other, 0)].get("digest") != document.digest
        ]

    def forget(self, generation: Generation, digest: str) -> None:
        """Nobody says so any more, or nobody managed to."""
        self._digests.pop((generation.name, digest), None)

    def _plan(
        self, generation: Generation, one: Document, rows: Mapping[str, Row], alike: Mapping[str, str]
    ) -> Plan:
        kept, had = _kept(rows, one.id), _count(rows, one.id)
        other = _smaller(one, alike) if kept else self._first(generation, one, alike)
        wanted = [one.twin(other)] if other else one.sources()
        changed = [
            (chunk_id(one.id, number), source)
            for number, source in enumerate(wanted)
            if not same(rows.get(chunk_id(one.id, number), {}), source)
        ]
        beyond = (chunk_id(one.id, number) for number in range(len(wanted), had))
        surplus = [name for name in beyond if name in rows and not rows[name]["deleted"]]
        if not changed and not surplus:
            return Plan(one, Became.TWIN if other else Became.UNCHANGED, other=other)
        if kept:
            self.forget(generation, str(rows[chunk_id(one.id, 0)].get("digest")))
        became = Became.TWIN if other else Became.CHANGED if kept else Became.NEW
        return Plan(one, became, changed, surplus, len(wanted) > had, other, moved=had > 0)

    def _first(self, generation: Generation, one: Document, alike: Mapping[str, str]) -> str | None:
        """Who says the same; where nobody does, it is this one from now on."""
        key = (generation.name, one.digest)
        other = self._digests.get(key) or alike.get(one.digest)
        if other is not None and other != one.id:
            return other
        self._digests[key] = one.id
        if len(self._digests) > REMEMBERED:
            self._digests.popitem(last=False)
        return None


def _smaller(one: Document, alike: Mapping[str, str]) -> str | None:
    """Of two that were both kept, since neither was to be seen yet when the other was written, one stays."""
    other = alike.get(one.digest, one.id)
    return other if other < one.id else None


def _count(rows: Mapping[str, Row], document: str) -> int:
    return int(rows.get(chunk_id(document, 0), {}).get("chunks", 0))


def _kept(rows: Mapping[str, Row], document: str) -> bool:
    """Whether it is there and found, and not a twin of another or deleted."""
    return rows.get(chunk_id(document, 0), {}).get("deleted") is False
