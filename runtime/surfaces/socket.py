"""`/ws`: frames of `contract.frames` over a WebSocket, on AgentCore and for who reaches the agent directly.

The version is agreed on in the handshake (`concierge.v3`); who offers none gets the newest. A connection that
ends cancels its requests at once; a server that ends lets them finish.
"""

import asyncio
from collections.abc import Mapping
from uuid import uuid4

from aiohttp import WSCloseCode, WSMsgType, web

from contract.frames import PROTOCOL, SERVED, SUBPROTOCOL
from contract.logs import SOCKET_LOST
from runtime.conversation import Conversation, GoneError
from runtime.surfaces.connection import RECONNECT_S, Caller, Connection
from runtime.surfaces.identity import DeniedError, Identity
from runtime.surfaces.tokens import Tokens
from runtime.telemetry import Telemetry

HEARTBEAT_S = 20.0  # a client that vanished without a word is noticed after at most one and a half of these
CLOSE_S = 2.0  # how long a client may take to say goodbye
MESSAGE_BYTES = 128 * 1024  # API Gateway's own limit
# How a connection ends when nothing is wrong; why it ended otherwise.
_ORDERLY: frozenset[int | None] = frozenset({WSCloseCode.OK, WSCloseCode.GOING_AWAY})
_CAUSES: Mapping[int | None, str] = {
    WSCloseCode.PROTOCOL_ERROR: "protocol",
    WSCloseCode.MESSAGE_TOO_BIG: "too big",
    WSCloseCode.ABNORMAL_CLOSURE: "gone",
}
SPOKEN = tuple(f"{SUBPROTOCOL}{version}" for version in sorted(SERVED, reverse=True))


class Sockets:
    """All WebSockets of this server."""

    def __init__(
        self, conversation: Conversation, identity: Identity, tokens: Tokens, telemetry: Telemetry
    ) -> None:
        self._telemetry = telemetry
        self._conversation = conversation
        self._identity = identity
        self._tokens = tokens
        self._connections: set[Connection] = set()
        self._draining = False

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """One connection, from the upgrade until either side ends it."""
        if self._draining:
            raise web.HTTPServiceUnavailable(headers={"Retry-After": str(int(RECONNECT_S))})
        try:
            person = await self._identity.of_bearer(request.headers)
        except DeniedError as denied:
            raise web.HTTPUnauthorized(text=str(denied)) from None
        if (version := _version(request)) is None:
            raise web.HTTPBadRequest(text=f"speak one of {', '.join(SPOKEN)}")
        ws = web.WebSocketResponse(
            timeout=CLOSE_S,
            heartbeat=HEARTBEAT_S,
            compress=False,
            max_msg_size=MESSAGE_BYTES,
            protocols=SPOKEN,
        )
        await ws.prepare(request)
        caller = Caller(person, version, str(uuid4()))
        connection = Connection(_Line(ws), caller, self._conversation, self._tokens)
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
            self._tell_of_loss(ws.close_code)
        return ws

    def _tell_of_loss(self, code: int | None) -> None:
        """Unless it ended as connections should, or we ended it."""
        if code not in _ORDERLY and not self._draining:
            self._telemetry.log("info", SOCKET_LOST.message, **{SOCKET_LOST.by: _CAUSES.get(code, "gone")})

    @property
    def count(self) -> int:
        """Open connections."""
        return len(self._connections)

    async def drain(self, within_s: float) -> None:
        """Takes nothing new, lets what runs finish for so long, then sends every client elsewhere."""
        self._draining = True
        parting = [connection.part(within_s) for connection in self._connections]
        await asyncio.gather(*parting, return_exceptions=True)


class _Line:
    """A WebSocket as a line."""

    def __init__(self, ws: web.WebSocketResponse) -> None:
        self._ws = ws

    async def send(self, text: str) -> None:
        try:
            await self._ws.send_str(text)
        except ConnectionError as gone:
            raise GoneError from gone

    async def close(self) -> None:
        await self._ws.close(code=WSCloseCode.GOING_AWAY, message=b"restarting")


def _version(request: web.Request) -> int | None:
    """The newest that both speak; None where there is none."""
    offered = request.headers.get("Sec-WebSocket-Protocol", "")
    versions = [offer.strip() for offer in offered.split(",") if offer.strip().startswith(SUBPROTOCOL)]
    if not versions:
        return PROTOCOL
    return next((int(name.removeprefix(SUBPROTOCOL)) for name in SPOKEN if name in versions), None)
