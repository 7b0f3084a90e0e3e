"""The server through real sockets: frames in and out, resends, leaving and draining (RUN-2, RUN-20).

Models are scripted and quick; nothing here measures time.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import WSMsgType
from aiohttp.test_utils import TestClient, TestServer

from contract.controls import Controls
from contract.frames import Ask, Resend, decode_server, encode
from runtime.port import Opened, Stop, Text
from runtime.surfaces.connection import IN_FLIGHT, REMEMBERED
from runtime.testing.desk import EPOCH, Desk
from runtime.testing.models import Step, Wait, hangs

QUICK = [Opened(), Text("Hi "), Text("there"), Stop()]
SHORT_WAIT = [Opened(), Text("Hi "), Wait(0.05), Text("there"), Stop()]


class Endless:
    """A script that talks until it is stopped."""

    def __iter__(self) -> Iterator[Step]:
        yield Opened()
        while True:
            yield Text("more ")
            yield Wait(0.001)


@asynccontextmanager
async def serving(script: Any) -> AsyncIterator[tuple[Any, Desk]]:
    """A client of a running server, and the desk behind it; `client.drain` is the server's."""
    desk = Desk({"sonnet": script})
    server = desk.server()
    async with TestClient(TestServer(server.app())) as made:
        client: Any = made
        client.drain = server.drain
        yield client, desk


class Socket:
    """A client's end of `/ws`."""

    def __init__(self, ws: Any) -> None:
        self.ws = ws

    async def ask(self, request_id: str, text: str = "Which lamp?", **more: Any) -> None:
        await self.ws.send_str(encode(Ask(request_id=request_id, text=text, **more)))

    async def frame(self) -> Any:
        return decode_server(await self.ws.receive_str())

    async def ending(self, request_id: str) -> Any:
        """Reads on until this request has ended."""
        while True:
            frame = await self.frame()
            if frame.request_id == request_id and frame.type in {"final", "error"}:
                return frame


@asynccontextmanager
async def connected(script: Any) -> AsyncIterator[tuple[Socket, Desk]]:
    async with serving(script) as (client, desk), client.ws_connect("/ws") as ws:
        yield Socket(ws), desk


async def until(true: Callable[[], Any]) -> None:
    """Lets the server run until something is so."""
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0)


def test_ping_is_agentcores_health_shape():
    async def scene() -> Any:
        async with serving(QUICK) as (client, _):
            answer = await client.get("/ping")
            return answer.status, await answer.json()

    health = {"status": "Healthy", "time_of_last_update": int(EPOCH.timestamp())}
    assert asyncio.run(scene()) == (200, health)


def test_a_message_is_answered_in_frames(shown):
    async def scene() -> Any:
        async with connected(QUICK) as (socket, _):
            await socket.ask("r1")
            return [await socket.frame() for _ in range(4)]

    frames = asyncio.run(scene())
    assert shown(frames) == "Hi there"
    assert {frame.request_id for frame in frames} == {"r1"}


def test_a_session_id_is_made_for_who_brings_none_and_kept_for_who_does():
    async def scene() -> Any:
        async with connected(QUICK) as (socket, _):
            sessions = []
            for request_id, session in (("a", None), ("b", None), ("c", "mine")):
                await socket.ask(request_id, session_id=session)
                sessions.append((await socket.frame()).session_id)
                await socket.ending(request_id)
            return sessions

    first, second, brought = asyncio.run(scene())
    assert first == second != ""
    assert brought == "mine"


def test_several_requests_may_be_under_way_on_one_socket(shown):
    """Their frames mix; each request's own are in order and complete."""

    async def scene() -> Any:
        async with connected(SHORT_WAIT) as (socket, _):
            for number in range(5):
                await socket.ask(f"r{number}")
            return [await socket.frame() for _ in range(5 * 4)]

    frames = asyncio.run(scene())
    assert [frame.type for frame in frames[:5]] != ["start", "delta", "delta", "final", "start"]
    for number in range(5):
        assert shown([frame for frame in frames if frame.request_id == f"r{number}"]) == "Hi there"


