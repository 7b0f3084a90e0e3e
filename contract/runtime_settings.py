"""The runtime's part of the settings tree: the stack publishes it, the runtime and the rehearsal read it.

Its defaults are the requirement's own numbers; `concierge:runtime` in a stack file changes single knobs.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from contract.base import Knobs
from contract.ingest_settings import IngestSettings
from contract.models import models
from contract.tiers import Tier
from contract.traffic_settings import (
    CacheSettings,
    RateSettings,
    SheddingSettings,
    TracingSettings,
    ValkeySettings,
)

PREMIUM = "premium"  # the rung that `runtime.premium` puts before the ladder
STANDBY = "standby"  # as a rung's region: the other one of the estate, whichever that is


class Rung(Knobs):
    """One step of the ladder: a model with its limits, or an answer that needs no model.

    The stack publishes a ladder that stands: `contract.ladder` fills in the region and leaves out what is not
    there.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$", description="what metrics, controls and runbooks call it")
    tier: Tier = Field(strict=False, description="how good its answers are; rungs go down the tiers")
    model: str | None = Field(None, description="key in contract/models.toml; none: no model is called")
    first_token_s: float = Field(10.0, gt=0, description="longest wait for the first text")
    gap_s: float = Field(5.0, gt=0, description="longest silence between two chunks")
    total_s: float = Field(20.0, gt=0, description="longest answer")
    max_tokens: int = Field(800, gt=0, description="reserved against the quota up front, so kept small")
    region: str | None = Field(
        None, description="none: that of the runtime; standby: the estate's other region, as models are there"
    )
    provisioned: bool = Field(
        False, description="calls units of our own, which `models.access` buys under this rung's name"
    )
    service_tier: Literal["priority", "default", "flex"] | None = Field(
        None, description="service tier of Bedrock, where the model offers it; none: what the account has"
    )
    latency: Literal["standard", "optimized"] | None = Field(
        None, description="latency-optimised inference, where the model offers it"
    )
    concurrency: int = Field(
        2_000, gt=0, description="most calls at a time; the adaptive limit moves below it"
    )
    optional: bool = Field(
        False, description="left out where it cannot be called; any other such rung stops the plan"
    )
    premium: bool = Field(False, description="only for what money depends on (RUN-4)")

    @model_validator(mode="after")
    def _known_model(self) -> Self:
        if self.model is not None and self.model not in models():
            raise ValueError(f"model {self.model!r} is not in contract/models.toml: {', '.join(models())}")
        return self

    @model_validator(mode="after")
    def _first_text_in_time(self) -> Self:
        if self.model is not None and self.first_token_s > self.total_s:
            raise ValueError(
                f"first_token_s {self.first_token_s} is more than total_s {self.total_s}: "
                "lower first_token_s, or raise total_s"
            )
        return self


# Further down people have waited already: the first text must come sooner.
_SONNET: dict[str, Any] = {"model": "sonnet", "tier": Tier.T0}
_HAIKU: dict[str, Any] = {"model": "haiku", "tier": Tier.T1, "total_s": 10.0, "max_tokens": 500}
_THERE: dict[str, Any] = {"tier": Tier.STANDBY, "region": STANDBY, "optional": True}
LADDER = (
    Rung(**_SONNET, name="sonnet-units", first_token_s=5.0, provisioned=True, optional=True),
    Rung(**_SONNET, name="sonnet"),
    Rung(**_SONNET, name="sonnet-priority", first_token_s=5.0, service_tier="priority", optional=True),
    Rung(**_HAIKU, name="haiku", first_token_s=5.0),
    Rung(**_HAIKU, name="haiku-fast", first_token_s=3.0, latency="optimized", optional=True),
    Rung(**_SONNET | _THERE, name="standby-sonnet", first_token_s=5.0),
    Rung(**_HAIKU | _THERE, name="standby-haiku", first_token_s=4.0),
    Rung(name="canned", tier=Tier.T2),
    Rung(name="closed", tier=Tier.T3),
)


