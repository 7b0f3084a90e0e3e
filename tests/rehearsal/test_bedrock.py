"""The Bedrock stand-in, seen through the clients that will call it: botocore's, and aiobotocore's."""

import asyncio
import json
import statistics
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import aiobotocore.session
import botocore.session
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.eventstream import EventStreamBuffer
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from contract.faults import ActiveFault, Fault, FaultKind
from contract.models import models
from rehearsal.bedrock import answers, pace, requests
from rehearsal.bedrock.refusals import RefusedError
from rehearsal.bedrock.server import Bedrock, serving
from rehearsal.faults import FaultError, Faults
from rehearsal.processes import Processes
from tests.rehearsal.serving_helpers import CALLER, client_of, http, in_thread

SONNET = models()["sonnet"].callable_id("us-east-1")
HAIKU = models()["haiku"].callable_id("us-east-1")
QUESTION = "Which noise cancelling headphones are good for travel?"
ASK: list[dict[str, Any]] = [{"role": "user", "content": [{"text": QUESTION}]}]


def standing_in(bedrock: Bedrock) -> AbstractContextManager[str]:
    """Its URL, as long as the block lasts."""
    return in_thread(lambda: serving(bedrock))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A stand-in whose waits are thirty times shorter; a test that injects faults clears them."""
    with standing_in(Bedrock(seed=7, speed=30)) as url:
        yield url


@pytest.fixture
def client(url: str) -> Iterator[Any]:
    with client_of("bedrock-runtime", url) as client:
        yield client
    http("DELETE", f"{url}/_concierge/faults")


def throttle(rate: float, **match: str) -> dict[str, Any]:
    return {"target": "bedrock", "kind": "throttle", "rate": rate, "match": match, "lease_s": 60}


def text_of(events: list[dict[str, Any]]) -> str:
    return "".join(e["contentBlockDelta"]["delta"]["text"] for e in events if "contentBlockDelta" in e)


def refused(client: Any, model_id: str = HAIKU) -> bool:
    """Whether a call is throttled; an accepted one is not read to its end."""
    try:
        client.converse_stream(modelId=model_id, messages=ASK)["stream"].close()
    except client.exceptions.ThrottlingException:
        return True
    return False


# --- Answers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model_id",
    [
        *(model.id for model in models().values() if not model.profile),
        *sorted({profile for model in models().values() for profile in model.profile.values()}),
        f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{SONNET}",
    ],
)
def test_every_id_of_every_model_answers_in_bedrocks_order(client: Any, model_id: str) -> None:
    response = client.converse_stream(modelId=model_id, messages=ASK)
    events = list(response["stream"])

    kinds = [next(iter(event)) for event in events]
    deltas = kinds.count("contentBlockDelta")
    assert kinds == [
        "messageStart",
        *["contentBlockDelta"] * deltas,
        "contentBlockStop",
        "messageStop",
        "metadata",
    ]
    assert 20 <= deltas <= 60
    assert "noise cancelling headphones" in text_of(events)
    assert (
        response["ResponseMetadata"]["RequestId"]
        == response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]
    )


def test_aiobotocore_reads_many_answers_at_once(url: str) -> None:
    async def ask(client: Any, number: int) -> str:
        question = [{"role": "user", "content": [{"text": f"tripod{number}"}]}]
        response = await client.converse_stream(modelId=SONNET, messages=question)
        return text_of([event async for event in response["stream"]])

    async def ask_all() -> list[str]:
        session = aiobotocore.session.get_session()
        async with session.create_client("bedrock-runtime", endpoint_url=url, **CALLER) as client:
            return await asyncio.gather(*(ask(client, number) for number in range(10)))

    for number, text in enumerate(asyncio.run(ask_all())):
        assert f"tripod{number} " in text or f"tripod{number}," in text


def test_every_event_has_the_shape_of_botocores_model(url: str) -> None:
    """Byte for byte from the wire, because a client drops what it does not know."""
    request = urllib.request.Request(
        f"{url}/model/{HAIKU.replace(':', '%3A')}/converse-stream",
        json.dumps({"messages": ASK}).encode(),
        {"Authorization": "signed"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        assert response.headers["Content-Type"] == "application/vnd.amazon.eventstream"
        wire = EventStreamBuffer()
        wire.add_data(response.read())

    service: Any = botocore.session.get_session().get_service_model("bedrock-runtime")
    stream = service.operation_model("ConverseStream").output_shape.members["stream"]
    messages: list[Any] = list(wire)
    assert messages
    for message in messages:
        event = json.loads(message.payload)
        del event["p"]  # Bedrock's padding, which its model does not mention
        assert_shaped(event, stream.members[message.headers[":event-type"]])


def assert_shaped(value: Any, shape: Any) -> None:
    match shape.type_name:
        case "structure":
            assert value.keys() >= set(shape.required_members), shape.name
            assert value.keys() <= shape.members.keys(), shape.name
            for name, item in value.items():
                assert_shaped(item, shape.members[name])
        case "string":
            assert isinstance(value, str)
            assert value in (shape.enum or [value])
        case "integer" | "long":
            assert type(value) is int
            assert value >= 0
        case other:
            pytest.fail(f"{shape.name} is a {other}: teach this test to check it")


def test_usage_counts_the_text_that_was_sent(client: Any) -> None:
    system = [{"text": "You sell headphones."}]
    events = list(client.converse_stream(modelId=HAIKU, messages=ASK, system=system)["stream"])

    metadata = events[-1]["metadata"]
    assert metadata["usage"] == {
        "inputTokens": answers.tokens(f"{system[0]['text']} {QUESTION}"),
        "outputTokens": answers.tokens(text_of(events)),
        "totalTokens": metadata["usage"]["inputTokens"] + metadata["usage"]["outputTokens"],
    }
    assert metadata["metrics"]["latencyMs"] > 0
    assert events[-2]["messageStop"]["stopReason"] == "end_turn"


def test_max_tokens_ends_the_answer(client: Any) -> None:
    limit = {"maxTokens": 11}
    events = list(client.converse_stream(modelId=HAIKU, messages=ASK, inferenceConfig=limit)["stream"])

    assert events[-1]["metadata"]["usage"]["outputTokens"] == 11
    assert events[-2]["messageStop"]["stopReason"] == "max_tokens"


def test_one_seed_gives_one_answer() -> None:
    def first_answer(seed: int) -> str:
        with standing_in(Bedrock(seed=seed, speed=30)) as url, client_of("bedrock-runtime", url) as client:
            return text_of(list(client.converse_stream(modelId=HAIKU, messages=ASK)["stream"]))

    assert first_answer(7) == first_answer(7)
    assert first_answer(7) != first_answer(8)


@given(st.text(), st.integers(0, 1_000))
def test_any_prompt_gets_20_to_60_chunks(prompt: str, seed: int) -> None:
    answer = answers.compose(Random(seed), prompt, max_tokens=None)

    assert 20 <= len(answer.chunks) <= 60
    assert all(answer.chunks)
    assert "{" not in answer.text


# --- Time ---------------------------------------------------------------------------------------------


def test_a_client_reads_text_while_the_answer_is_made_and_leaving_ends_it() -> None:
    """At full length, so that seconds of generation remain when the first text is here."""
    with standing_in(Bedrock(speed=1)) as url, client_of("bedrock-runtime", url) as client:
        stream = client.converse_stream(modelId=SONNET, messages=ASK)["stream"]
        next(event for event in stream if "contentBlockDelta" in event)
        calls = f"{url}/_concierge/calls"

        assert http("GET", calls)[1]["sonnet"] == {
            "open": 1, "answered": 0, "abandoned": 0, "broken": 0, "throttled": 0, "refused": 0
        }  # fmt: skip
        stream.close()

        until(lambda: http("GET", calls)[1]["sonnet"]["abandoned"] == 1)
        assert http("GET", calls)[1]["sonnet"]["open"] == 0
        assert http("GET", calls)[1]["sonnet"]["answered"] == 0


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in 20 s"
        time.sleep(0.01)


@pytest.mark.parametrize(("model", "first_token_s", "total_s"), [("sonnet", 0.6, 3.5), ("haiku", 0.25, 1.2)])
def test_half_of_the_answers_are_faster_than_the_median(
    model: str, first_token_s: float, total_s: float
) -> None:
    paces = [pace.pace(Random(seed), model, chunks=40) for seed in range(2_000)]

    assert statistics.median(p.chunks_s[0] for p in paces) == pytest.approx(first_token_s, rel=0.03)
    assert statistics.median(p.chunks_s[-1] for p in paces) == pytest.approx(total_s, rel=0.03)


@given(st.integers(0, 10_000), st.integers(1, 60))
def test_chunks_come_one_after_another(seed: int, chunks: int) -> None:
    drawn = pace.pace(Random(seed), "haiku", chunks)

    assert len(drawn.chunks_s) == chunks
    assert 0 < drawn.opens_s < drawn.chunks_s[0]
    assert list(drawn.chunks_s) == sorted(drawn.chunks_s)


# --- Refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefill", [True, False])
def test_an_answer_that_has_begun_is_gone_on_from_where_the_model_can(prefill: bool) -> None:
    begun = [*ASK, {"role": "assistant", "content": [{"text": "Well,"}]}]
    body = json.dumps({"messages": begun}).encode()
    if prefill:
        assert requests.conversation(body, prefill=True).question == ASK[0]["content"][0]["text"]
    else:
        with pytest.raises(RefusedError, match="does not support assistant message prefill"):
            requests.conversation(body, prefill=False)


@pytest.mark.parametrize(
    ("request_", "error", "words"),
    [
        ({"messages": []}, "ValidationException", "must start with a user message"),
        ({}, "ValidationException", "must start with a user message"),
        (
            {"messages": [{"role": "assistant", "content": [{"text": "hi"}]}]},
            "ValidationException",
            "must start with a user message",
        ),
        ({"messages": [*ASK, *ASK]}, "ValidationException", "must alternate"),
        (
            {"messages": [{"role": "user", "content": []}]},
            "ValidationException",
            "The content field in the Message object at messages.0 is empty.",
        ),
        (
            {"messages": [{"role": "user", "content": [{"text": "hi"}, {"text": " \n"}]}]},
            "ValidationException",
            "The text field in the ContentBlock object at messages.0.content.1 is blank.",
        ),
        (
            {"messages": ASK, "inferenceConfig": {"temperature": 2.0}},
            "ValidationException",
            "'inferenceConfig.temperature' failed to satisfy constraint",
        ),
        (
            {"messages": [*ASK, {"role": "assistant", "content": [{"text": "Well, "}]}]},
            "ValidationException",
            "final assistant content cannot end with trailing whitespace",
        ),
        ({"messages": ASK, "modelId": "sonnet"}, "ValidationException", "model identifier is invalid"),
        (
            {"messages": ASK, "modelId": "arn:aws:bedrock:us-east-1::foundation-model/acme.wise-v1:0"},
            "ResourceNotFoundException",
            "Could not resolve the foundation model",
        ),
        (
            {"messages": ASK, "modelId": models()["sonnet"].id},
            "ValidationException",
            "with on-demand throughput isn't supported. Retry your request with the ID or ARN",
        ),
    ],
)
def test_a_wrong_request_gets_bedrocks_error(
    client: Any, request_: dict[str, Any], error: str, words: str
) -> None:
    with pytest.raises(getattr(client.exceptions, error), match=words) as caught:
        client.converse_stream(**{"modelId": HAIKU, **request_})

    assert_declared(client, caught.value)


def test_a_model_the_account_was_not_given_is_denied() -> None:
    with standing_in(Bedrock(speed=30, denied=["haiku"])) as url, client_of("bedrock-runtime", url) as client:
        with pytest.raises(client.exceptions.AccessDeniedException, match="don't have access") as caught:
            client.converse_stream(modelId=HAIKU, messages=ASK)

        assert_declared(client, caught.value)
        assert not refused(client, SONNET)


def assert_declared(client: Any, error: ClientError) -> None:
    """Status and name are a pair that the service's own model declares for this operation."""
    declared = {
        shape.name: shape.metadata["error"]["httpStatusCode"]
        for shape in client.meta.service_model.operation_model("ConverseStream").error_shapes
    }
    response = error.response
    name = response["Error"]["Code"]
    assert response["ResponseMetadata"]["HTTPStatusCode"] == declared[name]
    assert response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-errortype"].startswith(f"{name}:")
    assert response["ResponseMetadata"]["RequestId"]


