"""Judges the alarms of a plan as CloudWatch would: periods, M of N datapoints, missing data.

Reads the alarm resources the stack declares, so what is judged here is what would be deployed. Those that
watch AWS's own metrics are left out, because nobody publishes these here. The rules for missing data are in
the CloudWatch user guide, "Configuring how CloudWatch alarms treat missing data".
"""

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from contract.metrics import NAMESPACE
from plan.model import Plan, Resource
from rehearsal.metrics import MetricStore, statistic

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
ALARM_TYPE = "aws:cloudwatch/metricAlarm:MetricAlarm"
# EMF lines need a moment to become metrics; a period is judged once that has passed.
SETTLE_S = 1.0
# Where a period has no data CloudWatch looks a little further back. How far, only the tables of its guide
# show: at five periods for an alarm over three.
LOOK_BACK = 2
_BREACHES: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
}
_WORDS = {"GreaterThanThreshold": "above", "LessThanThreshold": "below"}


@dataclass(frozen=True, slots=True)
class Transition:
    """An alarm changed its state, and why in words."""

    at: float
    alarm: str
    before: State
    after: State
    reason: str


@dataclass
class JudgedAlarm:
    """One alarm and the state it is in."""

    resource: Resource
    state: State = "INSUFFICIENT_DATA"
    judged_until: float | None = None

    @property
    def inputs(self) -> Mapping[str, Any]:
        return self.resource.inputs

    @property
    def name(self) -> str:
        return str(self.inputs["name"])

    @property
    def runbook(self) -> str:
        return str(self.inputs["tags"]["Runbook"])

    def due(self, until: float) -> Iterator[float]:
        """Ends of the periods that are over and not judged yet; at first only of the last one."""
        period = float(self.inputs["period"])
        last = until // period * period
        end = last if self.judged_until is None else self.judged_until + period
        while end <= last:
            self.judged_until = end
            yield end
            end += period


@dataclass
class Judge:
    """The alarms of one region of a plan that watch what the runtime emits."""

    alarms: Sequence[JudgedAlarm]
    store: MetricStore
    transitions: list[Transition] = field(default_factory=list)

    @classmethod
    def of(cls, plan: Plan, region: str, store: MetricStore) -> "Judge":
        mine = [alarm for alarm in plan.of_type(ALARM_TYPE) if alarm.region == region]
        return cls([JudgedAlarm(alarm) for alarm in mine if alarm.inputs["namespace"] == NAMESPACE], store)

    def alarm(self, name: str) -> JudgedAlarm:
        return next(alarm for alarm in self.alarms if alarm.name == name)

    def judge(self, now: float) -> list[Transition]:
        """Judges every period that ended since the last call, one after the other."""
        changed = []
        for alarm in self.alarms:
            for end in alarm.due(now - SETTLE_S):
                state, reason = self._evaluate(alarm, end)
                if state != alarm.state:
                    changed.append(Transition(now, alarm.name, alarm.state, state, reason))
                    alarm.state = state
        self.transitions += changed
        return changed

    def red_until(self, now: float) -> float:
        """When what is red will have been judged with the period that has begun; `now` if nothing is."""
        red = [float(alarm.inputs["period"]) for alarm in self.alarms if alarm.state == "ALARM"]
        return max(((now // period + 1) * period + SETTLE_S for period in red), default=now)

    def _evaluate(self, alarm: JudgedAlarm, end: float) -> tuple[State, str]:
        rule, period = alarm.inputs, float(alarm.inputs["period"])
        ages = range(1, int(rule["evaluationPeriods"]) + LOOK_BACK + 1)
        points = [self._datapoint(rule, end - age * period, end - (age - 1) * period) for age in ages]
        return _decide(rule, alarm.state, points)

    def _datapoint(self, rule: Mapping[str, Any], start: float, end: float) -> float | None:
        values = self.store.values(rule["metricName"], rule["dimensions"], start, end)
        return statistic(rule.get("statistic") or rule["extendedStatistic"], values)


def _decide(rule: Mapping[str, Any], present: State, points: Sequence[float | None]) -> tuple[State, str]:
    """The state an alarm goes to from its `present` one, and why; the youngest point comes first."""
    window, missing = int(rule["evaluationPeriods"]), rule.get("treatMissingData", "missing")
    needed = int(rule.get("datapointsToAlarm", window))
    real = [(age, value) for age, value in enumerate(points, 1) if value is not None][:window]
    if not real and missing == "missing":
        return "INSUFFICIENT_DATA", "no data"
    breaches = _BREACHES[rule["comparisonOperator"]]
    bad = [age for age, value in real if breaches(value, float(rule["threshold"]))]
    count = len(bad) + (window - len(real) if missing == "breaching" else 0)
    used = points[: max(window, *(age for age, _ in real), 0)]
    shown = ", ".join("-" if value is None else f"{value:.3g}" for value in reversed(used))
    words = f"{_WORDS[rule['comparisonOperator']]} {rule['threshold']:g}"
    reason = f"{count} of {window} datapoints [{shown}] {words} ({needed} are needed)"
    if count >= needed:
        return "ALARM", reason
    if missing in {"missing", "ignore"} and len(bad) == len(real) < window:
        # All there is breaches; what is missing could decide it. A first breach M periods ago is enough.
        otherwise: State = "ALARM" if bad and bad[-1] >= needed else "OK"
        return present if missing == "ignore" else otherwise, reason
    return "OK", reason
