"""What asking a provider costs beside the same call made bare, same client: python bench/providers.py

Deadline, breaker, retry, coalescing, checked types, headers and timing are all on: CPU of this process for
one call, the least of several runs. The stand-ins are other processes. Then what lookups that come together
cost.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import grpc
import grpc.aio

from contract.catalogue import catalogue_pb2 as pb
from contract.catalogue.rpc import CALLS
from contract.runtime_settings import DownstreamSettings, ProvidersSettings
from rehearsal import standins
from rehearsal.processes import Processes
from rehearsal.shop.goods import Catalogue
from runtime.places import Places
from runtime.shop.opening import open_shop

RUNS, CALLS_EACH, AT_ONCE, CROWD = 5, 400, 20, 2_000
HEADERS = {
    "x-request-id": "0f9a",
    "x-concierge-customer": "c-00001",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
}
MOST = 1.25
Call = Callable[[str], Awaitable[object]]


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, Processes(Path(folder)) as processes:
        shop = standins.start(processes, "shop", seed=7, speed=3.0, more=())
        urls = standins.ready(shop).urls
        return asyncio.run(_measure(urls["pricing"], urls["catalogue"]))


async def _measure(pricing: str, catalogue: str) -> int:
    asins = list(Catalogue(7).products)
    places = Places(pricing=pricing, catalogue=catalogue)
    patient = ProvidersSettings(pricing_s=30.0, catalogue_s=30.0)
    asking = DownstreamSettings()
    call = CALLS["GetProduct"]
    async with (
        open_shop(places, patient, asking, region="us-east-1", headers=lambda: HEADERS) as shop,
        aiohttp.ClientSession() as session,
        grpc.aio.insecure_channel(catalogue) as channel,
    ):
        if shop.pricing is None or shop.catalogue is None:
            raise RuntimeError("both have a place")
        get = channel.unary_unary(
            call.path,
            request_serializer=call.request.SerializeToString,
            response_deserializer=call.response.FromString,
        )

        async def bare_price(asin: str) -> object:
            async with session.get(f"{pricing}/v1/prices/{asin}", headers=HEADERS) as answer:
                return json.loads(await answer.read())

        async def bare_product(asin: str) -> object:
            return await get(pb.GetProductRequest(asin=asin), metadata=list(HEADERS.items()), timeout=30)

        pairs: list[tuple[str, Call, Call]] = [
            ("a price over HTTP", bare_price, shop.pricing.price),
            ("a product over gRPC", bare_product, shop.catalogue.product),
        ]
        ratios = [await _pair(what, bare, ours, asins) for what, bare, ours in pairs]
        lookups = await _crowd(shop.catalogue.product, asins)
        print(f"a product of {CROWD} asked for at once {lookups * 1e6:8.0f} µs   batched, 100 a call")
    return 0 if max(ratios) <= MOST else 1


async def _pair(what: str, bare: Call, ours: Call, asins: list[str]) -> float:
    """One after the other and again, so that a busy moment hits both."""
    floors, found = [], []
    for _ in range(RUNS):
        floors.append(await _each(bare, asins))
        found.append(await _each(ours, asins))
    floor, cost = min(floors), min(found)
    print(
        f"{what:20} bare {floor * 1e6:8.0f} µs   ours {cost * 1e6:8.0f} µs   {cost / floor:.2f}x "
        f"(limit {MOST}: {'kept' if cost / floor <= MOST else 'MISSED'})"
    )
    return cost / floor


async def _each(call: Call, asins: list[str]) -> float:
    """CPU seconds of one call: some under way at a time, and no two for the same."""

    async def worker(first: int) -> None:
        for number in range(first, CALLS_EACH, AT_ONCE):
            await call(asins[number])

    began = time.process_time()
    await asyncio.gather(*(worker(number) for number in range(AT_ONCE)))
    return (time.process_time() - began) / CALLS_EACH


async def _crowd(call: Call, asins: list[str]) -> float:
    best = []
    for _ in range(RUNS):
        began = time.process_time()
        await asyncio.gather(*(call(asin) for asin in asins[:CROWD]))
        best.append((time.process_time() - began) / CROWD)
    return min(best)


if __name__ == "__main__":
    sys.exit(main())
