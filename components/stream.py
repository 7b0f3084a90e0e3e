"""Events for analytics (DATA-6): a stream, a second scan for personal data, files for the warehouse.

The stream is on demand where traffic follows events: its shards double by themselves, while a count of shards
would be sized for the worst minute of the year and paid for all year. Firehose reads it, has every batch
scanned by a Lambda function (`functions/pii_scan.py`) and writes to the archive. What cannot be scanned goes
under `errors/`, which is emptied after two weeks. Firehose has no encryption of its own here: with a stream
as its source the stream's key is the one that counts, and AWS refuses a second.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Watch
from components.base import Component
from components.grants import Grant, policy
from components.place import Place
from components.private_bucket import through_s3
from contract.alarms import Alarm, Widget

EVENTS = "events/!{timestamp:yyyy/MM/dd/HH}/"
ERRORS = "errors/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/"
SCAN = Path(__file__).parent / "functions" / "pii_scan.py"
SCAN_SECONDS = 120
BUFFER_SECONDS = 300
BUFFER_MB = 64


@dataclass(frozen=True, kw_only=True)
class StreamArgs:
    """`shards` none: on demand. The archive is where events end."""

    environment: str
    place: Place
    shards: int | None
    keep_hours: int
    archive_arn: Input[str]
    archive_key_arn: Input[str]
    key_arn: Input[str]
    log_key_arn: Input[str]
    log_days: int
    protect: bool
    boundary_arn: Input[str] | None = None


class Stream(Component):
    """From the agent's events to files."""

    kind = "data:Stream"
    stream_arn: Output[str]
    stream_name: str
    scan_name: str
    delivery_name: str

    def __init__(self, name: str, args: StreamArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        self.stream_name = f"concierge-{args.environment}-events"
        self.scan_name = f"concierge-{args.environment}-pii-scan"
        self.delivery_name = f"concierge-{args.environment}-events"
        stream = self._stream()
        self.stream_arn = stream.arn
        self._deliver(stream, self._scan())
        self.register_outputs({"stream": stream.name})

    def grants(self) -> list[Grant]:
        """What a role needs to publish events."""
        via = {"StringEquals": {"kms:ViaService": f"kinesis.{self._args.place.region}.amazonaws.com"}}
        return [
            Grant("PublishEvents", ["kinesis:PutRecord", "kinesis:PutRecords"], [self.stream_arn]),
            Grant("EncryptEvents", ["kms:GenerateDataKey"], [self._args.key_arn], via),
        ]

    def _stream(self) -> aws.kinesis.Stream:
        shards = self._args.shards
        return aws.kinesis.Stream(
            f"{self.name}-events",
            name=self.stream_name,
            stream_mode_details={"stream_mode": "ON_DEMAND" if shards is None else "PROVISIONED"},
            shard_count=shards,
            retention_period=self._args.keep_hours,
            encryption_type="KMS",
            kms_key_id=self._args.key_arn,
            opts=self.child(protect=self._args.protect),
        )

    def _log_group(self, what: str) -> aws.cloudwatch.LogGroup:
        return aws.cloudwatch.LogGroup(
            f"{self.name}-{what}-log",
            name=f"/concierge/{self._args.environment}/{self.name}/{what}",
            retention_in_days=self._args.log_days,
            kms_key_id=self._args.log_key_arn,
            opts=self.child(),
        )

    def _role(
        self, what: str, trust: dict[str, Any], grants: list[Grant]
    ) -> tuple[aws.iam.Role, pulumi.Resource]:
        """A role and its policy; whatever uses the role at once must wait for the policy."""
        role = aws.iam.Role(
            f"{self.name}-{what}-role",
            name=f"concierge-{self._args.environment}-{what}-{self._args.place.region}",
            assume_role_policy=Output.json_dumps({"Version": "2012-10-17", "Statement": [trust]}),
            permissions_boundary=self._args.boundary_arn,
            opts=self.child(),
        )
        allowed = aws.iam.RolePolicy(
            f"{self.name}-{what}-may", role=role.id, policy=policy(grants), opts=self.child()
        )
        return role, allowed

    def _scan(self) -> aws.lambda_.Function:
        """The function reads nothing and writes nothing but its log: events come and go with the call."""
        group = self._log_group("scan")
        lines = Output.concat(group.arn, ":*")
        role, allowed = self._role(
            "pii-scan",
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": self._args.place.account_id}},
            },
            [Grant("WriteLog", ["logs:CreateLogStream", "logs:PutLogEvents"], [lines])],
        )
        return aws.lambda_.Function(
            f"{self.name}-scan",
            name=self.scan_name,
            description="Second scan of events for personal data",
            runtime="python3.13",
            architectures=["arm64"],
            handler="pii_scan.handler",
            code=pulumi.AssetArchive({SCAN.name: pulumi.StringAsset(SCAN.read_text(encoding="utf-8"))}),
            role=role.arn,
            memory_size=512,
            timeout=SCAN_SECONDS,
            logging_config={"log_format": "JSON", "log_group": group.name},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed]),
        )

    def _deliver(self, stream: aws.kinesis.Stream, scan: aws.lambda_.Function) -> None:
        args = self._args
        group = self._log_group("delivery")
        log = aws.cloudwatch.LogStream(
            f"{self.name}-delivery-lines", name="delivery", log_group_name=group.name, opts=self.child()
        )
        # The account number stands for the caller, as Firehose sends it when it takes a role.
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "firehose.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": args.place.account_id}},
        }
        version = Output.concat(scan.arn, ":$LATEST")
        role, allowed = self._role("events", trust, _grants(args, stream.arn, scan.arn, log.arn))
        aws.kinesis.FirehoseDeliveryStream(
            f"{self.name}-delivery",
            name=self.delivery_name,
            destination="extended_s3",
            kinesis_source_configuration={"kinesis_stream_arn": stream.arn, "role_arn": role.arn},
            extended_s3_configuration={
                "role_arn": role.arn,
                "bucket_arn": args.archive_arn,
                "kms_key_arn": args.archive_key_arn,
                "prefix": EVENTS,
                "error_output_prefix": ERRORS,
                "compression_format": "GZIP",
                "buffering_interval": BUFFER_SECONDS,
                "buffering_size": BUFFER_MB,
                "cloudwatch_logging_options": {
                    "enabled": True,
                    "log_group_name": group.name,
                    "log_stream_name": log.name,
                },
                "processing_configuration": {
                    "enabled": True,
                    # Parameters left at their defaults must not stand here, or every `up` shows a change.
                    "processors": [
                        {
                            "type": "Lambda",
                            "parameters": [{"parameter_name": "LambdaArn", "parameter_value": version}],
                        }
                    ],
                },
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed]),
        )

    def alarms(self) -> list[Watch]:
        """What is watched is data, `stream.toml`."""
        usual = {
            "period_s": 300,
            "datapoints": 2,
            "of": 3,
            "missing": "notBreaching",
            "severity": "ticket",
            "runbook": "dead-letters",
        }
        return [
            Watch(
                Alarm.model_validate(
                    {**usual, "id": word, "dimensions": self._dimensions(rule["namespace"]), **rule}
                )
            )
            for word, rule in _rules().items()
        ]

    def widgets(self) -> list[Widget]:
        return [
            Widget(
                title="Events, age of the newest file",
                namespace="AWS/Firehose",
                metric="DeliveryToS3.DataFreshness",
                statistic="Maximum",
                dimensions=(self._dimensions("AWS/Firehose"),),
            )
        ]

    def _dimensions(self, namespace: str) -> dict[str, str]:
        return {
            "AWS/Firehose": {"DeliveryStreamName": self.delivery_name},
            "AWS/Kinesis": {"StreamName": self.stream_name},
            "AWS/Lambda": {"FunctionName": self.scan_name},
        }[namespace]