class BreakerSettings(Knobs):
    """When a rung is given up for a while (RUN-6)."""

    enabled: bool = Field(True, description="off: outcomes are counted but never stop a call")
    mode: Literal["normal", "metrics-only", "disabled", "forced-open"] = Field(
        "normal",
        description="metrics-only: as enabled off; disabled: nothing is counted; forced-open: no call",
    )
    window_s: float = Field(60.0, gt=0, description="sliding window of the failure share")
    failure_share: float = Field(0.20, gt=0, lt=1, description="failed or slow share above which it opens")
    slow_s: float = Field(10.0, gt=0, description="a call without a word for so long counts as failed")
    minimum_calls: int = Field(20, ge=1, description="calls in the window before the share counts")
    chance_share: float = Field(
        0.03, ge=0, lt=1, description="an error rate at which a few calls must not open it by bad luck"
    )
    burst_failures: int = Field(3, ge=2, description="failures, with no first text between ...")
    burst_s: float = Field(10.0, gt=0, description="... within this time, that open it at once")
    open_s: float = Field(5.0, gt=0, description="pause before probes are let through")
    probe_share: float = Field(0.10, gt=0, le=1, description="share of traffic that probes a half-open rung")
    ramp: tuple[float, ...] = Field(
        (0.25, 0.50, 1.0),
        strict=False,
        description="shares that follow, those above probe_share, each after good probes",
    )
    probes_to_close: int = Field(3, ge=1, description="good probes of each share; the last one's close it")

    @model_validator(mode="after")
    def _one_failure_is_no_outage(self) -> Self:
        if self.minimum_calls * self.failure_share < 1:
            raise ValueError(
                f"one failure in {self.minimum_calls} calls is more than failure_share {self.failure_share}: "
                "raise minimum_calls"
            )
        return self

    @model_validator(mode="after")
    def _ramp_goes_up(self) -> Self:
        if not all(0 < share <= 1 for share in self.ramp) or sorted(self.ramp) != list(self.ramp):
            raise ValueError(f"ramp {self.ramp} must go up, to 1 at most: correct the order")
        return self

    @property
    def shares(self) -> tuple[float, ...]:
        """Of the traffic that a half-open rung gets, step by step."""
        return (self.probe_share, *(share for share in self.ramp if share > self.probe_share))


class LimitSettings(Knobs):
    """How many calls of a rung run at a time: fewer while it answers late or refuses much."""

    floor: int = Field(20, ge=1, description="always allowed")
    window_s: float = Field(1.0, gt=0, description="time between two corrections")
    tolerance: float = Field(2.0, ge=1, description="times the usual first-text time that is still no sign")
    hurt_share: float = Field(0.10, gt=0, lt=1, description="throttled or timed-out share that lowers it")


class BudgetSettings(Knobs):
    """Extra calls are paid from what ordinary requests put aside, so that trouble cannot multiply them."""

    share: float = Field(0.10, ge=0, le=1, description="extra calls a request puts aside")
    most: int = Field(10, ge=0, description="extra calls that can be saved up")


class RetrySettings(Knobs):
    """Another try on the same rung, for the errors that pass (RUN-7). Exponential backoff, full jitter."""

    budget: BudgetSettings = BudgetSettings()
    first_s: float = Field(0.1, gt=0, description="longest wait before the first retry; doubles")
    longest_s: float = Field(0.5, gt=0, description="longest wait of all")


class HedgeSettings(Knobs):
    """A second rung is asked while the first says nothing; who speaks first answers."""

    after_s: float | None = Field(None, gt=0, description="silence before it; none: never")
    budget: BudgetSettings = BudgetSettings(share=0.05, most=5)


class OutageSettings(Knobs):
    """When no model has answered for long, new conversations are refused (RUN-5, T3)."""

    closed_after_s: float = Field(900.0, gt=0, description="without one answer of a model")
    try_s: float = Field(
        5.0, gt=0, description="one new conversation in this time is let in, to find the end"
    )
    sessions: int = Field(20_000, ge=1, description="conversations remembered as begun before")


