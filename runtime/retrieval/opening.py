"""The parts of retrieval that have a place, opened and put together."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from contract import search
from contract.cutover import Cutover
from contract.model_access import ModelCalls
from contract.runtime_settings import DownstreamSettings, RetrievalSettings
from runtime import aws
from runtime.connections import Headers, open_session
from runtime.downstream import Downstream, Hear, Observe, Spoil, unheard, unobserved, unspoilt
from runtime.places import Places
from runtime.retrieval.embedders import Embedder, OwnEmbedder, Titan
from runtime.retrieval.endpoints import Endpoint, IntentClassifier, Reranker
from runtime.retrieval.index import Index
from runtime.retrieval.retrieval import Retrieval
from runtime.signing import SEARCH, Signer

BEDROCK, SAGEMAKER = "bedrock-runtime", "sagemaker-runtime"
Calls = Callable[[], ModelCalls | None]


@dataclass(frozen=True, kw_only=True)
class Parts:
    """None: it has no place."""

    retrieval: Retrieval | None
    intent: IntentClassifier | None


@asynccontextmanager
async def open_retrieval(
    places: Places,
    settings: RetrievalSettings,
    asking: DownstreamSettings,
    *,
    region: str,
    calls: Calls = lambda: None,
    cutover: Callable[[], Cutover | None] = lambda: None,
    headers: Headers = dict,
    observe: Observe = unobserved,
    hear: Hear = unheard,
    spoil: Spoil = unspoilt,
) -> AsyncIterator[Parts]:
    """`calls`: what the stack publishes, the embedder's modelId among it. `cutover`: between generations."""

    def at(name: str, deadline_s: float) -> Downstream:
        return Downstream(name, deadline_s, asking, observe, hear, spoil)

    async with AsyncExitStack() as stack:
        # Deadlines are the Downstream's; this only ends a socket that nobody watches any more.
        slowest = max(settings.embed_s, settings.rerank_s, settings.intent_s)
        clients = Clients(stack, region, slowest, asking.connections)

        async def endpoint(name: str, deadline_s: float, called: str | None) -> Endpoint | None:
            return Endpoint(at(name, deadline_s), await clients.of(SAGEMAKER), called) if called else None

        classifier = await endpoint("intent", settings.intent_s, places.intent_endpoint)
        retrieval = None
        if places.search:
            opened = await stack.enter_async_context(open_session(asking.connections))
            reranker = await endpoint("rerank", settings.rerank_s, places.rerank_endpoint)
            keys = await aws.credentials()
            retrieval = Retrieval(
                Index(
                    at("search", settings.search_s),
                    Downstream("search-mapping", settings.search_s, asking),
                    opened,
                    places.search,
                    Signer(keys, region, SEARCH) if keys else None,
                    settings.tenant,
                    headers,
                ),
                await embedder(clients, places, at("embed", settings.embed_s), calls),
                Reranker(reranker) if reranker else None,
                settings,
                cutover,
            )
        yield Parts(retrieval=retrieval, intent=IntentClassifier(classifier) if classifier else None)


class Clients:
    """One client of each AWS service, opened when it is first needed."""

    def __init__(self, stack: AsyncExitStack, region: str, longest_s: float, connections: int) -> None:
        self._stack = stack
        self._region = region
        self._longest_s = longest_s
        self._connections = connections
        self._open: dict[str, Any] = {}

    async def of(self, service: str) -> Any:
        if service not in self._open:
            made = aws.client(
                service,
                self._region,
                read_timeout=self._longest_s + 1,
                max_pool_connections=self._connections,
                retries={"mode": "standard", "total_max_attempts": 1},
            )
            self._open[service] = await self._stack.enter_async_context(made)
        return self._open[service]


async def embedder(clients: Clients, places: Places, at: Downstream, calls: Calls) -> Embedder | None:
    """The one of the index; None where it has no place."""
    known = search.embedders()[search.index().embedder]
    if known.service == "sagemaker":
        called = places.embed_endpoint
        return OwnEmbedder(Endpoint(at, await clients.of(SAGEMAKER), called), known) if called else None

    def model_id() -> str:
        published = calls()
        return (published.embed if published else None) or known.id

    return Titan(at, await clients.of(BEDROCK), known, model_id)
