"""A person's end of the chat socket, for a terminal: asks, and gives the frames of the answer as they come.

Speaks the protocol as any client must; how it looks is `rehearsal.chat_screen`'s business.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp

from contract.errors import InconclusiveError, WrongUseError
from contract.frames import (
    ENDINGS,
    PROTOCOL,
    SUBPROTOCOL,
    Ask,
    Confirm,
    Confirmed,
    Proposal,
    Reconnect,
    Resume,
    Resumed,
    ServerFrame,
    ServerMessage,
    decode_server,
    encode,
)

PATIENCE_S = 60.0


class UnreachableError(InconclusiveError):
    """Nobody took the connection, or it was lost."""


class ChatLine:
    """One conversation over one socket."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse, url: str) -> None:
        self._ws = ws
        self._url = url
        self.session_id: str | None = None
        self.reconnect: Reconnect | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, person: str | None, token: str | None) -> AsyncIterator[Self]:
        """`person`: who the server is told is there; it believes it only where no issuer is set."""
        headers = {"X-User": person} if person else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        async with aiohttp.ClientSession(headers=headers) as session:
            try:
                ws = await session.ws_connect(
                    socket_url(url), protocols=[f"{SUBPROTOCOL}{PROTOCOL}"], heartbeat=20.0
                )
            except aiohttp.WSServerHandshakeError as refused:
                raise UnreachableError(f"{url}: status {refused.status} instead of a WebSocket") from None
            except aiohttp.ClientError as gone:
                raise UnreachableError(f"{url}: {gone}: is it running?") from None
            async with ws:
                yield cls(ws, url)

    async def ask(self, text: str, confirmation: str | None = None) -> AsyncIterator[ServerFrame]:
        """Every frame of the answer, the ending last."""
        request_id = str(uuid4())
        ask = Ask(request_id=request_id, text=text, session_id=self.session_id, confirmation=confirmation)
        await self._ws.send_str(encode(ask))
        while True:
            frame = await self._frame()
            if isinstance(frame, Reconnect):
                self.reconnect = frame
            elif not isinstance(frame, Resumed | Confirmed) and frame.request_id == request_id:
                if frame.type == "start":
                    self.session_id = frame.session_id
                yield frame
                if frame.type in ENDINGS:
                    return

    async def confirm(self, proposal: Proposal) -> str:
        """The person's own yes: the word for it, which goes with the next message."""
        asked = Confirm(request_id=str(uuid4()), session_id=self.session_id, proposal=proposal)
        await self._ws.send_str(encode(asked))
        frame = await self._frame()
        if not isinstance(frame, Confirmed):
            said = frame.message if frame.type == "error" else "it cannot be confirmed here"
            raise WrongUseError(f"not confirmed: {said}")
        return frame.confirmation

    async def resume(self, session_id: str, token: str | None) -> Resumed:
        """Goes on with a conversation."""
        await self._ws.send_str(encode(Resume(session_id=session_id, resume_token=token)))
        frame = await self._frame()
        if not isinstance(frame, Resumed):
            said = frame.message if frame.type == "error" else "that session cannot be resumed"
            raise WrongUseError(f"--session {session_id}: {said}")
        self.session_id = session_id
        return frame

    async def _frame(self) -> ServerMessage:
        try:
            message = await self._ws.receive(timeout=PATIENCE_S)
        except TimeoutError:
            raise UnreachableError(f"{self._url}: no word for {PATIENCE_S:g} s") from None
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise UnreachableError(f"{self._url}: the connection was closed")
        return decode_server(message.data)


def socket_url(url: str) -> str:
    """`http://127.0.0.1:8080` -> `ws://127.0.0.1:8080/ws`."""
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}.get(parts.scheme)
    if scheme is None or not parts.hostname:
        raise WrongUseError(f"--url {url}: write an address such as http://127.0.0.1:8080")
    return parts._replace(scheme=scheme, path=parts.path.rstrip("/") or "/ws").geturl()
