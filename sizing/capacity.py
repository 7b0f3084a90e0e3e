"""How much of everything a target load needs, one zone lost: as settings, and as what no setting can give.

Each need says why. Where the settings end before the need does, that is said, and never rounded away.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from components import search_sizing
from contract.prices import table
from contract.search import index
from sizing.capacities import Capacities, Tasks, endpoints
from sizing.target import Target
from stacks.settings import Settings

MOST_COPIES = 9  # search.replicas goes to 8
MOST_INSTANCES = 100  # inference.*.maximum


@dataclass(frozen=True)
class Need:
    """One knob: what the target needs, what it is set to, and why. `short`: what no setting gives."""

    part: str
    key: str
    needed: float | str
    now: float | str
    why: str
    guess: bool = False
    short: str = ""

    @property
    def change(self) -> bool:
        """Whether the setting must go up; what is larger already stays."""
        if isinstance(self.needed, str) or isinstance(self.now, str):
            return self.needed != self.now
        return self.needed > self.now


def needs(target: Target, settings: Settings, known: Capacities, region: str) -> Sequence[Need]:
    """Everything, part by part."""
    return [
        *_tasks(target, settings, known),
        *_endpoints(target, settings, known),
        *_search(target, settings, known, region),
        *_valkey(target, settings, known, region),
        *_gateway(target, settings),
        *_runtime(target, settings),
        *_standby(settings),
    ]


def surviving(needed: float, zones: int, *, zone_lost: bool) -> int:
    """So many that what is left without the zone that has most of them is enough."""
    if not zone_lost or zones < 2:
        return max(1, math.ceil(needed))
    count = max(1, math.ceil(needed * zones / (zones - 1)))
    while count - math.ceil(count / zones) < needed:
        count += 1
    return count


def chat_tasks(target: Target, settings: Settings, known: Capacities) -> tuple[float, str]:
    """How many tasks the chat needs with every zone there, and what asks for most of them."""
    service, chat = settings.agent.services.chat, known.chat
    shed = settings.runtime.shedding
    reasons = {
        f"{chat.cpu_ms:g} ms of a core a message": _busy_tasks(
            target.planned_s, chat, service.cpu, known.busy
        ),
        f"{shed.most} messages of a task at a time": target.streams / (shed.most * shed.begin),
        f"{chat.kb_session:g} KB a session": target.sessions
        * chat.kb_session
        / 1024
        / (service.memory_mb - chat.memory_mb_idle),
    }
    why = max(reasons, key=lambda name: reasons[name])
    return reasons[why], why


def _busy_tasks(rate: float, tasks: Tasks, cpu: int, busy: float) -> float:
    return rate * tasks.share * tasks.cpu_ms / 1000 / (cpu / 1024 * busy)


def _tasks(target: Target, settings: Settings, known: Capacities) -> Iterator[Need]:
    zones = len(settings.regions.primary.zones)
    services = settings.agent.services
    chat, why = chat_tasks(target, settings, known)
    rest = _busy_tasks(target.planned_s, known.rest, services.rest.cpu, known.busy)
    tools = _busy_tasks(target.planned_s, known.tools, services.tools.cpu, known.busy)
    facts = (
        ("chat", chat, services.chat, why),
        ("rest", rest, services.rest, f"{known.rest.share:.0%} of messages"),
        ("tools", tools, services.tools, f"{known.tools.share:.0%} of messages"),
    )
    for name, least, service, because in facts:
        needed = surviving(least, zones, zone_lost=target.zone_lost)
        # A flash sale is over before tasks have started: what it needs runs beforehand.
        for knob, now in (("minimum", service.minimum), ("maximum", service.maximum)):
            yield Need(
                f"{name} tasks", f"agent.services.{name}.{knob}", needed, now, because, known.chat.guess
            )


def _endpoints(target: Target, settings: Settings, known: Capacities) -> Iterator[Need]:
    zones = len(settings.regions.primary.zones)
    for name, work in endpoints().items():
        endpoint = getattr(settings.inference, name)
        if not endpoint.enabled:
            continue
        calls = target.work_s(work) * 60
        aim = known.endpoints.most_invocations
        count = surviving(calls / aim, zones, zone_lost=target.zone_lost)
        fits = min(count, MOST_INSTANCES)
        key, why = f"inference.{name}", f"{calls:,.0f} calls a minute, {aim:,} an instance"
        carried = fits * aim * ((zones - 1) / zones if target.zone_lost else 1)
        short = f"carries {carried / calls:.0%}: beyond, the runtime falls back" if count > fits else ""
        yield Need(
            f"{name} endpoint", f"{key}.invocations_per_instance", aim, endpoint.invocations_per_instance, why
        )
        yield Need(f"{name} endpoint", f"{key}.maximum", fits, endpoint.maximum, why, short=short)
        yield Need(
            f"{name} endpoint", f"{key}.minimum", fits, endpoint.minimum, "warm before the event", short=short
        )


def _search(target: Target, settings: Settings, known: Capacities, region: str) -> Iterator[Need]:
    said = settings.search
    cores = search_cores(target, known)
    found = search_fleet(cores, settings, known, region)
    why = f"{target.work_s('search'):,.0f} searches a second, {cores:,.0f} cores"
    if found is None:
        yield Need(
            "search", "search.nodes", said.nodes, said.nodes, why, known.search.guess, "no fleet carries it"
        )
        return
    kind, nodes, replicas = found
    now = carries_search(said.node_type, said.nodes, settings, known)
    if now >= cores:
        kind, nodes, replicas = said.node_type, said.nodes, said.replicas
    for knob, needed in (("node_type", kind), ("nodes", nodes), ("replicas", replicas)):
        yield Need("search", f"search.{knob}", needed, getattr(said, knob), why, known.search.guess)


def search_cores(target: Target, known: Capacities) -> float:
    """Busy cores: every search asks each primary, or a copy of it."""
    return target.work_s("search") * index().primaries * known.search.cpu_ms / 1000 / known.busy


def carries_search(kind: str, nodes: int, settings: Settings, known: Capacities) -> float:
    """Cores that answer when a zone is lost; with a standby zone that one answers nothing anyway."""
    zones = settings.search.zones
    active = nodes * (zones - 1) / zones if zones > 1 else nodes
    return active * search_sizing.node(kind).memory_gb / known.search.gb_a_core


def search_fleet(
    cores: float, settings: Settings, known: Capacities, region: str
) -> tuple[str, int, int] | None:
    """The cheapest (node type, nodes, replicas) that has the cores, the memory and a shard for every node.

    Kinds without a price come last: nobody can say that they are cheap.
    """
    zones, primaries = settings.search.zones, index().primaries
    found: list[tuple[bool, float, str, int, int]] = []
    for kind in _vector_nodes():
        nodes = _fewest(kind, cores, settings, known)
        copies = _copies(nodes, zones, primaries)
        node = search_sizing.node(kind)
        fleet = search_sizing.Fleet(node, nodes, copies - 1, settings.search.documents)
        if copies > MOST_COPIES or search_sizing.too_small(index(), fleet) is not None:
            continue
        hour = node_usd(kind, region)
        dear = node.memory_gb if hour is None else hour  # without a price: the smaller one
        found.append((hour is None, dear * nodes, kind, nodes, copies - 1))
    return min(found)[2:] if found else None


def _fewest(kind: str, cores: float, settings: Settings, known: Capacities) -> int:
    zones = settings.search.zones
    each = carries_search(kind, zones, settings, known)
    return zones * max(1, math.ceil(cores / each))


def node_usd(kind: str, region: str) -> float | None:
    """An hour of a search node; None: no such price."""
    row = f"opensearch-{kind.removesuffix('.search').replace('.', '-')}-hour"
    price = table().price(row, region) if row in table().rows else None
    return None if price is None else float(price.usd)


def _copies(nodes: int, zones: int, primaries: int) -> int:
    """Copies of each shard, as many in each zone, so that every node holds a shard."""
    return max(zones, math.ceil(nodes / primaries / zones) * zones)


def _vector_nodes() -> Sequence[str]:
    return [
        f"{family}.{size}.search"
        for family, facts in search_sizing.families().items()
        if facts.holds == "vectors"
        for size in facts.memory_gb
    ]


def _valkey(target: Target, settings: Settings, known: Capacities, region: str) -> Iterator[Need]:
    said, commands = settings.data.cache, target.work_s("valkey")
    now = known.valkey.commands.get(said.node_type)
    why = f"{commands:,.0f} commands a second on one primary"
    kinds = [
        (float(price.usd), kind)
        for kind, most in known.valkey.commands.items()
        if most >= commands
        and (price := table().price(f"valkey-{kind.removeprefix('cache.').replace('.', '-')}-hour", region))
    ]
    largest = max(known.valkey.commands, key=lambda kind: known.valkey.commands[kind])
    if now is not None and now >= commands:
        kind, short = said.node_type, ""
    elif kinds:
        kind, short = min(kinds)[1], ""
    else:
        kind = largest
        short = f"carries {known.valkey.commands[largest] / commands:.0%}: beyond, limits are each task's own"
    yield Need("valkey", "data.cache.node_type", kind, said.node_type, why, known.valkey.guess, short)


def _gateway(target: Target, settings: Settings) -> Iterator[Need]:
    said = settings.gateway.websocket
    connections = math.ceil(target.sessions * target.headroom / target.connect_s)
    messages = math.ceil(target.planned_s)
    why = f"{target.sessions:,.0f} people connect within {target.connect_s:g} s"
    key = "gateway.websocket"
    yield Need("gateway", f"{key}.connections_per_second", connections, said.connections_per_second, why)
    yield Need(
        "gateway", f"{key}.messages_per_second", messages, said.messages_per_second, "every message passes it"
    )
    yield Need("gateway", f"{key}.burst", math.ceil(messages / 2), said.burst, "half a second of them")


def _runtime(target: Target, settings: Settings) -> Iterator[Need]:
    """A bucket is written whole: a period that is left out would be a minute."""
    calls = math.ceil(sum(target.calls_s(model) for model in target.assumed.calls_a_message))
    said = settings.runtime.rates.model_calls
    now = said.most / said.per_s
    key, why = (
        "runtime.rates.model_calls",
        f"{calls:,} calls a second of all tasks, {now:,.0f} are let through",
    )
    wanted = _bucket(calls, 1.0) if calls > now else _bucket(said.most, said.per_s)
    yield Need("cap on model calls", key, wanted, _bucket(said.most, said.per_s), why)


def _bucket(most: int, per_s: float) -> str:
    return f"{{most: {most}, per_s: {per_s:.1f}}}"


def _standby(settings: Settings) -> Iterator[Need]:
    """Failing over needs no control-plane call: what is needed stands there already."""
    if settings.regions.standby is None:
        short = "there is no standby: a lost region is an outage"
        yield Need("standby", "regions.standby_percent", 100, 100, "one region lost", short=short)
        return
    now = settings.regions.standby_percent
    yield Need("standby", "regions.standby_percent", 100, now, "one region lost: all of it runs there")
