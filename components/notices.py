"""Where alarms go: one topic for what wakes somebody, one for what waits until morning (OPS-2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Watch
from components.base import Component
from contract.alarms import Alarm, Severity, Widget, graphs

# A topic that reaches nobody is told through the other one.
_OTHER: Mapping[Severity, Severity] = {"page": "ticket", "ticket": "page"}
# SNS gives up on an HTTPS endpoint after its tries of an hour, so an hour with a failure is a real one.
HOUR_S = 3600


@dataclass(frozen=True, kw_only=True)
class NoticesArgs:
    """`pager_url` is the pager's integration URL: it carries a key, so it is a secret."""

    environment: str
    key_arn: Input[str]
    pager_url: Input[str] | None
    ticket_email: str | None


class Notices(Component):
    """Topics by severity and who listens to them."""

    kind = "operations:Notices"
    topics: dict[Severity, Output[str]]

    def __init__(self, name: str, args: NoticesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._environment = args.environment
        heard = {"page": args.pager_url is not None, "ticket": args.ticket_email is not None}
        self._heard: list[Severity] = [severity for severity in get_args(Severity) if heard[severity]]
        self.topics = {severity: self._topic(severity, args) for severity in get_args(Severity)}
        if args.pager_url is not None:
            self._subscribe("page", "https", args.pager_url)
        if args.ticket_email is not None:
            self._subscribe("ticket", "email", args.ticket_email)
        self.register_outputs({f"{severity}_topic": arn for severity, arn in self.topics.items()})

    def alarms(self) -> list[Watch]:
        """Only where somebody listens: without a subscriber nothing can fail."""
        return [
            Watch(
                Alarm(
                    id=f"{severity}-notices-lost",
                    namespace="AWS/SNS",
                    metric="NumberOfNotificationsFailed",
                    dimensions={"TopicName": self._topic_name(severity)},
                    statistic="Sum",
                    threshold=0,
                    period_s=HOUR_S,
                    datapoints=1,
                    of=1,
                    missing="notBreaching",
                    severity=_OTHER[severity],
                    impact=f"Alarms of severity {severity} reach nobody: their subscriber refuses them.",
                    runbook="dead-letters",
                )
            )
            for severity in self._heard
        ]

    def widgets(self) -> list[Widget]:
        return graphs(
            "AWS/SNS",
            {
                "Notices sent": ("NumberOfMessagesPublished", "Sum"),
                "Notices lost": ("NumberOfNotificationsFailed", "Sum"),
            },
            *({"TopicName": self._topic_name(severity)} for severity in self.topics),
        )

    def _topic_name(self, severity: Severity) -> str:
        return f"concierge-{self._environment}-{severity}"

    def _topic(self, severity: Severity, args: NoticesArgs) -> Output[str]:
        return aws.sns.Topic(
            f"{self.name}-{severity}",
            name=self._topic_name(severity),
            kms_master_key_id=args.key_arn,
            opts=self.child(),
        ).arn

    def _subscribe(self, severity: Severity, protocol: str, endpoint: Input[str]) -> None:
        aws.sns.TopicSubscription(
            f"{self.name}-{severity}-{protocol}",
            topic=self.topics[severity],
            protocol=protocol,
            endpoint=endpoint,
            opts=self.child(),
        )
