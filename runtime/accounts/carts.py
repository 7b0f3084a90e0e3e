"""Carts: one for each owner, changed by reading, deciding and writing back what nobody changed meanwhile.

A change and the key it came with are one write: a change that is asked for again, because its answer was
lost, finds its key and changes nothing. Prices are not kept here: what something costs is asked when it
matters.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from runtime.accounts.items import Item, Items
from runtime.downstream import Why

LIVES = timedelta(days=30)
MOST_LINES, MOST_OF_ONE = 50, 99
KEYS = 50  # of the last changes: a retry comes before fifty others
TRIES = 8  # of a cart that others change at the same time
SHARDS = 16

Lines = Mapping[str, int]
Change = Callable[[Lines], Lines]


class FullError(Exception):
    """More than a cart holds."""


@dataclass(frozen=True, slots=True)
class Cart:
    """ASIN -> how many, in the order they were put in. `version` counts the changes."""

    owner: str
    lines: Lines
    version: int = 0
    keys: tuple[str, ...] = ()


class Carts:
    """`wall` stamps what is written."""

    def __init__(self, items: Items, wall: Callable[[], datetime]) -> None:
        self._items = items
        self._wall = wall

    async def of(self, owner: str) -> Cart:
        """Theirs; an empty one where there is none."""
        item = await self._items.get(cart=owner)
        return _cart(owner, item) if item else Cart(owner, {})

    async def change(self, owner: str, key: str, change: Change) -> Cart:
        """As it is after the change, which happens once for each key."""
        digest = hashlib.sha256(key.encode()).hexdigest()[:16]
        for _ in range(TRIES):
            cart = await self.of(owner)
            if digest in cart.keys:
                return cart
            after = Cart(owner, _fitting(change(cart.lines)), cart.version + 1, (*cart.keys, digest)[-KEYS:])
            if await self._items.put(self._item(after), only_if={"version": cart.version or None}):
                return after
        raise self._items.error(Why.THROTTLED, "too many change one cart at a time")

    def _item(self, cart: Cart) -> Item:
        now = self._wall()
        status = "open" if cart.lines else "empty"
        shard = hashlib.sha256(cart.owner.encode()).digest()[0] % SHARDS
        return {
            "cart": cart.owner,
            "user": cart.owner,
            "updated": now.isoformat(),
            "status_shard": f"{status}#{shard:02d}",
            "expires_at": int((now + LIVES).timestamp()),
            "version": cart.version,
            "keys": cart.keys,
            # A map of DynamoDB keeps no order.
            "lines": [{"asin": asin, "quantity": quantity} for asin, quantity in cart.lines.items()],
        }


def _cart(owner: str, item: Item) -> Cart:
    lines = {line["asin"]: line["quantity"] for line in item["lines"]}
    return Cart(owner, lines, item["version"], tuple(item["keys"]))


def _fitting(lines: Lines) -> Lines:
    left = {asin: quantity for asin, quantity in lines.items() if quantity > 0}
    if len(left) > MOST_LINES:
        raise FullError(f"a cart holds {MOST_LINES} different products: remove one first")
    if too_many := [asin for asin, quantity in left.items() if quantity > MOST_OF_ONE]:
        raise FullError(f"a cart holds {MOST_OF_ONE} of one product: put fewer of {too_many[0]} in it")
    return left


def added(asin: str, quantity: int) -> Change:
    """So many more of it."""
    return lambda lines: {**lines, asin: lines.get(asin, 0) + quantity}


def counted(asin: str, quantity: int) -> Change:
    """Exactly so many of it; none takes it out."""
    return lambda lines: {**lines, asin: quantity}


def without(bought: Lines) -> Change:
    """What was paid for goes; what was put in meanwhile stays."""
    return lambda lines: {asin: quantity - bought.get(asin, 0) for asin, quantity in lines.items()}
