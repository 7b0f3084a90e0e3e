"""A small chat server on a real socket, in a thread: an answer is a function from Ask to what is sent."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum

from aiohttp import WSMsgType, web

from contract.frames import (
    Ask,
    Correction,
    Delta,
    Failure,
    Final,
    ServerFrame,
    Start,
    decode_client,
    encode,
)
from contract.tiers import Tier


class Do(Enum):
    """What a server may do besides sending."""

    HANG_UP = "hang up"
    CUT = "cut the line without a word"


class Wait(float):
    """Seconds until the next frame."""


Act = ServerFrame | Do | Wait | str
Answer = Callable[[Ask], Iterable[Act]]


def well(ask: Ask) -> list[Act]:
    """An answer as it should be: simple questions by the small model, the others by the large one."""
    tier, rung = (Tier.T1, "haiku") if len(ask.text.split()) <= 8 else (Tier.T0, "sonnet")
    return [
        Start(request_id=ask.request_id, sequence_number=0, session_id=ask.session_id or "new"),
        Delta(request_id=ask.request_id, sequence_number=1, text="It is "),
        Delta(request_id=ask.request_id, sequence_number=2, text="on its way."),
        Final(request_id=ask.request_id, sequence_number=3, text="It is on its way.", tier=tier, rung=rung),
    ]


def refused(ask: Ask) -> list[Act]:
    """No answer."""
    failure = Failure(request_id=ask.request_id, sequence_number=0, code="internal", message="out of order")
    return [failure]


def corrected(ask: Ask) -> list[Act]:
    """The first model broke off, the second begins again."""
    start, first, *_, final = well(ask)
    assert isinstance(final, Final)
    anew = Correction(request_id=ask.request_id, sequence_number=2, text="It is ", reason="cut")
    return [start, first, anew, final]


@dataclass
class Seen:
    """What a server was told besides questions."""

    texts: list[str] = field(default_factory=list)
    users: list[str | None] = field(default_factory=list)

    @property
    def kinds(self) -> list[str]:
        return [json.loads(text)["type"] for text in self.texts]


@contextmanager
def chat_server(
    answer: Answer = well,
    *,
    heartbeat: float | None = None,
    again: Answer | None = None,
    protocols: tuple[str, ...] = ("concierge.v3", "concierge.v2"),
    seen: Seen | None = None,
) -> Iterator[str]:
    """The address of a running server; it ends with the block. `again` answers who asks for an ending
    again."""
    app = web.Application()
    app.router.add_get("/ws", _socket(answer, again, heartbeat, protocols, seen or Seen()))
    with served(app) as url:
        yield url


@contextmanager
def served(app: web.Application) -> Iterator[str]:
    """The address of an application in a thread of its own; it ends with the block."""
    loop, up, stop, found = asyncio.new_event_loop(), threading.Event(), asyncio.Event(), list[str]()

    async def serve() -> None:
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        found.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
        up.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        up.wait()
        yield found[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def _socket(
    answer: Answer, again: Answer | None, heartbeat: float | None, protocols: tuple[str, ...], seen: Seen
) -> Callable[[web.Request], "asyncio.Future[web.WebSocketResponse]"]:
    async def chat(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(heartbeat=heartbeat, protocols=protocols)
        await socket.prepare(request)
        seen.users.append(request.headers.get("X-User"))
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                seen.texts.append(message.data)
                with suppress(ConnectionError):  # a client may leave in the middle
                    for act in _acts(message.data, answer, again):
                        await _play(request, socket, act)
        return socket

    return chat  # type: ignore[return-value]


def _acts(text: str, answer: Answer, again: Answer | None) -> Iterable[Act]:
    told = json.loads(text)
    if told["type"] == "resume":
        return ['{"type": "resumed", "session_id": "s", "resume_token": "next"}']
    if told["type"] == "resend":
        return again(Ask(request_id=told["request_id"], text="again")) if again else []
    asked = decode_client(text)
    assert isinstance(asked, Ask)
    return answer(asked)


async def _play(request: web.Request, socket: web.WebSocketResponse, act: Act) -> None:
    match act:
        case Wait():
            await asyncio.sleep(act)
        case Do.HANG_UP:
            await socket.close()
        case Do.CUT:
            assert request.transport is not None
            request.transport.abort()
        case str():
            await socket.send_str(act)
        case _:
            await socket.send_str(encode(act))
