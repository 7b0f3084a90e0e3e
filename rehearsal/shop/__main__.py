"""`python -m rehearsal.shop`: the shop's services, each on a port of its own; one JSON line says where."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from aiohttp import web

from rehearsal import fault_api
from rehearsal import serving as http
from rehearsal.shop import catalogue
from rehearsal.shop.services import Shop


def main() -> None:
    options = http.parser("rehearsal.shop", "The shop's services on loopback.").parse_args()
    shop = Shop(seed=options.seed, speed=options.speed)
    http.run(options.port, lambda: serving(shop, options.seed))


@asynccontextmanager
async def serving(shop: Shop, seed: int) -> AsyncIterator[dict[str, Any]]:
    """Every service, and where each and its faults are."""
    async with AsyncExitStack() as stack:
        urls = {name: await stack.enter_async_context(http.serving(app)) for name, app in shop.apps().items()}
        controls = dict(urls)
        service = catalogue.CatalogueService(shop.catalogue, seed, shop.clock)
        urls[catalogue.TARGET] = await stack.enter_async_context(catalogue.serving(service))
        control = web.Application()
        control.add_routes(fault_api.routes(service.faults))
        controls[catalogue.TARGET] = await stack.enter_async_context(http.serving(control))
        yield {"urls": urls, "controls": controls}


if __name__ == "__main__":
    main()