def test_an_unsigned_call_is_refused(url: str) -> None:
    with (
        client_of("bedrock-runtime", url, signature_version=UNSIGNED) as client,
        pytest.raises(ClientError) as caught,
    ):
        client.converse_stream(modelId=HAIKU, messages=ASK)

    assert caught.value.response["Error"]["Code"] == "MissingAuthenticationTokenException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_body_that_is_no_json_is_refused(url: str) -> None:
    status, body = http("POST", f"{url}/model/{HAIKU}/converse-stream", b"{messages")

    assert (status, body) == (400, {"message": "The request body is not valid JSON."})


# --- Faults -------------------------------------------------------------------------------------------


def test_a_throttled_model_refuses_with_429_and_the_other_answers(client: Any, url: str) -> None:
    assert http("POST", f"{url}/_concierge/faults", throttle(1.0, model="sonnet"))[0] == 201

    with pytest.raises(client.exceptions.ThrottlingException, match="Too many requests") as caught:
        client.converse_stream(modelId=SONNET, messages=ASK)

    assert_declared(client, caught.value)
    assert not refused(client, HAIKU)


def test_aiobotocore_sees_a_throttled_call_as_such(client: Any, url: str) -> None:
    http("POST", f"{url}/_concierge/faults", throttle(1.0))

    async def ask() -> None:
        config = Config(retries={"total_max_attempts": 1})
        session = aiobotocore.session.get_session()
        async with session.create_client(
            "bedrock-runtime", endpoint_url=url, config=config, **CALLER
        ) as asynchronous:
            with pytest.raises(asynchronous.exceptions.ThrottlingException):
                await asynchronous.converse_stream(modelId=HAIKU, messages=ASK)

    asyncio.run(ask())


