"""Everything but models as a fluid, in tenths of a second: what comes, what is carried, what is not.

Whole arrays at a time, no message by itself. Queues are Lindley's: what is left over waits, and drains later.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from contract.search import index
from sizing.assumptions import Assumptions
from sizing.capacities import Capacities, embeds_in_bedrock, endpoints
from sizing.capacity import carries_search
from sizing.demand import ANSWER_S
from sizing.sampled import BIN_S
from sizing.story import Story
from sizing.traffic import Floats
from stacks.settings import Settings

SCALES_AFTER_S = 210.0  # two minutes over the threshold, then image, start and health check
REPLACED_AFTER_S = 300.0  # tasks of a lost zone stand again elsewhere
VALKEY_FAILOVER_S = 30.0
TARGET, ABOVE = 0.60, 0.70  # RUN-20
Effect = Literal["turned away", "waits", "without it"]


@dataclass(frozen=True)
class Limit:
    """A quota of AWS, by the name that `size capacity` gives it. `allowed`: so many each `per_s` seconds."""

    what: str
    allowed: float
    per_s: float = 1.0


@dataclass(frozen=True)
class Part:
    """What comes to one part a second, and what it carries. `effect`: what becomes of the rest.

    What carries more: `limit`, a quota, or `key`, a setting; `one`: what a single one of the setting carries.
    """

    name: str
    key: str
    demand: Floats
    capacity: Floats
    effect: Effect
    one: Floats | None = None
    limit: Limit | None = None

    @property
    def use(self) -> Floats:
        return self.demand / np.maximum(self.capacity, 1e-9)

    @property
    def peak(self) -> float:
        """The busiest ten seconds: chance within a tenth of a second fills nothing."""
        return float(_smooth(self.use).max())

    @property
    def full_at(self) -> float | None:
        """The first second at which more comes than it carries."""
        over = np.flatnonzero(_smooth(self.use) > 1.0)
        return float(over[0]) * BIN_S if len(over) else None

    @property
    def beyond(self) -> float:
        """Share of all that came that it did not carry."""
        total = float(self.demand.sum())
        return float(np.maximum(0.0, self.demand - self.capacity).sum()) / total if total else 0.0

    @property
    def needed(self) -> float | None:
        """What the setting or the quota must be to carry the busiest ten seconds; None: it is no number."""
        if self.limit is not None:
            missing = float(_smooth(self.demand - self.capacity).max())
            return self.limit.allowed + missing * self.limit.per_s
        if self.one is None:
            return None
        return float(_smooth(self.demand / np.maximum(self.one, 1e-9)).max())

    @property
    def share_beyond(self) -> Floats:
        """The same, in each bin."""
        return np.maximum(0.0, 1.0 - self.capacity / np.maximum(self.demand, 1e-9))


def _smooth(values: Floats) -> Floats:
    width = min(len(values), round(10 / BIN_S))
    sums = np.concatenate(([0.0], np.cumsum(values)))
    means = (sums[width:] - sums[:-width]) / width
    return np.concatenate((means, np.full(len(values) - len(means), means[-1])))


def waiting(arriving: Floats, carried: Floats) -> Floats:
    """How much waits at the end of each bin; both are a second's."""
    steps = np.cumsum((arriving - carried) * BIN_S)
    return steps - np.minimum(np.minimum.accumulate(steps), 0.0)


@dataclass(frozen=True)
class Flow:
    """What the fluid comes to. `rate`: messages a second that come; `lost`, `late`: share and seconds."""

    parts: Sequence[Part]
    wanted: Floats
    rate: Floats
    tasks: Floats
    lost: Floats
    late: Floats
    connected: Floats


