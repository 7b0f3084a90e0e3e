"""A small chat server on a real socket, in a thread: an answer is a function from Ask to what is sent."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum

from aiohttp import WSMsgType, web

from contract.frames import Ask, Correction, Delta, Failure, Final, ServerFrame, Start, decode_client, encode
from contract.tiers import Tier


class Do(Enum):
    """What a server may do besides sending."""

    HANG_UP = "hang up"


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


@contextmanager
def chat_server(answer: Answer = well, *, heartbeat: float | None = None) -> Iterator[str]:
    """The address of a running server; it ends with the block."""
    loop = asyncio.new_event_loop()
    ready: list[str] = []
    up, stop = threading.Event(), asyncio.Event()

    async def serve() -> None:
        app = web.Application()
        app.router.add_get("/ws", _socket(answer, heartbeat))
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        ready.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
        up.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        up.wait()
        yield ready[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def _socket(
    answer: Answer, heartbeat: float | None
) -> Callable[[web.Request], "asyncio.Future[web.WebSocketResponse]"]:
    async def chat(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(heartbeat=heartbeat)
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                ask = decode_client(message.data)
                assert isinstance(ask, Ask)
                with suppress(ConnectionError):  # a client may leave in the middle
                    for act in answer(ask):
                        await _play(socket, act)
        return socket

    return chat  # type: ignore[return-value]


async def _play(socket: web.WebSocketResponse, act: Act) -> None:
    match act:
        case Wait():
            await asyncio.sleep(act)
        case Do.HANG_UP:
            await socket.close()
        case str():
            await socket.send_str(act)
        case _:
            await socket.send_str(encode(act))