def test_a_rate_is_spread_evenly_and_counts_only_what_it_matches(client: Any, url: str) -> None:
    http("POST", f"{url}/_concierge/faults", throttle(0.25, model="haiku"))

    sequence = [(refused(client, SONNET), refused(client, HAIKU)) for _ in range(8)]

    assert [haiku for _, haiku in sequence] == [False, False, False, True] * 2
    assert not any(sonnet for sonnet, _ in sequence)


def test_faults_are_listed_and_cleared_over_http(client: Any, url: str) -> None:
    _, first = http("POST", f"{url}/_concierge/faults", throttle(1.0, model="haiku"))
    _, second = http("POST", f"{url}/_concierge/faults", throttle(0.5))
    active = ActiveFault.model_validate(first)
    assert active.fault == Fault.model_validate(throttle(1.0, model="haiku"))
    assert active.expires_at - active.injected_at == timedelta(seconds=60)
    assert http("GET", f"{url}/_concierge/faults") == (200, [first, second])

    assert http("DELETE", f"{url}/_concierge/faults/{first['id']}") == (204, None)
    assert http("GET", f"{url}/_concierge/faults") == (200, [second])
    assert http("DELETE", f"{url}/_concierge/faults/{first['id']}")[0] == 404  # gone, and told so

    assert http("DELETE", f"{url}/_concierge/faults") == (204, None)
    assert http("GET", f"{url}/_concierge/faults") == (200, [])
    assert not refused(client)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"target": "search"}, "target: this is bedrock, not 'search'"),
        ({"match": {"modell": "haiku"}}, "match: bedrock knows model, route, customer, region, not 'modell'"),
        (
            {"match": {"model": "opera"}},
            "match: model is one of sonnet, haiku, opus, titan-embed, guardrails, not 'opera'",
        ),
        ({"rate": 0}, "rate: Input should be greater than 0"),
        ({"lease_s": 7_200}, "lease_s: Input should be less than or equal to 3600"),
        ({"kind": "red"}, "kind: bedrock knows reset, "),
        ({"kind": "earthquake"}, "kind: Input should be 'reset', "),
    ],
)
def test_a_fault_that_could_never_hit_is_refused(url: str, wrong: dict[str, Any], problem: str) -> None:
    status, said = http("POST", f"{url}/_concierge/faults", throttle(1.0) | wrong)
    assert status == 400
    assert said["message"].startswith(problem)


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 27, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def faults(clock: Clock | None = None) -> Faults:
    return Faults("bedrock", [FaultKind.THROTTLE], {"model": ["sonnet", "haiku"]}, clock or Clock())


