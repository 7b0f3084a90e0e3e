"""The shop's clients against its stand-ins: what each gives when all is well, and whose it is."""

import asyncio
from collections.abc import Iterator
from datetime import date

import pytest

from runtime.places import Places
from runtime.shop.services import Wanted
from tests.runtime.shop_helpers import Market, open_market

NOBODYS = "B0NOBODYS0"


@pytest.fixture(scope="module")
def standing() -> Iterator[Market]:
    with open_market() as market:
        yield market


@pytest.fixture
def market(standing: Market) -> Iterator[Market]:
    yield standing
    standing.mend()


def test_a_product_comes_whole_and_its_money_in_cents(market):
    known = next(p for p in market.stand_in.catalogue.products.values() if p.features)

    async def scene(shop):
        return await shop.catalogue.product(known.asin), await shop.catalogue.product(NOBODYS)

    found, nobodys = market.visit(scene)

    assert nobodys is None
    assert (found.cents, found.list_cents, found.currency) == (known.price, known.list_price, "USD")
    assert (found.title, found.title_ja, found.features) == (known.title, known.title_ja, known.features)
    assert (found.stock, found.in_stock) == (known.stock, known.stock > 0)


def test_lookups_of_one_moment_are_one_call(market):
    asins = [*list(market.stand_in.catalogue.products)[:30], NOBODYS]

    async def scene(shop):
        crowd = [asyncio.create_task(shop.catalogue.product(asin)) for asin in asins * 20]
        return await asyncio.gather(*crowd), await shop.catalogue.products(asins)

    crowd, listed = market.visit(scene)

    assert [found.asin if found else NOBODYS for found in crowd] == asins * 20
    assert [found.asin for found in listed] == asins[:-1]
    assert market.seen.calls == [("catalogue", "ok")] * 2


def test_more_than_one_call_carries_are_several(market):
    asins = list(market.stand_in.catalogue.products)[:250]

    found = market.visit(lambda shop: shop.catalogue.products(asins))

    assert [product.asin for product in found] == asins
    assert market.seen.calls == [("catalogue", "ok")] * 3


def test_what_goes_with_a_product_and_how_many_there_are(market):
    known = next(p for p in market.stand_in.catalogue.products.values() if p.kind == "mirrorless camera")

    async def scene(shop):
        return (
            await shop.catalogue.related(known.asin, "compared", 3),
            await shop.catalogue.related(NOBODYS, "similar"),
            await shop.catalogue.stock(known.asin),
            await shop.catalogue.stock(NOBODYS),
        )

    compared, nobodys, stock, no_stock = market.visit(scene)

    assert {product.kind for product in compared} == {known.kind}
    assert len(compared) == 3
    assert (nobodys, no_stock) == ((), None)
    assert stock.available == known.stock


def test_a_search_is_narrowed(market):
    wanted = Wanted(category="electronics", max_cents=90_000)

    found = market.visit(lambda shop: shop.search.find("mirrorless camera", wanted, 5))

    assert found.total >= len(found.products) == 5
    assert all(product.cents <= 90_000 for product in found.products)
    assert {product.category for product in found.products} == {"electronics"}
    assert market.visit(lambda shop: shop.search.find("zzzzz")).products == ()


def test_prices_are_those_of_now(market):
    one, other = list(market.stand_in.catalogue.products.values())[:2]

    async def scene(shop):
        several = await shop.pricing.prices([one.asin, other.asin, NOBODYS])
        return await shop.pricing.price(one.asin), several, await shop.pricing.price(NOBODYS)

    price, several, nobodys = market.visit(scene)

    assert (price.cents, price.list_cents) == (one.price, one.list_price)
    assert several.of(other.asin).cents == other.price
    assert (several.missing, several.of(NOBODYS), nobodys) == ((NOBODYS,), None, None)


