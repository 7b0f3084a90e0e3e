"""Doors that are no socket: REST, tokens, tickets, feedback, API Gateway's callbacks (NET-4, RUN-17)."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import rsa

from components.functions.door import TicketTable
from contract.controls import Control, Controls
from contract.frames import Ask, decode_answer, decode_server, encode
from runtime.reply import GoneError
from runtime.surfaces.gateway import Gateway
from runtime.surfaces.identity import Issuer
from runtime.surfaces.rest import TOKEN_HEADER
from tests.runtime.house_helpers import CUSTOMER, OTHER, Agent, House

CAMERA = "Which camera do you recommend for travel?"
ISSUER = Issuer("https://issuer.example/pool", "https://issuer.example/keys", frozenset({"web"}))
KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
STRANGER = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def token(key: Any = KEY, kid: str = "k1", **changes: Any) -> dict[str, str]:
    """The header of somebody signed in."""
    claims = {
        "iss": ISSUER.issuer,
        "sub": CUSTOMER,
        "aud": "web",
        "exp": datetime.now(UTC) + timedelta(minutes=5),
        **changes,
    }
    signed = jwt.encode({k: v for k, v in claims.items() if v is not None}, key, "RS256", {"kid": kid})
    return {"Authorization": f"Bearer {signed}"}


async def keys(_: str) -> Mapping[str, Any]:
    """What the issuer publishes."""
    known = jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
    return {"keys": [{**known, "kid": "k1", "use": "sig", "alg": "RS256"}]}


async def post(
    agent: Agent, path: str, body: Any, headers: Mapping[str, str] | None = None
) -> tuple[int, Any, Mapping[str, str]]:
    data = body if isinstance(body, str) else json.dumps(body)
    async with agent.http.post(f"{agent.url}{path}", data=data, headers=headers) as answer:
        text = await answer.text()
        return answer.status, json.loads(text) if text else None, answer.headers


def asked(text: str = "Hello", request_id: str = "r1", **more: Any) -> dict[str, Any]:
    return {"request_id": request_id, "text": text, **more}


ME = {"X-User": CUSTOMER}


# --- Messages --------------------------------------------------------------------------------------------


def test_a_message_over_rest_gets_its_final_frame(house: House):
    status, said, _ = house.play(lambda agent: post(agent, "/v1/chat/message", asked(CAMERA), ME))
    assert status == 200
    assert said["type"] == "final"
    assert said["session_id"]
    assert said["cards"]


def test_who_accepts_events_gets_every_frame(house: House, shown: Any):
    async def scene(agent: Agent) -> str:
        headers = {**ME, "Accept": "text/event-stream"}
        async with agent.http.post(
            f"{agent.url}/v1/chat/message", json=asked(CAMERA), headers=headers
        ) as answer:
            assert answer.content_type == "text/event-stream"
            return await answer.text()

    events = house.play(scene).split("\n\n")
    frames = [decode_answer(event.removeprefix("data: ")) for event in events if event]
    assert shown(frames) == frames[-1].model_dump()["text"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("no json", "JSON"),
        ("[]", "an object"),
        ({"text": "Hello"}, "request_id"),
        (asked("x" * 5_000), "text"),
        ({"type": "resend", "request_id": "r1"}, "type"),
        (asked(surprise=1), "surprise"),
    ],
)
def test_what_is_wrong_with_a_message_is_said_in_one_line(house: House, body: Any, why: str):
    status, said, _ = house.play(lambda agent: post(agent, "/v1/chat/message", body, ME))
    assert (status, said["code"]) == (400, "bad_request")
    assert why in said["message"]
    assert "\n" not in said["message"]


def test_a_guest_goes_on_with_the_token_that_came_with_the_answer(house: House):
    async def scene(agent: Agent) -> Any:
        path = "/v1/guest/chat/message"
        _, first, headers = await post(agent, path, asked(CAMERA))
        again = asked("Thanks", "r2", session_id=first["session_id"])
        without = await post(agent, path, again)
        held = await post(agent, path, again, {TOKEN_HEADER: headers[TOKEN_HEADER]})
        return without[:2], held[:2]

    (refused, why), (status, said) = house.play(scene)
    assert (refused, why["code"]) == (400, "bad_request")
    assert (status, said["type"]) == (200, "final")


# --- Who asks --------------------------------------------------------------------------------------------


def test_a_good_token_is_its_customers(house: House):
    async def scene(agent: Agent) -> Any:
        return await post(agent, "/v1/chat/message", asked("Where is my order?"), token())

    status, said, _ = house.play(scene, issuer=ISSUER, keys=keys)
    assert status == 200
    assert said["actions"][0]["kind"] == "show_order"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-User": CUSTOMER},  # without an issuer only
        {"Authorization": "Bearer nonsense"},
        token(key=STRANGER),
        token(kid="k2"),
        token(iss="https://somebody.else"),
        token(aud="another-client"),
        token(exp=datetime.now(UTC) - timedelta(minutes=5)),
        token(exp=None),
        token(sub=None),
        {"Authorization": "Bearer " + jwt.encode({"sub": CUSTOMER}, "", "none")},
    ],
    ids=[
        "none",
        "header",
        "nonsense",
        "forged",
        "key",
        "issuer",
        "client",
        "old",
        "endless",
        "nobody",
        "none",
    ],
)
def test_no_other_is(house: House, headers: dict[str, str]):
    async def scene(agent: Agent) -> Any:
        return await post(agent, "/v1/chat/message", asked(), headers)

    status, said, _ = house.play(scene, issuer=ISSUER, keys=keys)
    assert (status, said["code"]) == (401, "denied")


def test_a_socket_wants_a_good_token_or_none(house: House):
    async def scene(agent: Agent) -> Any:
        async with agent.http.get(f"{agent.url}/ws", headers={"Authorization": "Bearer x"}) as answer:
            denied = answer.status
        async with agent.http.ws_connect(f"{agent.url}/ws", headers=token()) as ws:
            await ws.send_str(encode(Ask(request_id="r1", text="Where is my order?")))
            frame: Any = None
            while frame is None or frame.type != "final":
                frame = decode_server(await ws.receive_str(timeout=60))
            return denied, frame

    denied, final = house.play(scene, issuer=ISSUER, keys=keys)
    assert denied == 401
    assert final.actions[0].kind == "show_order"


# --- Sessions --------------------------------------------------------------------------------------------


def test_a_session_is_shown_exported_and_deleted_for_its_owner_alone(house: House):
    async def scene(agent: Agent) -> Any:
        _, said, _ = await post(agent, "/v1/chat/message", asked("call me at +1 555 010 9999"), ME)
        await agent.server.settle(20)
        place = f"{agent.url}/v1/sessions/{said['session_id']}"

        async def see(method: str, person: str, query: str = "") -> tuple[int, Any]:
            async with agent.http.request(method, place + query, headers={"X-User": person}) as answer:
                text = await answer.text()
                return answer.status, json.loads(text) if text else None

        return [
            await see("GET", CUSTOMER),
            await see("GET", CUSTOMER, "?all=1"),
            await see("GET", OTHER),
            await see("DELETE", OTHER),
            await see("DELETE", CUSTOMER),
            await see("GET", CUSTOMER),
        ]

    shown, export, other, not_theirs, gone, afterwards = house.play(scene)
    assert shown[1]["turns"][0]["request_id"] == "r1"
    assert export[1]["turns"][0]["asked"] == "call me at [phone]"
    assert [one[0] for one in (shown, export, other, not_theirs, gone, afterwards)] == [
        200,
        200,
        404,
        404,
        204,
        404,
    ]


def test_without_their_store_sessions_are_said_to_be_out_of_reach(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")

    async def scene(agent: Agent) -> Any:
        async with agent.http.delete(f"{agent.url}/v1/sessions/s1", headers=ME) as answer:
            return answer.status, await answer.json()

    status, said = house.play(scene)
    assert (status, said["code"]) == (503, "closed")
    assert said["retry_after_s"] > 0


# --- Tickets and feedback --------------------------------------------------------------------------------


def test_a_ticket_opens_the_door_once_for_who_asked_for_it(house: House):
    async def scene(agent: Agent) -> Any:
        return [await post(agent, path, {}, ME) for path in ("/v1/ticket", "/v1/guest/ticket")]

    import hashlib

    import boto3

    (status, mine, _), (_, guests, _) = house.play(scene)
    table = TicketTable(
        boto3.client("dynamodb", endpoint_url=house.aws.urls["aws"], region_name="us-east-1"), "tickets"
    )
    now = int(datetime.now(UTC).timestamp())
    taken = [
        table.take(hashlib.sha256(one["ticket"].encode()).hexdigest(), now) for one in (mine, guests, mine)
    ]
    assert status == 200
    assert 0 < mine["expires_in_s"] <= 60
    assert taken[0] == {"user": CUSTOMER, "kind": "user"}
    assert taken[1] is not None
    assert taken[1]["kind"] == "guest"
    assert taken[2] is None


@pytest.mark.parametrize(("turned", "offered"), [(None, True), (True, True), (False, False)])
def test_the_page_is_told_whether_to_offer_the_chat_and_who_opens_it_gets_a_ticket(
    house: House, turned: bool | None, offered: bool
):
    async def scene(agent: Agent) -> Any:
        if turned is not None:
            until = datetime.now(UTC) + timedelta(hours=1)
            widget = Control[bool](value=turned, who="on-call", why="too many sockets", expires_at=until)
            agent.controls = Controls(widget=widget)
        return await post(agent, "/v1/guest/ticket", {}, {})

    status, said, _ = house.play(scene)
    assert (status, said["offered"]) == (200, offered)
    assert said["ticket"]


def test_feedback_is_kept_for_an_answer_of_ones_own(house: House):
    async def scene(agent: Agent) -> Any:
        _, said, _ = await post(agent, "/v1/chat/message", asked(), ME)
        await agent.server.settle(20)
        verdict = {"session_id": said["session_id"], "request_id": "r1", "rating": 5, "comment": "good"}
        return [
            (await post(agent, "/v1/feedback", verdict, ME))[0],
            (await post(agent, "/v1/feedback", verdict, {"X-User": OTHER}))[0],
            (await post(agent, "/v1/feedback", {**verdict, "request_id": "r9"}, ME))[0],
            (await post(agent, "/v1/feedback", {**verdict, "rating": 6}, ME))[0],
        ]

    assert house.play(scene) == [204, 404, 404, 400]


def test_where_there_is_no_table_it_is_said(house: House):
    async def scene(agent: Agent) -> Any:
        return await post(agent, "/v1/ticket", {}, ME)

    status, said, _ = house.play(scene, without=("tickets_table",))
    assert (status, said["code"]) == (503, "closed")


# --- API Gateway -----------------------------------------------------------------------------------------


class ManagementApi:
    """`POST @connections/{id}` as API Gateway has it: keeps what it is given, and knows who has gone."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []
        self.gone: set[str] = set()
        self.throttles = 0

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/ws/@connections/{id}", self._post)
        return app

    async def _post(self, request: web.Request) -> web.Response:
        if self.throttles:
            self.throttles -= 1
            return web.Response(status=429)
        if request.match_info["id"] in self.gone:
            return web.Response(status=410)
        self.sent.append((request.match_info["id"], decode_server(await request.text())))
        return web.Response()


