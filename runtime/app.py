"""The server: `/ws` carries the frames of `contract.frames`, `/invocations` and `/ping` are AgentCore's.

One connection may have several requests under way. A connection that ends cancels them at once; a server that
ends lets them finish. What a message means is the conversation's business.
"""

import asyncio
import contextlib
import json
from collections import OrderedDict
from typing import TypeGuard
from uuid import uuid4

from aiohttp import WSCloseCode, WSMsgType, web

from contract.frames import (
    ID_CHARACTERS,
    Ask,
    Failure,
    FrameError,
    Resend,
    ServerFrame,
    decode_client,
    encode,
)
from runtime.conversation import Code, Conversation, GoneError
from runtime.invocations import REQUEST_BYTES, Invocations
from runtime.telemetry import Clock

HEARTBEAT_S = 20.0  # a client that vanished without a word is noticed after at most one and a half of these
CLOSE_S = 2.0  # how long a client may take to say goodbye
MESSAGE_BYTES = 128 * 1024  # API Gateway's own limit
REMEMBERED = 32  # endings a connection can ask for again
IN_FLIGHT = 16  # requests of one connection at a time
RECONNECT_S = 1.0
NO_ID = ""  # of a bad frame that names none
CHAT: web.AppKey["Chat"] = web.AppKey("chat")
INVOCATIONS: web.AppKey[Invocations] = web.AppKey("invocations")


class Chat:
    """All connections of this server."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._connections: set[Connection] = set()
        self._draining = False

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """One connection, from the upgrade until either side ends it."""
        if self._draining:
            raise web.HTTPServiceUnavailable(headers={"Retry-After": str(int(RECONNECT_S))})
        ws = web.WebSocketResponse(
            timeout=CLOSE_S, heartbeat=HEARTBEAT_S, compress=False, max_msg_size=MESSAGE_BYTES
        )
        await ws.prepare(request)
        connection = Connection(ws, self._conversation)
        self._connections.add(connection)
        try:
            async for message in ws:
                if message.type is not WSMsgType.ERROR:
                    await connection.receive(message.data, closing=self._draining)
        except GoneError:
            pass  # it left while we were telling it something
        finally:
            self._connections.discard(connection)
            await connection.abandon()
        return ws

    async def drain(self, within_s: float) -> None:
        """Takes nothing new, lets what runs finish for so long, then closes every connection."""
        self._draining = True
        if running := [task for connection in self._connections for task in connection.running]:
            await asyncio.wait(running, timeout=within_s)
        closing = [connection.close() for connection in self._connections]
        await asyncio.gather(*closing, return_exceptions=True)


class Connection:
    """One client: its requests under way, and the endings it may ask for again."""

    def __init__(self, ws: web.WebSocketResponse, conversation: Conversation) -> None:
        self._ws = ws
        self._conversation = conversation
        self._session_id = str(uuid4())
        self._running: dict[str, asyncio.Task[None]] = {}
        self._endings: OrderedDict[str, ServerFrame] = OrderedDict()

    @property
    def running(self) -> list[asyncio.Task[None]]:
        return list(self._running.values())

    async def receive(self, data: str | bytes, *, closing: bool) -> None:
        """One message of the client."""
        try:
            frame = decode_client(data)
        except FrameError as wrong:
            return await self._refuse(self._id_in(data), "bad_request", str(wrong))
        if frame.request_id in self._running:
            return None  # sent twice, or asked for again too early: its ending is on the way
        if ending := self._endings.get(frame.request_id):
            return await self._send(ending)
        if isinstance(frame, Resend):
            reason = f"request_id: no recent answer to {frame.request_id}"
            return await self._refuse(frame.request_id, "bad_request", reason)
        return await self._take(frame, closing=closing)

    async def _take(self, ask: Ask, *, closing: bool) -> None:
        if closing:
            await self._refuse(ask.request_id, "closed", "This server is restarting.", RECONNECT_S)
        elif len(self._running) >= IN_FLIGHT:
            reason = f"At most {IN_FLIGHT} messages at a time."
            await self._refuse(ask.request_id, "too_many_requests", reason, RECONNECT_S)
        else:
            self._running[ask.request_id] = asyncio.create_task(self._answer(ask))

    async def abandon(self) -> None:
        """The client is gone: everything under way stops now."""
        tasks = self.running
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        await self._ws.close(code=WSCloseCode.GOING_AWAY, message=b"restarting")

    async def _answer(self, ask: Ask) -> None:
        try:
            with contextlib.suppress(GoneError):
                session_id = ask.session_id or self._session_id
                ending = await self._conversation.answer(ask, session_id, self._send)
                self._remember(ask.request_id, ending)
        finally:
            del self._running[ask.request_id]

    def _remember(self, request_id: str, ending: ServerFrame) -> None:
        if isinstance(ending, Failure) and ending.code == "internal":
            return  # our own mistake: who asks again gets another try
        self._endings[request_id] = ending
        if len(self._endings) > REMEMBERED:
            self._endings.popitem(last=False)

    async def _send(self, frame: ServerFrame) -> None:
        try:
            await self._ws.send_str(encode(frame))
        except ConnectionError as gone:
            raise GoneError from gone

    async def _refuse(
        self, request_id: str, code: Code, message: str, retry_after_s: float | None = None
    ) -> None:
        await self._send(
            Failure(
                request_id=request_id,
                sequence_number=0,
                code=code,
                message=message,
                retry_after_s=retry_after_s,
            )
        )

    def _id_in(self, data: str | bytes) -> str:
        """The id a bad frame names, unless that is the id of a good one, or none that could be sent back."""
        with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
            named = json.loads(data)["request_id"]
            if _is_id(named) and named not in self._running and named not in self._endings:
                return named
        return NO_ID


def _is_id(named: object) -> TypeGuard[str]:
    """A short text that UTF-8 can carry; ValueError where it cannot."""
    return isinstance(named, str) and len(named) <= ID_CHARACTERS and bool(named.encode())


def make_app(conversation: Conversation, wall: Clock) -> web.Application:
    """The application; what is under way is under the keys CHAT and INVOCATIONS."""
    app = web.Application(client_max_size=REQUEST_BYTES)
    app[CHAT] = Chat(conversation)
    app[INVOCATIONS] = Invocations(conversation)
    started = int(wall().timestamp())

    async def ping(_: web.Request) -> web.Response:
        status = "HealthyBusy" if app[INVOCATIONS].busy else "Healthy"
        return web.json_response({"status": status, "time_of_last_update": started})

    app.router.add_get("/ws", app[CHAT].socket)
    app.router.add_post("/invocations", app[INVOCATIONS].invoke)
    app.router.add_get("/ping", ping)
    return app


async def drain(app: web.Application, within_s: float) -> None:
    """Lets everything under way finish, by whichever door it came; nothing new is taken."""
    await asyncio.gather(app[CHAT].drain(within_s), app[INVOCATIONS].drain(within_s))
