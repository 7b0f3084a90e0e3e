"""The shop: its goods, documents and people, and the services that know of them, over HTTP and gRPC."""

from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import grpc
import pytest

from contract.catalogue import catalogue_pb2 as pb
from contract.catalogue.rpc import CALLS
from rehearsal.shop.__main__ import serving
from rehearsal.shop.goods import Catalogue, Product
from rehearsal.shop.knowledge import documents
from rehearsal.shop.services import Shop
from rehearsal.shop.trade import Trade
from tests.rehearsal.serving_helpers import fault, http, in_thread

CATALOGUE = Catalogue(7)
CAMERA = next(p for p in CATALOGUE.products.values() if p.kind == "mirrorless camera")


@pytest.fixture(scope="module")
def served() -> Iterator[dict[str, Any]]:
    with in_thread(lambda: serving(Shop(seed=7, speed=60), 7)) as said:
        yield said


@pytest.fixture
def get(served: dict[str, Any]) -> Iterator[Any]:
    def call(service: str, path: str, **query: object) -> Any:
        status, said = http("GET", f"{served['urls'][service]}{path}?{urlencode(query)}")
        return said if status == 200 else status

    yield call
    for url in served["controls"].values():
        http("DELETE", f"{url}/_concierge/faults")


# --- What there is ------------------------------------------------------------------------------------


def test_the_shop_is_large_enough_and_has_everything() -> None:
    kinds = Counter(product.category for product in CATALOGUE.products.values())
    texts = Counter((document.genre, document.language) for document in documents(7))
    trade = Trade(CATALOGUE, 7)

    assert len(CATALOGUE.products) >= 2_000
    assert set(kinds) == {"manga", "books", "electronics", "footwear"}
    assert sum(texts.values()) >= 300
    assert texts["manual", "en"] == texts["manual", "ja"]
    assert {genre for genre, _ in texts} == {"manual", "faq", "policy"}
    assert len({document.id for document in documents(7)}) == sum(texts.values())
    assert any(order.refunds for order in trade.orders.values())
    assert any(order.complaints for order in trade.orders.values())


def test_one_seed_gives_one_shop() -> None:
    again = Catalogue(7)

    assert again.products == CATALOGUE.products
    assert Trade(again, 7).orders == Trade(CATALOGUE, 7).orders
    assert documents(7) == documents(7)
    assert Catalogue(8).products.keys() != CATALOGUE.products.keys()


def test_texts_have_no_place_left_to_fill() -> None:
    assert not [d.id for d in documents(7) if "{" in d.text + d.title]


def test_accessories_fit_and_comparisons_are_of_a_kind() -> None:
    fitting = CATALOGUE.compatible(CAMERA)
    assert {product.fits for product in fitting} == set(CAMERA.takes)
    lens = next(product for product in fitting if product.fits == "lens mount")
    assert CAMERA.kind in {product.kind for product in CATALOGUE.compatible(lens)}
    assert {(p.kind, p.maker != CAMERA.maker) for p in CATALOGUE.compared(CAMERA)} == {(CAMERA.kind, True)}
    volume = next(p for p in CATALOGUE.products.values() if p.category == "manga")
    series = {p.features["series"] for p in CATALOGUE.compatible(volume)}
    assert series == {volume.features["series"]}


# --- The services -------------------------------------------------------------------------------------


def test_a_search_finds_what_was_asked_for(get: Any) -> None:
    said = get("product-search", "/v1/search", q="mirrorless camera", category="electronics", max_price=900)

    assert said["total"] > len(said["products"]) == 10
    assert all(product["price"] <= 900 for product in said["products"])
    assert {product["kind"] for product in said["products"]} == {"mirrorless camera"}
    assert get("product-search", "/v1/search", q="ミラーレスカメラ")["total"] > 0


def test_prices_are_those_of_the_catalogue(get: Any, served: dict[str, Any]) -> None:
    said = get("pricing", f"/v1/prices/{CAMERA.asin}")
    assert said["price"] == CAMERA.price / 100 <= said["list_price"]
    assert get("pricing", "/v1/prices/B0NOBODYS0") == 404
    _, several = http(
        "POST", f"{served['urls']['pricing']}/v1/prices", {"asins": [CAMERA.asin, "B0NOBODYS0"]}
    )
    assert several == {"prices": [said], "missing": ["B0NOBODYS0"]}


