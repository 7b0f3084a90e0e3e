"""AWS Config: what every resource looked like when, and whether it follows the CIS benchmark (OPS-9).

The rules are data, `config_rules.yaml`, one conformance pack. A region of an account has one recorder and one
delivery channel: where another stack has them, `recorder: existing` adds only the pack. The recorder comes
first, then its channel, then it is switched on, then rules: AWS refuses any other order.

Its bucket is its own and has no object lock: Config delivers into none that has one.

Config is charged by recorded change. Two kinds are left out because they would be most of the bill and no
rule of ours reads them: network interfaces, of which every task brings one, and the verdicts of the rules
themselves.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Watch
from components.base import Component
from components.config_role import SERVICE
from components.event_watch import Event, EventWatch, EventWatchArgs
from components.place import Place
from components.private_bucket import Keeping, PrivateBucket, PrivateBucketArgs
from contract.alarms import Widget

COSTLY = ("AWS::Config::ResourceCompliance", "AWS::EC2::NetworkInterface")
# Alike in every region; recorded in one.
GLOBAL = ("AWS::IAM::Group", "AWS::IAM::Policy", "AWS::IAM::Role", "AWS::IAM::User")
HOT_DAYS = 90
# What Config itself remembers at most: seven years.
LONGEST_DAYS = 2557


@cache
def template() -> str:
    """The conformance pack as AWS takes it."""
    return Path(__file__).with_name("config_rules.yaml").read_text(encoding="utf-8")


@dataclass(frozen=True, kw_only=True)
class ConfigRulesArgs:
    """`global_types`: this region records IAM; one of the regions should."""

    environment: str
    place: Place
    recorder: Literal["own", "existing"]
    frequency: Literal["CONTINUOUS", "DAILY"]
    global_types: bool
    role_arn: Input[str]
    key_arn: Input[str]
    log_key_arn: Input[str]
    log_to: Input[str]
    keep_days: int
    log_days: int
    protect: bool


class ConfigRules(Component):
    """Recorder, delivery, rules."""

    kind = "security:ConfigRules"

    def __init__(self, name: str, args: ConfigRulesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        before = [self._record()] if args.recorder == "own" else []
        aws.cfg.ConformancePack(
            f"{name}-cis",
            name=f"concierge-{args.environment}-cis",
            template_body=template(),
            opts=pulumi.ResourceOptions(parent=self, depends_on=before),
        )
        self._events = EventWatch(
            f"{name}-events",
            EventWatchArgs(
                environment=args.environment,
                place=args.place,
                topic="config",
                events=[_broken()],
                key_arn=args.log_key_arn,
                log_days=args.log_days,
            ),
            self.child(),
        )
        self.register_outputs({})

    def alarms(self) -> list[Watch]:
        return self._events.alarms()

    def widgets(self) -> list[Widget]:
        return [self._events.graph("Rules newly broken")]

    def _record(self) -> aws.cfg.RecorderStatus:
        """The recorder, its channel, and the switch, in this order."""
        args = self._args
        recorder = aws.cfg.Recorder(
            f"{self.name}-recorder",
            name=f"concierge-{args.environment}",
            role_arn=args.role_arn,
            recording_group={
                "all_supported": False,
                "include_global_resource_types": False,
                "recording_strategies": [{"use_only": "EXCLUSION_BY_RESOURCE_TYPES"}],
                "exclusion_by_resource_types": [
                    {"resource_types": [*COSTLY, *(() if args.global_types else GLOBAL)]}
                ],
            },
            recording_mode={"recording_frequency": args.frequency},
            opts=self.child(),
        )
        kept = self._bucket()
        channel = aws.cfg.DeliveryChannel(
            f"{self.name}-delivery",
            name=f"concierge-{args.environment}",
            s3_bucket_name=kept.bucket,
            s3_kms_key_arn=args.key_arn,
            snapshot_delivery_properties={"delivery_frequency": "TwentyFour_Hours"},
            # Config writes a file to see whether it may.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[recorder, kept]),
        )
        on = aws.cfg.RecorderStatus(
            f"{self.name}-on",
            name=recorder.name,
            is_enabled=True,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[channel]),
        )
        aws.cfg.RetentionConfiguration(
            f"{self.name}-memory",
            retention_period_in_days=min(args.keep_days, LONGEST_DAYS),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[on]),
        )
        return on

    def _bucket(self) -> PrivateBucket:
        args, place = self._args, self._args.place
        name = Output.concat(f"concierge-{args.environment}-config-", place.account_id, f"-{place.region}")
        return PrivateBucket(
            f"{self.name}-files",
            PrivateBucketArgs(
                bucket=name,
                key_arn=args.key_arn,
                log_to=args.log_to,
                keeping=[
                    Keeping(cold=HOT_DAYS if args.keep_days > HOT_DAYS else None, expire=args.keep_days)
                ],
                statements=_deliveries(Output.concat("arn:", place.partition, ":s3:::", name), place),
                protect=args.protect,
            ),
            self.child(),
        )


def _broken() -> Event:
    return Event(
        id="rule-broken",
        pattern={
            "source": ["aws.config"],
            "detail-type": ["Config Rules Compliance Change"],
            "detail": {
                "messageType": ["ComplianceChangeNotification"],
                "newEvaluationResult": {"complianceType": ["NON_COMPLIANT"]},
            },
        },
        severity="ticket",
        impact="A resource no longer follows the CIS benchmark; the event's log says which and what.",
        runbook="deploy-rollback",
    )


def _deliveries(arn: Input[str], place: Place) -> list[dict[str, Any]]:
    """With its linked role Config delivers as the service: for this account and region only."""
    delivery = {"Service": SERVICE}
    account = {"aws:SourceAccount": place.account_id}
    source = {"ArnLike": {"aws:SourceArn": place.arn("config", "*")}}
    return [
        {
            "Sid": "ConfigLooks",
            "Effect": "Allow",
            "Principal": delivery,
            "Action": ["s3:GetBucketAcl", "s3:ListBucket"],
            "Resource": arn,
            "Condition": {"StringEquals": account, **source},
        },
        {
            "Sid": "ConfigWrites",
            "Effect": "Allow",
            "Principal": delivery,
            "Action": "s3:PutObject",
            "Resource": Output.concat(arn, "/AWSLogs/", place.account_id, "/Config/*"),
            "Condition": {
                "StringEquals": {**account, "s3:x-amz-acl": "bucket-owner-full-control"},
                **source,
            },
        },
    ]
