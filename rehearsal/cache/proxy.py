"""Bytes from clients to the server and back, and what can go wrong in between.

A fault hits connections when they are made and each time a client says something: a cache that is down
refuses both.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from contract.faults import FaultKind
from rehearsal.clock import Clock
from rehearsal.faults import Faults

_KINDS = (FaultKind.UNAVAILABLE, FaultKind.RESET, FaultKind.HANG, FaultKind.SLOW)
_HANG_S, _SLOW_S = 3_600.0, 1.0
_CHUNK = 64 * 1024
ROUTES = ("connect", "command")


def faults() -> Faults:
    return Faults("cache", _KINDS, {"route": ROUTES})


class Proxy:
    """In front of the server at `port`."""

    def __init__(self, port: int, broken: Faults, clock: Clock) -> None:
        self._port, self._faults, self._clock = port, broken, clock

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, until either side leaves."""
        upstream: asyncio.StreamWriter | None = None
        try:
            if await self._let("connect"):
                back, upstream = await asyncio.open_connection("127.0.0.1", self._port)
                answers = asyncio.create_task(_copy(back, writer))
                await self._ask(reader, upstream)
                answers.cancel()
        except OSError:
            pass  # a side has left
        finally:
            for side in (upstream, writer):
                if side is not None:
                    side.close()

    async def _ask(self, reader: asyncio.StreamReader, upstream: asyncio.StreamWriter) -> None:
        while said := await reader.read(_CHUNK):
            if not await self._let("command"):
                return
            upstream.write(said)
            await upstream.drain()

    async def _let(self, route: str) -> bool:
        """Whether this may go on; waits first where it is slow."""
        struck = self._faults.strike(_KINDS, {"route": route})
        if slow := struck.get(FaultKind.SLOW):
            await self._clock.sleep(slow.measure(_SLOW_S))
        if hang := struck.get(FaultKind.HANG):
            await self._clock.sleep(hang.measure(_HANG_S))
        return not struck.keys() - {FaultKind.SLOW}


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while said := await reader.read(_CHUNK):
            writer.write(said)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def serving(proxy: Proxy, port: int = 0) -> AsyncIterator[int]:
    """Serves on loopback; yields the port. Leaving ends open connections."""
    open_: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            open_.add(task)
            task.add_done_callback(open_.discard)
        await proxy.connected(reader, writer)

    server = await asyncio.start_server(accept, "127.0.0.1", port, backlog=1024)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in list(open_):
            task.cancel()
        await asyncio.gather(*open_, return_exceptions=True)
