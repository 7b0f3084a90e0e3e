"""Answers of the Bedrock stand-in, as botocore's client and aiobotocore's read them."""

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from random import Random
from typing import Any

import aiobotocore.session
import botocore.session
import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from contract.models import models
from rehearsal.bedrock import answers
from rehearsal.bedrock.server import Bedrock
from tests.rehearsal.bedrock_helpers import ASK, HAIKU, QUESTION, SONNET, standing_in, text_of
from tests.rehearsal.serving_helpers import CALLER, client_of


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A stand-in whose waits are thirty times shorter."""
    with standing_in(Bedrock(seed=7, speed=30)) as url:
        yield url


@pytest.fixture
def client(url: str) -> Iterator[Any]:
    with client_of("bedrock-runtime", url) as client:
        yield client


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
