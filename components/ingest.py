"""Where documents enter (VEC-4): whatever is written below `raw/` becomes a message for the ingest service.

S3 tells EventBridge, a rule picks the prefix, a queue keeps the message until a worker has done it; what
fails again and again lies in the dead-letter queue. EventBridge instead of S3's own notification: that has
one owner a bucket, and a second reader of the same events would need its consent. Deletions come the same
way, for soft deletes. A message is the event as S3 wrote it; `components.ingest_bulk` sends the same shape.
In a standby, copies that replication writes are events too, so that its index follows by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Watch
from components.base import Component
from components.grants import Grant
from components.place import Place
from components.private_bucket import through_s3
from contract.alarms import Alarm, Widget

RAW = "raw/"
# What the service leaves behind of a document, in the same bucket (components/buckets.toml).
WRITTEN = ("processed/", "embeddings/")
DAY_S = 86_400
DEAD_DAYS = 14  # the longest SQS keeps anything: nothing may be lost over a long weekend
EVENTS = ("Object Created", "Object Deleted")


@dataclass(frozen=True, kw_only=True)
class IngestArgs:
    """`bucket` holds the documents and is encrypted with `bucket_key_arn`; the queues with `key_arn`.

    `visible_s`: how long a worker has for one message. `tries`: then it is dead. `late_s`, `backlog`: what
    the alarms wait for.
    """

    environment: str
    place: Place
    bucket: Input[str]
    bucket_arn: Input[str]
    bucket_key_arn: Input[str]
    key_arn: Input[str]
    visible_s: int
    tries: int
    keep_days: int
    late_s: int
    backlog: int


class Ingest(Component):
    """Rule, queue, and where dead letters lie."""

    kind = "search:Ingest"
    queue_url: Output[str]
    queue_arn: Output[str]
    queue_name: str
    dead_name: str

    def __init__(self, name: str, args: IngestArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        self.queue_name = f"concierge-{args.environment}-ingest"
        self.dead_name = f"{self.queue_name}-dead"
        self.rule_name = self.queue_name
        dead = self._dead()
        queue = self._queue(dead)
        self.queue_url, self.queue_arn = queue.url, queue.arn
        aws.s3.BucketNotification(f"{name}-events", bucket=args.bucket, eventbridge=True, opts=self.child())
        rule = self._rule()
        for what, letters in (("queue", queue), ("dead", dead)):
            self._let_in(what, letters, rule)
        aws.cloudwatch.EventTarget(
            f"{name}-to-queue",
            rule=rule.name,
            arn=queue.arn,
            dead_letter_config={"arn": dead.arn},
            retry_policy={"maximum_event_age_in_seconds": DAY_S, "maximum_retry_attempts": 185},
            opts=self.child(),
        )
        self.register_outputs({"queue": self.queue_url})

    def grants(self) -> Sequence[Grant]:
        """What the ingest service needs to empty the queue and to read and write documents."""
        args = self._args
        take = ("ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "ReceiveMessage")
        written = [Output.concat(args.bucket_arn, f"/{prefix}*") for prefix in WRITTEN]
        return [
            Grant("TakeMessages", [f"sqs:{verb}" for verb in take], [self.queue_arn]),
            Grant("OpenMessages", ["kms:Decrypt"], [args.key_arn], self._through_sqs()),
            Grant(
                "ReadDocuments",
                ["s3:GetObject", "s3:GetObjectVersion"],
                [Output.concat(args.bucket_arn, f"/{RAW}*"), *written],
            ),
            Grant("WriteDocuments", ["s3:PutObject"], written),
            Grant(
                "OpenDocuments",
                ["kms:Decrypt", "kms:GenerateDataKey"],
                [args.bucket_key_arn],
                through_s3(args.place.region, args.bucket_arn),
            ),
        ]

    def send(self) -> Sequence[Grant]:
        """What somebody needs who puts messages in."""
        keys = ["kms:Decrypt", "kms:GenerateDataKey"]
        return [
            Grant("SendMessages", ["sqs:SendMessage"], [self.queue_arn]),
            Grant("SealMessages", keys, [self._args.key_arn], self._through_sqs()),
        ]

    def variables(self) -> Mapping[str, Input[str]]:
        """Where the ingest service finds its work."""
        return {"CONCIERGE_INGEST_QUEUE": self.queue_url}

    def alarms(self) -> list[Watch]:
        args = self._args
        late = "New products and prices reach the search late."
        return [
            self._alarm(
                "ingest-late",
                self.queue_name,
                "ApproximateAgeOfOldestMessage",
                args.late_s,
                late,
                "event-scale-up",
            ),
            self._alarm(
                "ingest-backlog",
                self.queue_name,
                "ApproximateNumberOfMessagesVisible",
                args.backlog,
                f"More documents wait than the ingest service soon can do: {late}",
                "event-scale-up",
            ),
            self._alarm(
                "ingest-dead",
                self.dead_name,
                "ApproximateNumberOfMessagesVisible",
                0,
                "Documents could not be ingested: the search does not know them, or knows an old version.",
                "dead-letters",
                minutes=1,
            ),
            Watch(self._undelivered()),
        ]

    def widgets(self) -> list[Widget]:
        both = ({"QueueName": self.queue_name}, {"QueueName": self.dead_name})
        return [
            Widget(
                title="Ingest: oldest message, s",
                namespace="AWS/SQS",
                metric="ApproximateAgeOfOldestMessage",
                statistic="Maximum",
                dimensions=both[:1],
            ),
            Widget(
                title="Ingest: messages waiting and dead",
                namespace="AWS/SQS",
                metric="ApproximateNumberOfMessagesVisible",
                statistic="Maximum",
                dimensions=both,
            ),
        ]

    def _through_sqs(self) -> dict[str, dict[str, str]]:
        return {"StringEquals": {"kms:ViaService": f"sqs.{self._args.place.region}.amazonaws.com"}}

    def _alarm(
        self, id_: str, queue: str, metric: str, above: float, impact: str, runbook: str, minutes: int = 10
    ) -> Watch:
        return Watch(
            Alarm(
                id=id_,
                namespace="AWS/SQS",
                metric=metric,
                dimensions={"QueueName": queue},
                statistic="Maximum",
                threshold=above,
                datapoints=minutes,
                of=minutes,
                # A queue that was empty for six hours stops reporting.
                missing="notBreaching",
                severity="ticket",
                impact=impact,
                runbook=runbook,
            )
        )

    def _undelivered(self) -> Alarm:
        """A key or a policy that keeps EventBridge out keeps it out of both queues: only this would tell."""
        return Alarm(
            id="ingest-undelivered",
            namespace="AWS/Events",
            metric="FailedInvocations",
            dimensions={"RuleName": self.rule_name},
            statistic="Sum",
            threshold=0,
            datapoints=1,
            of=1,
            missing="notBreaching",
            severity="ticket",
            impact="Changed documents do not even reach the queue: the search grows stale unseen.",
            runbook="dead-letters",
        )

    def _dead(self) -> aws.sqs.Queue:
        return aws.sqs.Queue(
            f"{self.name}-dead",
            name=self.dead_name,
            kms_master_key_id=self._args.key_arn,
            message_retention_seconds=DEAD_DAYS * DAY_S,
            redrive_allow_policy=Output.json_dumps(
                {
                    "redrivePermission": "byQueue",
                    "sourceQueueArns": [self._args.place.arn("sqs", self.queue_name)],
                }
            ),
            opts=self.child(),
        )

    def _queue(self, dead: aws.sqs.Queue) -> aws.sqs.Queue:
        args = self._args
        return aws.sqs.Queue(
            f"{self.name}-queue",
            name=self.queue_name,
            kms_master_key_id=args.key_arn,
            visibility_timeout_seconds=args.visible_s,
            message_retention_seconds=args.keep_days * DAY_S,
            # Workers wait for a message instead of asking again and again.
            receive_wait_time_seconds=20,
            redrive_policy=Output.json_dumps(
                {"deadLetterTargetArn": dead.arn, "maxReceiveCount": args.tries}
            ),
            opts=self.child(),
        )

    def _rule(self) -> aws.cloudwatch.EventRule:
        pattern = {
            "source": ["aws.s3"],
            "detail-type": list(EVENTS),
            "detail": {"bucket": {"name": [self._args.bucket]}, "object": {"key": [{"prefix": RAW}]}},
        }
        return aws.cloudwatch.EventRule(
            f"{self.name}-rule",
            name=self.rule_name,
            description="Documents that were written or deleted go to the ingest queue.",
            event_pattern=Output.json_dumps(pattern),
            opts=self.child(),
        )

    def _let_in(self, what: str, letters: aws.sqs.Queue, rule: aws.cloudwatch.EventRule) -> None:
        aws.sqs.QueuePolicy(
            f"{self.name}-{what}-policy",
            queue_url=letters.url,
            policy=Output.json_dumps(_policy(letters.arn, rule.arn, self._args.place)),
            opts=self.child(),
        )


def _policy(queue_arn: Input[str], rule_arn: Input[str], place: Place) -> dict[str, Any]:
    """One rule may send; everybody else comes with a role of this account, and by TLS."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "DocumentsOnly",
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue_arn,
                "Condition": {
                    "ArnEquals": {"aws:SourceArn": rule_arn},
                    "StringEquals": {"aws:SourceAccount": place.account_id},
                },
            },
            {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sqs:*",
                "Resource": queue_arn,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    }
