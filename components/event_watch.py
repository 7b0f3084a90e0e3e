"""Alarms on what AWS tells only as an event: failed deployments, findings in an image (OPS-2).

No metric counts these. An EventBridge rule does: its own `TriggeredRules` is what the alarm watches, and the
event itself lands in a log group for whoever is called.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Watch
from components.base import Component
from components.place import Place
from contract.alarms import Alarm, Severity, Widget


@dataclass(frozen=True, kw_only=True)
class Event:
    """One kind of event: what it looks like, and what it means to people."""

    id: str
    pattern: Mapping[str, Any]
    severity: Severity
    impact: str
    runbook: str


@dataclass(frozen=True, kw_only=True)
class EventWatchArgs:
    """`topic` is the last part of the log group's name."""

    environment: str
    place: Place
    topic: str
    events: Sequence[Event]
    key_arn: Input[str]
    log_days: int


class EventWatch(Component):
    """A rule an event, and one log group for all of them."""

    kind = "operations:EventWatch"

    def __init__(self, name: str, args: EventWatchArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        group = aws.cloudwatch.LogGroup(
            f"{name}-log",
            name=f"/concierge/{args.environment}/events/{args.topic}",
            retention_in_days=args.log_days,
            kms_key_id=args.key_arn,
            opts=self.child(),
        )
        rules = [self._rule(event, group) for event in args.events]
        aws.cloudwatch.LogResourcePolicy(
            f"{name}-writers",
            policy_name=f"concierge-{args.environment}-events-{args.topic}",
            policy_document=Output.json_dumps(_writers(group.arn, [rule.arn for rule in rules])),
            opts=self.child(),
        )
        self.register_outputs({"log": group.name})

    def alarms(self) -> list[Watch]:
        """One event is enough."""
        return [
            Watch(
                Alarm(
                    id=event.id,
                    namespace="AWS/Events",
                    metric="TriggeredRules",
                    dimensions={"RuleName": self._rule_name(event)},
                    statistic="Sum",
                    threshold=0,
                    datapoints=1,
                    of=1,
                    missing="notBreaching",
                    severity=event.severity,
                    impact=event.impact,
                    runbook=event.runbook,
                )
            )
            for event in self._args.events
        ]

    def graph(self, title: str) -> Widget:
        """How often each of them came."""
        return Widget(
            title=title,
            namespace="AWS/Events",
            metric="TriggeredRules",
            statistic="Sum",
            dimensions=tuple({"RuleName": self._rule_name(event)} for event in self._args.events),
        )

    def _rule_name(self, event: Event) -> str:
        return f"concierge-{self._args.environment}-{event.id}"

    def _rule(self, event: Event, group: aws.cloudwatch.LogGroup) -> aws.cloudwatch.EventRule:
        rule = aws.cloudwatch.EventRule(
            f"{self.name}-{event.id}",
            name=self._rule_name(event),
            description=event.impact,
            event_pattern=Output.json_dumps(event.pattern),
            opts=self.child(),
        )
        aws.cloudwatch.EventTarget(
            f"{self.name}-{event.id}-log", rule=rule.name, arn=group.arn, opts=self.child()
        )
        return rule


def _writers(group_arn: Input[str], rule_arns: Sequence[Input[str]]) -> dict[str, Any]:
    """EventBridge makes the stream by itself, and writes for our rules only."""
    streams = Output.concat(group_arn, ":*")
    writers = {"Service": ["delivery.logs.amazonaws.com", "events.amazonaws.com"]}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "MakeStream",
                "Effect": "Allow",
                "Principal": writers,
                "Action": "logs:CreateLogStream",
                "Resource": streams,
            },
            {
                "Sid": "WriteEvents",
                "Effect": "Allow",
                "Principal": writers,
                "Action": "logs:PutLogEvents",
                "Resource": streams,
                "Condition": {"ArnEquals": {"aws:SourceArn": list(rule_arns)}},
            },
        ],
    }
