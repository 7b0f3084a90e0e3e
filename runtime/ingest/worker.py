"""Empties the queue (VEC-4): whatever a message names is looked at, and the search made to say the same."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence

from contract.errors import ConciergeError
from runtime.ingest import formats
from runtime.ingest.intake import Intake
from runtime.ingest.origins import Origin
from runtime.ingest.outcomes import Became, Outcome
from runtime.ingest.queue import Message, Queue, QueueAwayError
from runtime.telemetry import Telemetry

LATER_S = 60  # before what failed is tried again
PAUSE_S = 5.0  # when the queue does not answer


class Worker:
    """`origin` opens a bucket; `follow` looks which generations are written to; `changed` hears of news."""

    def __init__(
        self,
        queue: Queue,
        intake: Intake,
        telemetry: Telemetry,
        *,
        origin: Callable[[str], Awaitable[Origin]],
        follow: Callable[[], Awaitable[None]],
        changed: Callable[[], Awaitable[object]],
    ) -> None:
        self._queue = queue
        self._intake = intake
        self._telemetry = telemetry
        self._origin = origin
        self._follow = follow
        self._changed = changed

    async def work(self, stop: asyncio.Event) -> None:
        """Until it is told to stop; what it has begun it ends."""
        while not stop.is_set():
            try:
                messages = await self._queue.receive()
                if messages:
                    await self.take(messages)
            except QueueAwayError as away:
                self._telemetry.log("error", "the ingest queue does not answer", error=str(away))
                await asyncio.sleep(PAUSE_S)

    async def take(self, messages: Sequence[Message]) -> None:
        """One batch: done, or to be tried again later."""
        by_bucket: dict[str, dict[str, Message]] = defaultdict(dict)
        strange = []
        for one in messages:
            if one.bucket and formats.known(one.key):
                by_bucket[one.bucket][f"s3://{one.bucket}/{one.key}"] = one
            else:
                strange.append(one)
        if strange:
            names = [one.key for one in strange]
            self._telemetry.log("warning", "messages that name no document were left out", keys=names)
        failed: list[Message] = []
        for bucket, files in by_bucket.items():
            failed += [files[name] for name in await self._taken(bucket, files)]
        again = {one.receipt for one in failed}
        await self._queue.later(failed, LATER_S)
        await self._queue.done([one for one in messages if one.receipt not in again])

    async def _taken(self, bucket: str, files: Mapping[str, Message]) -> Sequence[str]:
        """Files that must be tried again."""
        try:
            await self._follow()
            origin = await self._origin(bucket)
            outcomes = await self._intake.told(origin, list(files))
        except ConciergeError as trouble:
            self._telemetry.log("error", "documents could not be taken in", error=str(trouble))
            self._telemetry.metrics({"IngestDocuments": len(files)}, {"Outcome": Became.FAILED.value})
            return list(files)
        self._tell(outcomes)
        if any(one.writes for one in outcomes):
            await self._changed()
        failed = {one.file for one in outcomes if one.became is Became.FAILED}
        return list(files if failed - files.keys() else failed)  # of another's files no message tells

    def _tell(self, outcomes: Sequence[Outcome]) -> None:
        for became, count in Counter(one.became for one in outcomes).items():
            self._telemetry.metrics({"IngestDocuments": count}, {"Outcome": became.value})
        for one in outcomes:
            if one.became is Became.FAILED:
                self._telemetry.log("error", "a document could not be taken in", file=one.file, why=one.why)
