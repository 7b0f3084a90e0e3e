"""Cards on file: the network's token of each, and what a person knows it by. A card's number never comes
here.
"""

from collections.abc import Sequence
from typing import NamedTuple

from runtime.accounts.items import Items

_CARD = "card#"


class Card(NamedTuple):
    """`token`: what the network knows it by, good at this shop alone."""

    token: str
    last4: str
    network: str


class CardsOnFile:
    """Attributes of a customer's profile, one a card: put on file twice, it is there once."""

    def __init__(self, items: Items) -> None:
        self._items = items

    async def of(self, user: str) -> Sequence[Card]:
        profile = await self._items.get(user=user) or {}
        return [
            Card(name.removeprefix(_CARD), value["last4"], value["network"])
            for name, value in sorted(profile.items())
            if name.startswith(_CARD)
        ]

    async def keep(self, user: str, card: Card) -> None:
        known = {"last4": card.last4, "network": card.network}
        await self._items.set({"user": user}, {f"{_CARD}{card.token}": known})