class Experiment(Knobs):
    """Wordings of our instructions, side by side: everybody keeps theirs (RUN-4)."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$", description="another name draws people anew")
    shares: Mapping[str, Annotated[float, Field(gt=0, le=1)]] = Field(
        description="variant (of runtime/prompt.toml) -> share of people; the rest see the usual wording"
    )

    @model_validator(mode="after")
    def _at_most_everybody(self) -> Self:
        if sum(self.shares.values()) > 1 + 1e-9:
            raise ValueError(f"shares make {sum(self.shares.values()):g}: they may make at most 1")
        return self


class UnderstandingSettings(Knobs):
    """How a message is understood (RUN-3)."""

    enough: float = Field(0.7, gt=0, le=1, description="score of the classifier below which it is asked back")


class RoutingSettings(Knobs):
    """Which rung a message starts on (RUN-4, RUN-5)."""

    haiku_threshold: float = Field(
        0.05, gt=0, le=1, description="error rate of T0 at which simple messages start on T1"
    )
    threshold_window_s: float = Field(15.0, gt=0, description="window in which that rate is measured")
    threshold_calls: int = Field(50, ge=1, description="calls in the window before the rate counts")
    simple_words: int = Field(8, ge=1, description="a message of at most so many words is simple")
    trickle_share: float = Field(
        0.01, ge=0, le=1, description="of simple messages start on T1, so that the fallback is known to work"
    )


class ControlsSettings(Knobs):
    """How the operator's document is read, and those that change with a deployment or an event."""

    poll_s: float = Field(5.0, gt=0, description="time between two reads of the controls")
    published_poll_s: float = Field(
        30.0, gt=0, description="time between two reads of the model calls and of the extra rungs"
    )
    jitter: float = Field(0.2, ge=0, lt=1, description="share of it by which reads are spread")


class DownstreamSettings(Knobs):
    """How everything but models is asked: the shop's services, search, endpoints, tables."""

    connections: int = Field(256, ge=1, description="connections to each place")
    breaker: BreakerSettings = BreakerSettings(open_s=2.0)
    retry: BudgetSettings = BudgetSettings()


class ProvidersSettings(Knobs):
    """How long the shop's services may take. A deadline is that of the whole call, repetition included."""

    catalogue_s: float = Field(0.25, gt=0, description="deadline of a lookup in the catalogue")
    product_search_s: float = Field(0.5, gt=0, description="deadline of a product search")
    pricing_s: float = Field(0.2, gt=0, description="deadline of prices; later, none are shown (RUN-11)")
    recommendation_s: float = Field(0.2, gt=0, description="budget of recommendations; late ones are dropped")
    graph_s: float = Field(0.2, gt=0, description="deadline of what goes with a product, or leads to another")
    shipping_s: float = Field(0.5, gt=0, description="deadline of estimates and deliveries")
    promotions_s: float = Field(0.3, gt=0, description="deadline of promotions")
    orders_s: float = Field(1.0, gt=0, description="deadline of orders")
    returns_s: float = Field(3.0, gt=0, description="deadline of a refund or complaint that is written down")
    cards_s: float = Field(3.0, gt=0, description="deadline of one step with the card network")


class RetrievalSettings(Knobs):
    """How passages are found (RUN-1, VEC-3). What is late is left out, and the answer says so."""

    intent_s: float = Field(0.05, ge=0.005, le=1, description="deadline of the intent classifier")
    embed_s: float = Field(0.1, gt=0, description="deadline of the query's vector; later, words alone search")
    search_s: float = Field(0.2, gt=0, description="deadline of a search; later, there are no passages")
    rerank_s: float = Field(0.1, gt=0, description="deadline of the reranker; later, the order found stays")
    total_s: float = Field(0.25, gt=0, description="budget of all three together")
    found: int = Field(10, ge=1, le=100, description="passages a search finds")
    kept: int = Field(3, ge=1, le=100, description="passages that are left after reranking")
    hybrid: bool = Field(False, description="words and vectors together; else vectors alone")
    words_share: float = Field(0.3, gt=0, lt=1, description="weight of the words in a hybrid search")
    tenant: str = Field("shop", min_length=1, description="whose documents are searched")


