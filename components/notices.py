"""Where alarms go: one topic for what wakes somebody, one for what waits until morning (OPS-2)."""

from dataclasses import dataclass
from typing import Literal, get_args

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.base import Component

Severity = Literal["page", "ticket"]


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
        self.topics = {severity: self._topic(severity, args) for severity in get_args(Severity)}
        if args.pager_url is not None:
            self._subscribe("page", "https", args.pager_url)
        if args.ticket_email is not None:
            self._subscribe("ticket", "email", args.ticket_email)
        self.register_outputs({f"{severity}_topic": arn for severity, arn in self.topics.items()})

    def _topic(self, severity: Severity, args: NoticesArgs) -> Output[str]:
        return aws.sns.Topic(
            f"{self.name}-{severity}",
            name=f"concierge-{args.environment}-{severity}",
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