def gateway(connection: str, kind: str = "user") -> dict[str, str]:
    """What the integration sets."""
    return {
        "X-Connection-Id": connection,
        "X-User": CUSTOMER,
        "X-User-Kind": kind,
        "X-Protocol-Version": "3",
    }


def over_the_gateway(house: House, scene: Any) -> Any:
    """`scene(agent, api)` with an agent that answers over a management API."""

    async def main() -> Any:
        api = ManagementApi()
        async with TestServer(api.app()) as server, aiohttp.ClientSession() as session:
            holder: list[Gateway] = []

            async def send(name: str, text: str) -> None:
                await holder[0].post(name, text)

            from tests.runtime.house_helpers import agent

            async with agent(house, post=send) as one:
                holder.append(Gateway(session, str(server.make_url("/ws")), None, one.telemetry))
                return await scene(one, api)

    return asyncio.run(main())


async def ended(api: ManagementApi) -> Any:
    async with asyncio.timeout(60):
        while not any(frame.type in {"final", "error"} for _, frame in api.sent):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def test_a_message_is_acknowledged_at_once_and_answered_by_callback(house: House, shown: Any):
    async def scene(agent: Agent, api: ManagementApi) -> Any:
        api.throttles = 1
        status, _, _ = await post(agent, "/ws/message", {"type": "message", **asked(CAMERA)}, gateway("c1"))
        await ended(api)
        return status, api.sent

    status, sent = over_the_gateway(house, scene)
    assert status == 200
    assert {name for name, _ in sent} == {"c1"}
    frames = [frame for _, frame in sent]
    assert shown(frames) == frames[-1].text


