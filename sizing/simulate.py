"""An event before it happens: a fluid for everything but models, one task's messages through the real ladder.

The answer: parts by when they were full, and what people got. The same seed gives the same answer.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from contract.intents import Intent
from contract.model_access import Provisioned
from contract.models import models
from contract.runtime_settings import RuntimeSettings
from sizing import sampled, stages
from sizing.assumptions import Assumptions
from sizing.capacities import Capacities
from sizing.fleet import Fleet
from sizing.measured import Answered, Measured
from sizing.sampled import BIN_S, LOST, Asking, People, Seen
from sizing.stages import Flow, Limit, Part
from sizing.story import Story
from sizing.traffic import MINUTE_S, Floats
from stacks.settings import Settings

MOST_SAMPLED = 100.0  # messages a second that are followed: a task has some hundred, and they are alike


@dataclass(frozen=True)
class Simulated:
    """What came of it. `settings`: those that were played, which may be others than the stack's."""

    story: Story
    settings: Settings
    flow: Flow
    seen: Seen
    parts: Sequence[Part]
    usd: float
    seed: int

    @cached_property
    def weight(self) -> Floats:
        return np.array(self.seen.weight)

    @property
    def messages(self) -> float:
        """Sent by people, as far as they were connected."""
        return float(self.weight.sum())

    @property
    def unsent(self) -> float:
        """Messages of people who could not connect, or whom names still led to a region that was gone."""
        return float((self.flow.wanted - self.flow.rate).sum()) * BIN_S

    @cached_property
    def answered(self) -> Mapping[str, float]:
        """Rung -> share of the messages, the largest first."""
        found: dict[str, float] = {}
        for rung, weight in zip(self.seen.rung, self.seen.weight, strict=True):
            found[rung] = found.get(rung, 0.0) + weight
        return {rung: found[rung] / self.messages for rung in sorted(found, key=lambda rung: -found[rung])}

    def quantile(self, what: str, share: float) -> float | None:
        """Seconds to the first text or to the end, of those who got an answer."""
        there = np.array([rung != LOST for rung in self.seen.rung])
        if not there.any():
            return None
        values, weights = np.array(getattr(self.seen, what))[there], self.weight[there]
        order = np.argsort(values)
        reached = np.cumsum(weights[order])
        return float(values[order][np.searchsorted(reached, share * reached[-1])])

    def throttled(self, rung: str) -> float | None:
        """Share of a rung's calls."""
        calls = sum(count for (name, _), count in self.seen.calls.items() if name == rung)
        return self.seen.calls[rung, "throttled"] / calls if calls else None

    @property
    def bottlenecks(self) -> Sequence[Part]:
        """Parts that were full, the first first."""
        full = [part for part in self.parts if part.full_at is not None]
        return sorted(full, key=lambda part: (part.full_at, -part.peak))

    def over_time(self, step_s: float = 60.0) -> tuple[Floats, Mapping[str, Floats]]:
        """Seconds, and of each rung the share of the messages that came then."""
        count = max(1, math.ceil(self.story.bins * BIN_S / step_s))
        place = np.minimum((np.array(self.seen.at) / step_s).astype(int), count - 1)
        total = np.bincount(place, self.weight, count)
        rungs = np.array(self.seen.rung)
        shares = {
            rung: np.bincount(place[rungs == rung], self.weight[rungs == rung], count)
            / np.maximum(total, 1e-9)
            for rung in self.answered
        }
        return np.arange(count, dtype=np.float64) * step_s, shares


def simulate(
    story: Story,
    settings: Settings,
    known: Capacities,
    assumed: Assumptions,
    measured: Measured,
    seed: int = 1,
    most: float = MOST_SAMPLED,
) -> Simulated:
    """The whole story on the estate as it is set."""
    found = stages.flow(story, settings, known, assumed)
    each = found.rate / np.maximum(found.tasks, 1.0)
    followed = np.minimum(each, most)
    random = np.random.default_rng(seed)
    arrivals = random.poisson(followed * BIN_S)
    weight = np.divide(found.rate, followed, out=np.ones_like(followed), where=followed > 0)
    asking = Asking(arrivals, weight, np.maximum(found.lost, story.gone()), found.late)
    fleet = _fleet(
        story, settings, known, assumed, measured, thinned=float(min(1.0, most / max(each.max(), 1e-9)))
    )
    seen = sampled.run(asking, _people(assumed), fleet, seed)
    parts = [*found.parts, *_models(found, fleet, known, assumed)]
    return Simulated(story, settings, found, seen, parts, _model_usd(seen, settings, assumed), seed)


