"""Embeddings of the Bedrock stand-in: like texts are near, and wrong requests are refused."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal import embedding
from tests.rehearsal.bedrock_account_helpers import of_the_account
from tests.rehearsal.bedrock_helpers import TITAN
from tests.rehearsal.serving_helpers import client_of


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with of_the_account() as url:
        yield url


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[Any]:
    with client_of("bedrock-runtime", url) as client:
        yield client


def embed(client: Any, text: str, **more: Any) -> dict[str, Any]:
    body = json.dumps({"inputText": text, **more})
    answer: dict[str, Any] = json.loads(client.invoke_model(modelId=TITAN, body=body)["body"].read())
    return answer


def test_an_embedding_is_near_to_that_of_a_like_text(client: Any) -> None:
    first, again = embed(client, "Aurora mirrorless camera"), embed(client, "Aurora mirrorless camera")
    assert first == again
    assert len(first["embedding"]) == 1024
    assert sum(value * value for value in first["embedding"]) == pytest.approx(1, abs=1e-5)
    near = embedding.similarity("Aurora mirrorless camera", "aurora mirrorless cameras, black")
    assert near > 0.6 > 0.15 > embedding.similarity("Aurora mirrorless camera", "refund of a cancelled order")
    assert embedding.similarity("ワイヤレスイヤホンの返品", "ワイヤレスイヤホンを返品したい") > 0.3


def test_an_embedding_may_be_shorter_and_of_other_types(client: Any) -> None:
    answer = embed(client, "camera", dimensions=256, embeddingTypes=["binary"])

    assert "embedding" not in answer
    assert set(answer["embeddingsByType"]["binary"]) == {0, 1}
    assert len(answer["embeddingsByType"]["binary"]) == 256


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, r"required key \[inputText\] not found"),
        ({"inputText": "a", "colour": 1}, r"extraneous key \[colour\]"),
        ({"inputText": "a", "dimensions": 300}, "#/dimensions"),
        ({"inputText": "a" * 50_001}, "expected maxLength: 50000"),
        ({"inputText": "a" * 40_000}, "Too many input tokens. Max input tokens: 8192"),
    ],
)
def test_a_wrong_embedding_request_is_refused(client: Any, body: dict[str, Any], words: str) -> None:
    with pytest.raises(client.exceptions.ValidationException, match=words):
        client.invoke_model(modelId=TITAN, body=json.dumps(body))
