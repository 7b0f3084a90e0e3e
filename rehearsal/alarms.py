"""Judges the alarms of a plan as CloudWatch would: when it looks, what it sees and decides, whom it tells.

Reads the alarm resources the stack declares, so what is judged here is what would be deployed. Alarms on
metrics of which nobody publishes anything here are left out, unless `namespaces` says that somebody does.
What an alarm is, is `alarm_definitions`'; how points become a state `alarm_states`'; when a composite keeps
still `suppression`'s.
"""

import heapq
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from contract.alarm_rules import State
from contract.metric_series import Series
from contract.metrics import NAMESPACE
from plan.model import Plan
from rehearsal import alarm_definitions
from rehearsal.alarm_definitions import Composite, Definition, Metric, MetricAlarm
from rehearsal.alarm_states import LOOK_BACK, compares, decide
from rehearsal.metrics import MetricStore, is_statistic
from rehearsal.suppression import Act, Suppression

# EMF lines need a moment to become metrics; a period is judged once that has passed.
SETTLE_S = 1.0


@dataclass(frozen=True, slots=True)
class Transition:
    """An alarm changed its state, and why in words."""

    at: float
    alarm: str
    before: State
    after: State
    reason: str


@dataclass(frozen=True, slots=True)
class Notice:
    """An alarm acts: these topics are told."""

    at: float
    alarm: str
    state: State
    reason: str
    topics: tuple[str, ...]


@dataclass
class JudgedAlarm:
    """One alarm and the state it is in."""

    definition: Definition
    state: State = "INSUFFICIENT_DATA"
    reason: str = ""
    judged_until: float | None = None

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def runbook(self) -> str:
        return self.definition.runbook


