"""A rehearsal that went as its story wants it, made up second by second; tests change one thing of it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from contract.alarm_rules import State
from contract.faults import Fault
from contract.runtime_settings import BreakerSettings
from contract.tiers import Tier
from loadtests import scenario
from loadtests.samples import Sample
from rehearsal.alarms import Transition
from rehearsal.evidence import Evidence, RunbookRun, Schedule, Stage
from rehearsal.machine import Machine
from rehearsal.metrics import MetricStore, Point
from rehearsal.story import Story

ZERO = 1_900_000_020.0
KEY, OTHER_KEY = "bedrock-throttled", "cost-spike"
ALARM, OTHER = f"concierge-dev-{KEY}", f"concierge-dev-{OTHER_KEY}"
RUNBOOK = "bedrock-throttled"
LENGTH_S, A_SECOND = 200, 4
BROKEN, WELL = 60.0, 120.0  # while Sonnet refuses everything
LEARNT, PROBES = BROKEN + 3, 1 / 10

STORY = Story.model_validate(
    {
        "id": "made-up",
        "title": "Made up",
        "teller": "Sonnet is gone for a minute.",
        "length_s": LENGTH_S,
        "traffic": {"scenario": "normal"},
        "scenes": [
            {
                "title": "Sonnet is gone",
                "at_s": BROKEN,
                "for_s": WELL - BROKEN,
                "faults": [{"target": "bedrock", "kind": "throttle", "match": {"model": "sonnet"}}],
                "expect": {
                    "alarms": {KEY: 40},
                    "runbooks": {RUNBOOK: "verified"},
                    "answers": {"tier": "T1", "share": 0.9, "learns_s": 5},
                    "back_s": 10,
                },
            }
        ],
    }
)
SCENE = STORY.scenes[0]


def sample(second: float, **changed: Any) -> Sample:
    """An answer of the tier that the story wants to answer then."""
    haiku = BROKEN <= second < WELL + 2
    told = {
        "request_id": f"r-{second:.2f}",
        "intended_at": ZERO + second,
        "sent_at": ZERO + second + 0.002,
        "first_token_ms": 250.0 if haiku else 600.0,
        "end_to_end_ms": 1_500.0,
        "tier": Tier.T1 if haiku else Tier.T0,
        "rung": "haiku" if haiku else "sonnet",
        "finals": 1,
        "usd": 0.002,
    }
    return Sample(**{**told, **changed})


def traffic() -> list[Sample]:
    return [sample(number / A_SECOND) for number in range(LENGTH_S * A_SECOND)]


def with_samples(where: Callable[[float], bool], **changed: Any) -> list[Sample]:
    """The traffic, with the messages of some seconds changed."""
    return [one.model_copy(update=changed) if where(one.intended_at - ZERO) else one for one in traffic()]


def calls(share_when_dead: float = PROBES) -> MetricStore:
    """What Sonnet was asked, one point a call; `share_when_dead` of the messages try it once all know."""
    store, owed = MetricStore(), 0.0
    for number in range(LENGTH_S * A_SECOND):
        second = number / A_SECOND
        dead = BROKEN <= second < WELL
        owed += share_when_dead if dead and second >= LEARNT else 1.0
        if owed >= 1:
            owed -= 1
            rung = {"Environment": "dev", "Rung": "sonnet"}
            store.add([Point(ZERO + second, "ModelThrottled", rung, float(dead), "Count")])
    for second in range(LENGTH_S):
        tokens = {"Environment": "dev", "Model": "sonnet"}
        store.add([Point(ZERO + second, "InputTokens", tokens, 300.0, "Count")])
        store.add([Point(ZERO + second, "OutputTokens", tokens, 100.0, "Count")])
    return store


def change(second: float, after: State, before: State, alarm: str = ALARM) -> Transition:
    return Transition(ZERO + second, alarm, before, after, "2 of 3 datapoints")


def red_and_green(red_at: float = BROKEN + 20, alarm: str = ALARM) -> list[Transition]:
    return [change(red_at, "ALARM", "OK", alarm), change(WELL + 30, "OK", "ALARM", alarm)]


def helped(**changed: Any) -> RunbookRun:
    run = RunbookRun(
        id=RUNBOOK,
        verdict="applied+verified",
        note="Sonnet calls: 620 -> 340",
        undone=True,
        alarm=ALARM,
        changes=("control haiku_threshold: 0.05 -> 0.03",),
        mitigated_at=ZERO + BROKEN + 25,
        ended_at=ZERO + BROKEN + 45,
    )
    return replace(run, **changed)


def stage(**changed: Any) -> Stage:
    fault = Fault.model_validate(
        {"target": "bedrock", "kind": "throttle", "match": {"model": "sonnet"}, "lease_s": 90}
    )
    return replace(Stage(ZERO + BROKEN, ZERO + WELL, fault, hit=40), **changed)


def evidence(**changed: Any) -> Evidence:
    """Every gate holds, but for what is `changed`; the schedule is that of the samples, if there are any."""
    sent: Sequence[Sample] = changed.get("samples") or traffic()
    due = [one.intended_at for one in sent]
    told: dict[str, Any] = {
        "environment": "dev",
        "zero": ZERO,
        "ladder": ("sonnet", "haiku"),
        "concurrency": 2_000,
        "breaker": BreakerSettings(),
        "schedule": Schedule(scenario.load("normal"), len(due), max(due) - min(due)),
        "samples": traffic(),
        "generator_doubts": (),
        "metrics": calls(),
        "stages": [stage()],
        "faults_in_place": None,
        "transitions": [change(BROKEN, "OK", "INSUFFICIENT_DATA"), *red_and_green()],
        "final_states": {ALARM: "OK", OTHER: "INSUFFICIENT_DATA"},
        "alarm_names": {KEY: ALARM, OTHER_KEY: OTHER},
        "runbooks": [helped()],
        "leftover_faults": 0,
        "breaches": (),
        "looked": {"prices": 40, "places": 300},
        "machine": Machine(memory_gb=1.1, cpu_s=20.0, waited_s=1.0, lasted_s=70.0, ready_s=9.0),
    }
    return Evidence(**{**told, **changed})
