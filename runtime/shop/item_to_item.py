"""Recommendations without a campaign (RUN-22): what was bought with a product, then what is like it."""

import asyncio
from collections.abc import Sequence

from runtime.downstream import ProviderError
from runtime.graph import Edge, Graph, Kind
from runtime.shop.answers import Product
from runtime.shop.catalogue import Catalogue

ORDER = (Kind.BOUGHT_WITH, Kind.COMPATIBLE, Kind.SIMILAR)


class ItemToItem:
    """The same door as `services.Recommendations`; `budget_s` for edges and products together."""

    def __init__(self, graph: Graph, catalogue: Catalogue, budget_s: float) -> None:
        self._graph = graph
        self._catalogue = catalogue
        self._budget_s = budget_s

    async def recommend(self, *, asin: str, customer: str = "", limit: int = 10) -> Sequence[Product]:
        """Late ones are dropped: then there are none, and nobody waited."""
        del customer  # who asks makes no difference here
        try:
            async with asyncio.timeout(self._budget_s):
                return await self._found(asin, limit)
        except TimeoutError:
            return ()

    async def _found(self, asin: str, limit: int) -> Sequence[Product]:
        kinds = await asyncio.gather(*(self._related(asin, kind, limit) for kind in ORDER))
        targets = [edge.target for edges in kinds for edge in edges if edge.target != asin]
        return await self._catalogue.products(list(dict.fromkeys(targets))[:limit])

    async def _related(self, asin: str, kind: Kind, limit: int) -> Sequence[Edge]:
        """Of one kind; without it the others are still something."""
        try:
            return await self._graph.related(asin, kind, limit)
        except ProviderError:
            return ()