@dataclass
class Judge:
    """The alarms of one region of a plan. `speed`: how much faster than the clock the story is told."""

    alarms: Sequence[JudgedAlarm]
    store: MetricStore
    speed: float = 1.0
    transitions: list[Transition] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._by_name = {alarm.name: alarm for alarm in self.alarms}
        self._composites = [alarm for alarm in self.alarms if isinstance(alarm.definition, Composite)]
        self._unsettled = True  # a state has changed that composites have not heard of
        self._held = {
            alarm.name: Suppression(alarm.definition.wait_s, alarm.definition.extension_s)
            for alarm in self.alarms
            if isinstance(alarm.definition, Composite) and alarm.definition.suppressor in self._by_name
        }

    @classmethod
    def of(
        cls,
        plan: Plan,
        region: str,
        store: MetricStore,
        *,
        namespaces: Collection[str] | None = (NAMESPACE,),
        speed: float = 1.0,
    ) -> "Judge":
        """`namespaces`: those somebody publishes in; None: all."""
        return cls([JudgedAlarm(each) for each in judged(plan, region, namespaces)], store, speed)

    def alarm(self, name: str) -> JudgedAlarm:
        return self._by_name[name]

    @property
    def states(self) -> dict[str, State]:
        return {alarm.name: alarm.state for alarm in self.alarms}

    def judge(self, now: float) -> list[Transition]:
        """Everything CloudWatch would have looked at since the last call, in its order."""
        first = len(self.transitions)
        for end, alarm in heapq.merge(*(self._due(each, now) for each in self.alarms), key=_when):
            at = end / self.speed + SETTLE_S
            self._release(at)
            self._look(alarm, end, at)
        self._settle_composites(now)
        self._release(now)
        return self.transitions[first:]

    def red_until(self, now: float) -> float:
        """When what is red will have been judged with the period that has begun; `now` if nothing is."""
        red = [
            alarm.definition.period_s / self.speed
            for alarm in self.alarms
            if alarm.state == "ALARM" and isinstance(alarm.definition, MetricAlarm)
        ]
        return max(((now // period + 1) * period + SETTLE_S for period in red), default=now)

    def next_look(self) -> float:
        """When the next alarm is due, for who has no clock; only after a first look at all."""
        ends = [
            alarm.judged_until + alarm.definition.every_s
            for alarm in self.alarms
            if alarm.judged_until is not None and isinstance(alarm.definition, MetricAlarm)
        ]
        waits = [due for held in self._held.values() if (due := held.next_due) is not None]
        return min([min(ends) / self.speed + SETTLE_S, *waits]) if ends else float("inf")

    def _due(self, alarm: JudgedAlarm, now: float) -> Iterator[tuple[float, JudgedAlarm]]:
        """Moments of the story at which CloudWatch looks and has not looked yet; at first only the last."""
        if not isinstance(alarm.definition, MetricAlarm):
            return
        every = alarm.definition.every_s
        last = (now - SETTLE_S) * self.speed // every * every
        end = last if alarm.judged_until is None else alarm.judged_until + every
        while end <= last:
            alarm.judged_until = end
            yield end, alarm
            end += every

    def _look(self, alarm: JudgedAlarm, end: float, at: float) -> None:
        definition = alarm.definition
        if isinstance(definition, MetricAlarm):
            state, reason = self._evaluate(definition, alarm.state, end)
            if state != alarm.state:
                self._change(alarm, state, reason, at)
                self._settle_composites(at)

    def _evaluate(self, alarm: MetricAlarm, present: State, end: float) -> tuple[State, str]:
        if alarm.ignores_few and self._few(alarm, end):
            return present, "too few samples"
        points = self.points(alarm, end)
        return decide(alarm, present, points[::-1])

    def points(self, alarm: MetricAlarm, end: float) -> list[float | None]:
        """What it watches in the evaluation range, the oldest first."""
        series: dict[str, Series] = {
            name: Series(tuple(self._course(metric, alarm, end))) for name, metric in alarm.metrics.items()
        }
        if not alarm.steps:
            return list(series[alarm.watched].values)
        made: dict[str, Series] = {}
        for name, expression in alarm.steps.items():
            made[name] = expression.of(series, alarm.period_s, made)
        return list({**series, **made}[alarm.watched].values)

    def _course(self, metric: Metric, alarm: MetricAlarm, end: float) -> Iterator[float | None]:
        key = metric.namespace, metric.name, frozenset(metric.dimensions.items())
        for age in range(alarm.of + LOOK_BACK, 0, -1):
            start, stop = end - age * alarm.period_s, end - (age - 1) * alarm.period_s
            yield self.store.datapoint(key, metric.statistic, start / self.speed, stop / self.speed)

    def _few(self, alarm: MetricAlarm, end: float) -> bool:
        """Too few samples for the percentile to mean anything: user guide, "low data samples"."""
        (metric,) = alarm.metrics.values()
        key = metric.namespace, metric.name, frozenset(metric.dimensions.items())
        start = (end - alarm.of * alarm.period_s) / self.speed
        found = self.store.datapoint(key, "SampleCount", start, end / self.speed) or 0.0
        return found < fewest_samples(metric.statistic)

    def _settle_composites(self, now: float) -> None:
        """Composites follow their children at once; composites of composites after them."""
        for _ in self._composites:
            if not self._unsettled:
                return
            self._unsettled = False
            for alarm in self._composites:
                self._settle(alarm, now)

    def _settle(self, alarm: JudgedAlarm, now: float) -> None:
        definition = alarm.definition
        if not isinstance(definition, Composite):
            return
        states = {
            name: self._by_name[name].state for name in definition.rule.children if name in self._by_name
        }
        state: State = "ALARM" if definition.rule.holds(states) else "OK"
        if state != alarm.state:
            red = ", ".join(name for name in definition.rule.children if states.get(name) == "ALARM")
            self._change(alarm, state, f"in ALARM: {red or 'none'}", now)

    def _change(self, alarm: JudgedAlarm, state: State, reason: str, at: float) -> None:
        before, alarm.state, alarm.reason = alarm.state, state, reason
        self._unsettled = True
        self.transitions.append(Transition(at, alarm.name, before, state, reason))
        if alarm.name in self._held:
            self._tell(alarm, self._held[alarm.name].composite(at, state))
        else:
            self._tell(alarm, [Act(at, state)])
        for name, held in self._held.items():
            composite = self._by_name[name]
            if isinstance(composite.definition, Composite) and composite.definition.suppressor == alarm.name:
                self._tell(composite, held.suppressor(at, red=state == "ALARM"))

    def _release(self, now: float) -> None:
        for name, held in self._held.items():
            self._tell(self._by_name[name], held.due(now))

    def _tell(self, alarm: JudgedAlarm, acts: Sequence[Act]) -> None:
        for act in acts:
            if topics := alarm.definition.actions.of(act.state):
                self.notices.append(Notice(act.at, alarm.name, act.state, alarm.reason, topics))


def judged(plan: Plan, region: str, namespaces: Collection[str] | None) -> list[Definition]:
    """Alarms that can be judged here: their metrics come from somewhere, and no model of AWS's is needed.

    A composite is, if one of its children is; what the others would say it never learns.
    """
    every = alarm_definitions.of_plan(plan, region)
    plain = [each for each in every if isinstance(each, MetricAlarm) and _fits(each, namespaces)]
    known = {each.name for each in plain}
    composites = [each for each in every if isinstance(each, Composite)]
    for _ in composites:  # composites of composites
        known |= {each.name for each in composites if known & set(each.rule.children)}
    suppressors = {each.suppressor for each in composites if each.name in known}
    return [*plain, *(each for each in composites if each.name in known or each.name in suppressors)]


def unjudged(plan: Plan, region: str) -> Mapping[str, str]:
    """Alarms that cannot be judged here whatever is published, and why."""
    return {
        each.name: "its band is AWS's own model of the past"
        if each.band
        else "its statistic is not known here"
        for each in alarm_definitions.of_plan(plan, region)
        if isinstance(each, MetricAlarm) and not _fits(each, None)
    }


def _fits(alarm: MetricAlarm, namespaces: Collection[str] | None) -> bool:
    understood = compares(alarm.comparison) and all(
        is_statistic(metric.statistic) for metric in alarm.metrics.values()
    )
    return understood and (namespaces is None or alarm.namespaces <= set(namespaces))


def fewest_samples(percentile: str) -> float:
    """How many samples a percentile needs: user guide, "Percentile-based alarms and low data samples"."""
    if not percentile.startswith("p"):
        return 0.0
    share = float(percentile[1:]) / 100
    return round(10 / (1 - share) if share >= 0.5 else 10 / share, 6)


def _when(due: tuple[float, JudgedAlarm]) -> float:
    return due[0]