class SessionsSettings(Knobs):
    """What is remembered of conversations, for how long, and how the store is spared (DATA-2, DATA-5)."""

    metadata_days: float = Field(90.0, gt=0, description="life of what is known about a session")
    turns_hours: float = Field(24.0, gt=0, description="life of what was said in it")
    turns: int = Field(10, ge=1, le=50, description="last turns that a model is shown")
    summary_tokens: int = Field(
        2_000, ge=100, description="tokens of turns beyond which old ones are summed up"
    )
    read_s: float = Field(0.3, gt=0, description="deadline of a read; later, the conversation has no memory")
    write_s: float = Field(1.0, gt=0, description="deadline of a write, repetitions included")
    longest_wait_s: float = Field(0.2, gt=0, description="longest wait before a throttled call is repeated")
    cache_s: float = Field(2.0, ge=0, description="life of a session in this process; 0: none")
    cache_jitter: float = Field(0.3, ge=0, lt=1, description="share of it by which lives differ")
    cache_sessions: int = Field(10_000, ge=1, description="sessions kept in this process")
    ticket_s: float = Field(60.0, gt=0, le=300, description="life of a ticket that opens a WebSocket (NET-5)")

    @model_validator(mode="after")
    def _turns_go_first(self) -> Self:
        if self.turns_hours > self.metadata_days * 24:
            raise ValueError(
                f"turns_hours {self.turns_hours:g} outlive metadata_days {self.metadata_days:g}: they would "
                "be nobody's; lower turns_hours"
            )
        return self


class ToolsSettings(Knobs):
    """How tools are called, and when an agent that calls them is stopped (RUN-14, RUN-15)."""

    read_s: float = Field(2.0, gt=0, description="longest look-up of a tool")
    write_s: float = Field(4.0, gt=0, description="longest change that a tool makes")
    money_s: float = Field(12.0, gt=0, description="longest payment or refund, all its steps together")
    item_s: float = Field(0.5, gt=0, description="deadline of one read or write of a cart, list or payment")
    iterations: int = Field(5, ge=1, le=20, description="times a model may ask for tools in one message")
    failures: int = Field(3, ge=1, description="failed calls of tools that stop it")
    total_s: float = Field(60.0, gt=0, description="time from the first call of a tool to the last")


class RuntimeSettings(Knobs):
    """Tiers, breaker, routing and controls of the running agent."""

    request_s: float = Field(25.0, gt=0, description="nobody waits longer for an answer")
    ladder: tuple[Rung, ...] = Field(LADDER, strict=False, description="rungs from the best answer down")
    premium: str | None = Field(
        "opus", description="model that answers first what money depends on (RUN-4); none: as all else"
    )
    breaker: BreakerSettings = BreakerSettings()
    limit: LimitSettings = LimitSettings()
    retry: RetrySettings = RetrySettings()
    hedge: HedgeSettings = HedgeSettings()
    outage: OutageSettings = OutageSettings()
    routing: RoutingSettings = RoutingSettings()
    understanding: UnderstandingSettings = UnderstandingSettings()
    experiment: Experiment | None = Field(None, description="none: everybody sees the usual wording")
    controls: ControlsSettings = ControlsSettings()
    downstream: DownstreamSettings = DownstreamSettings()
    providers: ProvidersSettings = ProvidersSettings()
    retrieval: RetrievalSettings = RetrievalSettings()
    ingest: IngestSettings = IngestSettings()
    sessions: SessionsSettings = SessionsSettings()
    valkey: ValkeySettings = ValkeySettings()
    rates: RateSettings = RateSettings()
    shedding: SheddingSettings = SheddingSettings()
    caches: CacheSettings = CacheSettings()
    tracing: TracingSettings = TracingSettings()
    tools: ToolsSettings = ToolsSettings()

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """The ladder with the rung of `premium` before it, as the stack publishes it."""
        if self.premium is None:
            return self.ladder
        return (Rung(name=PREMIUM, tier=Tier.T0, model=self.premium, premium=True), *self.ladder)

    @model_validator(mode="after")
    def _walkable(self) -> Self:
        names = [rung.name for rung in self.rungs]
        if len(set(names)) != len(names):
            raise ValueError(f"two rungs have the same name in {', '.join(names)}")
        if not any(rung.model is None and rung.tier is not Tier.T3 for rung in self.ladder):
            raise ValueError("a rung must need no model, so that somebody always gets an answer")
        if wrong := [rung.name for rung in self.ladder if rung.tier is Tier.T3 and rung.model is not None]:
            raise ValueError(f"rung {wrong[0]} is of tier T3, where nobody answers: leave its model out")
        order = list(Tier)
        if sorted(self.ladder, key=lambda rung: order.index(rung.tier)) != list(self.ladder):
            raise ValueError(f"rungs must go down the tiers {', '.join(order)}")
        return self
