"""API Gateway's WebSocket API (NET-5): a message comes in as a request, its answer goes out by callback URL.

The gateway waits for us at most 29 s, so a message is acknowledged at once. Any task may get the next message
of a connection: what must outlive a task is in the session's store. A connection that is gone says so when it
is answered (410), which stops the generation; `$disconnect` stops it too, where it reaches the right task.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from uuid import NAMESPACE_URL, uuid5

from aiohttp import web

from contract.frames import PROTOCOL, SERVED
from runtime.conversation import Conversation, GoneError
from runtime.surfaces.connection import RECONNECT_S, Caller, Connection
from runtime.surfaces.identity import of_gateway
from runtime.surfaces.tokens import Tokens

ID_HEADER, VERSION_HEADER = "X-Connection-Id", "X-Protocol-Version"
REMEMBERED = 20_000  # connections of this task; the gateway ends idle ones after ten minutes anyway

# Posts one line to a connection; GoneError when nobody is there any more.
Post = Callable[[str, str], Awaitable[None]]


class Callbacks:
    """All connections of the gateway that this task has heard of."""

    def __init__(self, conversation: Conversation, tokens: Tokens, post: Post) -> None:
        self._conversation = conversation
        self._tokens = tokens
        self._post = post
        self._connections: OrderedDict[str, Connection] = OrderedDict()
        self._under_way: set[asyncio.Task[None]] = set()
        self._draining = False

    async def message(self, request: web.Request) -> web.Response:
        """`$default`: acknowledged; what is wrong with the frame is told over the connection."""
        if self._draining:  # the balancer asks another task
            raise web.HTTPServiceUnavailable(headers={"Retry-After": str(int(RECONNECT_S))})
        if not (name := request.headers.get(ID_HEADER, "")):
            raise web.HTTPBadRequest(text=f"{ID_HEADER}: the gateway's integration sets it")
        connection = self._known(name, request)
        task = asyncio.create_task(self._receive(connection, await request.text()))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return web.Response(status=200)

    async def disconnect(self, request: web.Request) -> web.Response:
        """`$disconnect`: nobody is there any more."""
        connection = self._connections.pop(request.headers.get(ID_HEADER, ""), None)
        if connection is not None:
            await connection.abandon()
        return web.Response(status=200)

    async def drain(self, within_s: float) -> None:
        """Takes nothing new, lets what runs finish. The connections are the gateway's, and stay open."""
        self._draining = True
        running = [*self._under_way]
        running += [task for connection in self._connections.values() for task in connection.running]
        if running:
            await asyncio.wait(running, timeout=within_s)

    async def _receive(self, connection: Connection, text: str) -> None:
        try:
            await connection.receive(text, closing=False)
        except GoneError:
            await connection.abandon()

    def _known(self, name: str, request: web.Request) -> Connection:
        connection = self._connections.pop(name, None) or self._made(name, request)
        self._connections[name] = connection  # the newest last
        while len(self._connections) > REMEMBERED:
            oldest, forgotten = next(iter(self._connections.items()))
            if forgotten.running:
                break
            del self._connections[oldest]
        return connection

    def _made(self, name: str, request: web.Request) -> Connection:
        # The same in every task, so that a client need not name it.
        session_id = str(uuid5(NAMESPACE_URL, f"connection:{name}"))
        version = request.headers.get(VERSION_HEADER, "")
        spoken = int(version) if version.isdecimal() and int(version) in SERVED else PROTOCOL
        caller = Caller(of_gateway(request.headers), spoken, session_id)
        return Connection(_Line(name, self._post), caller, self._conversation, self._tokens)


class _Line:
    """A connection of the gateway as a line: one post a frame, in order."""

    def __init__(self, name: str, post: Post) -> None:
        self._name = name
        self._post = post
        self._turn = asyncio.Lock()  # answers of one connection run side by side, its posts do not

    async def send(self, text: str) -> None:
        async with self._turn:
            await self._post(self._name, text)

    async def close(self) -> None:
        """The gateway's own business: it moves nobody when a task ends."""
