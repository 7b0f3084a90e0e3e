"""Looks up what an intent's answer is made from, everything side by side, each for as long as it may take.

What does not answer is named in the facts and left out: a message never waits for the slowest, and never
fails because of one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from contract.people import Person
from runtime.answer.facts import Facts
from runtime.answer.needs import Needs, needs
from runtime.downstream import ProviderError
from runtime.retrieval import Passage, Passages
from runtime.shop.answers import Order, Price, Product
from runtime.shop.opening import Shop
from runtime.shop.services import Wanted
from runtime.understand.entities import Entities
from runtime.understand.intent import Understanding

MOST_PRODUCTS = 4
MOST_NAMED = 8  # products or orders of one message that are looked up
T = TypeVar("T")
Find = Callable[[str, str], Awaitable[Passages]]  # (message, language)


class Gather:
    """`find` gives passages; none where there is no index."""

    def __init__(self, shop: Shop, find: Find | None) -> None:
        self._shop = shop
        self._find = find

    def ahead(self, message: str, language: str) -> asyncio.Task[Passages] | None:
        """Begins to look for passages before it is known whether they are needed; cancel what is not."""
        if self._find is None:
            return None
        find = self._find

        async def look() -> Passages:
            return await find(message, language)

        return asyncio.create_task(look())

    async def facts(
        self,
        message: str,
        understood: Understanding,
        person: Person,
        hints: Mapping[str, str],
        passages: asyncio.Task[Passages] | None,
    ) -> Facts:
        """Everything the intent needs."""
        needed = needs()[understood.intent]
        missing: list[str] = []
        named = understood.entities
        products, orders, found = await asyncio.gather(
            self._products(message, named, needed, hints, missing),
            self._orders(named, needed, person, missing),
            self._passages(needed, passages, missing),
        )
        goods, prices = products
        mine, unknown = orders
        return Facts(
            products=goods,
            prices=prices,
            orders=mine,
            passages=found,
            unknown_orders=unknown,
            missing=tuple(dict.fromkeys(missing)),
            sign_in=needed.orders and not person.signed_in and bool(named.orders or named.deliveries),
        )

    async def _passages(
        self, needed: Needs, passages: asyncio.Task[Passages] | None, missing: list[str]
    ) -> tuple[Passage, ...]:
        if passages is None:
            return ()
        if not needed.passages:
            passages.cancel()
            return ()
        found = await _tried(passages, "search", missing)
        if found is None:
            return ()
        missing += found.degraded
        return tuple(found.passages)

    # -- products ------------------------------------------------------------------------------------------

    async def _products(
        self,
        message: str,
        named: Entities,
        needed: Needs,
        hints: Mapping[str, str],
        missing: list[str],
    ) -> tuple[tuple[Product, ...], Mapping[str, Price]]:
        if not needed.products:
            return (), {}
        asins = [*named.asins, *([hints["asin"]] if hints.get("asin") else [])][:MOST_NAMED]
        found = await self._named(asins, missing)
        if not found and needed.search:
            found = await self._searched(message, named, missing)
        if found and needed.recommended and asins:
            found = [*found[:1], *await self._recommended(found[0].asin, missing)]
        chosen = tuple({product.asin: product for product in found}.values())[:MOST_PRODUCTS]
        return chosen, await self._prices([product.asin for product in chosen], missing)

    async def _named(self, asins: Sequence[str], missing: list[str]) -> Sequence[Product]:
        if not asins or self._shop.catalogue is None:
            return ()
        return await _tried(self._shop.catalogue.products(asins), "catalogue", missing) or ()

    async def _searched(self, message: str, named: Entities, missing: list[str]) -> Sequence[Product]:
        if self._shop.search is None:
            return ()
        wanted = Wanted(max_cents=named.most_cents)
        found = await _tried(
            self._shop.search.find(message, wanted, MOST_PRODUCTS), "product-search", missing
        )
        least = named.least_cents or 0
        return [product for product in found.products if product.cents >= least] if found else ()

    async def _recommended(self, asin: str, missing: list[str]) -> Sequence[Product]:
        if self._shop.recommendations is None:
            return ()
        asked = self._shop.recommendations.recommend(asin=asin, limit=MOST_PRODUCTS)
        return await _tried(asked, "recommendation", missing) or ()

    async def _prices(self, asins: Sequence[str], missing: list[str]) -> Mapping[str, Price]:
        """Without pricing there are no prices: never a wrong one (RUN-11)."""
        if not asins or self._shop.pricing is None:
            return {}
        found = await _tried(self._shop.pricing.prices(asins), "pricing", missing)
        return {price.asin: price for price in found.prices} if found else {}

    # -- orders --------------------------------------------------------------------------------------------

    async def _orders(
        self, named: Entities, needed: Needs, person: Person, missing: list[str]
    ) -> tuple[tuple[Order, ...], tuple[str, ...]]:
        """The person's own, those they name or all. Somebody else's is as unknown as nobody's."""
        if not needed.orders or not person.signed_in or self._shop.orders is None:
            return (), ()
        mine = await _tried(self._shop.orders.of(person.id), "orders", missing)
        if mine is None:
            return (), ()
        wanted = [*named.orders, *named.deliveries][:MOST_NAMED]
        if not wanted:
            return tuple(mine), ()
        found = tuple(order for order in mine if order.id in wanted or order.delivery.id in wanted)
        known = {order.id for order in found} | {order.delivery.id for order in found}
        return found, tuple(number for number in wanted if number not in known)


async def _tried(asked: Awaitable[T], name: str, missing: list[str]) -> T | None:
    """The answer; None, and its name among the missing, when there is none."""
    try:
        return await asked
    except ProviderError:
        missing.append(name)
        return None