def test_recommendations_promotions_and_shipping_answer(get: Any) -> None:
    items = get("recommendation", "/v1/recommendations", asin=CAMERA.asin, limit=5)["items"]
    assert len(items) == 5
    assert CAMERA.asin not in {item["asin"] for item in items}
    assert all(p["price"] < p["list_price"] for p in get("promotions", "/v1/promotions")["promotions"])
    assert get("shipping", "/v1/estimates", asin=CAMERA.asin, postcode="98101")["workingDays"] >= 2
    order = next(iter(Trade(CATALOGUE, 7).orders))
    assert get("shipping", f"/v1/deliveries/{order}")["orderId"] == order
    assert get("shipping", "/v1/deliveries/nothing") == 404


def post(url: str, path: str, body: object, key: str | None) -> tuple[int, Any]:
    import json
    import urllib.error
    import urllib.request

    headers = {"Content-Type": "application/json", **({"Idempotency-Key": key} if key else {})}
    request = urllib.request.Request(url + path, json.dumps(body).encode(), headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.loads(refused.read())


def test_a_refund_happens_once_for_each_key_and_never_exceeds_the_order(
    get: Any, served: dict[str, Any]
) -> None:
    order = next(o for o in Trade(CATALOGUE, 7).orders.values() if not o.refunds)
    url, path, whole = served["urls"]["orders"], f"/v1/orders/{order.id}/refunds", order.total / 100

    assert post(url, path, {}, None)[0] == 400
    first = post(url, path, {"amount": whole}, "k1")
    assert first[0] == 201
    assert post(url, path, {"amount": whole}, "k1") == first
    assert post(url, path, {"amount": 1}, "k1")[0] == 422
    assert post(url, path, {"amount": 1}, "k2")[0] == 400
    shown = get("orders", f"/v1/orders/{order.id}")
    assert [refund["refundId"] for refund in shown["refunds"]] == [first[1]["refundId"]]
    assert order.id in {o["orderId"] for o in get("orders", "/v1/orders", customer=order.customer)["orders"]}


def test_a_complaint_is_filed(served: dict[str, Any]) -> None:
    order = next(iter(Trade(CATALOGUE, 7).orders))
    url, path = served["urls"]["orders"], f"/v1/orders/{order}/complaints"

    assert post(url, path, {"why": "broken"}, "c1")[1]["status"] == "OPEN"
    assert post(url, path, {}, "c2")[0] == 400
    assert post(url, "/v1/orders/ORD-1/complaints", {"why": "broken"}, "c3")[0] == 404


def test_a_card_becomes_a_token_and_money_moves_once(served: dict[str, Any]) -> None:
    url = served["urls"]["cards"]
    status, card = post(url, "/v1/tokens", {"number": "4242 4242 4242 4242", "expiry": "12/30"}, None)
    assert (status, card["last4"]) == (201, "4242")
    assert "42424242" not in str(card)
    asked = {"token": card["token"], "amount": 20.0, "currency": "USD"}

    _, held = post(url, "/v1/authorizations", asked, "a")
    assert post(url, "/v1/authorizations", asked, "a")[1] == held
    path = f"/v1/authorizations/{held['authorizationId']}"
    assert post(url, f"{path}/captures", {"amount": 25}, "b")[0] == 400
    assert post(url, f"{path}/captures", {"amount": 20}, "c")[1]["status"] == "CAPTURED"
    assert post(url, f"{path}/refunds", {"amount": 20}, "d")[1]["status"] == "REFUNDED"
    assert http("GET", url + path)[1]["refunded"] == 20


@pytest.mark.parametrize(
    ("number", "expiry", "code"),
    [("4242424242424241", "12/30", "invalid_number"), ("4242424242424242", "01/20", "invalid_expiry")],
)
def test_what_is_no_card_is_refused(served: dict[str, Any], number: str, expiry: str, code: str) -> None:
    status, said = post(served["urls"]["cards"], "/v1/tokens", {"number": number, "expiry": expiry}, None)

    assert (status, said["error"]["code"]) == (400, code)


def test_some_test_cards_are_declined(served: dict[str, Any]) -> None:
    url = served["urls"]["cards"]
    _, card = post(url, "/v1/tokens", {"number": "4000000000009995", "expiry": "12/30"}, None)

    status, said = post(url, "/v1/authorizations", {"token": card["token"], "amount": 5}, "e")

    assert (status, said["error"]["code"]) == (402, "insufficient_funds")


@pytest.mark.parametrize(("kind", "status"), [("error", 500), ("unavailable", 503), ("throttle", 429)])
def test_one_service_may_fail_while_the_others_work(
    get: Any, served: dict[str, Any], kind: str, status: int
) -> None:
    assert (
        http("POST", f"{served['controls']['pricing']}/_concierge/faults", fault("pricing", kind))[0] == 201
    )

    assert get("pricing", f"/v1/prices/{CAMERA.asin}") == status
    assert get("product-search", "/v1/search", q="camera")["total"] > 0


# --- gRPC ---------------------------------------------------------------------------------------------


@pytest.fixture
def channel(served: dict[str, Any]) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(served["urls"]["catalogue"]) as channel:
        yield channel
    http("DELETE", f"{served['controls']['catalogue']}/_concierge/faults")


def ask(channel: grpc.Channel, name: str, request: Any, **more: Any) -> Any:
    call = CALLS[name]
    make = channel.unary_stream if call.streamed else channel.unary_unary
    method = make(
        call.path,
        request_serializer=call.request.SerializeToString,
        response_deserializer=call.response.FromString,
    )
    return method(request, timeout=10, **more)


def test_the_catalogue_answers_each_of_its_calls(channel: grpc.Channel) -> None:
    product = ask(channel, "GetProduct", pb.GetProductRequest(asin=CAMERA.asin))
    assert (product.title, product.price.cents) == (CAMERA.title, CAMERA.price)
    assert ask(channel, "GetStock", pb.GetStockRequest(asin=CAMERA.asin)).available == CAMERA.stock
    batch = ask(channel, "BatchGetProducts", pb.BatchGetProductsRequest(asins=[CAMERA.asin, "none"]))
    assert ([p.asin for p in batch.products], list(batch.missing)) == ([CAMERA.asin], ["none"])
    for relation, expected in (
        (pb.RELATION_COMPATIBLE, CATALOGUE.compatible),
        (pb.RELATION_SIMILAR, CATALOGUE.similar),
        (pb.RELATION_COMPARED, CATALOGUE.compared),
    ):
        said = ask(
            channel, "ListRelated", pb.ListRelatedRequest(asin=CAMERA.asin, relation=relation, limit=3)
        )
        found: list[Product] = expected(CAMERA)[:3]
        assert [p.asin for p in said.products] == [p.asin for p in found]
    books = list(ask(channel, "StreamProducts", pb.StreamProductsRequest(category="books")))
    assert len(books) == 620


@pytest.mark.parametrize(
    ("name", "request_", "status"),
    [
        ("GetProduct", pb.GetProductRequest(asin="none"), grpc.StatusCode.NOT_FOUND),
        ("BatchGetProducts", pb.BatchGetProductsRequest(asins=["a"] * 101), grpc.StatusCode.INVALID_ARGUMENT),
        ("ListRelated", pb.ListRelatedRequest(asin=CAMERA.asin), grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
def test_the_catalogue_refuses_in_grpcs_words(
    channel: grpc.Channel, name: str, request_: Any, status: grpc.StatusCode
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        ask(channel, name, request_)

    assert caught.value.code() == status


def test_the_catalogue_fails_for_one_customer(channel: grpc.Channel, served: dict[str, Any]) -> None:
    body = fault("catalogue", "unavailable", customer="c-1")
    assert http("POST", f"{served['controls']['catalogue']}/_concierge/faults", body)[0] == 201
    request = pb.GetStockRequest(asin=CAMERA.asin)

    assert ask(channel, "GetStock", request, metadata=[("x-concierge-customer", "c-2")])
    with pytest.raises(grpc.RpcError) as caught:
        ask(channel, "GetStock", request, metadata=[("x-concierge-customer", "c-1")])
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


def test_the_messages_are_those_of_the_proto_file() -> None:
    """Generated code is as old as its file: each message and field of one is in the other."""
    import re
    from pathlib import Path

    text = Path(pb.__file__).with_name("catalogue.proto").read_text("utf-8")
    written = {
        name: set(re.findall(r"^\s+(?:repeated )?[\w<>, ]+ (\w+) = \d+;", body, re.MULTILINE))
        for name, body in re.findall(r"^message (\w+) \{(.*?)^\}", text, re.MULTILINE | re.DOTALL)
    }
    generated = {
        name: {field.name for field in message.fields}
        for name, message in pb.DESCRIPTOR.message_types_by_name.items()
    }
    assert written == generated
    assert set(re.findall(r"rpc (\w+)\(", text)) == set(CALLS)