def fault(rate: float = 1.0, lease_s: float = 10, **match: str) -> Fault:
    return Fault(target="bedrock", kind=FaultKind.THROTTLE, rate=rate, match=match, lease_s=lease_s)


def test_a_fault_dies_with_its_lease_though_nobody_clears_it() -> None:
    clock = Clock()
    bedrock = faults(clock)
    bedrock.inject(fault(lease_s=10))

    clock.now += timedelta(seconds=9.9)
    assert bedrock.hit(FaultKind.THROTTLE, {"model": "sonnet"})
    clock.now += timedelta(seconds=0.1)
    assert not bedrock.hit(FaultKind.THROTTLE, {"model": "sonnet"})
    assert bedrock.active() == []


@given(st.integers(1, 100))
def test_n_percent_of_a_hundred_calls_are_n(percent: int) -> None:
    bedrock = faults()
    bedrock.inject(fault(rate=percent / 100))

    hits = [bedrock.hit(FaultKind.THROTTLE, {"model": "sonnet"}) for _ in range(300)]

    assert [sum(hits[start : start + 100]) for start in (0, 100, 200)] == [percent] * 3


def test_a_second_fault_adds_to_the_first_and_both_count_every_call() -> None:
    bedrock = faults()
    bedrock.inject(fault(rate=0.5))
    bedrock.inject(fault(rate=0.25, model="sonnet"))

    assert [bedrock.hit(FaultKind.THROTTLE, {"model": "sonnet"}) for _ in range(8)] == [
        False, True, False, True, False, True, False, True
    ]  # fmt: skip
    assert [bedrock.hit(FaultKind.THROTTLE, {"model": "haiku"}) for _ in range(4)] == [False, True] * 2


