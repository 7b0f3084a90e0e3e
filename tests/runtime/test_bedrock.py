"""The model port on the wire: a ConverseStream in its true form, and what the client does with it.

The rehearsal's stand-in tests the whole; here only what this port promises: one call without retries to the
right model, text as it comes, and a connection that is dropped with the answer and kept after it.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from contract.model_access import GuardrailUse, ModelCalls, StreamMode
from contract.models import models
from contract.outcomes import Outcome
from contract.runtime_settings import Rung
from contract.tiers import Tier
from runtime.bedrock import Bedrock
from runtime.failover import classify
from runtime.port import Event, Opened, Prompt, Ran, Spent, Stop, Text
from runtime.targets import ModelCallsError, Target, Targets, parse
from runtime.testing.ladders import alone
from tests.runtime.eventstream_helpers import encoded

SONNET = alone().ladder[0]
EXTRA = SONNET.model_copy(update={"name": "event"})
UNPUBLISHED = Targets("us-east-1")
UNITS = "arn:aws:bedrock:us-east-1:111111111111:provisioned-model/event"
BEGIN = [("messageStart", {"role": "assistant"})]
HELLO = [
    *BEGIN,
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hel"}}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "lo"}}),
    ("contentBlockStop", {"contentBlockIndex": 0}),
]
END = [
    ("messageStop", {"stopReason": "end_turn"}),
    (
        "metadata",
        {"usage": {"inputTokens": 7, "outputTokens": 2, "totalTokens": 9}, "metrics": {"latencyMs": 1}},
    ),
]


class Service:
    """Bedrock for one test: answers every call with the same events, then ends as told."""

    def __init__(self, events: Sequence[Any], ending: str = "clean", status: int = 200) -> None:
        self.events, self.ending, self.status = events, ending, status
        self.requests: list[tuple[str, Any]] = []
        self.signed: list[str] = []
        self.peers: set[Any] = set()
        self.dropped = asyncio.Event()

    async def converse(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.match_info["model"], await request.json()))
        self.signed.append(request.headers["Authorization"])
        transport = request.transport
        assert transport is not None
        self.peers.add(transport.get_extra_info("peername"))
        if self.status != 200:
            return web.json_response({"message": "no"}, status=self.status)
        response = web.StreamResponse(headers={"Content-Type": "application/vnd.amazon.eventstream"})
        await response.prepare(request)
        for name, body in self.events:
            kind = "exception" if name.endswith("Exception") else "event"
            await response.write(encoded(name, body, kind))
        if self.ending == "cut":
            transport.abort()
        if self.ending == "open":
            try:
                await asyncio.sleep(60)
            finally:
                self.dropped.set()
        return response


@asynccontextmanager
async def bedrock(
    service: Service, monkeypatch: pytest.MonkeyPatch, targets: Targets = UNPUBLISHED
) -> AsyncIterator[Bedrock]:
    app = web.Application()
    app.router.add_post("/model/{model}/converse-stream", service.converse)
    async with TestServer(app, handler_cancellation=True) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", str(server.make_url("/")))
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        async with Bedrock(alone().ladder, "us-east-1", targets) as port:
            yield port


async def collect(port: Bedrock, rung: Rung = SONNET) -> tuple[list[Event], Outcome | None]:
    """The events of one call, and the class of the error that ended it, if one did."""
    events: list[Event] = []
    try:
        async with aclosing(port.stream(rung, Prompt("Which lamp?"))) as stream:
            async for event in stream:
                events.append(event)  # noqa: PERF401 - what came before an error is wanted too
    except Exception as error:  # noqa: BLE001 - whatever it is, its class is wanted
        return events, classify.of_error(error).outcome
    return events, None


@pytest.fixture
def call(monkeypatch):
    """`call(events, ...)` -> what one call on Sonnet's rung gave, and the service that gave it."""

    def once(*args: Any, targets: Targets = UNPUBLISHED, **kwargs: Any) -> Any:
        async def main() -> Any:
            service = Service(*args, **kwargs)
            async with bedrock(service, monkeypatch, targets) as port:
                return await collect(port), service

        return asyncio.run(main())

    return once


def test_a_whole_answer_becomes_events(call):
    (events, error), _ = call(HELLO + END)
    assert events == [Opened(), Text("Hel"), Text("lo"), Stop("end_turn"), Spent(7, 2)]
    assert error is None


def test_the_request_names_the_regions_model_and_keeps_the_answer_short(call):
    _, service = call(HELLO + END)
    ((model, body),) = service.requests
    assert model == models()["sonnet"].callable_id("us-east-1")
    assert body["inferenceConfig"] == {"maxTokens": SONNET.max_tokens}
    assert body["messages"] == [{"role": "user", "content": [{"text": "Which lamp?"}]}]
    assert "concierge" in body["system"][0]["text"]
    assert "guardrailConfig" not in body


