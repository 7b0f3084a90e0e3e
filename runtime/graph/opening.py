"""The graph where it has a place: Neptune before the table, where a stack has both."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from contract.runtime_settings import DownstreamSettings, ProvidersSettings
from runtime import aws
from runtime.connections import open_session
from runtime.downstream import Downstream, Hear, Observe, unheard, unobserved
from runtime.graph.neptune import NEPTUNE, NeptuneGraph
from runtime.graph.port import Graph
from runtime.graph.table import TableGraph
from runtime.places import Places
from runtime.signing import Signer


@asynccontextmanager
async def open_graph(
    places: Places,
    settings: ProvidersSettings,
    asking: DownstreamSettings,
    *,
    region: str,
    observe: Observe = unobserved,
    hear: Hear = unheard,
) -> AsyncIterator[Graph | None]:
    """None: it has no place."""
    at = Downstream("product-graph", settings.graph_s, asking, observe, hear)
    async with AsyncExitStack() as stack:
        if places.neptune:
            session = await stack.enter_async_context(open_session(asking.connections))
            keys = await aws.credentials()
            signer = Signer(keys, region, NEPTUNE) if keys else None
            yield NeptuneGraph(at, session, places.neptune, signer)
        elif places.product_graph_table:
            client = await stack.enter_async_context(
                aws.client(
                    "dynamodb",
                    region,
                    read_timeout=settings.graph_s + 1,
                    max_pool_connections=asking.connections,
                    retries={"mode": "standard", "total_max_attempts": 1},
                )
            )
            yield TableGraph(at, client, places.product_graph_table)
        else:
            yield None
