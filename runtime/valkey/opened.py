"""The Valkey that a URL names, kept connected while an `async with` lasts; none where there is no URL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contract.traffic_settings import ValkeySettings
from runtime.valkey.address import Dialler, iam_token, parse
from runtime.valkey.client import Changed, Valkey
from runtime.valkey.port import Nowhere, Store


@asynccontextmanager
async def opened(
    url: str | None, region: str, settings: ValkeySettings, changed: Changed
) -> AsyncIterator[Store]:
    """`AddressError` where the URL cannot be used; a server that is away is no error."""
    if not url:
        yield Nowhere()
        return
    address = parse(url)
    password = iam_token(address, region) if address.renews else None
    async with Valkey(Dialler(address, password), settings, changed) as valkey:
        yield valkey
