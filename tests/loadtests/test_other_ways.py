"""The ways in that are not the chat: REST, the tools over MCP, lookups in the catalogue."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from aiohttp import web

from contract.frames import Final, encode
from contract.intents import Intent
from contract.tiers import Tier
from loadtests.client import ChatClient, UnreachableError, Who, socket_url
from loadtests.http_line import HttpLine
from loadtests.rest import TICKETS, TOKEN_HEADER, RestClient, tickets
from loadtests.tools import ToolClient, calls
from loadtests.transcript import Transcript
from tests.loadtests import chat_server_helpers
from tests.loadtests.chat_server_helpers import chat_server

Handler = Callable[[web.Request], Any]


@contextmanager
def served(path: str, handler: Handler) -> Iterator[str]:
    """The address of a server with one handler; it ends with the block."""
    app = web.Application()
    app.router.add_post(path, handler)
    with chat_server_helpers.served(app) as url:
        yield url


def soon() -> float:
    return time.monotonic() + 10


def final(request_id: str) -> str:
    return encode(
        Final(request_id=request_id, sequence_number=7, text="On its way.", tier=Tier.T1, rung="haiku")
    )


def rest(handler: Handler, who: Who, messages: int = 1) -> list[Transcript]:
    with served("/v1/{any:.*}", handler) as host:
        client = RestClient(host, who)
        found = [client.ask(f"r-{number}", "Where is it?", "s", soon()) for number in range(messages)]
        client.close()
    return found


def test_a_customer_asks_in_a_session_of_their_own():
    seen = []

    async def answer(request: web.Request) -> web.Response:
        body = await request.json()
        seen.append((request.path, request.headers.get("X-User"), body.get("session_id")))
        return web.Response(text=final(body["request_id"]), content_type="application/json")

    found = rest(answer, Who("c-1"), messages=2)
    assert [(one.problem, one.tier, one.sequence_gaps, one.characters) for one in found] == [
        (None, Tier.T1, 0, 11)
    ] * 2
    assert seen == [("/v1/chat/message", "c-1", "s")] * 2


def test_a_guest_goes_on_with_the_session_that_was_given():
    seen = []

    async def answer(request: web.Request) -> web.Response:
        body = await request.json()
        seen.append((request.path, body.get("session_id"), request.headers.get(TOKEN_HEADER)))
        told = json.loads(final(body["request_id"])) | {"session_id": "g-1"}
        return web.json_response(told, headers={TOKEN_HEADER: "t-1"})

    rest(answer, Who(), messages=2)
    assert seen == [("/v1/guest/chat/message", None, None), ("/v1/guest/chat/message", "g-1", "t-1")]


@pytest.mark.parametrize(
    ("status", "text", "problem", "code"),
    [
        (
            429,
            '{"code": "too_many_requests", "message": "Wait."}',
            "too_many_requests: Wait.",
            "too_many_requests",
        ),
        (502, "<html>", "HTTP status 502", "internal"),
        (200, "{}", "no frame: Object missing required field `type`", None),
        (200, final("another"), "a final frame of another request", None),
    ],
)
def test_what_is_no_answer_is_told(status: int, text: str, problem: str, code: str | None):
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, text=text)

    (found,) = rest(answer, Who("c-1"))
    assert (found.problem, found.code) == (problem, code)


def test_a_connection_that_was_closed_meanwhile_is_opened_again():
    async def answer(request: web.Request) -> web.Response:
        body = await request.json()
        reply = web.Response(text=final(body["request_id"]))
        reply.force_close()
        return reply

    assert [one.problem for one in rest(answer, Who("c-1"), messages=3)] == [None] * 3


def test_nobody_there_is_one_line():
    async def nothing(request: web.Request) -> web.Response:
        return web.Response()

    with served("/x", nothing) as host:
        pass
    found = RestClient(host, Who()).ask("r", "hi", None, soon())
    assert found.problem == "no answer: [Errno 111] Connection refused"
    with pytest.raises(OSError, match="refused"):
        HttpLine(host).post("/x", {}, {}, soon())


@pytest.mark.parametrize(
    ("who", "asked"),
    [
        (Who(), ("/v1/guest/ticket", None)),
        (Who("c-1", "secret"), ("/v1/ticket", "Bearer secret")),
    ],
)
def test_a_ticket_opens_a_socket_behind_the_gateway(
    who: Who, asked: tuple[str, str | None], monkeypatch: pytest.MonkeyPatch
):
    seen = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.path, request.headers.get("Authorization")))
        return web.json_response({"ticket": "abc", "expires_in_s": 60})

    with served("/v1/{any:.*}", answer) as api, chat_server(protocols=("ticket.abc",)) as host:
        monkeypatch.setenv(TICKETS, api)
        client = ChatClient(socket_url(host), who, ticket=tickets(who))
        client.open()
        assert client.web_socket is not None
        assert client.web_socket.protocol == "ticket.abc"  # what this server chose: it came along
        client.close()
    assert seen == [asked]


def test_without_a_ticket_there_is_no_socket(monkeypatch: pytest.MonkeyPatch):
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"code": "closed", "message": "Not here."}, status=503)

    with served("/v1/{any:.*}", answer) as api, chat_server() as host:
        monkeypatch.setenv(TICKETS, api)
        client = ChatClient(socket_url(host), ticket=tickets(Who()))
        with pytest.raises(UnreachableError, match="no ticket: closed: Not here"):
            client.open()


def mcp(
    tools: Mapping[str, Mapping[str, Any]], seen: list[Mapping[str, Any]], *, events: bool = False
) -> Handler:
    """A server of tools; `tools`: what each answers."""

    async def answer(request: web.Request) -> web.Response:
        asked = await request.json()
        seen.append({**asked, "session": request.headers.get("Mcp-Session-Id")})
        results: dict[str, Any] = {
            "initialize": {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {}},
            "tools/list": {"tools": [{"name": name} for name in tools]},
        }
        if "id" not in asked:
            return web.Response(status=202)
        name = asked["params"].get("name", "")
        result = tools.get(name, {}) if asked["method"] == "tools/call" else results[asked["method"]]
        text = json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result})
        if events:
            return web.Response(text=f"event: message\ndata: {text}\n\n", content_type="text/event-stream")
        return web.Response(text=text, content_type="application/json", headers={"Mcp-Session-Id": "mcp-1"})

    return answer


ORDER = {"content": [{"type": "text", "text": "shipped"}]}
SLOTS = {"asin": "B01", "order": "ORD-1", "text": "Where is it?"}


@pytest.mark.parametrize("events", [False, True])
def test_a_tool_is_called_as_the_protocol_says(events: bool):
    seen: list[Mapping[str, Any]] = []
    with served("/mcp", mcp({"get_order": ORDER}, seen, events=events)) as host:
        client = ToolClient(host, Who("c-1"))
        found = [client.call(f"r-{n}", Intent.ORDER_STATUS, SLOTS, soon()) for n in range(2)]
        client.close()
    assert [(one.problem, one.finals, one.characters) for one in found] == [(None, 1, 7)] * 2
    methods = ["initialize", "notifications/initialized", "tools/list", "tools/call", "tools/call"]
    assert [asked["method"] for asked in seen] == methods
    assert seen[-1]["params"] == {"name": "get_order", "arguments": {"order_id": "ORD-1"}}
    assert seen[-1]["session"] == (None if events else "mcp-1")


@pytest.mark.parametrize(
    ("tools", "problem"),
    [
        ({}, "there is no tool 'get_order'"),
        ({"get_order": {"isError": True, **ORDER}}, "tool get_order failed: shipped"),
        ({"get_order": {}}, "tool get_order answered without content"),
    ],
)
def test_a_tool_that_does_not_answer_is_told(tools: Mapping[str, Any], problem: str):
    with served("/mcp", mcp(tools, [])) as host:
        client = ToolClient(host, Who())
        found = client.call("r", Intent.ORDER_STATUS, SLOTS, soon())
        client.close()
    assert found.problem == problem


def test_there_is_a_tool_for_everything_somebody_may_want():
    assert set(calls()) == set(Intent)