def test_tools_that_already_ran_are_told_and_not_run_again(monkeypatch):
    """A turn that starts over on this rung: what was found stands in the conversation."""

    async def main() -> Any:
        service = Service(HELLO + END)
        async with bedrock(service, monkeypatch, UNPUBLISHED) as port:
            ran = [Ran("find", {"about": "tents"}, "two tents")]
            async with aclosing(port.stream(SONNET, Prompt("Which lamp?"), ran)) as events:
                return [event async for event in events], service.requests

    events, ((_, body),) = asyncio.run(main())
    asked, used, said = body["messages"]
    assert events[-1] == Spent(7, 2)
    assert asked == {"role": "user", "content": [{"text": "Which lamp?"}]}
    tool = {"toolUseId": "recorded-0", "name": "find", "input": {"about": "tents"}}
    assert used == {"role": "assistant", "content": [{"toolUse": tool}]}
    result = {"toolUseId": "recorded-0", "content": [{"text": "two tents"}]}
    assert said == {"role": "user", "content": [{"toolResult": result}]}
    assert [tool["toolSpec"]["name"] for tool in body["toolConfig"]["tools"]] == ["find"]


def test_an_answer_that_has_begun_comes_last(monkeypatch):
    """After the tools that ran for it: the model goes on from there."""

    async def main() -> Any:
        service = Service(HELLO + END)
        async with bedrock(service, monkeypatch, UNPUBLISHED) as port:
            ran = [Ran("find", {"about": "tents"}, "two tents")]
            async with aclosing(port.stream(SONNET, Prompt("Which lamp?"), ran, "Well,")) as events:
                return [event async for event in events], service.requests

    _, ((_, body),) = asyncio.run(main())
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user", "assistant"]
    assert body["messages"][-1]["content"] == [{"text": "Well,"}]


def test_a_rung_may_ask_for_a_service_tier_and_for_low_latency(monkeypatch):
    quick = SONNET.model_copy(update={"service_tier": "priority", "latency": "optimized"})

    async def main() -> Any:
        service = Service(HELLO + END)
        async with bedrock(service, monkeypatch, UNPUBLISHED) as port:
            await collect(port, quick)
            await collect(port)
        return service.requests

    (_, asked), (_, plain) = asyncio.run(main())
    assert (asked["serviceTier"], asked["performanceConfig"]) == (
        {"type": "priority"},
        {"latency": "optimized"},
    )
    assert "serviceTier" not in plain
    assert "performanceConfig" not in plain


def test_a_rung_of_another_region_has_a_model_and_a_guardrail_of_its_own():
    """Guardrails are regional; without its own it would be called with one that is not there."""
    standby = Rung(name="standby", tier=Tier.STANDBY, model="haiku", region="us-west-2")
    here, there = (GuardrailUse(id=name, version="1", stream="sync") for name in ("here", "there"))
    names = {"sonnet": "s", "haiku": "h", "standby": "there-h"}
    own = ModelCalls(rungs=names, guardrail=here, guardrails={"standby": there})
    targets = Targets("us-east-1", lambda: own)
    assert targets.of(standby) == Target("there-h", there)
    assert targets.of(SONNET) == Target("s", here)
    unpublished = Targets("us-east-1").of(standby)
    assert unpublished.model_id == models()["haiku"].callable_id("us-west-2")
    ladder = (SONNET, standby)
    assert parse("p", own.model_dump_json(), ladder) == own
    lacking = own.model_copy(update={"guardrails": {}}).model_dump_json()
    with pytest.raises(ModelCallsError, match="no guardrail of their own region for standby"):
        parse("p", lacking, ladder)


def test_a_rung_of_another_region_is_called_there_with_what_stands_there(monkeypatch):
    """Its own client, signed for its region; its region's guardrail in its version."""
    standby = Rung(name="standby", tier=Tier.STANDBY, model="sonnet", region="us-west-2")
    here, there = (GuardrailUse(id=name, version=name[0], stream="sync") for name in ("here", "there"))
    own = ModelCalls(
        rungs={"sonnet": "s", "haiku": "h", "standby": "there-s"},
        guardrail=here,
        guardrails={"standby": there},
    )

    async def main() -> Any:
        service = Service(HELLO + END)
        async with bedrock(service, monkeypatch, Targets("us-east-1", lambda: own)) as port:
            await collect(port, SONNET)
            await collect(port, standby)
        return service

    service = asyncio.run(main())
    assert [scope.split("/")[2] for scope in service.signed] == ["us-east-1", "us-west-2"]
    assert [model for model, _ in service.requests] == ["s", "there-s"]
    used = [body["guardrailConfig"] for _, body in service.requests]
    assert [(one["guardrailIdentifier"], one["guardrailVersion"]) for one in used] == [
        ("here", "h"),
        ("there", "t"),
    ]