def _people(assumed: Assumptions) -> People:
    """Of those that reach the large model, how many could do with the small one."""
    simple = {
        intent: asked.simple / (asked.simple + asked.complex) if asked.simple + asked.complex else 0.0
        for intent, asked in assumed.intents.items()
    }
    return People({intent: asked.share for intent, asked in assumed.intents.items()}, simple)


def _fleet(
    story: Story,
    settings: Settings,
    known: Capacities,
    assumed: Assumptions,
    measured: Measured,
    thinned: float,
) -> Fleet:
    region = settings.regions.primary.name
    runtime = _thin(settings.runtime_in(region), thinned)
    pools: dict[tuple[str | None, str, bool], tuple[float, float | None]] = {}
    other = settings.regions.standby.name if settings.regions.standby else None
    for where in (None, other):
        for model in assumed.calls:
            if model in assumed.calls_a_message:
                quota = known.models.of(model)
                pools[where, model, False] = (quota.tokens, quota.requests)
    for capacity in settings.models.capacities("primary").items():
        name, bought = capacity
        rung = next((rung for rung in runtime.ladder if rung.name == name), None)
        if isinstance(bought, Provisioned) and rung is not None and rung.model:
            pools[None, rung.model, True] = (bought.units * bought.tokens_per_minute, None)
    rates = settings.runtime.rates.model_calls
    return Fleet(
        settings=runtime,
        measured=_asked_as_assumed(measured, assumed),
        tokens={
            model: (call.input / call.rounds, call.output / call.rounds)
            for model, call in assumed.calls.items()
        },
        pools=pools,
        burndown=known.models.burndown,
        cap=rates.most / rates.per_s,
        faults=(),
        other_gone_at=story.lost_from("region"),
    )


def _thin(settings: RuntimeSettings, share: float) -> RuntimeSettings:
    """Limits of a task, for the part of its messages that is followed."""
    if share >= 1:
        return settings
    ladder = tuple(
        rung.model_copy(update={"concurrency": max(1, round(rung.concurrency * share))})
        for rung in settings.ladder
    )
    limit = settings.limit.model_copy(update={"floor": max(1, round(settings.limit.floor * share))})
    return settings.model_copy(update={"ladder": ladder, "limit": limit})


def _asked_as_assumed(measured: Measured, assumed: Assumptions) -> Measured:
    """Times as measured; who answers what as it is assumed of real people."""
    answered: dict[Intent, Answered] = {}
    for intent, asked in assumed.intents.items():
        left = 1 - asked.cached
        answered[intent] = Answered(asked.own * left, asked.cached, asked.light * left)
    return measured.answering(answered)


def _models(found: Flow, fleet: Fleet, known: Capacities, assumed: Assumptions) -> Sequence[Part]:
    """What messages ask of models first, before any of it steps down."""
    reached = found.rate * (1 - found.lost)
    calls = {model: reached * share for model, share in assumed.calls_a_message.items()}
    total = sum(calls.values(), np.zeros_like(reached))
    cap = np.full_like(reached, fleet.cap or math.inf)
    one = np.ones_like(reached)
    parts = [Part("cap on model calls", "runtime.rates.model_calls", total, cap, "without it", one=one)]
    for model, rate in calls.items():
        call, quota = assumed.calls[model], known.models.of(model)
        units = fleet.pools.get((None, model, True), (0.0, None))[0]
        tokens = rate * (call.input + known.models.burndown * call.output)
        carried = np.full_like(reached, (quota.tokens + units) / MINUTE_S)
        parts.append(_quota(model, "tokens", tokens, carried, quota.tokens))
        if not units:
            carried = np.full_like(reached, quota.requests / MINUTE_S)
            parts.append(_quota(model, "requests", rate * call.rounds, carried, quota.requests))
    return parts


def _quota(model: str, what: str, asked: Floats, carried: Floats, allowed: float) -> Part:
    """One of a model's two, a minute."""
    limit = Limit(f"Bedrock {what} a minute, {model}, on demand", allowed, MINUTE_S)
    return Part(f"{model}, {what}", "", asked, carried, "without it", limit=limit)


def _model_usd(seen: Seen, settings: Settings, assumed: Assumptions) -> float:
    """What the answers' tokens cost on demand."""
    region = settings.regions.primary.name
    model_of = {rung.name: rung.model for rung in settings.runtime.rungs}
    total = 0.0
    prices = {model: models()[model].usd_per_token(region) for model in assumed.calls}
    for rung, weight in zip(seen.rung, seen.weight, strict=True):
        model = model_of.get(rung)
        if model and (price := prices.get(model)) is not None:
            call = assumed.calls[model]
            total += weight * (call.input * price[0] + call.output * price[1])
    return total
