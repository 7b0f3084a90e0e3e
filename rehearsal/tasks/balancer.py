"""The balancer in front of a service's tasks: a connection's bytes go to one task; what is lost is counted.

A fault resets connections: when they are made (route `connect`), or when a client says something (`message`).
"""

import asyncio
from collections import Counter
from contextlib import suppress

from contract.faults import FaultKind
from rehearsal.faults import Faults
from rehearsal.tasks import ZONES
from rehearsal.tasks.service import Service, Task

ROUTES = ("connect", "message")
_CHUNK = 64 * 1024


def faults() -> Faults:
    """Of the tasks and the connections to them."""
    kinds = (FaultKind.STOP, FaultKind.RESET)
    return Faults("tasks", kinds, {"route": ROUTES, "zone": ZONES})


class Balancer:
    """Gives each connection to the healthy task with the fewest."""

    def __init__(self, service: Service, broken: Faults) -> None:
        self._service, self._faults = service, broken
        self._open: Counter[str] = Counter()
        self.counts = Counter(served=0, refused=0, dropped=0)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, until either side leaves."""
        found = None if self._hit("connect") else await self._upstream()
        if found is None:
            self.counts["refused"] += 1
            writer.transport.abort()
            return
        task, back, upstream = found
        self.counts["served"] += 1
        self._open[task.zone] += 1
        try:
            await self._both_ways(reader, writer, back, upstream)
        finally:
            self._open[task.zone] -= 1
            upstream.close()
            writer.close()

    async def _upstream(self) -> tuple[Task, asyncio.StreamReader, asyncio.StreamWriter] | None:
        for task in sorted(self._service.healthy, key=lambda one: self._open[one.zone]):
            if task.port is not None:
                with suppress(OSError):
                    return task, *await asyncio.open_connection("127.0.0.1", task.port)
        return None

    async def _both_ways(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        back: asyncio.StreamReader,
        upstream: asyncio.StreamWriter,
    ) -> None:
        answers = asyncio.create_task(self._answer(back, writer))
        with suppress(OSError):
            while said := await reader.read(_CHUNK):
                if self._hit("message"):
                    self.counts["dropped"] += 1
                    writer.transport.abort()
                    break
                upstream.write(said)
                await upstream.drain()
        answers.cancel()

    async def _answer(self, back: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """What the task says; a connection of which the task's end is gone is lost for the client too."""
        with suppress(OSError):
            while said := await back.read(_CHUNK):
                writer.write(said)
                await writer.drain()
        self.counts["dropped"] += not writer.is_closing()
        writer.close()

    def _hit(self, route: str) -> bool:
        return self._faults.hit(FaultKind.RESET, {"route": route, "zone": ""})
