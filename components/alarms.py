"""Turns alarms declared as data (`contract.alarms`) into CloudWatch alarms. The one place that does.

Alarms over alarms are data of their own, `composites.toml`.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.base import Component
from contract import alarm_rules
from contract.alarms import OWN, RESULT, Alarm, Composite, Measure, Severity, Widget
from contract.metrics import ENVIRONMENT, NAMESPACE

# "We recommend that you set the value for each parameter to 60 seconds": user guide, alarm suppression.
_SUPPRESSOR_S = 60


@dataclass(frozen=True)
class Watch:
    """An alarm, with the values of its `computed` dimensions; `owner`: kind of the component that fails."""

    alarm: Alarm
    computed: Mapping[str, Input[str]] = field(default_factory=dict)
    owner: str = ""

    def __post_init__(self) -> None:
        if set(self.computed) != set(self.alarm.computed):
            raise ValueError(f"alarm {self.alarm.id}: supply exactly {list(self.alarm.computed)}")


class Watched(Protocol):
    """A component that knows how it fails and how it looks."""

    kind: ClassVar[str]

    def alarms(self) -> list[Watch]: ...

    def widgets(self) -> list[Widget]: ...


class Quiet:
    """A component of which AWS publishes nothing. `quiet` says why, and who notices when it is wrong."""

    quiet: ClassVar[str]

    def alarms(self) -> list[Watch]:
        return []

    def widgets(self) -> list[Widget]:
        return []


def watches_of(parts: Iterable[Watched]) -> list[Watch]:
    """Every alarm of these components, each with its owner."""
    return [replace(watch, owner=part.kind) for part in parts for watch in part.alarms()]


@cache
def composites() -> Sequence[Composite]:
    """The alarms over alarms that every region has, as far as it has their parts."""
    rows = tomllib.loads(Path(__file__).with_name("composites.toml").read_text(encoding="utf-8"))
    return [Composite.model_validate({"id": key, **row}) for key, row in rows.items()]


@dataclass(frozen=True, kw_only=True)
class AlarmsArgs:
    """What to watch, and the topic of each severity. `over`: alarms over these alarms."""

    environment: str
    watches: Sequence[Watch]
    topics: Mapping[Severity, Input[str]]
    over: Sequence[Composite] = ()


class Alarms(Quiet, Component):
    """Every alarm of a region."""

    kind = "operations:Alarms"
    quiet = "these are the alarms of the others; that one cannot be told anybody is watched on the topics"
    names: dict[str, Output[str]]
    pagers: list[str]

    def __init__(self, name: str, args: AlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        self._made: dict[str, pulumi.Resource] = {}
        self.names = {watch.alarm.id: self._alarm(watch).name for watch in args.watches}
        self.pagers = []
        for composite in args.over:
            self._composite(composite)
        single = [w.alarm for w in args.watches if w.alarm.severity == "page" and not w.alarm.part]
        self.pagers += [self._named(alarm.id) for alarm in single]
        self.register_outputs(dict(self.names))

    def _named(self, id_: str) -> str:
        return f"concierge-{self._args.environment}-{id_}"

    def _says(self, impact: str, runbook: str) -> str:
        return f"{impact} Do: concierge runbook run {runbook} --stack {self._args.environment}"

    def _alarm(self, watch: Watch) -> aws.cloudwatch.MetricAlarm:
        alarm = watch.alarm
        topics = [] if alarm.part else [self._args.topics[alarm.severity]]
        made = aws.cloudwatch.MetricAlarm(
            f"{self.name}-{alarm.id}",
            name=self._named(alarm.id),
            alarm_description=self._says(alarm.impact, alarm.runbook),
            comparison_operator=alarm.comparison if alarm.band is None else "GreaterThanUpperThreshold",
            threshold=alarm.threshold if alarm.band is None else None,
            threshold_metric_id=None if alarm.band is None else RESULT,
            datapoints_to_alarm=alarm.datapoints,
            evaluation_periods=alarm.of,
            treat_missing_data=alarm.missing,
            alarm_actions=topics,
            ok_actions=topics,
            tags=_tags(alarm.runbook, "part" if alarm.part else alarm.severity, watch.owner, alarm.slo),
            opts=self.child(),
            **(self._queries(watch) if alarm.math else self._metric(watch)),
        )
        self._made[alarm.id] = made
        return made

    def _metric(self, watch: Watch) -> dict[str, Any]:
        """The alarm's metric as it is."""
        alarm = watch.alarm
        simple = not alarm.statistic.startswith(("p", "PR("))
        return {
            "namespace": alarm.namespace,
            "metric_name": alarm.metric,
            "dimensions": self._dimensions(alarm.measures[OWN], watch.computed),
            "statistic": alarm.statistic if simple else None,
            "extended_statistic": None if simple else alarm.statistic,
            "evaluate_low_sample_count_percentiles": "ignore" if alarm.patient else None,
            "period": alarm.period_s,
        }

    def _queries(self, watch: Watch) -> dict[str, Any]:
        """Metric math: every metric it needs, and the one expression that is compared."""
        alarm = watch.alarm
        asked = [
            {
                "id": name,
                "metric": {
                    "namespace": measure.namespace,
                    "metric_name": measure.metric,
                    "dimensions": self._dimensions(measure, {} if name in alarm.others else watch.computed),
                    "stat": measure.statistic,
                    "period": alarm.period_s,
                },
                "return_data": alarm.band is not None,
            }
            for name, measure in alarm.measures.items()
        ]
        result = {"id": RESULT, "expression": alarm.math, "label": alarm.id, "return_data": True}
        return {"metric_queries": [*asked, result]}

    def _dimensions(self, measure: Measure, computed: Mapping[str, Input[str]]) -> dict[str, Input[str]]:
        ours = {ENVIRONMENT: self._args.environment} if measure.namespace == NAMESPACE else {}
        return {**ours, **measure.dimensions, **computed}

    def _composite(self, composite: Composite) -> None:
        """Only where a region has its parts."""
        rule = composite.rule(lambda wanted: [self._named(id_) for id_ in self._like(wanted)])
        if not rule:
            return
        topics = [] if composite.by_hand else [self._args.topics[composite.severity]]
        muted = composite.muted_by if composite.muted_by in self._made else None
        made = aws.cloudwatch.CompositeAlarm(
            f"{self.name}-{composite.id}",
            alarm_name=self._named(composite.id),
            alarm_description=self._says(composite.impact, composite.runbook),
            alarm_rule=rule,
            alarm_actions=topics,
            ok_actions=topics,
            actions_suppressor={
                "alarm": self._named(muted),
                "wait_period": _SUPPRESSOR_S,
                "extension_period": _SUPPRESSOR_S,
            }
            if muted
            else None,
            tags=_tags(composite.runbook, composite.severity, self.kind, composite.slo),
            opts=pulumi.ResourceOptions(parent=self, depends_on=self._parts(rule, muted)),
        )
        self._made[composite.id] = made
        self.names[composite.id] = made.alarm_name
        if composite.severity == "page":
            self.pagers.append(self._named(composite.id))

    def _like(self, wanted: str) -> list[str]:
        """Ids of alarms made so far."""
        return [id_ for id_ in self._made if fnmatchcase(id_, wanted)]

    def _parts(self, rule: str, muted: str | None) -> list[pulumi.Resource]:
        """CloudWatch refuses a rule over alarms that are not there yet."""
        named = {self._named(id_): made for id_, made in self._made.items()}
        children = [named[name] for name in alarm_rules.parse(rule).children]
        return [*children, *([self._made[muted]] if muted else [])]


def _tags(runbook: str, severity: str, owner: str, slo: str | None) -> dict[str, str]:
    found = {"Runbook": runbook, "Severity": severity, "Component": owner, "Slo": slo or ""}
    return {key: value for key, value in found.items() if value}
