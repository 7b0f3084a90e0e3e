"""What a rehearsal teaches: promises kept, how soon trouble was seen and ended, its cost, what breaks next.

Pure functions over what was seen; the verdict is `verdict`'s.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from contract.metrics import ENVIRONMENT
from contract.tiers import Tier
from loadtests.samples import Percentiles, Sample
from rehearsal import scenes, verdict
from rehearsal.bedrock.quotas import usual
from rehearsal.evidence import Evidence, Window
from rehearsal.story import Scene, Story

BIN_S = 5.0
GOOD_MS, GOOD_SHARE = 2_500.0, 0.9
LOOK_AFTER_S = 120.0


@dataclass(frozen=True, slots=True)
class Promise:
    """One line of what people are promised (OPS-1). `calm`: while nothing was broken; `all`: all day long."""

    name: str
    limit: float
    unit: str
    calm: float | None
    all: float | None

    @property
    def kept(self) -> bool | None:
        return None if self.calm is None else self.calm <= self.limit


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds after a scene's beginning: an alarm said so, people were served well again; `recovered`: after
    its end. None: it did not come to that; 0: they never were not. `alone_s`: so long after its end nothing
    else was broken, and recovery could be seen."""

    scene: str
    detected: float | None
    mitigated: float | None
    recovered: float | None
    alone_s: float


@dataclass(frozen=True, slots=True)
class AlarmDid:
    """What an alarm did. `expected`: must, may or no."""

    alarm: str
    expected: str
    fired_at: float | None
    after: str
    green_at: float | None
    runbook: str


@dataclass(frozen=True, slots=True)
class Bound:
    """Something that gives out when the traffic grows so many times."""

    what: str
    used: str
    times: float


def promises(seen: Evidence, story: Story) -> list[Promise]:
    """The latency and availability targets, against what people saw."""
    quiet, every = verdict.calm(seen, story), seen.samples

    def times(samples: Sequence[Sample], tiers: tuple[Tier, ...], field: str) -> float | None:
        found = Percentiles.of(getattr(one, field) for one in samples if one.tier in tiers)
        return found.p95 if found else None

    def failed(samples: Sequence[Sample]) -> float | None:
        return 100 * sum(one.error is not None for one in samples) / len(samples) if samples else None

    rows = (
        ("first token p95, Sonnet", 2_500.0, (Tier.T0,), "first_token_ms"),
        ("first token p95, Haiku", 1_500.0, (Tier.T1,), "first_token_ms"),
        ("end to end p95, Sonnet", 8_000.0, (Tier.T0,), "end_to_end_ms"),
    )
    found = [
        Promise(name, limit, "ms", times(quiet, tiers, field), times(every, tiers, field))
        for name, limit, tiers, field in rows
    ]
    return [Promise("messages without an answer", 0.1, "%", failed(quiet), failed(every)), *found]


def times(seen: Evidence, story: Story) -> list[Times]:
    """Of each scene in which something was broken or rolled out."""
    trouble = [scene for scene in story.scenes if scene.faults or scene.experiment or scene.rollout]
    return [_times(seen, scene, trouble) for scene in trouble]


def _times(seen: Evidence, scene: Scene, trouble: Sequence[Scene]) -> Times:
    when = scenes.window(seen, scene)
    fired = [
        at for name in scene.expect.alarms if (at := scenes.fired_at(seen, name, when.start)) is not None
    ]
    others = (max(one.at_s, scene.end_s) for one in trouble if one.end_s > scene.end_s)
    next_at = seen.zero + min(others, default=math.inf)
    after = Window(when.end, min(when.end + LOOK_AFTER_S, seen.traffic.end, next_at))
    return Times(
        scene=scene.title,
        detected=min(fired) - when.start if fired else None,
        mitigated=_last_bad(seen.samples, when, first_tier=False),
        recovered=_last_bad(seen.samples, after, first_tier=True),
        alone_s=max(0.0, after.end - after.start),
    )


def _last_bad(samples: Sequence[Sample], when: Window, *, first_tier: bool) -> float | None:
    """From the window's start to the end of the last stretch in which people were served badly; 0: there was
    none, None: it lasted to the end. `first_tier`: also whether the best model answers half of them."""
    last, count = 0.0, math.ceil((when.end - when.start) / BIN_S)
    for number in range(count):
        end = min(when.start + (number + 1) * BIN_S, when.end)
        found = Window(when.start + number * BIN_S, end).of(samples)
        best = sum(one.tier is Tier.T0 for one in found)
        if found and (_good(found) < GOOD_SHARE or (first_tier and best < len(found) / 2)):
            last = (number + 1) * BIN_S
    return None if count and last >= count * BIN_S else last


