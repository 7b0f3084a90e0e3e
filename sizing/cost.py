"""What traffic costs: by part and tier, a message, an intent, a conversation, a day, an event (OPS-7).

What traffic uses is priced here, what stands anyway by the capacity that was decided. List prices; a line
without a price is unknown and stays so.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from contract.intents import Intent
from contract.models import models
from contract.prices import HOURS_IN_MONTH
from contract.runtime_settings import LADDER
from plan.cost_model import Estimate
from sizing.assumptions import Assumptions
from sizing.bill import Bill, Line, given, priced
from sizing.capacities import Capacities, embeds_in_bedrock, endpoints
from sizing.demand import Demand
from sizing.quote import Quotes
from sizing.traffic import Floats
from sizing.units import Option, served
from stacks.settings import Settings

GB = 1e9
TIER_OF = {rung.model: rung.tier.value for rung in reversed(LADDER) if rung.model and rung.region is None}
GUARDRAILS = ("content", "topic", "pii", "grounding")


@dataclass(frozen=True)
class Bought:
    """Units of models for the whole time: model -> option."""

    options: Mapping[str, Option]
    quotes: Quotes


def models_bill(demand: Demand, bought: Bought, region: str) -> Bill:
    """Tokens on demand, and units."""
    lines: list[Line] = []
    for model in demand.models:
        row = models()[model]
        share, unit_lines = _units(demand, model, bought, region)
        lines += unit_lines
        where = f"model {model}"
        tokens = float(demand.input_tokens(model).sum()), float(demand.output_tokens(model).sum())
        lines += [
            priced(where, row.input_price, tokens[0] * share, region, f"{model}, input on demand"),
            priced(where, row.output_price, tokens[1] * share, region, f"{model}, output on demand"),
        ]
    embedded = float(demand.work("embed").sum())
    if embedded and embeds_in_bedrock():
        lines.append(
            priced("embedder", "bedrock-titan-embed-input", embedded * 30, region, "queries, 30 tokens each")
        )
    return Bill(tuple(lines))


def _units(demand: Demand, model: str, bought: Bought, region: str) -> tuple[float, Sequence[Line]]:
    """The share of the tokens that is left to be paid on demand, and what the units cost."""
    option, quote = bought.options.get(model), bought.quotes[model]
    if option is None or quote is None:
        return 1.0, ()
    needs = demand.tokens(model, quote.output_weight)
    inside = float(served(needs, quote.tokens_per_minute, option.units).sum())
    hours = len(needs) / 60 * option.units
    usd = quote.usd(option.term, model, region, demand.assumed)
    line = given(
        f"model {model}",
        f"{option.units} units, {option.term}",
        hours,
        "unit hours",
        None if usd is None else usd * hours,
        quote.source if quote.checked else f"{quote.source} (not checked)",
    )
    return 1 - inside / float(needs.sum()), (line,)


def use_bill(demand: Demand, settings: Settings, region: str) -> Bill:
    """What each message uses beside models."""
    total = float(demand.messages.sum())
    conversations = total / demand.assumed.conversation.turns

    def work(what: str) -> float:
        return float(demand.work(what).sum())

    writes = "dynamodb-replicated-writes" if settings.regions.standby else "dynamodb-writes"
    lines = [
        priced("edge", "api-websocket-messages", work("frames") + total, region),
        priced(
            "edge",
            "api-websocket-minutes",
            total * demand.assumed.conversation.message_every_s / 60,
            region,
            "WebSocket connection minutes",
        ),
        priced("edge", "cloudfront-out-gb", work("bytes_out") / GB, region),
        priced("edge", "waf-requests", conversations, region),
        priced("tables", writes, work("table_writes") * _regions(settings), region),
        priced("tables", "dynamodb-reads", work("table_reads"), region),
        priced("logs", "logs-ingested-gb", work("log_bytes") / GB, region),
        priced("endpoints and NAT", "interface-endpoint-gb", work("bytes_models") / GB, region),
    ]
    lines += [
        priced("guardrail", f"bedrock-guardrail-{kind}-units", work("guardrail_units"), region)
        for kind in GUARDRAILS
    ]
    return Bill(tuple(lines))


def standing_bill(
    demand: Demand, settings: Settings, known: Capacities, region: str, estimate: Estimate | None
) -> Bill:
    """What stands while the demand comes, in each region of the estate.

    Tasks and instances follow the load between their bounds. `estimate`: of the stack's plan, for everything
    that it declares; without it only what a load is sized by.
    """
    hours = len(demand.messages) / 60
    lines = [*_tasks(demand, settings, known, region), *_inference(demand, settings, region)]
    lines += _nodes(settings, region, hours) if estimate is None else _declared(estimate, hours)
    return Bill(tuple(line for line in lines if line.quantity))


def _tasks(demand: Demand, settings: Settings, known: Capacities, region: str) -> Iterator[Line]:
    """A plan has tasks only once there is an image; they are what runs then. The standby runs its least."""
    standby = settings.regions.standby_percent / 100 if settings.regions.standby else 0.0
    for name in ("chat", "rest", "tools", "ingest"):
        service, kind = getattr(settings.agent.services, name), getattr(known, name, None)
        needed = 0 * demand.messages
        if kind is not None:
            needed = (
                demand.messages / 60 * kind.share * kind.cpu_ms / 1000 / (service.cpu / 1024 * known.busy)
            )
        tasks = (
            _hours(needed, service.minimum, service.maximum) + standby * service.minimum * len(needed) / 60
        )
        yield priced("tasks", "fargate-arm-vcpu-hour", tasks * service.cpu / 1024, region, f"{name}, vCPU")
        yield priced(
            "tasks", "fargate-arm-gb-hour", tasks * service.memory_mb / 1024, region, f"{name}, memory"
        )


def _inference(demand: Demand, settings: Settings, region: str) -> Iterator[Line]:
    """The same for endpoints."""
    for name, work in endpoints().items():
        endpoint = getattr(settings.inference, name)
        if endpoint.enabled:
            row = f"sagemaker-{endpoint.instance_type.removeprefix('ml.').replace('.', '-')}-hour"
            needed = demand.work(work) / endpoint.invocations_per_instance
            hours = _hours(needed, endpoint.minimum, endpoint.maximum)
            hours += (_regions(settings) - 1) * endpoint.minimum * len(needed) / 60
            yield priced("inference", row, hours, region, f"{name}, {endpoint.instance_type}")


def _hours(needed: Floats, least: int, most: int) -> float:
    """Hours of as many as each minute needs, between the bounds of their scaling."""
    return float(np.clip(np.ceil(needed), least, most).sum()) / 60


def _nodes(settings: Settings, region: str, hours: float) -> Iterator[Line]:
    search, cache = settings.search, settings.data.cache
    each = hours * _regions(settings)
    valkey = f"valkey-{cache.node_type.removeprefix('cache.').replace('.', '-')}-hour"
    yield priced("search", _node_row(search.node_type), search.nodes * each, region, "data nodes")
    yield priced("search", _node_row(search.master_type), search.masters * each, region, "masters")
    yield priced("cache", valkey, cache.nodes * each, region, "nodes")


def _declared(estimate: Estimate, hours: float) -> Iterator[Line]:
    """The plan's own lines; tasks and endpoints are counted above."""
    share = hours / HOURS_IN_MONTH
    for line in estimate.lines:
        if line.type in _COUNTED_ABOVE:
            continue
        part = line.component.removeprefix("primary-").removeprefix("standby-").removeprefix("world-")
        if line.kind == "fixed" and line.price is not None:
            yield given(
                part,
                line.what,
                float(line.quantity) * share,
                line.unit,
                float(line.usd) * share,
                line.price.source,
            )
        elif line.kind == "unknown":
            yield given(part, line.what, 1.0, "", None, line.reason)


