"""An agent's chat socket, as a golden prompt uses it: each on a connection and a session of its own."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp

from contract.errors import InconclusiveError, WrongUseError
from contract.frames import ENDINGS, PROTOCOL, SUBPROTOCOL, Ask, encode
from runtime.eval.answers import Answer
from runtime.eval.golden import Prompt

TRIES = 4  # of a message that is told to come back later


class UnreachableError(InconclusiveError):
    """No agent answers there."""


class Line:
    """`url` as people write it; `token`: where the agent checks who asks."""

    def __init__(
        self, http: aiohttp.ClientSession, url: str, *, token: str | None = None, patience_s: float = 60.0
    ) -> None:
        self._http = http
        self._url = socket_url(url)
        self._token = token
        self._patience_s = patience_s

    async def ask(self, prompt: Prompt) -> Answer:
        """What came of the last message. A connection that is lost is tried once more."""
        for last in (False, True):
            try:
                return await self._conversation(prompt)
            except (aiohttp.ClientError, OSError, TimeoutError, _LostError) as lost:
                if last:
                    return Answer(id=prompt.id, error=f"{type(lost).__name__}: {lost}".rstrip(": "))
        raise AssertionError("unreachable")

    async def reachable(self) -> None:
        """UnreachableError, if nobody takes a connection."""
        try:
            async with self._connect(None):
                pass
        except (aiohttp.ClientError, OSError, TimeoutError) as gone:
            raise UnreachableError(f"{self._url}: no agent answers: {gone}") from None

    async def _conversation(self, prompt: Prompt) -> Answer:
        async with self._connect(prompt.person) as ws:
            session: str | None = None
            answer = Answer(id=prompt.id, error="nothing was asked")
            for text in (*prompt.before, prompt.text):
                answer, session = await self._message(ws, prompt, text, session)
            return answer

    def _connect(self, person: str | None) -> Any:
        headers = {"X-User": person} if person else {}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        return self._http.ws_connect(self._url, headers=headers, protocols=[f"{SUBPROTOCOL}{PROTOCOL}"])

    async def _message(
        self, ws: aiohttp.ClientWebSocketResponse, prompt: Prompt, text: str, session: str | None
    ) -> tuple[Answer, str | None]:
        """Asked again when the agent says later, as a client would."""
        for number in range(1, TRIES + 1):
            answer, session = await self._once(ws, prompt, text, session)
            wait_s = answer.final.get("retry_after_s") if answer.error else None
            if wait_s is None or number == TRIES:
                break
            await asyncio.sleep(float(wait_s))
        return answer if not answer.error else answer.model_copy(update={"final": {}}), session

    async def _once(
        self, ws: aiohttp.ClientWebSocketResponse, prompt: Prompt, text: str, session: str | None
    ) -> tuple[Answer, str | None]:
        now = asyncio.get_running_loop().time
        request, began, first, shown = str(uuid4()), now(), None, ""
        ask = Ask(request_id=request, text=text, session_id=session, context_hints=prompt.hints)
        await ws.send_str(encode(ask))
        while True:
            frame = await self._frame(ws)
            if frame.get("request_id") != request:
                continue
            if frame["type"] == "start":
                session = frame.get("session_id")
            elif frame["type"] in ("delta", "correction"):
                first = now() - began if first is None else first
                shown += (
                    f"\n{frame.get('text', '')}" if frame["type"] == "correction" else frame.get("text", "")
                )
            elif frame["type"] in ENDINGS:
                error = "" if frame["type"] == "final" else f"{frame.get('code')}: {frame.get('message')}"
                times = {"first_s": first, "took_s": now() - began}
                return Answer(id=prompt.id, final=frame, error=error, shown=shown, **times), session

    async def _frame(self, ws: aiohttp.ClientWebSocketResponse) -> Mapping[str, Any]:
        message = await ws.receive(timeout=self._patience_s)
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise _LostError("the connection was closed")
        said = json.loads(message.data)
        return said if isinstance(said, dict) else {}


class _LostError(Exception):
    """The agent went away within a conversation."""


def socket_url(url: str) -> str:
    """`http://127.0.0.1:8080` -> `ws://127.0.0.1:8080/ws`."""
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}.get(parts.scheme)
    if scheme is None or not parts.hostname:
        raise WrongUseError(f"{url}: write an address such as http://127.0.0.1:8080")
    return parts._replace(scheme=scheme, path=parts.path.rstrip("/") or "/ws").geturl()
