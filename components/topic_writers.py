"""Who may publish to a topic of alarms (OPS-2): services of AWS, each for what is ours only.

A topic's own policy replaces the one SNS makes, which let alarms of the account publish: so alarms are named
here as well. An encrypted topic also needs its key to let the service in: `[[notices.services]]` of
keys.toml.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Quiet
from components.base import Component
from components.place import Place

Writer = Literal["alarms", "budgets", "anomalies"]
# writer -> (its service, the ARN of what it publishes for, without `arn:<partition>:`)
_WRITERS: Mapping[Writer, tuple[str, str]] = {
    "alarms": ("cloudwatch.amazonaws.com", "cloudwatch:{region}:{account}:alarm:*"),
    "budgets": ("budgets.amazonaws.com", "budgets::{account}:*"),
    "anomalies": ("costalerts.amazonaws.com", "ce::{account}:anomalysubscription/*"),
}


@dataclass(frozen=True, kw_only=True)
class TopicWritersArgs:
    """Which services write to which topic."""

    place: Place
    topic_arn: Input[str]
    writers: Sequence[Writer]


class TopicWriters(Quiet, Component):
    """The policy of one topic."""

    kind = "operations:TopicWriters"
    quiet = "a policy; a topic that reaches nobody is told by `components.notices`"
    topic_arn: Output[str]

    def __init__(self, name: str, args: TopicWritersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        statements = [_statement(writer, args) for writer in args.writers]
        policy = aws.sns.TopicPolicy(
            f"{name}-policy",
            arn=args.topic_arn,
            policy=Output.json_dumps({"Version": "2012-10-17", "Statement": statements}),
            opts=self.child(),
        )
        # Budgets and anomalies send a trial message when they are told of a topic: the policy must stand.
        self.topic_arn = Output.all(args.topic_arn, policy.id).apply(lambda known: str(known[0]))
        self.register_outputs({"topic": self.topic_arn})


def _statement(writer: Writer, args: TopicWritersArgs) -> dict[str, Any]:
    service, shape = _WRITERS[writer]
    place = args.place
    before, _, after = shape.format(region=place.region, account="{account}").partition("{account}")
    source = Output.concat("arn:", place.partition, ":", before, place.account_id, after)
    return {
        "Sid": writer.capitalize(),
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sns:Publish",
        "Resource": args.topic_arn,
        "Condition": {
            "StringEquals": {"aws:SourceAccount": place.account_id},
            "ArnLike": {"aws:SourceArn": source},
        },
    }
