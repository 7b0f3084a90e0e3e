"""Traces (RUN-18): one a message, through every hop, cheap when nobody looks, without anybody's text."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import StatusCode

from runtime import aws
from runtime.measures import Measures
from runtime.telemetry import Telemetry, request
from runtime.testing import loop
from runtime.testing.desk import wall
from runtime.tracing import Hop, Stages, headers, incoming, outgoing, recorder, send_along, times
from runtime.tracing.otlp import Recorder

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
FROM_CLIENT = {"Traceparent": f"00-{TRACE}-{SPAN}-01"}
ids = st.integers(1, 2**64 - 1)


class Kept(SpanExporter):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Any) -> SpanExportResult:
        self.spans += spans
        return SpanExportResult.SUCCESS


class Broken(SpanExporter):
    def export(self, _: Any) -> SpanExportResult:
        raise ConnectionError("no collector")


def traced(scene: Any, ratio: float = 1.0, chance: float = 0.5) -> tuple[Any, dict[str, Any], list[Any]]:
    """The scene's result, the spans by name, and the metric lines; in virtual time."""
    exporter, lines = Kept(), []

    async def main() -> Any:
        telemetry = Telemetry("test", wall, lambda line: lines.append(json.loads(line)))
        to = Recorder("test", exporter)
        now = asyncio.get_running_loop().time
        result = await scene(Stages(Measures(telemetry), now, to, ratio, lambda: chance))
        telemetry.flush()
        to._provider.force_flush()  # closing waits for a thread, which has no virtual time
        return result

    result = loop.run(main())
    return result, {span.name: span for span in exporter.spans}, lines


async def one_message(stages: Stages) -> dict[str, str]:
    with stages.message("r1", FROM_CLIENT) as message:
        with stages.stage("retrieval"):
            with stages.stage("embed") as embed:
                embed.note(provider="embedder", count=3)
                await asyncio.sleep(0.03)
                sent = headers()
            await asyncio.sleep(0.04)
        message.note(tier="T0")
    return sent


def test_one_trace_a_message_that_goes_on_where_the_client_began_it():
    sent, spans, _ = traced(one_message)
    assert {f"{span.context.trace_id:032x}" for span in spans.values()} == {TRACE}
    assert f"{spans['message'].parent.span_id:016x}" == SPAN
    assert spans["retrieval"].parent.span_id == spans["message"].context.span_id
    assert spans["embed"].parent.span_id == spans["retrieval"].context.span_id
    assert dict(spans["embed"].attributes) == {"provider": "embedder", "count": 3}
    assert dict(spans["message"].attributes) == {"request_id": "r1", "tier": "T0"}
    assert incoming(sent) == Hop(int(TRACE, 16), spans["embed"].context.span_id, sampled=True)
    assert sent["x-request-id"] == "r1"


@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_every_stage_is_a_metric_whether_it_is_traced_or_not(ratio):
    async def scene(stages) -> Any:
        with stages.message("r1"):
            for _ in range(2):
                with stages.stage("intent"):
                    await asyncio.sleep(0.005)
            return times()

    told, spans, lines = traced(scene, ratio)
    assert [(line["Stage"], line["StageMs"]) for line in lines] == [("intent", [5.0, 5.0])]
    assert told == {"intent": 10.0}
    assert bool(spans) == bool(ratio)


@pytest.mark.parametrize(("chance", "spans"), [(0.04, {"message", "retrieval", "embed"}), (0.06, set())])
def test_a_share_of_the_messages_is_traced(chance, spans):
    async def scene(stages) -> Any:
        with stages.message("r1"), stages.stage("retrieval"), stages.stage("embed"):
            return headers()

    _, found, _ = traced(scene, 0.05, chance)
    assert found.keys() == spans


@pytest.mark.parametrize(("flags", "recorded"), [("01", True), ("00", False)])
def test_a_caller_that_has_decided_is_followed(flags, recorded):
    async def scene(stages) -> Any:
        with stages.message("r1", {"traceparent": f"00-{TRACE}-{SPAN}-{flags}"}):
            return headers()

    sent, spans, _ = traced(scene, ratio=0.5)
    assert bool(spans) == recorded
    assert sent["traceparent"].startswith(f"00-{TRACE}-")
    assert sent["traceparent"].endswith(flags)


def test_messages_side_by_side_do_not_get_into_each_others_trace():
    async def scene(stages) -> Any:
        async def one(number: int) -> tuple[str, str]:
            with stages.message(f"r{number}"):
                with stages.stage("retrieval"):
                    before = headers()
                    await asyncio.sleep(0.01 * (number % 3))
                    after = await asyncio.create_task(asyncio.sleep(0, headers()))
                assert before == after
                return after["x-request-id"], after["traceparent"].split("-")[1]

        return await asyncio.gather(*(one(number) for number in range(20)))

    pairs, _, _ = traced(scene)
    assert [id_ for id_, _ in pairs] == [f"r{number}" for number in range(20)]
    assert len({trace for _, trace in pairs}) == 20


def test_an_error_is_told_by_its_kind_and_never_by_its_text():
    async def scene(stages) -> None:
        with stages.message("r1"), stages.stage("embed"):
            raise ValueError("jane@example.com")

    with pytest.raises(ValueError, match="jane"):
        traced(scene)

    async def caught(stages) -> None:
        with pytest.raises(ValueError, match="jane"):
            await scene(stages)

    _, spans, _ = traced(caught)
    assert spans["embed"].status.status_code is StatusCode.ERROR
    assert spans["embed"].status.description == "ValueError"
    assert "jane" not in "".join(span.to_json() for span in spans.values())


