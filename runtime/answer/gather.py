"""Looks up what an intent's answer is made from, everything side by side, each for as long as it may take.

What does not answer is named in the facts and left out: a message never waits for the slowest, and never
fails because of one.
"""

import asyncio
import re
from collections.abc import Awaitable, Mapping, Sequence
from typing import Literal, TypeVar

from contract.people import Person
from runtime.accounts.preferences import Preferences
from runtime.answer.facts import Facts
from runtime.answer.needs import Needs, needs
from runtime.answer.words import telling
from runtime.downstream import ProviderError
from runtime.retrieval import Filters, Passage, Passages, Retrieval
from runtime.shop.answers import Order, Price, Product
from runtime.shop.opening import Shop
from runtime.shop.services import Wanted
from runtime.understand.entities import Entities
from runtime.understand.intent import Understanding

MOST_PRODUCTS = 4
MOST_NAMED = 8  # products or orders of one message that are looked up
T = TypeVar("T")
Wish = Literal["none", "named", "all"]
_MINE = re.compile(r"\b(?:my|mine|our|i|i've|i'm|me)\b|私|わたし|僕|我的?|제|내 ", re.IGNORECASE)
# Whose manuals, FAQs and policies are written in it; others are searched in all.
WRITTEN = ("en", "ja")


class Ahead:
    """What is looked for before it is known whether it is needed. Cancel it in any case."""

    def __init__(self, retrieval: Retrieval, message: str, language: str) -> None:
        filters = Filters(language=language if language in WRITTEN else "")
        self._vector = asyncio.create_task(retrieval.embed(message))
        self._passages = asyncio.create_task(retrieval.find(message, filters))

    async def vector(self) -> Sequence[float] | None:
        """The question's; None where there is none in time."""
        return await asyncio.shield(self._vector)

    async def passages(self) -> Passages:
        return await asyncio.shield(self._passages)

    def cancel(self) -> None:
        self._vector.cancel()
        self._passages.cancel()


class Gather:
    """`retrieval`: none where there is no index. `preferences`: none where no profile is kept."""

    def __init__(
        self, shop: Shop, retrieval: Retrieval | None, preferences: Preferences | None = None
    ) -> None:
        self._shop = shop
        self._retrieval = retrieval
        self._preferences = preferences

    def ahead(self, message: str, language: str) -> Ahead | None:
        """Begins to look for passages, and for what the question means."""
        return None if self._retrieval is None else Ahead(self._retrieval, message, language)

    async def prices_are(self, cents: Mapping[str, int]) -> bool:
        """Whether each product still costs so much; without pricing nobody knows."""
        now = await self._prices(list(cents), [])
        return all(asin in now and now[asin].cents == known for asin, known in cents.items())

    async def goods(self, asins: Sequence[str]) -> tuple[Sequence[Product], Mapping[str, Price]]:
        """Products by their numbers, with what they cost now; what does not answer is not there."""
        products, prices = await asyncio.gather(self._named(asins, []), self._prices(asins, []))
        return products, prices

    async def facts(
        self,
        message: str,
        understood: Understanding,
        person: Person,
        hints: Mapping[str, str],
        ahead: Ahead | None,
        shown: Sequence[str] = (),
    ) -> Facts:
        """Everything the intent needs. `shown`: products that are meant where none is named."""
        needed = needs()[understood.intent]
        missing: list[str] = []
        named = understood.entities
        products, orders, found, likes = await asyncio.gather(
            self._products(message, named, needed, (*_hinted(hints), *shown), missing),
            self._orders(named, _whose(message, named, needed), person, missing),
            self._passages(needed, ahead, missing),
            self._likes(person, needed, missing),
        )
        goods, prices = products
        mine, unknown = orders
        return Facts(
            products=goods,
            prices=prices,
            orders=mine,
            passages=found,
            likes=likes,
            unknown_orders=unknown,
            missing=tuple(dict.fromkeys(missing)),
            sign_in=_whose(message, named, needed) != "none" and not person.signed_in,
        )

    async def _passages(self, needed: Needs, ahead: Ahead | None, missing: list[str]) -> tuple[Passage, ...]:
        if ahead is None or not needed.passages:
            return ()
        found = await ahead.passages()
        missing += found.lacking
        return found.passages

    async def _likes(self, person: Person, needed: Needs, missing: list[str]) -> Mapping[str, str]:
        if not needed.likes or not person.signed_in or self._preferences is None:
            return {}
        return await _tried(self._preferences.of(person.id), "profiles", missing) or {}

    # -- products ------------------------------------------------------------------------------------------

    async def _products(
        self,
        message: str,
        named: Entities,
        needed: Needs,
        meant: Sequence[str],
        missing: list[str],
    ) -> tuple[tuple[Product, ...], Mapping[str, Price]]:
        if not needed.products:
            return (), {}
        asins = (*named.asins, *meant)[:MOST_NAMED]
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
            self._shop.search.find(telling(message), wanted, MOST_PRODUCTS), "product-search", missing
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
        self, named: Entities, wanted: Wish, person: Person, missing: list[str]
    ) -> tuple[tuple[Order, ...], tuple[str, ...]]:
        """The person's own, those they name or all. Somebody else's is as unknown as nobody's."""
        if wanted == "none" or not person.signed_in or self._shop.orders is None:
            return (), ()
        mine = await _tried(self._shop.orders.of(person.id), "orders", missing)
        if mine is None:
            return (), ()
        numbers = [*named.orders, *named.deliveries][:MOST_NAMED]
        if not numbers:
            return tuple(mine), ()
        found = tuple(order for order in mine if order.id in numbers or order.delivery.id in numbers)
        known = {order.id for order in found} | {order.delivery.id for order in found}
        return found, tuple(number for number in numbers if number not in known)


def _hinted(hints: Mapping[str, str]) -> tuple[str, ...]:
    """The product whose page they see."""
    return (hints["asin"],) if hints.get("asin") else ()


def _whose(message: str, named: Entities, needed: Needs) -> Wish:
    """Which orders a message is about. A question about the rules of returns is about none."""
    if needed.orders == "named" and not (named.orders or named.deliveries):
        return "all" if _MINE.search(message) else "none"
    return needed.orders


async def _tried(asked: Awaitable[T], name: str, missing: list[str]) -> T | None:
    """The answer; None, and its name among the missing, when there is none."""
    try:
        return await asked
    except ProviderError:
        missing.append(name)
        return None