def flow(story: Story, settings: Settings, known: Capacities, assumed: Assumptions) -> Flow:
    """The whole story. What the gateway turns away costs nothing behind it."""
    gateway = settings.gateway.websocket
    doors = _constant(story, gateway.connections_per_second)
    single = _constant(story, 1.0)
    connecting = Part(
        "new connections",
        "gateway.websocket.connections_per_second",
        story.connecting(),
        doors,
        "waits",
        one=single,
    )
    people = story.sessions * story.present
    outside = np.minimum(people, waiting(connecting.demand, connecting.capacity))
    connected = np.where(story.gone() > 0, 0.0, people - outside)
    coming = story.wanted * connected / np.maximum(people, 1e-9)
    stage = Part(
        "gateway messages",
        "gateway.websocket.messages_per_second",
        coming,
        _constant(story, gateway.messages_per_second),
        "turned away",
        one=single,
    )
    through = np.minimum(stage.demand, stage.capacity)
    tasks = chat_tasks(through, story, settings, known)
    cores = settings.agent.services.chat.cpu / 1024
    there = _less(story, len(settings.regions.primary.zones), REPLACED_AFTER_S)
    work = Part(
        "chat tasks",
        "agent.services.chat.minimum",
        through * known.chat.cpu_ms / 1000,
        tasks * cores,
        "turned away",
        one=cores * there,
    )
    shed = settings.runtime.shedding
    answer_s = sum(calls * ANSWER_S[model] for model, calls in assumed.calls_a_message.items())
    held = Part(
        "messages at a time",
        "runtime.shedding.most",
        through * answer_s,
        tasks * float(shed.most),
        "turned away",
        one=float(shed.most) * there,
    )
    behind = 1 - (1 - work.share_beyond) * (1 - held.share_beyond)
    lost = 1 - (1 - stage.share_beyond) * (1 - behind)
    reached = through * (1 - behind)
    beside = _beside(reached, story, settings, known, assumed)
    return Flow(
        parts=(connecting, stage, work, held, *beside),
        wanted=story.wanted,
        rate=coming,
        tasks=tasks,
        lost=lost,
        late=_late(work, known.chat.cpu_ms / 1000, shed.lag_s) + _late_beside(beside, settings),
        connected=connected,
    )


def chat_tasks(rate: Floats, story: Story, settings: Settings, known: Capacities) -> Floats:
    """Tasks that run, bin by bin: automatic scaling looks each minute, and what it orders comes later."""
    service, region = settings.agent.services.chat, settings.regions
    cores, step = service.cpu / 1024, round(60 / BIN_S)
    tasks = np.full(story.bins, float(service.minimum))
    region_at, zone_at = story.lost_from("region"), story.lost_from("zone")
    standby = math.ceil(service.minimum * region.standby_percent / 100) if region.standby else 0
    now, due = float(service.minimum), [float(service.minimum)] * 64
    moved = False
    for minute in range(math.ceil(story.bins / step)):
        begin, end = minute * step, min(story.bins, (minute + 1) * step)
        at = begin * BIN_S
        if region_at is not None and at >= region_at and not moved:
            now, due, moved = float(standby), [float(standby)] * 64, True
        else:
            now = due.pop(0)
            due.append(due[-1])
        here = now
        if zone_at is not None and zone_at <= at < zone_at + REPLACED_AFTER_S:
            here = now * (1 - 1 / len(region.primary.zones))
        tasks[begin:end] = here
        use = float(rate[begin:end].mean()) * known.chat.cpu_ms / 1000 / max(here * cores, 1e-9)
        delay = round(SCALES_AFTER_S / 60)
        if use > ABOVE:
            wanted = min(float(service.maximum), math.ceil(max(now, due[delay - 1]) * min(use, 4.0) / TARGET))
            due[delay:] = [max(wanted, value) for value in due[delay:]]
    return tasks


