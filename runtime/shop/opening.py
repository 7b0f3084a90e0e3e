"""All services of the shop that have a place, behind one object and one set of connections."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from contract.runtime_settings import DownstreamSettings, ProvidersSettings
from runtime import aws
from runtime.connections import Headers, open_session
from runtime.downstream import Downstream, Hear, Observe, Spoil, unheard, unobserved, unspoilt
from runtime.places import Places
from runtime.shop.catalogue import Catalogue, channel
from runtime.shop.http import Service
from runtime.shop.item_to_item import ItemToItem
from runtime.shop.personalize import Personalize
from runtime.shop.services import (
    CardNetwork,
    Offers,
    OrderDesk,
    Pricing,
    ProductSearch,
    Recommendations,
    Returns,
    Shipping,
)

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Shop:
    """Each is None where it has no place."""

    catalogue: Catalogue | None = None
    search: ProductSearch | None = None
    pricing: Pricing | None = None
    recommendations: Recommendations | Personalize | ItemToItem | None = None
    shipping: Shipping | None = None
    offers: Offers | None = None
    orders: OrderDesk | None = None
    returns: Returns | None = None
    cards: CardNetwork | None = None


@asynccontextmanager
async def open_shop(
    places: Places,
    settings: ProvidersSettings,
    asking: DownstreamSettings,
    *,
    region: str,
    headers: Headers = dict,
    observe: Observe = unobserved,
    hear: Hear = unheard,
    spoil: Spoil = unspoilt,
) -> AsyncIterator[Shop]:
    """Connects with the first calls; a service that is down keeps nobody from starting."""

    def at(name: str, deadline_s: float) -> Downstream:
        return Downstream(name, deadline_s, asking, observe, hear, spoil)

    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(open_session(asking.connections))

        def http(make: Callable[[Service], T], name: str, deadline_s: float, url: str | None) -> T | None:
            return make(Service(at(name, deadline_s), session, url, headers)) if url else None

        catalogue = None
        if places.catalogue:
            opened = await stack.enter_async_context(channel(places.catalogue))
            catalogue = Catalogue(at("catalogue", settings.catalogue_s), opened, headers)
        recommendations: Recommendations | Personalize | None = http(
            Recommendations, "recommendation", settings.recommendation_s, places.recommendation
        )
        if places.campaign and catalogue:
            client = await stack.enter_async_context(_personalize(region, settings.recommendation_s, asking))
            named = at("recommendation", settings.recommendation_s)
            recommendations = Personalize(named, client, places.campaign, catalogue)
        yield Shop(
            catalogue=catalogue,
            search=http(ProductSearch, "product-search", settings.product_search_s, places.product_search),
            pricing=http(Pricing, "pricing", settings.pricing_s, places.pricing),
            recommendations=recommendations,
            shipping=http(Shipping, "shipping", settings.shipping_s, places.shipping),
            offers=http(Offers, "promotions", settings.promotions_s, places.promotions),
            orders=http(OrderDesk, "orders", settings.orders_s, places.orders),
            returns=http(Returns, "returns", settings.returns_s, places.orders),
            cards=http(CardNetwork, "cards", settings.cards_s, places.cards),
        )


def _personalize(
    region: str, deadline_s: float, asking: DownstreamSettings
) -> AbstractAsyncContextManager[Any]:
    return aws.client(
        "personalize-runtime",
        region,
        read_timeout=deadline_s + 1,
        max_pool_connections=asking.connections,
        retries={"mode": "standard", "total_max_attempts": 1},
    )
