"""Payments and refunds, each written down before anything moves, and again when it is over (DATA-5).

A confirmation pays once: its number is the number of what it pays for. Begun by another request under the
same number, it is used; begun by the same, it is gone on with, with the amount and the cart of then.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from runtime.accounts.items import Item, Items

SHARDS = 16
_ORDER = "order#"


class Stage(StrEnum):
    """How far it came."""

    BEGUN = "begun"
    DONE = "done"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Entry:
    """`key`: of the request that began it. `details`: what it takes to go on with it, and what came of it."""

    number: str
    user: str
    deed: Literal["pay", "refund"]
    cents: int
    currency: str
    key: str
    created: str
    stage: Stage = Stage.BEGUN
    details: Mapping[str, Any] = field(default_factory=dict)


class Ledger:
    def __init__(self, items: Items, wall: Callable[[], datetime]) -> None:
        self._items = items
        self._wall = wall

    def now(self) -> str:
        return self._wall().isoformat()

    async def find(self, number: str) -> Entry | None:
        item = await self._items.get(transaction=number)
        return _entry(item) if item else None

    async def begin(self, entry: Entry) -> bool:
        """False: something was begun under this number before."""
        return await self._items.put(_item(entry), only_if={"transaction": None})

    async def end(self, entry: Entry, stage: Stage, details: Mapping[str, Any]) -> Entry:
        """What came of it; said again, it is the same."""
        ended = replace(entry, stage=stage, details={**entry.details, **details})
        values = {"stage": stage.value, "details": ended.details}
        await self._items.set({"transaction": entry.number}, values)
        return ended

    async def order_paid(self, order: str, authorization: str) -> None:
        """Which authorization paid an order: an item of its own, for an index may lag behind."""
        await self._items.put({"transaction": f"{_ORDER}{order}", "authorization": authorization})

    async def paid_by(self, order: str) -> str | None:
        """The authorization; None for an order that was not paid here."""
        item = await self._items.get(transaction=f"{_ORDER}{order}")
        return str(item["authorization"]) if item else None

    async def of(self, user: str) -> Sequence[Entry]:
        """Theirs, the newest first."""
        return [_entry(item) for item in reversed(await self._items.query("user", user=user))]


def _item(entry: Entry) -> Item:
    shard = hashlib.sha256(entry.number.encode()).digest()[0] % SHARDS
    return {
        "transaction": entry.number,
        "user": entry.user,
        "created": entry.created,
        "created_shard": f"{entry.created[:10]}#{shard:02d}",
        "deed": entry.deed,
        "cents": entry.cents,
        "currency": entry.currency,
        "key": entry.key,
        "stage": entry.stage.value,
        "details": entry.details,
    }


def _entry(item: Item) -> Entry:
    return Entry(
        number=item["transaction"],
        user=item["user"],
        deed=item["deed"],
        cents=item["cents"],
        currency=item["currency"],
        key=item["key"],
        created=item["created"],
        stage=Stage(item["stage"]),
        details=item["details"],
    )
