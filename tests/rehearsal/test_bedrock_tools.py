"""Tools that the Bedrock stand-in calls, and what it makes of their results."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.rehearsal.bedrock_account_helpers import of_the_account, restore
from tests.rehearsal.bedrock_helpers import HAIKU, PRODUCTS, TOOLS, asking
from tests.rehearsal.serving_helpers import client_of, fault, http


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with of_the_account() as url:
        yield url


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[Any]:
    with client_of("bedrock-runtime", url) as client:
        yield client


@pytest.fixture(autouse=True)
def _whole_again(url: str) -> Iterator[None]:
    yield
    restore(url)


def test_a_tool_that_fits_is_called_with_what_its_schema_asks_for(client: Any) -> None:
    answer = client.converse(modelId=HAIKU, messages=asking("Where is my order ORD-20417?"), toolConfig=TOOLS)

    assert answer["stopReason"] == "tool_use"
    use = answer["output"]["message"]["content"][-1]["toolUse"]
    assert (use["name"], use["input"]) == ("get_order_status", {"order_id": "ORD-20417"})


def test_a_streamed_tool_call_adds_up_to_its_input(client: Any) -> None:
    stream = client.converse_stream(
        modelId=HAIKU, messages=asking("search products: 5 cameras by rating"), toolConfig=TOOLS
    )["stream"]
    events = list(stream)

    starts = [e["contentBlockStart"]["start"]["toolUse"]["name"] for e in events if "contentBlockStart" in e]
    pieces = [e["contentBlockDelta"]["delta"] for e in events if "contentBlockDelta" in e]
    given = json.loads("".join(piece["toolUse"]["input"] for piece in pieces if "toolUse" in piece))
    assert starts == ["search_products"]
    assert given["limit"] == 5
    assert given["sort"] == "rating"
    assert "cameras" in given["query"]
    assert [e["messageStop"]["stopReason"] for e in events if "messageStop" in e] == ["tool_use"]


def test_what_a_tool_said_is_in_the_answer(client: Any) -> None:
    use = {
        "toolUse": {"toolUseId": "t1", "name": "search_products", "input": {"query": "camera", "limit": 1}}
    }
    result = {"toolResult": {"toolUseId": "t1", "content": [{"json": PRODUCTS}]}}
    messages = [
        *asking("Search products: camera"),
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [result]},
    ]

    answer = client.converse(modelId=HAIKU, messages=messages, toolConfig=TOOLS)

    assert answer["stopReason"] == "end_turn"
    assert "$899.00" in answer["output"]["message"]["content"][0]["text"]


def test_a_malformed_tool_call_is_not_what_the_schema_says(client: Any, url: str) -> None:
    http("POST", f"{url}/_concierge/faults", fault("bedrock", "malformed-tool"))

    for _ in range(6):
        answer = client.converse(modelId=HAIKU, messages=asking("order ORD-20417"), toolConfig=TOOLS)
        given = answer["output"]["message"]["content"][-1]["toolUse"]["input"]
        assert not isinstance(given.get("order_id"), str)


@pytest.mark.parametrize(
    ("content", "more", "words"),
    [
        (
            [{"toolResult": {"toolUseId": "t9", "content": []}}],
            {"toolConfig": TOOLS},
            "exceeds the number of toolUse blocks",
        ),
        (
            [{"toolResult": {"toolUseId": "t9", "content": []}}],
            {},
            "toolConfig field must be defined|exceeds",
        ),
        (
            [{"text": "hi"}],
            {"toolConfig": {**TOOLS, "toolChoice": {"tool": {"name": "pay"}}}},
            "not among the tools",
        ),
    ],
)
def test_a_wrong_use_of_tools_is_refused(client: Any, content: Any, more: Any, words: str) -> None:
    with pytest.raises(client.exceptions.ValidationException, match=words):
        client.converse(modelId=HAIKU, messages=[{"role": "user", "content": content}], **more)


def test_a_forced_tool_is_called_whatever_is_asked(client: Any) -> None:
    forced = {**TOOLS, "toolChoice": {"tool": {"name": "get_order_status"}}}

    answer = client.converse(modelId=HAIKU, messages=asking("hello"), toolConfig=forced)

    assert answer["output"]["message"]["content"][-1]["toolUse"]["name"] == "get_order_status"
