"""Alarms as a plan declares them, read from resources into what the judge needs. No state, no data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from contract import alarm_rules, metric_math
from contract.alarm_rules import State
from contract.errors import WrongUseError
from plan.model import Plan, Resource

ALARM_TYPE = "aws:cloudwatch/metricAlarm:MetricAlarm"
COMPOSITE_TYPE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
# The one metric of an alarm without metric math.
ONLY = "m0"
# How often CloudWatch looks: user guide, "Alarm evaluation".
_FAST_S, _USUAL_S, _MULTI_DAY_S = 10.0, 60.0, 3_600.0
_MINUTE_S, _DAY_S = 60.0, 86_400.0
# "Alarms that evaluate metrics in the AWS/DynamoDB namespace always ignore missing data": PutMetricAlarm.
ALWAYS_IGNORE = frozenset({"AWS/DynamoDB"})


class AlarmError(WrongUseError):
    """An alarm that is not there, or that nobody could judge."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric an alarm looks at."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    statistic: str


@dataclass(frozen=True, slots=True)
class Actions:
    """Topics that are told of each state."""

    enabled: bool
    topics: Mapping[State, tuple[str, ...]]

    def of(self, state: State) -> tuple[str, ...]:
        return self.topics[state] if self.enabled else ()


@dataclass(frozen=True)
class Definition:
    """What both kinds of alarm have."""

    name: str
    region: str | None
    description: str
    runbook: str
    severity: str
    component: str
    actions: Actions


@dataclass(frozen=True)
class MetricAlarm(Definition):
    """`metrics` by id; `steps`: further expressions by id, in an order in which each knows what it uses."""

    metrics: Mapping[str, Metric]
    steps: Mapping[str, metric_math.Expression]
    watched: str
    comparison: str
    threshold: float
    period_s: float
    datapoints: int
    of: int
    missing: str
    ignores_few: bool = False
    band: str | None = None

    @property
    def every_s(self) -> float:
        """Seconds between two looks."""
        if self.period_s * self.of > _DAY_S:
            return _MULTI_DAY_S
        return _FAST_S if self.period_s < _MINUTE_S else _USUAL_S

    @property
    def namespaces(self) -> set[str]:
        return {metric.namespace for metric in self.metrics.values()}

    @cached_property
    def treats_missing(self) -> str:
        """What it says of missing data, unless CloudWatch does not listen."""
        bare = not self.steps and self.namespaces <= ALWAYS_IGNORE
        return "ignore" if bare else self.missing


@dataclass(frozen=True)
class Composite(Definition):
    """An alarm over other alarms."""

    rule: alarm_rules.Rule
    suppressor: str | None = None
    wait_s: float = 0.0
    extension_s: float = 0.0


def of_plan(plan: Plan, region: str | None = None) -> list[MetricAlarm | Composite]:
    """Every alarm of a plan, or of one of its regions."""
    found: Sequence[Resource] = (*plan.of_type(ALARM_TYPE), *plan.of_type(COMPOSITE_TYPE))
    return [read(resource) for resource in found if region is None or resource.region == region]


def read(resource: Resource) -> MetricAlarm | Composite:
    """AlarmError names the alarm nobody could judge."""
    inputs = resource.inputs
    tags = inputs.get("tags") or {}
    common: dict[str, Any] = {
        "region": resource.region,
        "description": str(inputs.get("alarmDescription") or ""),
        "runbook": str(tags.get("Runbook") or ""),
        "severity": str(tags.get("Severity") or ""),
        "component": str(tags.get("Component") or ""),
        "actions": _actions(inputs),
    }
    if resource.type == COMPOSITE_TYPE:
        return _composite(inputs, {**common, "name": str(inputs["alarmName"])})
    return _metric_alarm(inputs, {**common, "name": str(inputs["name"])})


def _actions(inputs: Mapping[str, Any]) -> Actions:
    keys: Mapping[State, str] = {
        "ALARM": "alarmActions",
        "OK": "okActions",
        "INSUFFICIENT_DATA": "insufficientDataActions",
    }
    topics = {state: tuple(map(str, inputs.get(key) or ())) for state, key in keys.items()}
    return Actions(inputs.get("actionsEnabled") is not False, topics)


def _composite(inputs: Mapping[str, Any], common: Mapping[str, Any]) -> Composite:
    suppressor = inputs.get("actionsSuppressor") or {}
    return Composite(
        **common,
        rule=alarm_rules.parse(str(inputs["alarmRule"])),
        suppressor=suppressor.get("alarm"),
        wait_s=float(suppressor.get("waitPeriod", 0)),
        extension_s=float(suppressor.get("extensionPeriod", 0)),
    )


def _metric_alarm(inputs: Mapping[str, Any], common: Mapping[str, Any]) -> MetricAlarm:
    queries = inputs.get("metricQueries") or ()
    of = int(inputs["evaluationPeriods"])
    metrics, period_s = _metrics(inputs, queries)
    return MetricAlarm(
        **common,
        metrics=metrics,
        steps=_in_order(common["name"], dict(_expressions(queries)), set(metrics)),
        watched=_watched(queries),
        comparison=str(inputs["comparisonOperator"]),
        threshold=float(inputs.get("threshold") or 0.0),
        period_s=period_s,
        datapoints=int(inputs.get("datapointsToAlarm") or of),
        of=of,
        missing=str(inputs.get("treatMissingData") or "missing"),
        ignores_few=inputs.get("evaluateLowSampleCountPercentiles") == "ignore",
        band=inputs.get("thresholdMetricId"),
    )


def _metrics(
    inputs: Mapping[str, Any], queries: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Metric], float]:
    """The metrics by id, and the period of all of them."""
    if not queries:
        statistic = str(inputs.get("statistic") or inputs["extendedStatistic"])
        dimensions = dict(inputs.get("dimensions") or {})
        return {
            ONLY: Metric(str(inputs["namespace"]), str(inputs["metricName"]), dimensions, statistic)
        }, float(inputs["period"])
    asked = {str(query["id"]): query["metric"] for query in queries if "metric" in query}
    found = {
        name: Metric(
            str(metric["namespace"]),
            str(metric["metricName"]),
            dict(metric.get("dimensions") or {}),
            str(metric["stat"]),
        )
        for name, metric in asked.items()
    }
    periods = {float(metric["period"]) for metric in asked.values()}
    if len(periods) != 1:
        raise AlarmError(f"the metrics of one expression need one period, not {sorted(periods)}")
    return found, periods.pop()


def _expressions(queries: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, metric_math.Expression]]:
    for query in queries:
        text = query.get("expression")
        if text and metric_math.BAND not in text:
            yield str(query["id"]), metric_math.parse(str(text))


def _in_order(
    name: str, left: dict[str, metric_math.Expression], known: set[str]
) -> dict[str, metric_math.Expression]:
    """An expression stands after those it uses."""
    ordered: dict[str, metric_math.Expression] = {}
    while left:
        ready = [key for key, expression in left.items() if expression.names <= known | set(ordered)]
        if not ready:
            raise AlarmError(f"{name}: {', '.join(sorted(left))} use what there is not, or each other")
        ordered |= {key: left.pop(key) for key in ready}
    return ordered


def _watched(queries: Sequence[Mapping[str, Any]]) -> str:
    """The query whose result is compared: of an anomaly band's two the metric, not the band."""
    shown = [query for query in queries if query.get("returnData") is not False]
    plain = [query for query in shown if metric_math.BAND not in str(query.get("expression", ""))]
    return str((plain or shown)[0]["id"]) if shown else ONLY
