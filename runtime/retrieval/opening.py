"""The parts of retrieval that have a place, opened and put together."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from contract import search
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
    calls: Callable[[], ModelCalls | None] = lambda: None,
    headers: Headers = dict,
    observe: Observe = unobserved,
    hear: Hear = unheard,
    spoil: Spoil = unspoilt,
) -> AsyncIterator[Parts]:
    """`calls`: what the stack publishes, the embedder's modelId among it."""

    def at(name: str, deadline_s: float) -> Downstream:
        return Downstream(name, deadline_s, asking, observe, hear, spoil)

    async with AsyncExitStack() as stack:
        clients = _Clients(stack, region, settings, asking.connections)

        async def endpoint(name: str, deadline_s: float, called: str | None) -> Endpoint | None:
            return Endpoint(at(name, deadline_s), await clients.of(SAGEMAKER), called) if called else None

        async def embedder() -> Embedder | None:
            known = search.embedders()[search.index().embedder]
            if known.service == "sagemaker":
                own = await endpoint("embed", settings.embed_s, places.embed_endpoint)
                return OwnEmbedder(own, known) if own else None

            def model_id() -> str:
                published = calls()
                return (published.embed if published else None) or known.id

            return Titan(at("embed", settings.embed_s), await clients.of(BEDROCK), known, model_id)

        classifier = await endpoint("intent", settings.intent_s, places.intent_endpoint)
        retrieval = None
        if places.search:
            opened = await stack.enter_async_context(open_session(asking.connections))
            reranker = await endpoint("rerank", settings.rerank_s, places.rerank_endpoint)
            keys = await aws.credentials()
            retrieval = Retrieval(
                Index(
                    at("search", settings.search_s),
                    opened,
                    places.search,
                    Signer(keys, region, SEARCH) if keys else None,
                    settings.tenant,
                    headers,
                ),
                await embedder(),
                Reranker(reranker) if reranker else None,
                settings,
            )
        yield Parts(retrieval=retrieval, intent=IntentClassifier(classifier) if classifier else None)


class _Clients:
    """One client of each AWS service, opened when it is first needed."""

    def __init__(
        self, stack: AsyncExitStack, region: str, settings: RetrievalSettings, connections: int
    ) -> None:
        self._stack = stack
        self._region = region
        self._settings = settings
        self._connections = connections
        self._open: dict[str, Any] = {}

    async def of(self, service: str) -> Any:
        if service not in self._open:
            # Deadlines are the Downstream's; this only ends a socket that nobody watches any more.
            slowest = max(self._settings.embed_s, self._settings.rerank_s, self._settings.intent_s)
            made = aws.client(
                service,
                self._region,
                read_timeout=slowest + 1,
                max_pool_connections=self._connections,
                retries={"mode": "standard", "total_max_attempts": 1},
            )
            self._open[service] = await self._stack.enter_async_context(made)
        return self._open[service]