def test_a_connection_that_is_gone_stops_the_generation(house: House):
    async def scene(agent: Agent, api: ManagementApi) -> Any:
        api.gone.add("c1")
        await post(agent, "/ws/message", {"type": "message", **asked(CAMERA)}, gateway("c1"))
        await until_quiet(agent)
        return [line["message"] for line in agent.lines if "gone" in line.get("message", "")], api.sent

    said, sent = over_the_gateway(house, scene)
    assert len(said) == 1
    assert sent == []


async def until_quiet(agent: Agent) -> None:
    async with asyncio.timeout(20):
        while not any("gone" in line.get("message", "") for line in agent.lines):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def test_a_disconnect_stops_it_too(house: House):
    async def scene(agent: Agent, api: ManagementApi) -> Any:
        with house.broken("bedrock", "hang"):
            question = "Tell me about the weather in the shop in great detail"
            await post(agent, "/ws/message", {"type": "message", **asked(question)}, gateway("c1"))
            async with asyncio.timeout(20):
                while not agent.opened.shedding.running:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            await post(agent, "/ws/disconnect", {}, gateway("c1"))
            await until_quiet(agent)
        return [frame.type for _, frame in api.sent]

    assert "final" not in over_the_gateway(house, scene)


def test_a_message_the_gateway_did_not_send_is_refused(house: House):
    async def scene(agent: Agent, _: ManagementApi) -> int:
        return (await _status(agent, "/ws/message"))[0]

    assert over_the_gateway(house, scene) == 400


async def _status(agent: Agent, path: str) -> tuple[int, str]:
    async with agent.http.post(f"{agent.url}{path}", data="{}") as answer:
        return answer.status, await answer.text()


def test_nobody_there_is_the_same_whatever_the_status(house: House):
    async def scene(agent: Agent) -> None:
        async with aiohttp.ClientSession() as session:
            await Gateway(session, "http://127.0.0.1:9/ws", None, agent.telemetry).post("c1", "{}")

    with pytest.raises(GoneError):
        house.play(scene)


# --- Health ----------------------------------------------------------------------------------------------


def test_it_is_ready_until_it_drains(house: House):
    async def scene(agent: Agent) -> Any:
        async def see(path: str) -> tuple[int, Any]:
            async with agent.http.get(f"{agent.url}{path}") as answer:
                return answer.status, (await answer.json())["status"]

        before = [await see("/health/live"), await see("/health/ready")]
        await agent.server.drain(1)
        return before, [await see("/health/live"), await see("/health/ready")]

    before, after = house.play(scene)
    assert before == [(200, "live"), (200, "ready")]
    assert after == [(200, "live"), (503, "draining")]
