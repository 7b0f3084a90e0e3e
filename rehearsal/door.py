"""The door in front of the agent's tasks, as a balancer would be: connections go to whoever is live then."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

_CHUNK = 65_536


class Door:
    """Listens on loopback; new connections go to `target`, those there are stay where they are."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="door", daemon=True)

    @classmethod
    @contextmanager
    def opened(cls, target: str) -> Iterator["Door"]:
        """For as long as the block lasts."""
        door = cls(target)
        door._thread.start()
        door._ready.wait()
        try:
            yield door
        finally:
            door._loop.call_soon_threadsafe(door._loop.stop)
            door._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._carry, "127.0.0.1", 0, backlog=1024)
        )
        host, port = server.sockets[0].getsockname()[:2]
        self.url = f"http://{host}:{port}"
        self._ready.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _end(self) -> None:
        open_ = asyncio.all_tasks(self._loop) - {asyncio.current_task()}
        for task in open_:
            task.cancel()
        await asyncio.gather(*open_, return_exceptions=True)

    async def _carry(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        place = urlsplit(self.target)
        sides = [back]
        try:
            there, to = await asyncio.open_connection(place.hostname, place.port)
            sides.append(to)
            await asyncio.gather(_pipe(client, to), _pipe(there, back), return_exceptions=True)
        except OSError:
            back.close()  # nobody is live: as a balancer without a healthy target
        except asyncio.CancelledError:  # the door closes: who is still there loses the connection
            for side in sides:
                side.transport.abort()


async def _pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await source.read(_CHUNK):
            sink.write(chunk)
            await sink.drain()
    sink.close()
    with suppress(OSError):
        await sink.wait_closed()
