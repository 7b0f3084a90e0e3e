"""Who called which model when (OPS-9): Bedrock's log of calls, without what was said.

What people write is redacted by the agent before it is kept anywhere (RUN-10); Bedrock sees it before that.
So texts, images, vectors and videos stay out of this log unless somebody asks for texts: then it holds what
customers wrote, word for word. Each kind defaults to on at AWS, and each is therefore named here.

An account and region have one such configuration. With several environments in one account, one sets it.

Records go to a log group for questions of the day, and to a bucket for the year. Texts of more than 100 KB
would only fit into the bucket.
"""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Watch
from components.base import Component
from components.grants import Grant
from components.place import Place
from components.private_bucket import Keeping, PrivateBucket, PrivateBucketArgs
from components.service_role import ServiceRole, ServiceRoleArgs
from contract.alarms import Alarm, Widget

NAMESPACE = "AWS/Bedrock"
STREAM = "aws/bedrock/modelinvocations"  # Bedrock's own name for its stream
COLD_DAYS = 90


@dataclass(frozen=True, kw_only=True)
class InvocationLoggingArgs:
    """`texts`: what people and models wrote is logged too. `access_log`: name of the bucket for those."""

    environment: str
    place: Place
    key_arn: Input[str]
    access_log: Input[str]
    log_days: int
    archive_days: int
    texts: bool
    protect: bool
    boundary: str | None


class InvocationLogging(Component):
    """The log group, the bucket, the role, and the one switch of the account and region."""

    kind = "models:InvocationLogging"
    log_group: Output[str]
    bucket: Output[str]

    def __init__(
        self, name: str, args: InvocationLoggingArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self._args = args
        group = aws.cloudwatch.LogGroup(
            f"{name}-log",
            name=f"/concierge/{args.environment}/models",
            retention_in_days=args.log_days,
            kms_key_id=args.key_arn,
            opts=self.child(protect=args.protect),
        )
        archive = self._archive()
        self.log_group, self.bucket = group.name, archive.bucket
        aws.bedrockmodel.InvocationLoggingConfiguration(
            f"{name}-switch",
            logging_config={
                "text_data_delivery_enabled": args.texts,
                "image_data_delivery_enabled": False,
                "embedding_data_delivery_enabled": False,
                "video_data_delivery_enabled": False,
                "cloudwatch_config": {
                    "log_group_name": group.name,
                    "role_arn": self._role(group.arn),
                    # Only texts grow past what a log event takes.
                    "large_data_delivery_s3_config": {"bucket_name": archive.bucket, "key_prefix": "large"}
                    if args.texts
                    else None,
                },
                "s3_config": {"bucket_name": archive.bucket, "key_prefix": "calls"},
            },
            # Bedrock tries to write before it accepts the switch.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[archive]),
        )
        self.register_outputs({"log_group": self.log_group, "bucket": self.bucket})

    def _role(self, group_arn: Output[str]) -> Output[str]:
        stream = Output.concat(group_arn, f":log-stream:{STREAM}")
        return ServiceRole(
            f"{self.name}-writer",
            ServiceRoleArgs(
                environment=self._args.environment,
                place=self._args.place,
                part="model-log",
                service="bedrock",
                for_arns=[self._bedrock()],
                grants=[Grant("WriteCalls", ["logs:CreateLogStream", "logs:PutLogEvents"], [stream])],
                boundary=self._args.boundary,
            ),
            self.child(),
        ).arn

    def _bedrock(self) -> Output[str]:
        return self._args.place.arn("bedrock", "*")

    def _archive(self) -> PrivateBucket:
        args = self._args
        name = Output.concat(
            f"concierge-{args.environment}-models-{args.place.region}-", args.place.account_id
        )
        return PrivateBucket(
            f"{self.name}-archive",
            PrivateBucketArgs(
                bucket=name,
                key_arn=args.key_arn,
                log_to=args.access_log,
                keeping=[Keeping(cold=_cold(args.archive_days), expire=args.archive_days)],
                statements=[self._delivery(name)],
                protect=args.protect,
            ),
            self.child(),
        )

    def _delivery(self, bucket: Output[str]) -> dict[str, Any]:
        """Bedrock writes with its own name, for this account and region only."""
        account = self._args.place.account_id
        logs = f"AWSLogs/{{}}/BedrockModelInvocationLogs/{self._args.place.region}/*"
        before, _, after = logs.partition("{}")
        return {
            "Sid": "BedrockDelivers",
            "Effect": "Allow",
            "Principal": {"Service": "bedrock.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": [
                Output.concat(
                    "arn:",
                    self._args.place.partition,
                    ":s3:::",
                    bucket,
                    f"/{prefix}/{before}",
                    account,
                    after,
                )
                for prefix in ("calls", *(["large"] if self._args.texts else []))
            ],
            "Condition": {
                "StringEquals": {"aws:SourceAccount": account},
                "ArnLike": {"aws:SourceArn": self._bedrock()},
            },
        }

    def alarms(self) -> list[Watch]:
        """What is not delivered is gone: Bedrock does not try again."""
        metrics = {
            "model-log-lost": "ModelInvocationLogsCloudWatchDeliveryFailure",
            "model-archive-lost": "ModelInvocationLogsS3DeliveryFailure",
        }
        return [
            Watch(
                Alarm(
                    id=id_,
                    namespace=NAMESPACE,
                    metric=metric,
                    statistic="Sum",
                    threshold=0,
                    period_s=300,
                    datapoints=1,
                    of=1,
                    missing="notBreaching",
                    severity="ticket",
                    impact="Model calls leave no trace in the audit log; nothing brings them back.",
                    runbook="dead-letters",
                )
            )
            for id_, metric in metrics.items()
        ]

    def widgets(self) -> list[Widget]:
        return []


def _cold(archive_days: int) -> int | None:
    return COLD_DAYS if archive_days > COLD_DAYS else None