@pytest.mark.parametrize(
    ("message", "request_id"),
    [
        ("nonsense", ""),
        ("[1, 2]", ""),
        ("[" * 100_000, ""),
        ('{"type": "dance", "request_id": "\\ud800"}', ""),
        (json.dumps({"type": "dance", "request_id": "x" * 65}), ""),
        ('{"type": "message", "request_id": "r9", "text": " "}', "r9"),
        ('{"type": "message", "request_id": "r9"}', "r9"),
        ('{"type": "message", "request_id": 9, "text": "Which lamp?"}', ""),
        ('{"type": "dance", "request_id": "r9"}', "r9"),
        (json.dumps({"type": "message", "request_id": "r9", "text": "x" * 5_000}), "r9"),
        # An id goes into every log line: it has room neither for words nor for a card's number.
        ('{"type": "message", "request_id": "mail a@b.co", "text": "Which lamp?"}', ""),
        ('{"type": "message", "request_id": "4242-4242-4242-4242", "text": "Which lamp?"}', ""),
        ('{"type": "message", "request_id": "r9", "session_id": "4242424242424242", "text": "Hi"}', "r9"),
        (b"\xff\x00", ""),
    ],
)
def test_a_bad_frame_is_told_so_and_the_connection_goes_on(shown, message, request_id):
    async def scene() -> Any:
        async with connected(QUICK) as (socket, _):
            if isinstance(message, bytes):
                await socket.ws.send_bytes(message)
            else:
                await socket.ws.send_str(message)
            refused = await socket.frame()
            await socket.ask("good")
            return refused, [await socket.frame() for _ in range(4)]

    refused, frames = asyncio.run(scene())
    assert (refused.type, refused.code, refused.request_id) == ("error", "bad_request", request_id)
    assert shown(frames) == "Hi there"


def test_the_last_frame_of_a_recent_request_can_be_had_again():
    """By asking for it, or by sending the message again: it is not generated, nor paid, twice."""

    async def scene() -> Any:
        async with connected(QUICK) as (socket, desk):
            await socket.ask("r1")
            first = await socket.ending("r1")
            await socket.ws.send_str(encode(Resend(request_id="r1")))
            resent = await socket.frame()
            await socket.ask("r1")
            return first, resent, await socket.frame(), len(desk.models.calls)

    first, resent, asked_again, calls = asyncio.run(scene())
    assert first == resent == asked_again
    assert calls == 1


def test_a_failure_of_ours_is_not_remembered():
    """The same message again gets a new chance."""

    async def scene() -> Any:
        async with connected(QUICK) as (socket, desk):
            vars(desk)["controls"] = None  # nothing that can be read
            await socket.ask("r1")
            failed = await socket.ending("r1")
            desk.controls = Controls()
            await socket.ask("r1")
            return failed, await socket.ending("r1")

    failed, again = asyncio.run(scene())
    assert failed.code == "internal"
    assert again.type == "final"


def test_half_a_character_from_a_model_does_not_break_the_answer(shown):
    """A lone surrogate fits in no frame; the person sees a replacement sign, and no number is lost."""

    async def scene() -> Any:
        async with connected([Opened(), Text("Hi \ud83d"), Text("there"), Stop()]) as (socket, _):
            await socket.ask("r1")
            return [await socket.frame() for _ in range(4)]

    frames = asyncio.run(scene())
    assert shown(frames) == frames[-1].text == "Hi \ufffdthere"


def test_only_the_last_few_endings_are_remembered():
    async def scene() -> Any:
        async with connected(QUICK) as (socket, _):
            for number in range(REMEMBERED + 1):
                await socket.ask(f"r{number}")
                await socket.ending(f"r{number}")
            codes = []
            for number in (0, 1):
                await socket.ws.send_str(encode(Resend(request_id=f"r{number}")))
                codes.append((await socket.frame()).type)
            return codes

    assert asyncio.run(scene()) == ["error", "final"]


def test_a_bad_frame_cannot_end_somebody_elses_request(shown):
    """It names a request that is under way, whose frames must stay its own."""

    async def scene() -> Any:
        async with connected(SHORT_WAIT) as (socket, _):
            await socket.ask("r1")
            await socket.ws.send_str('{"type": "message", "request_id": "r1"}')
            return [await socket.frame() for _ in range(5)]

    frames = asyncio.run(scene())
    assert shown([frame for frame in frames if frame.request_id == "r1"]) == "Hi there"
    assert [frame.type for frame in frames if frame.request_id == ""] == ["error"]


