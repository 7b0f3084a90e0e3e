"""What customers have with us, on the tables that have a name, with one client for all."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from contract.runtime_settings import DownstreamSettings
from runtime import aws
from runtime.accounts.cards import CardsOnFile
from runtime.accounts.carts import Carts
from runtime.accounts.items import Items
from runtime.accounts.ledger import Ledger
from runtime.accounts.preferences import Preferences
from runtime.accounts.wishes import Wishes
from runtime.downstream import Downstream, Hear, Observe, unheard, unobserved
from runtime.places import Places

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Accounts:
    """None: no table."""

    carts: Carts | None = None
    wishes: Wishes | None = None
    cards: CardsOnFile | None = None
    preferences: Preferences | None = None
    ledger: Ledger | None = None


@asynccontextmanager
async def open_accounts(
    places: Places,
    deadline_s: float,
    asking: DownstreamSettings,
    *,
    region: str,
    wall: Callable[[], datetime],
    observe: Observe = unobserved,
    hear: Hear = unheard,
) -> AsyncIterator[Accounts]:
    """`deadline_s`: of one read or write."""
    async with aws.client(
        "dynamodb",
        region,
        read_timeout=deadline_s + 1,
        max_pool_connections=asking.connections,
        retries={"mode": "standard", "total_max_attempts": 1},
    ) as client:

        def at(table: str | None, name: str, make: Callable[[Items], T]) -> T | None:
            if table is None:
                return None
            return make(Items(client, table, Downstream(name, deadline_s, asking, observe, hear)))

        yield Accounts(
            carts=at(places.carts_table, "carts", lambda items: Carts(items, wall)),
            wishes=at(places.wishlist_table, "wishlist", Wishes),
            cards=at(places.profiles_table, "profiles", CardsOnFile),
            preferences=at(places.profiles_table, "profiles", Preferences),
            ledger=at(places.transactions_table, "transactions", lambda items: Ledger(items, wall)),
        )
