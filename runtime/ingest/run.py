"""A whole run: every file of an origin taken in, and what is no longer there taken out.

It may be stopped anywhere and begun again: what is done is seen to be done, and costs no embedding.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from contract.ingest_settings import IngestSettings
from runtime.ingest.generation import Generation, Known
from runtime.ingest.intake import Intake
from runtime.ingest.origins import Item, Origin
from runtime.ingest.outcomes import Became, Outcome

FEW = 10


@dataclass
class Report:
    """What became of everything. `kept_back`: documents that are missing, and were not deleted for it."""

    counts: Counter[Became] = field(default_factory=Counter)
    files: int = 0
    chunks: int = 0
    bytes: int = 0
    failures: list[Outcome] = field(default_factory=list)
    left_out: Sequence[str] = ()
    kept_back: int = 0
    seconds: float = 0.0

    def add(self, outcomes: Sequence[Outcome]) -> None:
        for one in outcomes:
            self.counts[one.became] += 1
            if one.became is Became.FAILED:
                self.failures.append(one)
            elif one.became is not Became.GONE:
                self.chunks += one.writes

    @property
    def documents(self) -> int:
        return sum(self.counts.values())


Tell = Callable[[Report], None]


class Run:
    """`tell` hears of every batch."""

    def __init__(
        self,
        intake: Intake,
        generations: Callable[[], Sequence[Generation]],
        settings: IngestSettings,
        tell: Tell = lambda _: None,
    ) -> None:
        self._intake = intake
        self._generations = generations
        self._settings = settings
        self._tell = tell

    async def all(self, origin: Origin, *, delete: bool = True, most_gone: float | None = None) -> Report:
        """`most_gone`: share of the known that may be missing; beyond it, and a few, nothing is deleted."""
        report, listed = Report(), set[str]()
        now = asyncio.get_running_loop().time
        began = now()
        batches = _batches(origin.items(), self._settings.batch)
        lock = asyncio.Lock()

        async def worker() -> None:
            while True:
                async with lock:  # who has no room asks for no more: reading waits for writing
                    batch = await anext(batches, None)
                if batch is None:
                    return
                listed.update(item.address for item in batch)
                await self._take(origin, [item.address for item in batch], report)
                report.files += len(batch)
                report.bytes += sum(item.size for item in batch)
                self._tell(report)

        await _all([worker() for _ in range(self._settings.batches)])
        if delete:
            await self._drop(origin, listed, report, most_gone)
        report.left_out, report.seconds = tuple(origin.left_out), now() - began
        return report

    async def _take(self, origin: Origin, files: Sequence[str], report: Report) -> None:
        outcomes = await self._intake.take(origin, files)
        report.add(outcomes)
        await self._twins(origin, outcomes, report)

    async def _twins(self, origin: Origin, outcomes: Sequence[Outcome], report: Report) -> None:
        """What only another said, and says no more, is taken now."""
        if files := await self._intake.left_alone(outcomes):
            report.add(await self._intake.take(origin, files))

    async def _drop(self, origin: Origin, listed: set[str], report: Report, most_gone: float | None) -> None:
        known = [(one, [known async for known in one.below(origin.scope)]) for one in self._generations()]
        gone = [(one, [each for each in all_ if each.file not in listed]) for one, all_ in known]
        count, of = _count(gone), _count(known)
        most = self._settings.most_gone if most_gone is None else most_gone
        # An empty place is rather a wrong one; a handful may be many of a few.
        if most < 1 and (not listed or count > max(FEW, most * of)):
            report.kept_back = count
            return
        outcomes = await self._intake.drop(gone)
        report.add(outcomes)
        await self._twins(origin, outcomes, report)


async def _all(work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Side by side. What ends one ends all, and is raised as it is: it came to several alike."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
    except BaseExceptionGroup as several:
        raise _first(several) from several


def _first(several: BaseException) -> BaseException:
    return _first(several.exceptions[0]) if isinstance(several, BaseExceptionGroup) else several


def _count(known: Sequence[tuple[Generation, Sequence[Known]]]) -> int:
    return len({one.id for _, some in known for one in some})


async def _batches(items: AsyncIterator[Item], size: int) -> AsyncIterator[Sequence[Item]]:
    batch: list[Item] = []
    async for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
