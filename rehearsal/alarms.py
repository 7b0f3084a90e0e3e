"""Judges the alarms of a plan as CloudWatch would: periods, M of N datapoints, missing data.

Reads the alarm resources the stack declares, so what is judged here is what would be deployed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from plan.model import Plan, Resource
from rehearsal.metrics import MetricStore, statistic

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
ALARM_TYPE = "aws:cloudwatch/metricAlarm:MetricAlarm"
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


@dataclass
class JudgedAlarm:
    """One alarm and the state it is in."""

    resource: Resource
    state: State = "INSUFFICIENT_DATA"
    judged_until: float = 0.0

    @property
    def inputs(self) -> Mapping[str, Any]:
        return self.resource.inputs

    @property
    def name(self) -> str:
        return str(self.inputs["name"])

    @property
    def runbook(self) -> str:
        return str(self.inputs["tags"]["Runbook"])


@dataclass
class Judge:
    """All alarms of one region of a plan."""

    alarms: Sequence[JudgedAlarm]
    store: MetricStore
    transitions: list[Transition] = field(default_factory=list)

    @classmethod
    def of(cls, plan: Plan, region: str, store: MetricStore) -> "Judge":
        found = [JudgedAlarm(r) for r in plan.of_type(ALARM_TYPE) if r.region == region]
        return cls(found, store)

    def alarm(self, name: str) -> JudgedAlarm:
        return next(alarm for alarm in self.alarms if alarm.name == name)

    def judge(self, now: float) -> list[Transition]:
        """Judges every period that ended since the last call."""
        changed = []
        for alarm in self.alarms:
            period = float(alarm.inputs["period"])
            end = (now - SETTLE_S) // period * period
            if end <= alarm.judged_until:
                continue
            alarm.judged_until = end
            state, reason = self._evaluate(alarm.inputs, end)
            if state != alarm.state:
                changed.append(Transition(now, alarm.name, alarm.state, state, reason))
                alarm.state = state
        self.transitions += changed
        return changed

    def _evaluate(self, alarm: Mapping[str, Any], end: float) -> tuple[State, str]:
        period, window = float(alarm["period"]), int(alarm["evaluationPeriods"])
        needed = int(alarm.get("datapointsToAlarm", window))
        values = [self._datapoint(alarm, end - (n + 1) * period, end - n * period) for n in range(window)]
        breaching = sum(_breaches(alarm, value) for value in values)
        shown = ", ".join("-" if value is None else f"{value:.3g}" for value in reversed(values))
        reason = (
            f"{breaching} of {window} datapoints [{shown}] {_words(alarm)} {alarm['threshold']:g} "
            f"({needed} are needed)"
        )
        if all(value is None for value in values) and alarm["treatMissingData"] == "missing":
            return "INSUFFICIENT_DATA", "no data"
        return ("ALARM" if breaching >= needed else "OK"), reason

    def _datapoint(self, alarm: Mapping[str, Any], start: float, end: float) -> float | None:
        values = self.store.values(alarm["metricName"], alarm["dimensions"], start, end)
        return statistic(alarm["statistic"], values)


def _breaches(alarm: Mapping[str, Any], value: float | None) -> bool:
    if value is None:
        return bool(alarm["treatMissingData"] == "breaching")
    if alarm["comparisonOperator"] == "GreaterThanThreshold":
        return value > float(alarm["threshold"])
    return value < float(alarm["threshold"])


def _words(alarm: Mapping[str, Any]) -> str:
    return "above" if alarm["comparisonOperator"] == "GreaterThanThreshold" else "below"
