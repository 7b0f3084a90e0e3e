"""What the Bedrock stand-in refuses, in Bedrock's words and with the errors that its model declares."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.exceptions import ClientError

from contract.models import models
from rehearsal.bedrock import requests
from rehearsal.bedrock.refusals import RefusedError
from rehearsal.bedrock.server import Bedrock
from tests.rehearsal.bedrock_helpers import ASK, HAIKU, SONNET, assert_declared, refused, standing_in
from tests.rehearsal.serving_helpers import client_of, http


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A stand-in whose waits are thirty times shorter."""
    with standing_in(Bedrock(seed=7, speed=30)) as url:
        yield url


@pytest.fixture
def client(url: str) -> Iterator[Any]:
    with client_of("bedrock-runtime", url) as client:
        yield client


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
