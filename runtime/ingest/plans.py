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

    `grows`: it gets more chunks than it ever had; `returns`: where it was a twin. `other`: who says the same,
    and is kept in its place.
    """

    document: Document
    became: Became
    sources: Sequence[tuple[str, Row]] = ()
    surplus: Sequence[str] = ()
    grows: bool = False
    returns: bool = False
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
        alike = await _alike(generation, batch, heads)
        return [self._plan(generation, one, {**heads, **more}, alike) for one in batch]

    async def alone(self, generation: Generation, plans: Sequence[Plan]) -> Sequence[str]:
        """Files of twins whose other is not kept, or says something else by now.

        Asked after a twin is written down; whoever changes the other looks for its twins after that. So one
        of the two sees it.
        """
        twins = [(plan.document, plan.other) for plan in plans if plan.other]
        heads = await generation.chunks({other: 1 for _, other in twins}) if twins else {}
        files = []
        for document, other in twins:
            if _says(heads, other) != document.digest:
                files.append(document.file)
                if chunk_id(other, 0) in heads:  # it was written, and says something else: by somebody else
                    self.forget(generation, document.digest, other)
        return files

    def forget(self, generation: Generation, digest: str, document: str) -> None:
        """This document does not say so any more, or could not be written."""
        key = (generation.name, digest)
        if self._digests.get(key) == document:
            del self._digests[key]

    def _plan(
        self,
        generation: Generation,
        one: Document,
        rows: Mapping[str, Row],
        alike: Mapping[str, Sequence[str]],
    ) -> Plan:
        said, had = _says(rows, one.id), _count(rows, one.id)
        others = [name for name in alike.get(one.digest, ()) if name != one.id]
        other = _smaller(one, others) if said == one.digest else self._first(generation, one, others)
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
        if said and said != one.digest:
            self.forget(generation, said, one.id)
        became = Became.TWIN if other else Became.CHANGED if said else Became.NEW
        grows, was_twin = len(wanted) > had, bool(rows.get(chunk_id(one.id, 0), {}).get("same_as"))
        return Plan(one, became, changed, surplus, grows, grows and was_twin, other, moved=had > 0)

    def _first(self, generation: Generation, one: Document, others: Sequence[str]) -> str | None:
        """Who says the same; where nobody does, it is this one from now on."""
        key = (generation.name, one.digest)
        other = self._digests.get(key) or next(iter(others), None)
        if other is not None and other != one.id:
            return other
        self._digests[key] = one.id
        if len(self._digests) > REMEMBERED:
            self._digests.popitem(last=False)
        return None


async def _alike(
    generation: Generation, batch: Sequence[Document], heads: Mapping[str, Row]
) -> Mapping[str, Sequence[str]]:
    """Digest -> who is kept for it. A search finds them, and is late: each is looked at by its id.

    Who is in the batch, and is to say something else now, is none of them.
    """
    found = await generation.alike([one.digest for one in batch])
    now = {one.id: one.digest for one in batch}
    beyond = {name: 1 for names in found.values() for name in names if name not in now}
    rows = {**heads, **await generation.chunks(beyond)} if beyond else heads
    return {
        digest: [name for name in names if now.get(name, digest) == _says(rows, name) == digest]
        for digest, names in found.items()
    }


def _smaller(one: Document, others: Sequence[str]) -> str | None:
    """Of two that were both kept, since neither was to be seen yet when the other was written, one stays."""
    return min((name for name in others if name < one.id), default=None)


def _count(rows: Mapping[str, Row], document: str) -> int:
    return int(rows.get(chunk_id(document, 0), {}).get("chunks", 0))


def _says(rows: Mapping[str, Row], document: str) -> str:
    """Its digest, where it is there and found, and not a twin of another or deleted."""
    head = rows.get(chunk_id(document, 0), {})
    return str(head["digest"]) if head.get("deleted") is False else ""
