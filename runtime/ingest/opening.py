"""Everything that taking documents in needs, opened and put together."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from contract import search
from contract.cutover import Cutover
from contract.errors import WrongUseError
from contract.runtime_settings import BreakerSettings, BudgetSettings, DownstreamSettings, RuntimeSettings
from runtime import aws
from runtime.answering import DOCUMENTS
from runtime.caches import invalidate
from runtime.connections import open_session
from runtime.downstream import Downstream
from runtime.graph.table import TableGraph
from runtime.ingest.generation import Generation
from runtime.ingest.intake import Intake
from runtime.ingest.origins import S3, Bucket, Folder, Origin, split
from runtime.ingest.pressure import Pressure
from runtime.ingest.run import Run, Tell
from runtime.ingest.vectors import Vectors
from runtime.ingest.wire import Wire
from runtime.places import VARIABLES, Places
from runtime.retrieval.opening import Calls, Clients, embedder
from runtime.signing import SEARCH, Signer
from runtime.valkey import Store, opened

# Whoever takes documents in has time: it waits and asks again, and gives nobody up.
PATIENT = DownstreamSettings(breaker=BreakerSettings(enabled=False), retry=BudgetSettings(most=0))
S3_S = 60.0


class Generations:
    """Those that are written to now: the one the alias names, and while the index is rebuilt both (VEC-5)."""

    def __init__(
        self, make: Callable[[str], Generation], cutover: Callable[[], Cutover | None], embedder_key: str
    ) -> None:
        self._make = make
        self._cutover = cutover
        self._embedder = embedder_key
        self._known: dict[str, Generation] = {}
        self._now: Sequence[Generation] = ()

    def __call__(self) -> Sequence[Generation]:
        return self._now

    async def follow(self) -> None:
        """Looks whether there are others by now; SearchError where one holds vectors of another model."""
        document = self._cutover()
        names = [search.index().name]
        if document is not None:
            names = [document.origin, document.to] if document.dual_write else [document.origin]
        for name in names:
            if name not in self._known:
                generation = self._make(name)
                await generation.check(self._embedder)
                self._known[name] = generation
        self._now = [self._known[name] for name in names]


@dataclass(frozen=True, kw_only=True)
class Ingest:
    """`origin` opens a place of documents."""

    intake: Intake
    generations: Generations
    vectors: Vectors
    settings: RuntimeSettings
    store: Store
    clients: Clients

    def run(self, tell: Tell = lambda _: None) -> Run:
        return Run(self.intake, self.generations, self.settings.ingest, tell)

    async def bucket(self, name: str, prefix: str = "") -> Bucket:
        return Bucket(await self.clients.of("s3"), name, prefix)

    async def origin(self, place: str) -> Origin:
        """A folder or a file, or `s3://bucket/prefix`."""
        return await self.bucket(*split(place)) if place.startswith(S3) else Folder(Path(place))

    async def tell_caches(self) -> bool:
        """No answer made of what was said before is given any more; False where the cache does not answer."""
        return await invalidate(self.store, DOCUMENTS, self.settings.caches.longest_s)


@asynccontextmanager
async def open_ingest(
    places: Places,
    settings: RuntimeSettings,
    *,
    region: str,
    wall: Callable[[], datetime],
    calls: Calls = lambda: None,
    cutover: Callable[[], Cutover | None] = lambda: None,
    tenant: str = "",
    dry: bool = False,
) -> AsyncIterator[Ingest]:
    """`tenant`: whose documents; else the one whose documents are searched."""
    if places.search is None:
        raise WrongUseError(f"there is no search domain to write to: set {VARIABLES['search']}")
    own = settings.ingest
    async with AsyncExitStack() as stack:
        clients = Clients(stack, region, max(own.embed_s, S3_S), PATIENT.connections)
        made = await embedder(clients, places, Downstream("embed", own.embed_s, PATIENT), calls)
        if made is None:
            raise WrongUseError(f"there is no embedder: set {VARIABLES['embed_endpoint']}")
        session = await stack.enter_async_context(open_session(own.writes + own.batches))
        wire = Wire(session, places.search, await _signer(region), own)
        pressure = Pressure(own.writes)
        generations = Generations(lambda name: Generation(name, wire, pressure, own), cutover, made.key)
        await generations.follow()
        vectors = Vectors(made, own)
        yield Ingest(
            intake=Intake(
                generations=generations,
                vectors=vectors,
                settings=own,
                tenant=tenant or settings.retrieval.tenant,
                wall=wall,
                dry=dry,
                graph=await _graph(clients, places, own.write_s),
            ),
            generations=generations,
            vectors=vectors,
            settings=settings,
            store=await stack.enter_async_context(opened(places.cache, region, settings.valkey, _unheard)),
            clients=clients,
        )


async def _graph(clients: Clients, places: Places, within_s: float) -> TableGraph | None:
    if places.product_graph_table is None:
        return None
    at = Downstream("product-graph", within_s, PATIENT)
    return TableGraph(at, await clients.of("dynamodb"), places.product_graph_table)


async def _signer(region: str) -> Signer | None:
    keys: Any = await aws.credentials()
    return Signer(keys, region, SEARCH) if keys else None


def _unheard(up: bool, why: str) -> None:
    del up, why