def _beside(
    rate: Floats, story: Story, settings: Settings, known: Capacities, assumed: Assumptions
) -> Sequence[Part]:
    """What the messages ask of search, endpoints, cache and tables. Full, it is done without."""
    work, zones = assumed.work, len(settings.regions.primary.zones)
    less = _less(story, zones)
    cores = carries_search(settings.search.node_type, settings.search.nodes, settings, known)
    if settings.search.zones > 1 and story.lost_from("zone") is None:
        cores = cores * settings.search.zones / (settings.search.zones - 1)
    if settings.search.standby_zone:  # one of three only waits, lost or not
        cores = carries_search(settings.search.node_type, settings.search.nodes, settings, known)
    per_search = index().primaries * known.search.cpu_ms / 1000
    commands = known.valkey.commands.get(settings.data.cache.node_type, min(known.valkey.commands.values()))
    parts = [
        Part(
            "search",
            "search.nodes",
            rate * work.search,
            _constant(story, cores / per_search),
            "without it",
            one=_constant(story, cores / per_search / settings.search.nodes),
        ),
        Part(
            "valkey",
            "data.cache.node_type",
            rate * work.valkey,
            commands * _failing_over(story),
            "without it",
        ),
        *(
            Part(
                f"table {what}",
                "",
                rate * getattr(work, f"table_{what}"),
                _constant(story, most),
                "waits",
                limit=Limit(f"DynamoDB {what} a second of one on-demand table", most),
            )
            for what, most in (("writes", known.tables.writes), ("reads", known.tables.reads))
        ),
    ]
    for name, asked in endpoints().items():
        endpoint, calls = getattr(settings.inference, name), rate * getattr(work, asked)
        if endpoint.enabled:
            carried = endpoint.maximum * endpoint.invocations_per_instance / 60 * less
            key, one = f"inference.{name}.maximum", carried / endpoint.maximum
            parts.append(Part(f"{name} endpoint", key, calls, carried, "without it", one=one))
    if embeds_in_bedrock():
        carried = _constant(story, known.embedder.requests / 60)
        limit = Limit("Bedrock requests a minute, embedder, on demand", known.embedder.requests, 60)
        parts.append(Part("embedder, requests", "", rate * work.embed, carried, "without it", limit=limit))
    return parts


def _constant(story: Story, value: float) -> Floats:
    return np.full(story.bins, float(value))


def _less(story: Story, zones: int, lasts_s: float = math.inf) -> Floats:
    """1, and after a zone's loss what is left without it, for so long."""
    left = np.ones(story.bins)
    at = story.lost_from("zone")
    if at is not None:
        end = min(story.bins, (at + lasts_s) / BIN_S)
        left[round(at / BIN_S) : round(end)] = 1 - 1 / zones
    return left


def _failing_over(story: Story) -> Floats:
    """A zone's loss may take Valkey's primary: hardly a command passes until a replica is one."""
    left = np.ones(story.bins)
    at = story.lost_from("zone")
    if at is not None:
        left[round(at / BIN_S) : round((at + VALKEY_FAILOVER_S) / BIN_S)] = 1e-6
    return left


def _late(work: Part, each_s: float, most_s: float) -> Floats:
    """A processor that is shared makes everybody wait: by its use, and no longer than shedding allows."""
    use = np.minimum(work.use, 0.999)
    waits: Floats = np.minimum(each_s * use / (1 - use), most_s)
    return waits


def _late_beside(parts: Sequence[Part], settings: Settings) -> Floats:
    """What is full is waited for until its deadline; then the answer does without."""
    retrieval, valkey = settings.runtime.retrieval, settings.runtime.valkey
    deadline = {
        "search": retrieval.search_s,
        "embed endpoint": retrieval.embed_s,
        "embedder, requests": retrieval.embed_s,
        "rerank endpoint": retrieval.rerank_s,
    }
    total = np.zeros_like(parts[0].demand)
    for part in parts:
        if part.name in deadline:
            total += part.share_beyond * deadline[part.name]
    total = np.minimum(total, retrieval.total_s)
    for part in parts:
        if part.name == "valkey":
            total += part.share_beyond * valkey.command_s
        if part.name.startswith("table"):
            total += part.share_beyond * settings.runtime.sessions.longest_wait_s
    return total
