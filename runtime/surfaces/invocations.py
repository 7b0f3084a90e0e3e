"""AgentCore's door: `POST /invocations` with a prompt, answered by the frames of RUN-2 as server-sent events.

The session is AgentCore's own, from its header; its authoriser has checked the token that comes along. A
caller that leaves is noticed at the next frame, which ends the generation.
"""

import asyncio
import contextlib
import json
from typing import Any
from uuid import uuid4

from aiohttp import web

from contract.frames import ID_CHARACTERS, Ask, FrameError, decode_client
from contract.people import guest
from runtime.conversation import Conversation, GoneError
from runtime.surfaces.identity import DeniedError, Identity
from runtime.surfaces.rest import event_stream, sender

SESSION_HEADER = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"


class Invocations:
    """All calls under way."""

    def __init__(self, conversation: Conversation, identity: Identity) -> None:
        self._conversation = conversation
        self._identity = identity
        self._running: set[asyncio.Task[Any]] = set()
        self._draining = False

    @property
    def busy(self) -> bool:
        return bool(self._running)

    async def invoke(self, request: web.Request) -> web.StreamResponse:
        """One prompt; what is wrong with it is a 400 with a line of JSON."""
        if self._draining:
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "1"})
        try:
            ask = _ask(await request.read(), request.headers.get(SESSION_HEADER))
            person = await self._identity.of_bearer(request.headers)
        except FrameError as wrong:
            return web.json_response({"error": str(wrong)}, status=400)
        except DeniedError as denied:
            return web.json_response({"error": str(denied)}, status=401)
        reply = event_stream()
        await reply.prepare(request)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a handler always runs in one
        self._running.add(task)
        session_id = ask.session_id or str(uuid4())
        try:
            with contextlib.suppress(GoneError):
                await self._conversation.answer(
                    ask, session_id, sender(reply), person or guest(session_id), request.headers
                )
        finally:
            self._running.discard(task)
        return reply

    async def drain(self, within_s: float) -> None:
        """Takes nothing new, lets what runs finish for so long."""
        self._draining = True
        if self._running:
            await asyncio.wait(self._running, timeout=within_s)


def _ask(body: bytes, session: str | None) -> Ask:
    """A message of ours, or a `prompt` as AgentCore's examples send it."""
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise FrameError('the body must be JSON such as {"prompt": "Hello"}') from None
    if not isinstance(given, dict):
        raise FrameError('the body must be an object such as {"prompt": "Hello"}')
    if "prompt" in given:
        given = {"text": given["prompt"], **{key: value for key, value in given.items() if key != "prompt"}}
    asked = {
        "type": "message",
        "request_id": str(uuid4()),
        "session_id": session and session[:ID_CHARACTERS],
    }
    frame = decode_client(json.dumps({**asked, **given}))
    if not isinstance(frame, Ask):
        raise FrameError("type: only messages are answered here")
    return frame
