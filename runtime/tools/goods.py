"""Products with what they cost now, for every tool that shows or counts them."""

import asyncio
from collections.abc import Mapping, Sequence

from runtime.downstream import ProviderError
from runtime.safety.watch import plain
from runtime.shop.answers import Price, Product
from runtime.shop.opening import Shop
from runtime.tools.shapes import ProductView, views
from runtime.tools.tool import Code, ToolError


class Goods:
    """Without pricing there are no prices, and nothing that depends on one is done."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def one(self, asin: str) -> Product:
        if self._shop.catalogue is None:
            raise ToolError(Code.UNAVAILABLE, "there is no catalogue here")
        found = await self._shop.catalogue.product(asin)
        if found is None:
            raise ToolError(Code.NOT_FOUND, f"there is no product {asin}")
        return plain(found)

    async def several(self, asins: Sequence[str]) -> tuple[ProductView, ...]:
        """Those that exist, in this order."""
        if not asins or self._shop.catalogue is None:
            return ()
        products, prices = await asyncio.gather(self._shop.catalogue.products(asins), self.prices(asins))
        return views([plain(product) for product in products], prices)

    async def shown(self, products: Sequence[Product]) -> tuple[ProductView, ...]:
        """With their prices."""
        return views([plain(one) for one in products], await self.prices([one.asin for one in products]))

    async def prices(self, asins: Sequence[str]) -> Mapping[str, Price]:
        """As far as there are any: for showing."""
        try:
            return await self.prices_now(asins)
        except (ProviderError, ToolError):
            return {}

    async def prices_now(self, asins: Sequence[str]) -> Mapping[str, Price]:
        """For whoever counts on them: an error where pricing does not answer."""
        if not asins:
            return {}
        if self._shop.pricing is None:
            raise ToolError(Code.UNAVAILABLE, "there are no prices here")
        found = await self._shop.pricing.prices(asins)
        return {price.asin: price for price in found.prices}