def published(stream: StreamMode, units: str | None = None) -> Targets:
    """What a region publishes: its own ids, its own guardrail, pinned."""
    calls = ModelCalls(
        rungs={"sonnet": "profile-of-this-region", "haiku": "another"},
        guardrail=GuardrailUse(id="gr-west", version="7", stream=stream),
    )
    return Targets("us-west-2", lambda: calls, {"event": units}.get)


@pytest.mark.parametrize("stream", ["sync", "async"])
@pytest.mark.parametrize("rung", ["sonnet", "haiku", "event"])
def test_every_call_names_the_regions_guardrail_and_its_version(monkeypatch, rung, stream):
    """On every rung, that of an event's units too (MOD-4)."""
    asked = {"sonnet": SONNET, "haiku": alone().ladder[1], "event": EXTRA}[rung]

    async def main() -> Any:
        service = Service(HELLO + END)
        async with bedrock(service, monkeypatch, published(stream, UNITS)) as port:
            await collect(port, asked)
        return service.requests

    ((model, body),) = asyncio.run(main())
    assert model == {"sonnet": "profile-of-this-region", "haiku": "another", "event": UNITS}[rung]
    assert body["guardrailConfig"] == {
        "guardrailIdentifier": "gr-west",
        "guardrailVersion": "7",
        "streamProcessingMode": stream,
    }


@pytest.mark.parametrize(
    ("targets", "reason", "checked"),
    [
        (published("sync"), "guardrail_intervened", True),
        (published("sync"), "content_filtered", False),
        (published("sync"), "end_turn", False),
        (published("async"), "guardrail_intervened", False),
        (UNPUBLISHED, "guardrail_intervened", False),
    ],
    ids=["sync", "the model's own filter", "nothing found", "async", "no guardrail"],
)
def test_text_is_checked_only_where_the_guardrail_saw_it_before_we_did(call, targets, reason, checked):
    """And only what a guardrail let through or said itself may stay where it is."""
    (events, _), _ = call([*HELLO, ("messageStop", {"stopReason": reason})], targets=targets)
    assert events[-1] == Stop(reason, checked=checked)


def test_a_stream_outlives_the_rung_it_runs_on(monkeypatch):
    """The units are withdrawn after the first text; the rest still comes, from them."""
    units = {"event": UNITS}

    async def main() -> Any:
        service = Service(HELLO + END)
        events: list[Event] = []
        targets = Targets("us-east-1", units=units.get)
        async with (
            bedrock(service, monkeypatch, targets) as port,
            aclosing(port.stream(EXTRA, Prompt("Which lamp?"))) as stream,
        ):
            async for event in stream:
                events.append(event)
                units.clear()
        return events, service.requests

    events, ((model, _),) = asyncio.run(main())
    assert model == UNITS
    assert events[-2:] == [Stop("end_turn"), Spent(7, 2)]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(429, Outcome.THROTTLED), (500, Outcome.UNAVAILABLE), (503, Outcome.UNAVAILABLE), (403, Outcome.DENIED)],
)
def test_a_refused_call_is_made_once(call, status, outcome):
    """Retries are the ladder's, where they are seen."""
    (events, error), service = call([], status=status)
    assert (events, error) == ([], outcome)
    assert len(service.requests) == 1


def test_an_error_inside_the_stream_comes_after_the_text_before_it(call):
    (events, error), _ = call([*HELLO, ("throttlingException", {"message": "slow down"})])
    assert events == [Opened(), Text("Hel"), Text("lo")]
    assert error is Outcome.THROTTLED


def test_a_connection_that_breaks_is_a_cut(call):
    (_, error), _ = call(HELLO, ending="cut")
    assert error is Outcome.CUT


def test_an_end_without_a_stop_raises_nothing(call):
    """Which is why the ladder looks for the stop."""
    (events, error), _ = call(HELLO)
    assert (events[-1], error) == (Text("lo"), None)


def test_leaving_early_ends_the_call_upstream_at_once(monkeypatch):
    async def main() -> Any:
        service = Service(HELLO, ending="open")
        async with bedrock(service, monkeypatch) as port:
            async with aclosing(port.stream(SONNET, Prompt("Which lamp?"))) as stream:
                assert await anext(stream) == Opened()
            async with asyncio.timeout(10):
                await service.dropped.wait()
        return True

    assert asyncio.run(main())


def test_after_a_whole_answer_the_connection_serves_the_next(monkeypatch):
    async def main() -> Any:
        service = Service(HELLO + END)
        async with bedrock(service, monkeypatch) as port:
            for _ in range(3):
                await collect(port)
        return service

    service = asyncio.run(main())
    assert (len(service.requests), len(service.peers)) == (3, 1)


def test_each_rung_has_connections_of_its_own(monkeypatch):
    """One model's trouble stays out of another's."""
    haiku = next(rung for rung in alone().ladder if rung.tier is Tier.T1)

    async def main() -> Any:
        service = Service(HELLO + END)
        async with bedrock(service, monkeypatch) as port:
            await collect(port, SONNET)
            await collect(port, haiku)
        return service

    assert len(asyncio.run(main()).peers) == 2