def test_a_crowd_that_asks_for_one_price_is_one_call(market):
    asin = next(iter(market.stand_in.catalogue.products))

    async def scene(shop):
        return await asyncio.gather(*(shop.pricing.price(asin) for _ in range(500)))

    assert len(set(market.visit(scene))) == 1
    assert market.seen.calls == [("pricing", "ok")]


def test_recommendations_promotions_and_shipping(market):
    known = next(p for p in market.stand_in.catalogue.products.values() if p.price < p.list_price)
    parcel_of = next(iter(market.stand_in.trade.orders.values()))

    async def scene(shop):
        return (
            await shop.recommendations.recommend(asin=known.asin, limit=4),
            await shop.offers.promotions(known.asin),
            await shop.shipping.estimate(known.asin, "98101"),
            await shop.shipping.parcel(parcel_of.delivery["deliveryId"]),
            await shop.shipping.estimate(NOBODYS, "98101"),
        )

    recommended, (offer,), estimate, parcel, nobodys = market.visit(scene)

    assert len(recommended) == 4
    assert known.asin not in {product.asin for product in recommended}
    assert (offer.cents, offer.list_cents) == (known.price, known.list_price)
    assert estimate.working_days >= 2
    assert estimate.cents in {0, 499}
    assert (parcel.order, parcel.expected) == (
        parcel_of.id,
        date.fromisoformat(parcel_of.delivery["estimatedDelivery"]),
    )
    assert nobodys is None


def test_an_order_exists_for_its_customer_only(market):
    theirs = next(iter(market.stand_in.trade.orders.values()))

    async def scene(shop):
        return (
            await shop.orders.one(theirs.id, theirs.customer),
            await shop.orders.one(theirs.id, "c-99999"),
            await shop.orders.one("../orders", theirs.customer),
            await shop.orders.of(theirs.customer),
        )

    order, others, odd, listed = market.visit(scene)

    assert (order.id, order.cents, order.placed) == (theirs.id, theirs.total, theirs.placed)
    assert sum(line.quantity * line.cents for line in order.lines) == order.cents
    assert (others, odd) == (None, None)
    assert order in listed
    assert {one.customer for one in listed} == {theirs.customer}


def test_a_refund_and_a_complaint_are_written_once_for_each_key(market):
    theirs = next(o for o in market.stand_in.trade.orders.values() if not o.refunds and not o.complaints)

    async def scene(shop):
        order = await shop.orders.one(theirs.id, theirs.customer)
        refunds = [await shop.returns.refund(order, 1, f"refund-{theirs.id}") for _ in range(2)]
        complaint = await shop.returns.complain(order, "scratched", f"complaint-{theirs.id}")
        return refunds, complaint, await shop.orders.one(theirs.id, theirs.customer)

    (first, again), complaint, after = market.visit(scene)

    assert first == again
    assert after.refunds == (first,)
    assert (first.cents, first.status) == (1, "ACCEPTED")
    assert after.complaints == (complaint,)
    with pytest.raises(ValueError, match="idempotency key"):
        market.visit(lambda shop: shop.returns.refund(after, 1, ""))


def test_headers_go_with_every_call(market):
    """Faults strike one customer only: whoever is told of them must have sent who asks."""
    asin = next(iter(market.stand_in.catalogue.products))
    for target in ("catalogue", "pricing"):
        market.breaks(target, "throttle", customer="c-1")

    async def scene(shop):
        asked = (shop.catalogue.product(asin), shop.pricing.price(asin))
        return await asyncio.gather(*asked, return_exceptions=True)

    assert not any(isinstance(said, Exception) for said in market.visit(scene))
    market.headers["X-Concierge-Customer"] = "c-1"
    assert [said.why for said in market.visit(scene)] == ["throttled", "throttled"]


def test_what_has_no_place_is_off(market):
    async def scene(shop):
        return shop

    shop = market.visit(scene, Places(pricing=market.urls["pricing"]))

    assert shop.pricing is not None
    assert (shop.catalogue, shop.orders, shop.returns, shop.recommendations) == (None,) * 4
