"""A game day that went as the story wants it, made up second by second; tests change one thing of it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from chaos import catalogue as experiments
from contract.alarm_rules import State
from contract.faults import Experiment
from contract.runtime_settings import BreakerSettings
from contract.tiers import Tier
from loadtests import scenario
from loadtests.run import Run
from loadtests.samples import Sample
from loadtests.verdict import judge
from rehearsal import story as stories
from rehearsal.alarms import Transition
from rehearsal.evidence import Evidence, RunbookRun, Schedule, Stage
from rehearsal.metrics import MetricStore, Point
from rehearsal.story import Story

ZERO = 1_900_000_000.0
ALARM, OTHER = "concierge-dev-bedrock-throttled", "concierge-dev-cost-spike"
LENGTH_S, A_SECOND = 88, 10
LITTLE, ALL, CALM = 6.0, 50.0, 68.0  # when the two stages begin, and when the last one ends
# While Sonnet refuses everything: tried by all until the breaker learns, then by probes.
LEARNT, PROBES = ALL + 3, 1 / 10

STORY: Story = stories.load("prime-day")
EXPERIMENT: Experiment = experiments.load("sonnet-throttled")


def stage(number: int, start: float, end: float) -> Stage:
    """A stage of the experiment, at another time perhaps."""
    return Stage(ZERO + start, ZERO + end, EXPERIMENT.method[number].fault)


def sample(second: float, **changed: Any) -> Sample:
    """An answer of the tier that the story wants to answer then."""
    haiku = ALL <= second < CALM + 2
    told = {
        "request_id": f"r-{second:.1f}",
        "intended_at": ZERO + second,
        "sent_at": ZERO + second + 0.002,
        "first_token_ms": 250.0 if haiku else 600.0,
        "end_to_end_ms": 1_500.0,
        "tier": Tier.T1 if haiku else Tier.T0,
        "rung": "haiku" if haiku else "sonnet",
        "finals": 1,
    }
    return Sample(**{**told, **changed})


def traffic() -> list[Sample]:
    return [sample(number / A_SECOND) for number in range(LENGTH_S * A_SECOND)]


def calls(share_when_dead: float = PROBES, zero: float = ZERO) -> MetricStore:
    """What Sonnet was asked, one point a call; `share_when_dead` of the messages try it once all know."""
    store, owed = MetricStore(), 0.0
    for number in range(LENGTH_S * A_SECOND):
        second = number / A_SECOND
        dead = ALL <= second < CALM
        owed += share_when_dead if dead and second >= LEARNT else 1.0
        if dead:
            served = {"Environment": "dev", "Rung": "haiku"}
            store.add([Point(zero + second, "ModelThrottled", served, 0.0, "Count")])
        if owed >= 1:
            owed -= 1
            value = float(dead or (LITTLE <= second < ALL and number % 25 == 0))
            dimensions = {"Environment": "dev", "Rung": "sonnet"}
            store.add([Point(zero + second, "ModelThrottled", dimensions, value, "Count")])
    return store


def change(second: float, after: State, before: State, alarm: str = ALARM) -> Transition:
    return Transition(ZERO + second, alarm, before, after, "2 of 3 datapoints")


def red_and_green(red_at: float = LITTLE + 20, alarm: str = ALARM) -> list[Transition]:
    return [change(red_at, "ALARM", "OK", alarm), change(CALM + 14, "OK", "ALARM", alarm)]


def helped(**changed: Any) -> RunbookRun:
    run = RunbookRun("bedrock-throttled", "applied+verified", "throttled Sonnet calls: 6 -> 2", undone=True)
    return replace(run, **changed)


def evidence(**changed: Any) -> Evidence:
    """Every gate holds, but for what is `changed`; the schedule is that of the samples, if there are any."""
    sent: Sequence[Sample] = changed.get("samples") or traffic()
    due = [one.intended_at for one in sent]
    load = scenario.load("prime-day")
    told: dict[str, Any] = {
        "environment": "dev",
        "ladder": ("sonnet", "haiku"),
        "breaker": BreakerSettings(),
        "schedule": Schedule(load, len(due), max(due) - min(due)),
        "samples": traffic(),
        "generator_said": judge(Run.of(load, sent)).exit_code,
        "metrics": calls(),
        "stages": [stage(0, LITTLE, ALL), stage(1, ALL, CALM)],
        "faults_in_place": None,
        "transitions": [change(LITTLE, "OK", "INSUFFICIENT_DATA"), *red_and_green()],
        "final_states": {ALARM: "OK", OTHER: "INSUFFICIENT_DATA"},
        "expected_alarm": ALARM,
        "runbooks": [helped()],
        "leftover_faults": 0,
    }
    return Evidence(**{**told, **changed})


def with_samples(where: Callable[[float], bool], **changed: Any) -> list[Sample]:
    """The traffic, with the messages of some seconds changed."""
    found: Sequence[Sample] = traffic()
    return [one.model_copy(update=changed) if where(one.intended_at - ZERO) else one for one in found]