@cache
def _rules() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(Path(__file__).with_name("stream.toml").read_text(encoding="utf-8"))


def _grants(
    args: StreamArgs, stream_arn: Input[str], scan_arn: Input[str], log_arn: Input[str]
) -> list[Grant]:
    """Read this stream, call this function, write below two prefixes of this bucket."""
    region = args.place.region
    below = [Output.concat(args.archive_arn, f"/{prefix}/*") for prefix in ("events", "errors")]
    via_stream = {"StringEquals": {"kms:ViaService": f"kinesis.{region}.amazonaws.com"}}
    return [
        Grant(
            "ReadStream",
            [
                "kinesis:DescribeStream",
                "kinesis:GetRecords",
                "kinesis:GetShardIterator",
                "kinesis:ListShards",
            ],
            [stream_arn],
        ),
        Grant("OpenStream", ["kms:Decrypt"], [args.key_arn], via_stream),
        Grant(
            "CallScan",
            ["lambda:GetFunctionConfiguration", "lambda:InvokeFunction"],
            [scan_arn, Output.concat(scan_arn, ":$LATEST")],
        ),
        Grant(
            "SeeArchive",
            ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
            [args.archive_arn],
        ),
        Grant("WriteArchive", ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"], below),
        Grant(
            "CloseFiles",
            ["kms:Decrypt", "kms:GenerateDataKey"],
            [args.archive_key_arn],
            through_s3(region, args.archive_arn),
        ),
        Grant("WriteLog", ["logs:PutLogEvents"], [log_arn]),
    ]
