"""What was seen of an experiment, brought together and judged: the record of its run."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from chaos import runner, verdict
from chaos.record import Conditions, Happening, Record, verdict_of
from chaos.steady_state import Measures, caught
from contract.faults import Experiment, Injection
from contract.metrics import NAMESPACE
from loadtests.samples import Sample
from rehearsal.alarm_definitions import Composite, Definition, MetricAlarm, of_plan
from rehearsal.alarms import Judge, Transition
from rehearsal.evidence import RunbookRun, Window
from rehearsal.story_clock import StoryClock
from rehearsal.trial import people
from rehearsal.trial.doors import PUBLISHED
from rehearsal.trial.ground import Ground

LATE_MS = 2_500.0  # a generator later than the first text may be has measured itself
LEARNS_S = 2.0
_LATELY_S = 300  # alarms on longer periods see more of the past than there is


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A run that is over. `zero`: when watching began; `calm`: nothing is broken or turned any more; `well`:
    people were served as before."""

    experiment: Experiment
    conditions: Conditions
    ground: Ground
    judge: Judge
    clock: StoryClock
    fired: Transition | None
    samples: Sequence[Sample]
    outcome: runner.Outcome
    red_before: Sequence[str]
    runbooks: Sequence[RunbookRun]
    happenings: Sequence[Happening]
    started_at: datetime
    zero: float
    calm: float
    well: float

    @property
    def began(self) -> float:
        """When it was first broken."""
        return min((ran.started_at.timestamp() for ran in self.outcome.stages), default=self.calm)

    @property
    def over(self) -> float:
        return max((ran.ended_at.timestamp() for ran in self.outcome.stages), default=self.calm)

    @property
    def worst(self) -> Window | None:
        """The stage that began last, once the system had time to learn."""
        last = max(self.outcome.stages, key=lambda ran: ran.started_at, default=None)
        if last is None:
            return None
        return Window(last.started_at.timestamp() + LEARNS_S, last.ended_at.timestamp())


def record(run: Ended) -> Record:
    """Judged by what the experiment claims, with the slack that was given."""
    seen = _seen(run)
    gates = verdict.gates(run.experiment.with_slack(run.conditions.slack), seen)
    return Record(
        experiment=run.experiment,
        conditions=run.conditions,
        started_at=run.started_at,
        ended_at=datetime.now(UTC),
        verdict=verdict_of(gates),
        gates=gates,
        outcome=run.outcome,
        measures=verdict.as_data(seen.measures),
        injections=tuple(seen.injections),
        seconds=people.seconds(run.samples, run.zero),
        happenings=tuple(run.happenings),
    )


def _seen(run: Ended) -> verdict.Seen:
    expect, names = run.experiment.expect, run.ground.names.alarms
    fired = {change.alarm for change in run.judge.transitions if change.after == "ALARM"}
    return verdict.Seen(
        outcome=run.outcome,
        measures=_measures(run),
        injections=_injections(run),
        alarm_after_s=run.fired.at - run.clock.at(run.began) if run.fired else None,
        led_to=_leads_to(run, names[expect.alarm]),
        red_before=run.red_before,
        other_alarms=sorted(key for key, name in names.items() if name in fired and key != expect.alarm),
        still_red=red(run.judge, run.ground),
        tier_share=people.share_of(expect.tier, run.worst.of(run.samples)) if run.worst else None,
        recovered_after_s=people.recovered_after(run.samples, run.calm, Window(run.zero, run.began)),
        runbooks=[
            verdict.Ran(id=one.id, verdict=one.verdict, note=one.note, undone=one.undone)
            for one in run.runbooks
        ],
        left=len(run.ground.aws.faults.active()),
        doubts=_doubts(run),
    )


def _measures(run: Ended) -> Measures:
    earlier = Window(run.zero, run.began).of(run.samples)
    calm, met = caught(earlier, run.began, lambda one: one.over_at)
    return Measures(
        before=people.measures(calm),
        during=people.measures([*met, *Window(run.began, run.over).of(run.samples)]),
        after=people.measures(Window(run.well, time.time()).of(run.samples)),
    )


def _injections(run: Ended) -> list[Injection]:
    """Of this run: the stand-ins keep those of all."""
    mine = {ran.fault.id for ran in run.outcome.stages}
    return [line for line in run.ground.aws.faults.log() if line.id in mine]


def _leads_to(run: Ended, alarm: str) -> str | None:
    return next((one.runbook for one in run.judge.alarms if one.name == alarm), None)


def _doubts(run: Ended) -> list[str]:
    watched = Window(run.zero, math.inf).of(run.samples)
    if not watched:
        return ["no message was answered"]
    late = people.lateness(watched)
    if late is not None and late > LATE_MS * run.conditions.slack:
        return [f"the generator was late by {late:.0f} ms (p95): the machine is too busy"]
    return []


def red(judge: Judge, ground: Ground) -> list[str]:
    """Our words for the alarms that are red now; those of scaling and rollouts tell nobody."""
    states = judge.states
    return sorted(key for key, name in ground.names.alarms.items() if states.get(name) == "ALARM")


def judgeable(ground: Ground) -> list[Definition]:
    """Alarms that tell somebody, on what somebody publishes here within minutes; and those over them."""
    every = of_plan(ground.plan, ground.aws.region)
    ours = set(ground.names.alarms.values())
    plain = [
        alarm
        for alarm in every
        if isinstance(alarm, MetricAlarm) and not alarm.band and alarm.name in ours and _is_published(alarm)
    ]
    names = {alarm.name for alarm in plain}
    return [*plain, *(a for a in every if isinstance(a, Composite) and names & set(a.rule.children))]


def _is_published(alarm: MetricAlarm) -> bool:
    series = {(metric.namespace, metric.name) for metric in alarm.metrics.values()}
    return alarm.period_s <= _LATELY_S and all(one[0] == NAMESPACE or one in PUBLISHED for one in series)