def _good(samples: Sequence[Sample]) -> float:
    good = sum(one.error is None and (one.first_token_ms or math.inf) <= GOOD_MS for one in samples)
    return good / len(samples)


def alarms(seen: Evidence, story: Story) -> list[AlarmDid]:
    """Those that turned red, and those that should have."""
    names = seen.names
    fired = dict.fromkeys(names.get(t.alarm, t.alarm) for t in seen.transitions if t.after == "ALARM")
    runbooks = {run.alarm: f"{run.id}: {run.verdict}" for run in seen.runbooks}
    return [_alarm(seen, story, key, runbooks) for key in dict.fromkeys((*story.alarms, *fired))]


def _alarm(seen: Evidence, story: Story, key: str, runbooks: dict[str, str]) -> AlarmDid:
    name, at = seen.alarm_names.get(key, key), scenes.fired_at(seen, key)
    scene = next((s for s in reversed(story.scenes) if at is not None and s.at_s <= at - seen.zero), None)
    green = next(
        (t.at for t in seen.transitions if t.alarm == name and t.before == "ALARM" and t.at > (at or 0)), None
    )
    return AlarmDid(
        alarm=key,
        expected="must" if key in story.alarms else "may" if key in story.may else "no",
        fired_at=None if at is None else at - seen.zero,
        after=f"{at - seen.zero - scene.at_s:.0f} s after: {scene.title}" if at and scene else "",
        green_at=None if green is None else green - seen.zero,
        runbook=runbooks.get(name, ""),
    )


def bounds(seen: Evidence) -> list[Bound]:
    """What gives out first when this event's busiest minute grows; the nearest first."""
    peak = _peak(seen)
    return sorted([*_processor(seen, peak), *_quotas(seen), *_rung(seen, peak)], key=lambda one: one.times)


def _peak(seen: Evidence) -> float:
    """Messages a second of the busiest half minute."""
    starts = range(int(seen.traffic.start), int(seen.traffic.end), 30)
    counts = [len(Window(at, at + 30).of(seen.samples)) / 30 for at in starts]
    return max(counts, default=0.0)


def _processor(seen: Evidence, peak: float) -> Iterator[Bound]:
    if seen.machine.cpu_s and seen.samples and peak:
        each = seen.machine.cpu_s / len(seen.samples)
        used = f"{each * 1_000:.0f} ms of a message: one task carries {0.7 / each:.0f} a second at 70 %"
        yield Bound("processor of the agent's task", used, 0.7 / (each * peak))


def _quotas(seen: Evidence) -> Iterator[Bound]:
    """Tokens of the busiest minute, weighed as Bedrock weighs them, against the account's quota."""
    for model, quota in usual().items():
        of_model = {ENVIRONMENT: seen.environment, "Model": model}
        most = 0.0
        for at in range(int(seen.traffic.start), int(seen.traffic.end), 60):
            asked, said = (
                sum(seen.metrics.values(name, of_model, at, at + 60))
                for name in ("InputTokens", "OutputTokens")
            )
            most = max(most, asked + said * quota.burndown)
        if most:
            used = f"{most:,.0f} of {quota.tokens:,} tokens in the busiest minute"
            yield Bound(f"quota of {model}", used, quota.tokens / most)


def _rung(seen: Evidence, peak: float) -> Iterator[Bound]:
    """Calls of the first rung at a time (Little's law) against its limit."""
    took = [one.end_to_end_ms for one in seen.samples if one.rung == seen.first_rung and one.end_to_end_ms]
    if took and peak:
        share = len(took) / len(seen.samples)
        at_once = peak * share * sum(took) / len(took) / 1_000
        used = f"{at_once:.0f} of {seen.concurrency:,} calls of {seen.first_rung} at a time"
        yield Bound(f"concurrency of rung {seen.first_rung}", used, seen.concurrency / at_once)


def cost(seen: Evidence) -> tuple[float, float]:
    """Dollars of models for the whole event, and for a message."""
    spent = sum(one.usd for one in seen.samples)
    return spent, spent / max(1, len(seen.samples))