def test_who_was_cancelled_did_not_fail():
    async def scene(stages) -> None:
        async def one() -> None:
            with stages.message("r1"), stages.stage("embed"):
                await asyncio.sleep(60)

        task = asyncio.create_task(one())
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    _, spans, _ = traced(scene)
    assert spans["embed"].status.status_code is StatusCode.UNSET


@pytest.mark.parametrize(
    "text", ["where is my order", "jane@example.com", "4111111111111111", "a" * 65, "A123456"]
)
def test_text_and_numbers_of_people_do_not_get_into_a_span(text):
    async def scene(stages) -> None:
        with stages.message("r1"), stages.stage("tools") as stage:
            stage.note(tool=text)

    _, spans, _ = traced(scene)
    assert spans["tools"].attributes["tool"] == "(text)"


def test_a_note_nobody_knows_is_found_even_when_nothing_is_traced():
    async def scene(stages) -> None:
        with stages.message("r1"), stages.stage("tools") as stage:
            stage.note(question="hello")

    with pytest.raises(ValueError, match="'question' is no note"):
        traced(scene, ratio=0.0)


@given(trace=st.integers(1, 2**128 - 1), span=ids, sampled=st.booleans())
def test_what_goes_out_comes_in_again(trace, span, sampled):
    hop = Hop(trace, span, sampled)
    out = outgoing(hop)
    assert incoming({"traceparent": out["traceparent"]}) == hop
    assert incoming({"X-Amzn-Trace-Id": out["x-amzn-trace-id"]}) == hop


@given(text=st.text(max_size=80))
def test_a_header_that_names_no_trace_is_none(text):
    assert incoming({"traceparent": text, "x-amzn-trace-id": text}) is None


@pytest.mark.parametrize(
    "header",
    [f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01", f"ff-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}"],
)
def test_broken_parents_are_none(header):
    assert incoming({"traceparent": header}) is None


def test_an_entry_point_that_sends_a_root_alone_leaves_the_choice_to_us():
    hop = incoming({"X-Amzn-Trace-Id": f"Root=1-{TRACE[:8]}-{TRACE[8:]}"})
    assert hop is not None
    assert (f"{hop.trace_id:032x}", hop.sampled) == (TRACE, None)


def test_calls_to_aws_carry_the_trace():
    handlers: dict[str, Any] = {}
    client = SimpleNamespace(meta=SimpleNamespace(events=SimpleNamespace(register=handlers.__setitem__)))
    send_along(client)

    async def scene(stages) -> Any:
        with stages.message("r1", FROM_CLIENT):
            handlers["before-call"](params=(params := {"headers": {"Accept": "x"}}), model=None)
            return params["headers"]

    sent, _, _ = traced(scene)
    assert sent["Accept"] == "x"
    assert sent["x-amzn-trace-id"].startswith(f"Root=1-{TRACE[:8]}-{TRACE[8:]};Parent=")


def test_a_request_id_cannot_become_a_second_header():
    async def scene(stages) -> Any:
        with stages.message("r1\r\nX-Evil: yes"):
            return headers()["x-request-id"]

    assert "\r" not in traced(scene)[0]
    assert "\n" not in traced(scene)[0]


def test_a_collector_that_is_away_hurts_no_message():
    async def main() -> str:
        to = Recorder("test", Broken())
        measures = Measures(Telemetry("test", wall, lambda _: None))
        stages = Stages(measures, asyncio.get_running_loop().time, to, 1.0)
        for number in range(5_000):  # more than its queue holds
            with stages.message(f"r{number}"), stages.stage("embed"):
                pass
        await to.close(5.0)
        return "answered"

    assert asyncio.run(main()) == "answered"


def test_without_a_collector_nothing_of_it_is_loaded():
    program = (
        "import sys, runtime.tracing as t; r = t.recorder('x', {});"
        "sys.exit(r is not None or any(m.startswith('opentelemetry') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_outside_of_a_message_there_is_nothing_to_send():
    assert headers() == {}
    assert times() == {}
    assert recorder("test", {"OTEL_EXPORTER_OTLP_ENDPOINT": ""}) is None


def test_every_call_to_aws_carries_the_message_it_is_for():
    """Of any service: what a client sends is looked at where it arrives."""
    sent: list[Mapping[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        sent.append({name.lower(): value for name, value in request.headers.items()})
        return web.json_response({"Parameter": {"Name": "/x", "Value": "1"}})

    async def scene() -> None:
        app = web.Application()
        app.router.add_post("/", answer)
        async with TestServer(app) as server:
            with pytest.MonkeyPatch.context() as patched:
                patched.setenv("AWS_ENDPOINT_URL_SSM", str(server.make_url("/")))
                patched.setenv("AWS_ACCESS_KEY_ID", "x")
                patched.setenv("AWS_SECRET_ACCESS_KEY", "x")
                async with aws.client("ssm", "us-east-1") as client:
                    with request("r-77"):
                        await client.get_parameter(Name="/x")
                    await client.get_parameter(Name="/x")

    asyncio.run(scene())
    assert [headers.get("x-request-id") for headers in sent] == ["r-77", None]