_COUNTED_ABOVE = ("ecs.Service", "sagemaker.EndpointConfiguration")


def _regions(settings: Settings) -> int:
    return 2 if settings.regions.standby else 1


def _node_row(kind: str) -> str:
    return f"opensearch-{kind.removesuffix('.search').replace('.', '-')}-hour"


def bill(
    demand: Demand,
    settings: Settings,
    known: Capacities,
    bought: Bought,
    region: str,
    estimate: Estimate | None = None,
) -> Bill:
    """All of it, for the time of the demand."""
    return (
        models_bill(demand, bought, region)
        + use_bill(demand, settings, region)
        + standing_bill(demand, settings, known, region, estimate)
    )


@dataclass(frozen=True)
class PerMessage:
    """Dollars of one message on average, and what a conversation comes to."""

    usd: float
    by_part: Mapping[str, float]
    by_tier: Mapping[str, float]
    by_intent: Mapping[Intent, float]
    resolved_usd: float
    break_even: float
    unknown: tuple[str, ...]


def per_message(demand: Demand, found: Bill) -> PerMessage:
    """A bill by the messages it is for."""
    total = float(demand.messages.sum())
    assumed = demand.assumed
    parts = {part: usd / total for part, usd in found.by_part().items()}
    resolved = found.usd / total * assumed.conversation.turns / assumed.conversation.resolved_share
    return PerMessage(
        usd=found.usd / total,
        by_part=parts,
        by_tier=_by_tier(parts),
        by_intent=_by_intent(assumed, parts),
        resolved_usd=resolved,
        break_even=found.usd / total * assumed.conversation.turns / assumed.conversation.human_usd,
        unknown=tuple(dict.fromkeys(f"{line.part}: {line.what} ({line.source})" for line in found.unknown)),
    )


def _by_tier(parts: Mapping[str, float]) -> Mapping[str, float]:
    """Models by the tier they answer for; everything else is paid whoever answers."""
    found: dict[str, float] = {}
    for part, usd in parts.items():
        model = part.removeprefix("model ")
        tier = TIER_OF.get(model, "whoever answers") if part.startswith("model ") else "whoever answers"
        found[tier] = found.get(tier, 0.0) + usd
    return found


def _by_intent(assumed: Assumptions, parts: Mapping[str, float]) -> Mapping[Intent, float]:
    """A model's dollars go to the intents that call it; the rest to every message alike."""
    calls = assumed.calls_a_message
    shared = sum(usd for part, usd in parts.items() if part.removeprefix("model ") not in calls)
    found: dict[Intent, float] = {}
    for intent in assumed.intents:
        own = assumed.calls_of(intent)
        found[intent] = shared + sum(
            parts.get(f"model {model}", 0.0) * own[model] / calls[model] for model in calls if calls[model]
        )
    return dict(sorted(found.items(), key=lambda item: -item[1]))