def test_what_nobody_remembers_cannot_be_resent():
    async def scene() -> Any:
        async with connected(QUICK) as (socket, _):
            await socket.ws.send_str(encode(Resend(request_id="r0")))
            return await socket.frame()

    assert asyncio.run(scene()).code == "bad_request"


def test_a_message_sent_twice_while_it_is_answered_is_answered_once(shown):
    async def scene() -> Any:
        async with connected(SHORT_WAIT) as (socket, desk):
            await socket.ask("r1")
            await socket.ask("r1")
            await socket.ws.send_str(encode(Resend(request_id="r1")))
            frames = [await socket.frame() for _ in range(4)]
            return frames, len(desk.models.calls)

    frames, calls = asyncio.run(scene())
    assert shown(frames) == "Hi there"
    assert calls == 1


def test_one_connection_may_not_have_any_number_of_requests_under_way():
    async def scene() -> Any:
        async with connected(hangs()) as (socket, _):
            for number in range(IN_FLIGHT + 1):
                await socket.ask(f"r{number}")
            return await socket.ending(f"r{IN_FLIGHT}")

    refused = asyncio.run(scene())
    assert (refused.code, refused.sequence_number) == ("too_many_requests", 0)
    assert refused.retry_after_s > 0


@pytest.mark.parametrize("politely", [True, False], ids=["closes", "vanishes"])
@pytest.mark.parametrize("script", [Endless(), hangs()], ids=["talking", "thinking"])
def test_a_client_that_leaves_stops_its_generation(script, politely):
    async def scene() -> Any:
        async with serving(script) as (client, desk):
            ws = await client.ws_connect("/ws")
            await Socket(ws).ask("r1")
            await until(lambda: desk.models.calls)
            await (ws if politely else client.session.connector).close()
            await until(lambda: desk.models.calls[0].ended is not None)
            return desk.models.calls[0].how

    assert asyncio.run(scene()) == "cancelled"


def test_one_client_leaving_does_not_disturb_another(shown):
    async def scene() -> Any:
        async with serving(SHORT_WAIT) as (client, _), client.ws_connect("/ws") as staying:
            async with client.ws_connect("/ws") as leaving:
                await Socket(leaving).ask("r1")
                await Socket(staying).ask("r1")
            return [await Socket(staying).frame() for _ in range(4)]

    assert shown(asyncio.run(scene())) == "Hi there"


def test_draining_lets_streams_finish_takes_nothing_new_and_says_goodbye(shown):
    async def scene() -> Any:
        async with serving(SHORT_WAIT) as (client, _), client.ws_connect("/ws") as ws:
            socket = Socket(ws)
            await socket.ask("r1")
            frames = [await socket.frame()]
            draining = asyncio.create_task(client.drain(10))
            await asyncio.sleep(0)
            await socket.ask("r2")
            refused = None
            while frames[-1].type != "final" or refused is None:
                frame = await socket.frame()
                if frame.request_id == "r2":
                    refused = frame
                else:
                    frames.append(frame)
            upgrade = await client.get("/ws")
            parting = await socket.frame()
            goodbye = await ws.receive()
            await draining
            return frames, refused, upgrade.status, parting, goodbye

    frames, refused, upgrade, parting, goodbye = asyncio.run(scene())
    assert shown(frames) == "Hi there"
    assert refused.code == "closed"
    assert refused.retry_after_s > 0
    assert upgrade == 503
    assert parting.type == "reconnect"
    assert parting.session_id == frames[0].session_id
    assert parting.resume_token
    assert (goodbye.type, goodbye.data) == (WSMsgType.CLOSE, 1001)


def test_draining_does_not_wait_for_ever():
    async def scene() -> Any:
        async with serving(hangs()) as (client, desk), client.ws_connect("/ws") as ws:
            await Socket(ws).ask("r1")
            await until(lambda: desk.models.calls)
            await asyncio.gather(client.drain(0.01), ws.receive(), ws.receive())
            await until(lambda: desk.models.calls[0].ended is not None)
            return desk.models.calls[0].how

    assert asyncio.run(scene()) == "cancelled"
