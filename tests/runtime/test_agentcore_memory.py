"""Sessions in AgentCore Memory: the same promises as in the table, over the service's own wire format."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from contract.runtime_settings import DownstreamSettings, SessionsSettings
from runtime.downstream import ProviderError
from runtime.places import Places
from runtime.sessions.memory import Kept
from runtime.sessions.opening import open_sessions
from runtime.sessions.sessions import Said, Sessions

MEMORY = "concierge_dev_memory-AbCdEf0123"
PATIENT = SessionsSettings(read_s=20.0, write_s=20.0, cache_s=0.0)
PAGE = 3  # events a page of the service has here, whatever is asked for


@dataclass
class Service:
    """AgentCore's data plane: events by actor and session, newest first, a page at a time."""

    events: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    down: bool = False

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._perhaps_down])
        session = "/memories/{memory}/actor/{actor}/sessions/{session}"
        app.router.add_post("/memories/{memory}/events", self.create)
        app.router.add_post(session, self.list)
        app.router.add_delete(session + "/events/{event}", self.delete)
        return app

    @web.middleware
    async def _perhaps_down(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if self.down:
            return web.json_response({"message": "down"}, status=500)
        answer: web.StreamResponse = await handler(request)
        return answer

    async def create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        kept = self.events.setdefault((asked["actorId"], asked["sessionId"]), [])
        if asked["clientToken"] not in self.tokens:
            self.tokens.add(asked["clientToken"])
            named = {name: asked[name] for name in ("actorId", "sessionId", "eventTimestamp", "payload")}
            kept.append({**named, "memoryId": MEMORY, "eventId": f"{len(self.tokens):04d}#abc"})
        return web.json_response({"event": kept[-1]}, status=201)

    async def list(self, request: web.Request) -> web.Response:
        asked, named = await request.json(), request.match_info
        known = self.events.get((named["actor"], named["session"]))
        if known is None:
            error = {"message": "no such session"}
            headers = {"x-amzn-ErrorType": "ResourceNotFoundException"}
            return web.json_response(error, status=404, headers=headers)
        start = int(asked.get("nextToken") or 0)
        newest = known[::-1][start : start + PAGE]
        more = {"nextToken": str(start + PAGE)} if start + PAGE < len(known) else {}
        return web.json_response({"events": newest, **more})

    async def delete(self, request: web.Request) -> web.Response:
        named = request.match_info
        kept = self.events[named["actor"], named["session"]]
        kept[:] = [event for event in kept if event["eventId"] != named["event"]]
        return web.json_response({"eventId": named["event"]})


def wall() -> datetime:
    return datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Service]:
    """Runs a scene with sessions that are kept there."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nobody")

    def run(scene: Callable[[Sessions, Service], Awaitable[None]], **settings: Any) -> Service:
        service = Service()

        async def main() -> None:
            async with TestServer(service.app()) as served:
                monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", str(served.make_url("")).rstrip("/"))
                async with open_sessions(
                    Places(memory=MEMORY, sessions_table="unused"),
                    PATIENT.model_copy(update=settings),
                    DownstreamSettings(),
                    region="us-east-1",
                    wall=wall,
                    redact=lambda text: text.replace("4242", "[card]"),
                ) as stores:
                    await scene(stores.sessions, service)

        asyncio.run(main())
        return service

    return run


def said(number: int, asked: str = "") -> Said:
    return Said(f"r-{number}", asked or f"question {number}", f"answer {number}", "general", ("B085URPH9L",))


async def talk(sessions: Sessions, turns: int, user: str = "c-1", session: str = "s-1") -> None:
    for number in range(turns):
        await sessions.append(await sessions.open(session, user), said(number))


def test_what_was_said_is_there_again_in_its_order(play: Any):
    async def scene(sessions: Sessions, _: Service) -> None:
        assert (await sessions.open("s-1", "c-1")).kept is Kept.NEW
        await talk(sessions, 5)
        memory = await sessions.open("s-1", "c-1")
        assert [turn.asked for turn in memory.turns] == [f"question {number}" for number in range(5)]
        assert (memory.turns[0].asins, memory.kept) == (("B085URPH9L",), Kept.STORED)

    play(scene)


def test_older_turns_become_a_summary_that_stays(play: Any):
    async def scene(sessions: Sessions, _: Service) -> None:
        await talk(sessions, 8)
        memory = await sessions.open("s-1", "c-1")
        assert [turn.asked for turn in memory.turns] == ["question 5", "question 6", "question 7"]
        assert "question 0" in memory.summary
        assert "question 4" in memory.summary
        exported = await sessions.export("s-1", "c-1")
        assert exported is not None
        assert len(exported) == 8

    play(scene, turns=3)


def test_a_turn_that_is_sent_twice_is_kept_once_and_without_personal_data(play: Any):
    async def scene(sessions: Sessions, _: Service) -> None:
        memory = await sessions.open("s-1", "c-1")
        for _again in range(2):
            await sessions.append(memory, said(1, "my card is 4242"))

    service = play(scene)
    (kept,) = service.events["c-1", "s-1"]
    told = [part["conversational"] for part in kept["payload"] if "conversational" in part]
    assert told[0] == {"role": "USER", "content": {"text": "my card is [card]"}}
    assert "4242" not in json.dumps(kept)


def test_another_customers_session_does_not_exist(play: Any):
    async def scene(sessions: Sessions, _: Service) -> None:
        await talk(sessions, 2)
        assert (await sessions.export("s-1", "c-2")) is None
        assert not await sessions.delete("s-1", "c-2")
        assert len((await sessions.open("s-1", "c-1")).turns) == 2

    play(scene)


def test_a_deleted_session_is_gone(play: Any):
    async def scene(sessions: Sessions, _: Service) -> None:
        await talk(sessions, 4)
        assert await sessions.delete("s-1", "c-1")
        assert not await sessions.delete("s-1", "c-1")
        assert (await sessions.open("s-1", "c-1")).turns == ()

    service = play(scene)
    assert service.events["c-1", "s-1"] == []


def test_a_session_by_any_name_and_a_guest_are_kept_too(play: Any):
    async def scene(sessions: Sessions, _: Service) -> None:
        await talk(sessions, 1, "guest:g-1", "a name / with blanks")
        assert len((await sessions.open("a name / with blanks", "guest:g-1")).turns) == 1

    play(scene)


def test_a_service_that_is_down_costs_the_memory_and_not_the_conversation(play: Any):
    async def scene(sessions: Sessions, service: Service) -> None:
        service.down = True
        memory = await sessions.open("s-1", "c-1")
        assert memory.kept is Kept.NOTHING
        assert (await sessions.append(memory, said(1))).kept is Kept.LOCAL
        with pytest.raises(ProviderError):
            await sessions.export("s-9", "c-1")

    play(scene)
