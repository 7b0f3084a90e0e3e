"""Limits of AWS that a target load meets, and what to ask for: with how long the answer takes.

Lead times are those of preflight's catalogue, which also asks what the account has; here is what is needed.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from plan.preflight import quotas as preflight
from sizing.capacities import Capacities, embeds_in_bedrock, endpoints
from sizing.capacity import Need
from sizing.target import Target
from stacks.settings import Settings

SUPPORT = "one to four weeks, by a support case"
AT_ONCE = 2  # blue and green stand side by side while a version is rolled out


@dataclass(frozen=True)
class Ask:
    """A limit, what is needed of it, and what every account has; None: it differs, preflight asks."""

    what: str
    needed: float
    usual: float | None
    lead_time: str

    @property
    def must(self) -> bool:
        return self.usual is None or self.needed > self.usual


def asks(target: Target, needs: Sequence[Need], settings: Settings, known: Capacities) -> Sequence[Ask]:
    """All of them, those that must be asked for first."""
    found = [
        *_compute(needs, settings),
        *_gateway(needs, known),
        *_tables(target, known),
        *_models(target, known),
    ]
    found += [*_instances(needs, settings), *_network(target, settings)]
    return sorted(found, key=lambda ask: not ask.must)


def value(needs: Sequence[Need], key: str) -> float:
    """What a knob should be set to: the larger of what it is and what is needed."""
    need = next(need for need in needs if need.key == key)
    return max(float(need.needed), float(need.now))


def _compute(needs: Sequence[Need], settings: Settings) -> Iterator[Ask]:
    services = settings.agent.services
    cores = sum(
        value(needs, f"agent.services.{name}.maximum") * getattr(services, name).cpu / 1024
        for name in ("chat", "rest", "tools")
    )
    cores += services.ingest.maximum * services.ingest.cpu / 1024
    yield _known("quota-fargate-vcpu", cores * AT_ONCE, None)
    yield _known("quota-search-instances", value(needs, "search.nodes") + settings.search.masters, 80)


def _gateway(needs: Sequence[Need], known: Capacities) -> Iterator[Ask]:
    connections = value(needs, "gateway.websocket.connections_per_second")
    messages = value(needs, "gateway.websocket.messages_per_second")
    yield _known("quota-websocket-connections", connections, 500)
    yield _known("quota-api-rate", messages, 10_000)
    yield _known("quota-api-burst", value(needs, "gateway.websocket.burst"), 5_000)
    yield _known("quota-lambda-concurrency", math.ceil(connections * known.gateway.connect_ms / 1000), 1_000)


def _tables(target: Target, known: Capacities) -> Iterator[Ask]:
    for what, most in (("reads", known.tables.reads), ("writes", known.tables.writes)):
        needed = math.ceil(target.work_s(f"table_{what}"))
        yield Ask(f"DynamoDB {what} a second of one on-demand table", needed, most, "a day")


def _models(target: Target, known: Capacities) -> Iterator[Ask]:
    """Without units, in each region: the standby has to carry all of it too."""
    for model in target.assumed.calls_a_message:
        usual = known.models.of(model)
        requests = math.ceil(target.requests_s(model) * 60)
        tokens = math.ceil(known.quota_tokens(target, model))
        yield Ask(f"Bedrock requests a minute, {model}, on demand", requests, usual.requests, SUPPORT)
        yield Ask(f"Bedrock tokens a minute, {model}, on demand", tokens, usual.tokens, SUPPORT)
    if embeds_in_bedrock():
        embedded = math.ceil(target.work_s("embed") * 60)
        yield Ask(
            "Bedrock requests a minute, embedder, on demand", embedded, known.embedder.requests, SUPPORT
        )


def _instances(needs: Sequence[Need], settings: Settings) -> Iterator[Ask]:
    for name in endpoints():
        endpoint = getattr(settings.inference, name)
        if endpoint.enabled:
            count = value(needs, f"inference.{name}.maximum")
            yield Ask(f"SageMaker {endpoint.instance_type} for endpoints ({name})", count, None, "days")


def _network(target: Target, settings: Settings) -> Iterator[Ask]:
    """Endpoints and NAT grow by themselves, up to a limit in each zone."""
    zones = len(settings.regions.primary.zones)
    gbit = target.work_s("bytes_models") * 8 / 1e9 / max(1, zones - 1)
    yield Ask("Gbit/s of an interface endpoint in a zone, to Bedrock", round(gbit, 2), 100, "grows by itself")
    yield Ask(
        "Gbit/s of a NAT gateway, calls to the other region's models", round(gbit, 2), 100, "grows by itself"
    )


def _known(check: str, needed: float, usual: float | None) -> Ask:
    row = preflight.rows()[check]
    return Ask(row.title, needed, usual, row.lead_time)
