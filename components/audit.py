"""The audit trail (OPS-9, DATA-5): every change in every region, and every touch of the most sensitive data.

One trail for the account, made in the primary: a second one would be charged for every event, the first copy
of management events costs nothing. Reads and writes of data cost by the event, so they are recorded where the
question "who has seen it" must have an answer: the vault of personal data (RUN-13) and the archive. Files are
signed, encrypted with the trail's own key, readable at once for ninety days and kept for seven years; the
same ninety days can be searched in CloudWatch.

The bucket's own default is S3's key: CloudTrail asks for ours by itself for the files, and never for the
digests that sign them, which a rule "our key only" would refuse, and validation would silently stop.

Objects below 128 KB, most of a quiet account's, stay in the standard class: S3 does not move them, because
moving costs more than it saves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

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

Field = aws.cloudtrail.TrailAdvancedEventSelectorFieldSelectorArgs
Selector = aws.cloudtrail.TrailAdvancedEventSelectorArgs
Lock = Literal["none", "governance", "compliance"]
HOT_DAYS = 90
INSIGHTS = ("ApiCallRateInsight", "ApiErrorRateInsight")


@dataclass(frozen=True, kw_only=True)
class AuditArgs:
    """`tables` and `buckets`: ARNs, also of other regions, whose items and objects are watched.

    `lock`: governance can be lifted by whom IAM allows, compliance by nobody until `keep_days` are over.
    `search_days`: how long CloudWatch keeps a copy; none: no copy.
    """

    environment: str
    place: Place
    key_arn: Input[str]
    log_key_arn: Input[str]
    log_to: Input[str]
    tables: Sequence[Input[str]]
    buckets: Sequence[Input[str]]
    keep_days: int
    search_days: int | None
    lock: Lock
    insights: bool
    protect: bool
    boundary_arn: str | None = None


class Audit(Component):
    """The trail, where its files go, and where they can be searched."""

    kind = "security:Audit"
    bucket: Output[str]
    arn: Output[str]

    def __init__(self, name: str, args: AuditArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        self.trail_name = f"concierge-{args.environment}"
        self.group_name = f"/concierge/{args.environment}/audit"
        self._expected_arn = args.place.arn("cloudtrail", f"trail/{self.trail_name}")
        kept = self._bucket()
        self._lock(kept)
        self.bucket = kept.bucket
        self.arn = self._trail(kept).arn
        self.register_outputs({"trail": self.arn, "bucket": self.bucket})

    def alarms(self) -> list[Watch]:
        """Services of AWS call all the time: an account where nothing happens is not heard."""
        if self._args.search_days is None:
            return []
        return [
            Watch(
                Alarm(
                    id="audit-silent",
                    namespace="AWS/Logs",
                    metric="IncomingLogEvents",
                    dimensions={"LogGroupName": self.group_name},
                    statistic="Sum",
                    comparison="LessThanThreshold",
                    threshold=1,
                    period_s=3600,
                    datapoints=2,
                    of=2,
                    missing="breaching",
                    severity="ticket",
                    impact="Nobody can say who changes what: the audit trail has been silent for two hours.",
                    runbook="secret-rotation",
                )
            )
        ]

    def widgets(self) -> list[Widget]:
        if self._args.search_days is None:
            return []
        return [
            Widget(
                title="Audit trail, events",
                namespace="AWS/Logs",
                metric="IncomingLogEvents",
                statistic="Sum",
                dimensions=({"LogGroupName": self.group_name},),
            )
        ]

    def _bucket(self) -> PrivateBucket:
        args, place = self._args, self._args.place
        name = Output.concat(f"concierge-{args.environment}-audit-", place.account_id, f"-{place.region}")
        arn = Output.concat("arn:", place.partition, ":s3:::", name)
        locked = [_nobody_lifts_the_lock(arn)] if args.lock != "none" else []
        return PrivateBucket(
            f"{self.name}-files",
            PrivateBucketArgs(
                bucket=name,
                key_arn=None,
                log_to=args.log_to,
                keeping=[_kept(args.keep_days)],
                statements=[*_deliveries(arn, place.account_id, self._expected_arn), *locked],
                protect=args.protect,
            ),
            self.child(),
        )

    def _lock(self, kept: PrivateBucket) -> None:
        args = self._args
        if args.lock == "none":
            return
        aws.s3.BucketObjectLockConfiguration(
            f"{self.name}-lock",
            # S3 locks only what has versions.
            bucket=Output.all(kept.bucket, kept.versioned_arn).apply(lambda known: str(known[0])),
            object_lock_enabled="Enabled",
            rule={"default_retention": {"mode": args.lock.upper(), "days": args.keep_days}},
            opts=self.child(protect=args.protect),
        )

    def _trail(self, kept: PrivateBucket) -> aws.cloudtrail.Trail:
        args = self._args
        searched = self._searched(args.search_days) if args.search_days is not None else {}
        return aws.cloudtrail.Trail(
            f"{self.name}-trail",
            name=self.trail_name,
            s3_bucket_name=kept.bucket,
            kms_key_id=args.key_arn,
            enable_logging=True,
            enable_log_file_validation=True,
            is_multi_region_trail=True,
            include_global_service_events=True,
            advanced_event_selectors=_selectors(args),
            insight_selectors=[{"insight_type": kind} for kind in INSIGHTS] if args.insights else None,
            **searched,
            # CloudTrail writes a file to see whether it may: the policy must stand.
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect, depends_on=[kept]),
        )

    def _searched(self, days: int) -> dict[str, Any]:
        """A copy of the last days in CloudWatch, and the role that writes it."""
        args, place = self._args, self._args.place
        group = aws.cloudwatch.LogGroup(
            f"{self.name}-log",
            name=self.group_name,
            retention_in_days=days,
            kms_key_id=args.log_key_arn,
            opts=self.child(protect=args.protect),
        )
        # CloudTrail names its streams after account and trail's region.
        streams = Output.concat(group.arn, ":log-stream:", place.account_id, f"_CloudTrail_{place.region}*")
        role = ServiceRole(
            f"{self.name}-writer",
            ServiceRoleArgs(
                environment=args.environment,
                place=place,
                part="audit",
                service="cloudtrail",
                for_arns=[self._expected_arn],
                grants=[Grant("WriteTrail", ["logs:CreateLogStream", "logs:PutLogEvents"], [streams])],
                boundary=args.boundary_arn,
            ),
            self.child(),
        )
        return {
            "cloud_watch_logs_group_arn": Output.concat(group.arn, ":*"),
            "cloud_watch_logs_role_arn": role.arn,
        }


def _kept(days: int) -> Keeping:
    """Ninety days at hand, then Glacier; what is kept no longer than that never moves."""
    return Keeping(cold=HOT_DAYS if days > HOT_DAYS else None, expire=days)


def _selectors(args: AuditArgs) -> list[Selector]:
    """Advanced selectors name single tables; with them management events must be asked for as well."""
    chosen = [Selector(name="management", field_selectors=[_field("eventCategory", "Management")])]
    if args.tables:
        which = Field(field="resources.ARN", equals=[*args.tables])
        chosen.append(_touched("tables", "AWS::DynamoDB::Table", which))
    if args.buckets:
        below = [Output.concat(arn, "/") for arn in args.buckets]
        chosen.append(
            _touched("buckets", "AWS::S3::Object", Field(field="resources.ARN", starts_withs=below))
        )
    return chosen


def _touched(name: str, kind: str, which: Field) -> Selector:
    fields = [_field("eventCategory", "Data"), _field("resources.type", kind), which]
    return Selector(name=name, field_selectors=fields)


def _field(field: str, value: str) -> Field:
    return Field(field=field, equals=[value])


def _deliveries(arn: Input[str], account_id: Input[str], trail_arn: Input[str]) -> list[dict[str, Any]]:
    """CloudTrail may look at the bucket and write below this account's prefix, for this one trail."""
    delivery = {"Service": "cloudtrail.amazonaws.com"}
    return [
        {
            "Sid": "TrailLooks",
            "Effect": "Allow",
            "Principal": delivery,
            "Action": "s3:GetBucketAcl",
            "Resource": arn,
            "Condition": {"StringEquals": {"aws:SourceArn": trail_arn}},
        },
        {
            "Sid": "TrailWrites",
            "Effect": "Allow",
            "Principal": delivery,
            "Action": "s3:PutObject",
            "Resource": Output.concat(arn, "/AWSLogs/", account_id, "/*"),
            "Condition": {
                "StringEquals": {
                    "aws:SourceArn": trail_arn,
                    "s3:x-amz-acl": "bucket-owner-full-control",
                }
            },
        },
    ]


def _nobody_lifts_the_lock(arn: Input[str]) -> dict[str, Any]:
    """In governance mode IAM could allow it; here even an administrator must change this policy first."""
    return {
        "Sid": "NobodyLiftsTheLock",
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:BypassGovernanceRetention", "s3:PutObjectRetention"],
        "Resource": Output.concat(arn, "/*"),
    }