def test_ids_of_faults_are_never_used_twice() -> None:
    bedrock = faults()
    first = bedrock.inject(fault())
    bedrock.clear_all()

    assert bedrock.inject(fault()).id != first.id


def test_a_stand_in_refuses_what_it_does_not_know_how_to_do() -> None:
    nothing = Faults("bedrock", [], {})

    with pytest.raises(FaultError, match="kind"):
        nothing.inject(fault())


# --- The program --------------------------------------------------------------------------------------


def test_the_program_says_where_it_is_and_stops_when_told(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        program = processes.start(
            "bedrock", [sys.executable, "-m", "rehearsal.bedrock", "--seed", "7", "--speed", "3"]
        )
        with client_of("bedrock-runtime", program.ready_line()["url"]) as client:
            events = list(client.converse_stream(modelId=HAIKU, messages=ASK)["stream"])
        program.stop()

    assert "noise cancelling headphones" in text_of(events)
    assert program.exit_code == 0
    assert program.err.read_text() == ""


def test_the_program_ends_open_streams_when_it_stops(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        program = processes.start("bedrock", [sys.executable, "-m", "rehearsal.bedrock"])
        with client_of("bedrock-runtime", program.ready_line()["url"]) as client:
            stream = client.converse_stream(modelId=SONNET, messages=ASK)["stream"]
            program.stop()
            stream.close()

    assert program.exit_code == 0


def test_a_speed_at_which_figures_would_be_wrong_is_refused(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        program = processes.start("bedrock", [sys.executable, "-m", "rehearsal.bedrock", "--speed", "9"])

        assert program.wait(within_s=30) == 2
        assert "must be from 1 to 3" in program.err.read_text()


@pytest.mark.parametrize(("kind", "status"), [("error", 500), ("unavailable", 503)])
def test_a_fault_may_refuse_calls_as_a_broken_service_does(url, client, kind, status):
    assert http("POST", f"{url}/_concierge/faults", {**throttle(1.0), "kind": kind})[0] == 201
    with pytest.raises(client.exceptions.ClientError) as refused:
        client.converse_stream(modelId=HAIKU, messages=ASK)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_a_fault_may_cut_an_answer_in_its_middle(url, client):
    assert http("POST", f"{url}/_concierge/faults", {**throttle(1.0), "kind": "cut"})[0] == 201
    stream = client.converse_stream(modelId=HAIKU, messages=ASK)
    texts = []
    with pytest.raises(Exception, match=r"(?i)connection|incomplete|premature") as cut:
        for event in stream["stream"]:
            if "contentBlockDelta" in event:
                texts.append(event["contentBlockDelta"]["delta"]["text"])
            assert "messageStop" not in event
    assert cut.value is not None
    assert 0 < len(texts) <= 3


def test_a_fault_may_hold_the_first_text_back(url, client):
    assert http("POST", f"{url}/_concierge/faults", {**throttle(1.0), "kind": "slow"})[0] == 201
    began = time.monotonic()
    stream = client.converse_stream(modelId=HAIKU, messages=ASK)
    next(event for event in stream["stream"] if "contentBlockDelta" in event)
    stream["stream"].close()
    assert time.monotonic() - began > 12.0 / 30
