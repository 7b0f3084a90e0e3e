"""Opens every part of the agent that has a place, and puts them together for a conversation.

What has no place is off, and said once; what has one and is down is not waited for.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from contract.cutover import Cutover
from contract.logs import PROVIDER_FAILED
from contract.model_access import ModelCalls
from contract.runtime_settings import RuntimeSettings
from runtime.accounts.opening import open_accounts
from runtime.agents.crew import Crew
from runtime.answer.gather import Gather
from runtime.caches import Answers, Shelf, Similar
from runtime.connections import on_behalf
from runtime.downstream import Spoil, unspoilt
from runtime.experiment import Trial
from runtime.failover.breaker import Change
from runtime.graph import Graph
from runtime.graph.opening import open_graph
from runtime.limits import Limits, Shedding
from runtime.measures import Measures
from runtime.parts import CODEC, Parts, Shelved
from runtime.places import Places
from runtime.retrieval.endpoints import IntentClassifier
from runtime.retrieval.opening import open_retrieval
from runtime.safety.pii import redact
from runtime.safety.watch import ready
from runtime.sessions.opening import Stores, open_sessions
from runtime.shop.item_to_item import ItemToItem
from runtime.shop.opening import Shop, open_shop
from runtime.telemetry import Clock, Telemetry
from runtime.tools.opening import toolbox
from runtime.tools.paying import Signing
from runtime.tools.toolbox import Toolbox
from runtime.tracing import Stages, recorder
from runtime.tracing import headers as traced
from runtime.understand.intent import Classify, Scored
from runtime.valkey import Store
from runtime.valkey import opened as open_valkey
from runtime.vault.opening import open_vault

HEARD = frozenset({"ok", "cancelled", "declined"})  # outcomes of a call that are nobody's failure
SKIPPED = "skipped"  # not asked, because its breaker is open: that was said once
FLUSH_LAST_S = 2.0
WARM = "warm up"


@dataclass(frozen=True, kw_only=True)
class Opened:
    """What a conversation and its doors work with."""

    parts: Parts
    stores: Stores
    shedding: Shedding
    measures: Measures
    toolbox: Toolbox
    graph: Graph | None = None

    async def warm(self) -> None:
        """One throw-away round, so that the first person does not pay for cold connections and rules."""
        ready()
        gather, classify = self.parts.gather, self.parts.classify
        ahead = gather.ahead(WARM, "en") if gather else None
        rounds = [ahead.passages()] if ahead else []
        found = await asyncio.gather(*rounds, *([classify(WARM)] if classify else []), return_exceptions=True)
        del found  # what does not answer now is said when it matters


@asynccontextmanager
async def open_parts(
    places: Places,
    settings: RuntimeSettings,
    *,
    environment: str,
    region: str,
    variables: Mapping[str, str],
    calls: Callable[[], ModelCalls | None],
    cutover: Callable[[], Cutover | None] = lambda: None,
    telemetry: Telemetry,
    wall: Clock,
    secret: bytes,
    spoil: Spoil = unspoilt,
) -> AsyncIterator[Opened]:
    """Inside the event loop whose time counts. `secret`: what confirmations are signed with; `spoil`: what an
    experiment does to calls."""
    now = asyncio.get_running_loop().time
    measures = Measures(telemetry)
    if places.missing:
        telemetry.log("info", "parts of the agent have no place and are off", parts=list(places.missing))

    def observe(provider: str, seconds: float, outcome: str) -> None:
        failed = outcome not in HEARD
        measures.provider(provider, seconds, failed=failed)
        if failed and outcome != SKIPPED:
            telemetry.log("warning", PROVIDER_FAILED.message, **{PROVIDER_FAILED.by: provider}, why=outcome)

    def hear(provider: str, change: Change) -> None:
        telemetry.log(
            "info", "a provider's breaker changed", provider=provider, after=change.after, why=change.why
        )

    def changed(up: bool, why: str) -> None:
        telemetry.log("info" if up else "warning", "Valkey is there" if up else "Valkey is away", why=why)
        measures.valkey(up=up)

    def headers() -> Mapping[str, str]:
        return {**traced(), **on_behalf()}

    async with AsyncExitStack() as stack:
        sink = recorder(environment, variables)
        if sink is not None:
            stack.push_async_callback(sink.close, FLUSH_LAST_S)
        stages = Stages(measures, now, sink, settings.tracing.ratio)
        asking = settings.downstream
        shop = await stack.enter_async_context(
            open_shop(
                places,
                settings.providers,
                asking,
                region=region,
                headers=headers,
                observe=observe,
                hear=hear,
                spoil=spoil,
            )
        )
        graph = await stack.enter_async_context(
            open_graph(places, settings.providers, asking, region=region, observe=observe, hear=hear)
        )
        shop = _recommending(shop, graph, settings.providers.recommendation_s)
        found = await stack.enter_async_context(
            open_retrieval(
                places,
                settings.retrieval,
                asking,
                region=region,
                calls=calls,
                cutover=cutover,
                headers=headers,
                observe=observe,
                hear=hear,
                spoil=spoil,
            )
        )
        stores = await stack.enter_async_context(
            open_sessions(
                places,
                settings.sessions,
                asking,
                region=region,
                wall=wall,
                redact=redact,
                observe=observe,
                hear=hear,
                spoil=spoil,
            )
        )
        accounts = await stack.enter_async_context(
            open_accounts(
                places,
                settings.tools.item_s,
                asking,
                region=region,
                wall=wall,
                observe=observe,
                hear=hear,
            )
        )
        kept = await stack.enter_async_context(
            open_vault(
                places,
                settings.sessions.write_s,
                asking,
                region=region,
                telemetry=telemetry,
                observe=observe,
                hear=hear,
            )
        )
        signing = Signing(secret, wall)
        tools = toolbox(shop, accounts, found.retrieval, signing, settings.tools, telemetry, measures, now)
        valkey = await stack.enter_async_context(open_valkey(places.cache, region, settings.valkey, changed))
        shedding = Shedding(settings.shedding, telemetry)
        _beside(stack, telemetry, settings, shedding)
        parts = Parts(
            limits=Limits(valkey, settings.rates, telemetry, now) if places.cache else None,
            shedding=shedding,
            sessions=stores.sessions,
            gather=Gather(shop, found.retrieval, accounts.preferences),
            classify=_classify(found.intent) if found.intent else None,
            answers=_answers(valkey, settings, measures) if places.cache else None,
            stages=stages,
            measures=measures,
            trial=Trial(settings.experiment, measures) if settings.experiment else None,
            crew=Crew(tools, signing, settings.tools, telemetry, measures, now),
            vault=kept.vault if kept else None,
        )
        yield Opened(
            parts=parts, stores=stores, shedding=shedding, measures=measures, toolbox=tools, graph=graph
        )


def _beside(
    stack: AsyncExitStack, telemetry: Telemetry, settings: RuntimeSettings, shedding: Shedding
) -> None:
    """What runs beside the messages."""
    stack.callback(telemetry.flush)  # the very last lines
    for work in (telemetry.flush_every(settings.tracing.flush_s), shedding.watch()):
        stack.callback(asyncio.create_task(work).cancel)


def _answers(valkey: Store, settings: RuntimeSettings, measures: Measures) -> Answers[Shelved]:
    shelf = Shelf("answers", valkey, CODEC, settings.caches)
    return Answers(shelf, Similar("answers", valkey, settings.caches), settings.caches, measures)


def _recommending(shop: Shop, graph: Graph | None, budget_s: float) -> Shop:
    """A shop that recommends nothing by itself does so by what belongs together (RUN-22)."""
    if shop.recommendations is not None or shop.catalogue is None or graph is None:
        return shop
    return replace(shop, recommendations=ItemToItem(graph, shop.catalogue, budget_s))


def _classify(classifier: IntentClassifier) -> Classify:
    async def classify(message: str) -> list[Scored]:
        return [Scored(one.intent, one.score) for one in await classifier.classify(message)]

    return classify
