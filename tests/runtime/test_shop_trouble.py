"""The shop's clients when a service is down, slow, throttled, or says what it must not."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web

from contract.runtime_settings import BreakerSettings, BudgetSettings, DownstreamSettings
from rehearsal.serving import serving
from rehearsal.shop import views
from runtime.downstream import ProviderError
from runtime.places import Places
from tests.rehearsal.serving_helpers import in_thread
from tests.runtime.shop_helpers import Market, open_market

# provider -> a read of it, given a product and an order of the stand-in
READS = {
    "catalogue": lambda shop, of: shop.catalogue.product(of.asin),
    "product-search": lambda shop, of: shop.search.find(of.words),
    "pricing": lambda shop, of: shop.pricing.price(of.asin),
    "recommendation": lambda shop, of: shop.recommendations.recommend(asin=of.asin),
    "shipping": lambda shop, of: shop.shipping.estimate(of.asin, "98101"),
    "promotions": lambda shop, of: shop.offers.promotions(of.asin),
    "orders": lambda shop, of: shop.orders.one(of.order, of.customer),
}
OFF = BreakerSettings(enabled=False)
HTTP = [provider for provider in READS if provider != "catalogue"]
DEADLINES = {name: f"{name.replace('-', '_')}_s" for name in READS}


@pytest.fixture(scope="module")
def standing() -> Iterator[Market]:
    with open_market() as market:
        yield market


@pytest.fixture
def market(standing: Market) -> Iterator[Market]:
    yield standing
    standing.mend()


@dataclass
class Known:
    """Something each service knows."""

    asin: str
    words: str
    order: str
    customer: str


def known(market: Market) -> Known:
    order = next(iter(market.stand_in.trade.orders.values()))
    return Known(next(iter(market.stand_in.catalogue.products)), "camera", order.id, order.customer)


def read(market: Market, provider: str, **settings: Any) -> Any:
    return market.visit(lambda shop: READS[provider](shop, known(market)), **settings)


def why(market: Market, provider: str, **settings: Any) -> str:
    with pytest.raises(ProviderError) as refused:
        read(market, provider, **settings)
    assert refused.value.provider == provider
    return str(refused.value.why)


@pytest.mark.parametrize("provider", READS)
@pytest.mark.parametrize(
    ("kind", "expected"),
    [("throttle", "throttled"), ("error", "unavailable"), ("unavailable", "unavailable")],
)
def test_a_service_in_trouble_is_one_error_that_names_it(market, provider, kind, expected):
    market.breaks(provider, kind)

    assert why(market, provider) == expected
    assert market.seen.calls == [(provider, expected)]


@pytest.mark.parametrize("provider", READS)
@pytest.mark.parametrize("kind", ["slow", "hang"])
def test_a_late_answer_is_dropped_at_the_deadline(market, provider, kind):
    market.breaks(provider, kind, magnitude=600)

    assert why(market, provider, **{DEADLINES[provider]: 0.05}) == "timeout"
    market.mend()
    assert read(market, provider) is not None


@pytest.mark.parametrize("provider", HTTP)
def test_a_lost_connection_is_made_again_once(market, provider):
    market.breaks(provider, "reset", rate=0.5)  # every second call

    assert all(read(market, provider) is not None for _ in range(4))
    market.mend()
    market.breaks(provider, "reset")
    assert why(market, provider) == "unavailable"


def test_the_catalogue_is_asked_again_when_it_says_that_it_is_unavailable(market):
    market.breaks("catalogue", "unavailable", rate=0.5)
    assert all(read(market, "catalogue") is not None for _ in range(4))


@pytest.mark.parametrize("provider", READS)
def test_nothing_else_is_asked_twice(market, provider):
    """Half of all calls fail for another reason: so does half of what is asked."""
    market.breaks(provider, "error", rate=0.5)

    outcomes = []
    for _ in range(4):
        try:
            read(market, provider)
            outcomes.append("ok")
        except ProviderError:
            outcomes.append("failed")
    assert sorted(outcomes) == ["failed", "failed", "ok", "ok"]


def test_retries_stay_within_their_budget(market):
    market.breaks("pricing", "unavailable")
    asin = next(iter(market.stand_in.catalogue.products))

    async def scene(shop):
        for _ in range(40):
            with pytest.raises(ProviderError):
                await shop.pricing.price(asin)

    market.visit(scene, asking=DownstreamSettings(breaker=OFF, retry=BudgetSettings(share=0.1, most=2)))
    assert 40 < market.struck("pricing") <= 40 + 2 + 4


def test_a_dead_service_costs_nothing_until_it_is_back(market):
    """Its breaker opens; calls are refused here and not there; and a probe finds that it is well again."""
    market.breaks("pricing", "error")
    asin = next(iter(market.stand_in.catalogue.products))

    async def scene(shop):
        for _ in range(10):
            with pytest.raises(ProviderError):
                await shop.pricing.price(asin)
        await asyncio.to_thread(market.struck, "pricing")
        while True:
            await asyncio.sleep(0.02)
            try:
                return await shop.pricing.price(asin)
            except ProviderError:
                continue

    price = market.visit(
        scene, asking=DownstreamSettings(breaker=BreakerSettings(open_s=0.1, burst_failures=3))
    )

    assert price.asin == asin
    outcomes = [outcome for _, outcome in market.seen.calls[:10]]
    assert outcomes == ["unavailable"] * 3 + ["skipped"] * 7


def test_somebody_who_leaves_does_not_count_against_the_service(market):
    market.breaks("pricing", "hang", magnitude=600)
    asin = next(iter(market.stand_in.catalogue.products))

    async def scene(shop):
        asking = asyncio.create_task(shop.pricing.price(asin))
        await asyncio.sleep(0.05)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.sleep(0.01)

    market.visit(scene)
    assert market.seen.calls == [("pricing", "cancelled")]


def test_a_place_where_nobody_listens_is_unavailable(market):
    async def scene(shop):
        return await asyncio.gather(
            shop.pricing.price("B0"), shop.catalogue.product("B0"), return_exceptions=True
        )

    nowhere = Places(pricing="http://127.0.0.1:9", catalogue="127.0.0.1:9")
    assert [said.why for said in market.visit(scene, nowhere)] == ["unavailable", "unavailable"]


# --- Answers that are not what was promised -------------------------------------------------------------


def says(body: Any, status: int = 200) -> Any:
    """A service that gives one answer to everything."""

    async def answer(_: web.Request) -> web.Response:
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(text=text, status=status, content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", answer)
    return lambda: serving(app)


GOOD = {"asin": "B01", "currency": "USD", "price": 19.99, "list_price": 24.99}


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("no json", "answer"),
        ([], "answer"),
        ({**GOOD, "price": "19.99"}, "price"),
        ({**GOOD, "price": None}, "price"),
        ({**GOOD, "price": -1}, "price"),
        ({**GOOD, "price": 0}, "price"),
        ({**GOOD, "price": 19.999}, "price"),
        ({**GOOD, "price": True}, "price"),
        ({**GOOD, "currency": ""}, "currency"),
        ({**GOOD, "currency": "dollars"}, "currency"),
        ({**GOOD, "asin": ""}, "asin"),
        ({**GOOD, "asin": 7}, "asin"),
        ({name: value for name, value in GOOD.items() if name != "list_price"}, "list_price"),
    ],
)
def test_a_malformed_answer_is_the_providers_error_and_is_not_half_used(market, body, place):
    async def scene(shop):
        return await shop.pricing.price("B01")

    with in_thread(says(body)) as url, pytest.raises(ProviderError, match=rf"pricing: broken: {place}: "):
        market.visit(scene, Places(pricing=url))


def test_more_than_was_promised_is_no_error(market):
    with in_thread(says({**GOOD, "tax": {"rate": 0.1}})) as url:
        price = market.visit(lambda shop: shop.pricing.price("B01"), Places(pricing=url))
    assert price.cents == 1_999


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, "refused"),
        (401, "refused"),
        (403, "refused"),
        (422, "refused"),
        (429, "throttled"),
        (500, "unavailable"),
        (502, "unavailable"),
        (503, "unavailable"),
        (504, "timeout"),
        (302, "broken"),
    ],
)
def test_statuses(market, status, expected):
    with in_thread(says({}, status)) as url, pytest.raises(ProviderError) as refused:
        market.visit(lambda shop: shop.pricing.price("B01"), Places(pricing=url))
    assert refused.value.why == expected


def test_whatever_a_model_of_an_order_lacks_is_told_by_its_place(market):
    order = next(iter(market.stand_in.trade.orders.values()))
    titles = {asin: "title" for asin, _, _ in order.lines}
    said = views.order(order, titles)
    del said["items"][0]["unitPrice"]
    with in_thread(says(said)) as url, pytest.raises(ProviderError, match=r"items\.0\.unitPrice"):
        market.visit(lambda shop: shop.orders.one(order.id, order.customer), Places(orders=url))
