"""What answers of the Bedrock stand-in are made of: what the prompt holds, and what must not be said."""

import json
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest

from contract.faults import FaultKind
from rehearsal.bedrock.server import Bedrock, serving
from tests.rehearsal.bedrock_account_helpers import of_the_account, restore
from tests.rehearsal.bedrock_helpers import HAIKU, PRODUCTS, asking, said
from tests.rehearsal.serving_helpers import CALLER, client_of, fault, http, in_thread


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


def test_products_of_the_prompt_are_named_with_their_own_prices(client: Any) -> None:
    text = said(client, f"Which tripod is good?\n<products>{json.dumps(PRODUCTS)}</products>")

    assert "Heron travel tripod (B0TRIPOD02)" in text
    assert "$129.95" in text
    assert "sold out" in text


def test_orders_and_documents_of_the_prompt_are_told(client: Any) -> None:
    order = json.dumps(
        {"orderId": "ORD-20417", "status": "OUT_FOR_DELIVERY", "estimatedDelivery": "2026-11-28"}
    )
    manual = (
        '<document title="Returns">Shipping is free. Electronics can be returned within 30 days.</document>'
    )

    text = said(client, f"Where is it, and can electronics be returned? {order} {manual}")

    assert "ORD-20417" in text
    assert "out for delivery, due 2026-11-28" in text
    assert "Electronics can be returned within 30 days." in text


def test_a_fault_makes_prices_wrong_and_says_what_must_not_be_said(client: Any, url: str) -> None:
    for kind in ("wrong-price", "leaked-pii", "competitor", "off-topic"):
        http("POST", f"{url}/_concierge/faults", fault("bedrock", kind))

    text = said(client, f"Which tripod is good? {json.dumps(PRODUCTS)}")

    assert "$129.95" not in text
    assert "Maria Keller" in text or "@example.com" in text or "078-05-1120" in text
    assert any(name in text for name in ("Walmart", "Best Buy", "Rakuten"))


def test_rates_of_misbehaviour_are_settings() -> None:
    rates = {FaultKind.COMPETITOR: 0.5}
    with in_thread(lambda: serving(Bedrock(seed=1, speed=300, misbehave=rates))) as url:
        client = botocore.session.get_session().create_client("bedrock-runtime", endpoint_url=url, **CALLER)
        texts = [said(client, "Which camera?") for _ in range(40)]
        client.close()

    wrong = sum(any(name in text for name in ("Walmart", "Best Buy", "Rakuten")) for text in texts)
    assert 8 < wrong < 32


def test_a_stop_sequence_ends_the_answer(client: Any) -> None:
    answer = client.converse(
        modelId=HAIKU, messages=asking("Which tripod?"), inferenceConfig={"stopSequences": ["tripod"]}
    )

    assert answer["stopReason"] == "stop_sequence"
    assert "tripod" not in answer["output"]["message"]["content"][0]["text"]
