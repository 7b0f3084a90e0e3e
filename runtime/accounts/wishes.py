"""Wish lists and price alerts: products a customer keeps in mind, and the price below which they want to
know.

Each is one item by customer and product, so that saying it twice is saying it once.
"""

from collections.abc import Sequence
from typing import NamedTuple

from runtime.accounts.items import Items

_WISH, _ALERT = "wish#", "alert#"


class Alert(NamedTuple):
    """Tell them when the product costs at most so much."""

    asin: str
    cents: int


class Wishes:
    def __init__(self, items: Items) -> None:
        self._items = items

    async def of(self, user: str) -> Sequence[str]:
        """ASINs."""
        found = await self._items.query(None, user=user, product=_WISH)
        return [item["product"].removeprefix(_WISH) for item in found]

    async def add(self, user: str, asin: str) -> None:
        await self._items.put({"user": user, "product": f"{_WISH}{asin}"})

    async def remove(self, user: str, asin: str) -> None:
        await self._items.delete(user=user, product=f"{_WISH}{asin}")

    async def alerts(self, user: str) -> Sequence[Alert]:
        found = await self._items.query(None, user=user, product=_ALERT)
        return [Alert(item["product"].removeprefix(_ALERT), item["cents"]) for item in found]

    async def watch(self, user: str, alert: Alert) -> None:
        """In place of one for the same product."""
        await self._items.put({"user": user, "product": f"{_ALERT}{alert.asin}", "cents": alert.cents})

    async def unwatch(self, user: str, asin: str) -> None:
        await self._items.delete(user=user, product=f"{_ALERT}{asin}")
