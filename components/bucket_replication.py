"""Copies a bucket to another region within fifteen minutes (DATA-4, DATA-8), with a role for this one bucket.

One way, from the primary to the standby. Deleted objects are marked deleted there too; a deleted version is
not, which is why erasure goes by key and not by copy (DATA-9).
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Watch
from components.base import Component
from components.grants import Grant, policy
from components.private_bucket import through_s3
from contract.alarms import Alarm, Widget, graphs

# S3 replicates within this time or says that it did not.
MINUTES = 15
RULE = "standby"


@dataclass(frozen=True, kw_only=True)
class Copy:
    """Where the copy goes: a versioned bucket, its region and the key objects get there."""

    bucket: Input[str]
    arn: Input[str]
    region: str
    key_arn: Input[str]


@dataclass(frozen=True, kw_only=True)
class BucketReplicationArgs:
    """`source_arn` must come from a bucket that already keeps versions. `what` is the bucket in our words."""

    what: str
    environment: str
    region: str
    source: Input[str]
    source_arn: Input[str]
    source_key_arn: Input[str]
    to: Copy
    boundary_arn: Input[str] | None = None


class BucketReplication(Component):
    """One bucket's copy."""

    kind = "data:BucketReplication"

    def __init__(
        self, name: str, args: BucketReplicationArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self._args = args
        role = self._role()
        allowed = aws.iam.RolePolicy(
            f"{name}-copy", role=role.id, policy=policy(_grants(args)), opts=self.child()
        )
        aws.s3.BucketReplicationConfig(
            f"{name}-config",
            bucket=Output.all(args.source, args.source_arn).apply(lambda known: str(known[0])),
            role=role.arn,
            rules=[
                {
                    "id": RULE,
                    "status": "Enabled",
                    "priority": 1,
                    "filter": {"prefix": ""},
                    "delete_marker_replication": {"status": "Enabled"},
                    # Without this S3 leaves out everything that is encrypted with a KMS key.
                    "source_selection_criteria": {"sse_kms_encrypted_objects": {"status": "Enabled"}},
                    "destination": {
                        "bucket": args.to.arn,
                        "encryption_configuration": {"replica_kms_key_id": args.to.key_arn},
                        "metrics": {"status": "Enabled", "event_threshold": {"minutes": MINUTES}},
                        "replication_time": {"status": "Enabled", "time": {"minutes": MINUTES}},
                    },
                }
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed]),
        )
        self.register_outputs({"role": role.arn})

    def _role(self) -> aws.iam.Role:
        """S3 names no source when it takes this role; IAM hands a role to buckets of its own account only."""
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "s3.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
        return aws.iam.Role(
            f"{self.name}-role",
            name=f"concierge-{self._args.environment}-copy-{self._args.what}-{self._args.region}",
            assume_role_policy=Output.json_dumps(trust),
            permissions_boundary=self._args.boundary_arn,
            opts=self.child(),
        )

    def alarms(self) -> list[Watch]:
        """Late by the promised time, or refused."""
        return [
            self._watch("late", "ReplicationLatency", "Maximum", threshold=MINUTES * 60),
            self._watch("failed", "OperationsFailedReplication", "Sum", threshold=0),
        ]

    def widgets(self) -> list[Widget]:
        """One for all copies: the rule is called the same in each."""
        return graphs(
            "AWS/S3",
            {
                "Standby behind, buckets": ("ReplicationLatency", "Maximum"),
                "Waits to be copied": ("BytesPendingReplication", "Maximum"),
            },
            {"RuleId": RULE},
            across=("SourceBucket", "DestinationBucket"),
        )

    def _watch(self, word: str, metric: str, statistic: str, threshold: float) -> Watch:
        what = self._args.what
        return Watch(
            Alarm.model_validate(
                {
                    "id": f"{what}-copy-{word}",
                    "namespace": "AWS/S3",
                    "metric": metric,
                    "dimensions": {"RuleId": RULE},
                    "computed": ("SourceBucket", "DestinationBucket"),
                    "statistic": statistic,
                    "threshold": threshold,
                    "period_s": 300,
                    "datapoints": 2,
                    "of": 3,
                    "missing": "notBreaching",
                    "severity": "ticket",
                    "impact": f"After a failover the newest objects of {what} are missing in the standby.",
                    "runbook": "region-failover",
                }
            ),
            {"SourceBucket": self._args.source, "DestinationBucket": self._args.to.bucket},
        )


def _grants(args: BucketReplicationArgs) -> list[Grant]:
    inside, outside = Output.concat(args.source_arn, "/*"), Output.concat(args.to.arn, "/*")
    return [
        Grant("ReadSource", ["s3:GetReplicationConfiguration", "s3:ListBucket"], [args.source_arn]),
        Grant(
            "ReadVersions",
            ["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"],
            [inside],
        ),
        Grant("WriteCopies", ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"], [outside]),
        Grant("OpenSource", ["kms:Decrypt"], [args.source_key_arn], through_s3(args.region, args.source_arn)),
        Grant("CloseCopies", ["kms:Encrypt"], [args.to.key_arn], through_s3(args.to.region, args.to.arn)),
    ]
