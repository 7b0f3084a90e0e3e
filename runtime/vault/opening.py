"""The vault and its keys on the tables that have a name; nothing, where one of the places is missing."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from contract.runtime_settings import DownstreamSettings
from runtime import aws
from runtime.downstream import Downstream, Hear, Observe, unheard, unobserved
from runtime.places import Places
from runtime.telemetry import Telemetry
from runtime.vault.keys import Keys
from runtime.vault.vault import Vault, logged

NAME = "vault"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """`tables`: the client of both."""

    vault: Vault
    keys: Keys
    tables: Any
    at: Downstream


@asynccontextmanager
async def open_vault(
    places: Places,
    deadline_s: float,
    asking: DownstreamSettings,
    *,
    region: str,
    telemetry: Telemetry,
    observe: Observe = unobserved,
    hear: Hear = unheard,
) -> AsyncIterator[Kept | None]:
    vault, keys, key = places.vault_table, places.customer_keys_table, places.customer_keys_key
    if not (vault and keys and key):
        yield None
        return
    config: dict[str, Any] = {
        "read_timeout": deadline_s + 1,
        "max_pool_connections": asking.connections,
        "retries": {"mode": "standard", "total_max_attempts": 1},
    }
    async with AsyncExitStack() as stack:
        tables = await stack.enter_async_context(aws.client("dynamodb", region, **config))
        kms = await stack.enter_async_context(aws.client("kms", region, **config))
        at = Downstream(NAME, deadline_s, asking, observe, hear)
        known = Keys(tables, kms, table=keys, kms_key=key, at=at)
        yield Kept(
            vault=Vault(tables, vault, known, at, logged(telemetry), telemetry),
            keys=known,
            tables=tables,
            at=at,
        )
