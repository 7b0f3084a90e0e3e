"""Turns alarms declared as data (`contract.alarms`) into CloudWatch alarms. The one place that does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.base import Component
from contract.alarms import Alarm, Severity, Widget
from contract.metrics import ENVIRONMENT, NAMESPACE


@dataclass(frozen=True)
class Watch:
    """An alarm, with the values of its `computed` dimensions."""

    alarm: Alarm
    computed: Mapping[str, Input[str]] = field(default_factory=dict)

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


@dataclass(frozen=True, kw_only=True)
class AlarmsArgs:
    """What to watch, and the topic of each severity."""

    environment: str
    watches: Sequence[Watch]
    topics: Mapping[Severity, Input[str]]


class Alarms(Quiet, Component):
    """Every alarm of a region."""

    kind = "operations:Alarms"
    quiet = "these are the alarms of the others; that one cannot be told anybody is watched on the topics"
    names: dict[str, Output[str]]
    pagers: list[str]

    def __init__(self, name: str, args: AlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self.pagers = [_named(args, w.alarm) for w in args.watches if w.alarm.severity == "page"]
        self.names = {watch.alarm.id: self._alarm(watch, args).name for watch in args.watches}
        self.register_outputs(dict(self.names))

    def _alarm(self, watch: Watch, args: AlarmsArgs) -> aws.cloudwatch.MetricAlarm:
        alarm = watch.alarm
        ours = {ENVIRONMENT: args.environment} if alarm.namespace == NAMESPACE else {}
        percentile = alarm.statistic.startswith("p")
        topic = args.topics[alarm.severity]
        return aws.cloudwatch.MetricAlarm(
            f"{self.name}-{alarm.id}",
            name=_named(args, alarm),
            alarm_description=(
                f"{alarm.impact} Do: concierge runbook run {alarm.runbook} --stack {args.environment}"
            ),
            namespace=alarm.namespace,
            metric_name=alarm.metric,
            dimensions={**ours, **alarm.dimensions, **watch.computed},
            statistic=None if percentile else alarm.statistic,
            extended_statistic=alarm.statistic if percentile else None,
            comparison_operator=alarm.comparison,
            threshold=alarm.threshold,
            period=alarm.period_s,
            datapoints_to_alarm=alarm.datapoints,
            evaluation_periods=alarm.of,
            treat_missing_data=alarm.missing,
            alarm_actions=[topic],
            ok_actions=[topic],
            tags={"Runbook": alarm.runbook, "Severity": alarm.severity},
            opts=self.child(),
        )


def _named(args: AlarmsArgs, alarm: Alarm) -> str:
    return f"concierge-{args.environment}-{alarm.id}"
