"""AgentCore's door through real sockets: a prompt in, the frames of RUN-2 as events out (RUN-19)."""

import asyncio
from typing import Any

import pytest

from contract.frames import ServerFrame, decode_answer
from runtime.surfaces.invocations import SESSION_HEADER
from tests.runtime.test_app import QUICK, SHORT_WAIT, Endless, serving, until


def frames(body: str) -> list[ServerFrame]:
    """The frames of an event stream."""
    events = body.split("\n\n")
    assert events.pop() == ""
    assert all(event.startswith("data: ") for event in events)
    return [decode_answer(event.removeprefix("data: ")) for event in events]


@pytest.mark.parametrize(
    "body", [{"prompt": "Which lamp?"}, {"type": "message", "request_id": "r1", "text": "Which lamp?"}]
)
def test_a_prompt_is_answered_in_events(body: dict[str, str], shown: Any):
    async def scene() -> Any:
        async with serving(QUICK) as (client, _):
            answer = await client.post("/invocations", json=body, headers={SESSION_HEADER: "s" * 40})
            return answer.status, answer.content_type, await answer.text()

    status, kind, text = asyncio.run(scene())
    assert (status, kind) == (200, "text/event-stream")
    told = frames(text)
    assert shown(told) == "Hi there"
    assert told[0].model_dump()["session_id"] == "s" * 40
    assert told[-1].type == "final"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"Which lamp?", "the body must be JSON"),
        (b'["Which lamp?"]', "the body must be an object"),
        (b'{"prompt": ""}', "text: "),
        (b'{"prompt": 3}', "text: "),
        (b"{}", "text: Field required"),
        (b'{"type": "resend", "request_id": "r1"}', ""),
        (b'{"prompt": "Which lamp?", "wish": 1}', "wish: "),
        (b'{"prompt": ' + b"[" * 50_000, "the body must be JSON"),
    ],
)
def test_what_is_no_prompt_is_refused_in_a_line(body: bytes, why: str):
    async def scene() -> Any:
        async with serving(QUICK) as (client, _):
            answer = await client.post("/invocations", data=body)
            return answer.status, await answer.json()

    status, told = asyncio.run(scene())
    assert status == 400
    assert why in told["error"]
    assert "\n" not in told["error"]


def test_while_it_answers_it_is_busy_and_when_the_caller_leaves_generation_ends():
    async def scene() -> Any:
        async with serving(Endless()) as (client, desk):
            answer = await client.post("/invocations", json={"prompt": "Which lamp?"})
            await answer.content.readline()
            busy = (await (await client.get("/ping")).json())["status"]
            answer.close()
            await until(lambda: desk.models.calls[0].how == "cancelled")
            return busy, (await (await client.get("/ping")).json())["status"]

    assert asyncio.run(scene()) == ("HealthyBusy", "Healthy")


def test_draining_lets_a_call_finish_and_takes_no_other(shown: Any):
    async def scene() -> Any:
        async with serving(SHORT_WAIT) as (client, _):
            answer = await client.post("/invocations", json={"prompt": "Which lamp?"})
            first = await answer.content.readline()
            draining = asyncio.create_task(client.drain(10))
            await asyncio.sleep(0)
            late = await client.post("/invocations", json={"prompt": "Which lamp?"})
            rest = await answer.text()
            await draining
            return late.status, (first.decode() + rest)

    status, text = asyncio.run(scene())
    assert status == 503
    assert shown(frames(text)) == "Hi there"
