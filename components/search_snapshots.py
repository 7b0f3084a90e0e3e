"""Where snapshots of the index go that outlive the domain, and the role that carries them there (DATA-8).

The service's own snapshots are hourly, kept for 14 days, and die with the domain. Ours are kept for 30 days
in a bucket of ours, so that an index can move to another domain; a policy inside the domain makes them and
deletes them again (`contract/search_setup.toml`). The bucket has no rule of its own that moves or expires
objects: a snapshot is made of files of older ones, and one missing file spoils them all.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Quiet
from components.base import Component
from components.grants import Grant, policy
from components.place import Place
from components.private_bucket import PrivateBucket, PrivateBucketArgs, through_s3

# What was deleted by mistake can be brought back for as long.
OLD_DAYS = 7


@dataclass(frozen=True, kw_only=True)
class SearchSnapshotsArgs:
    """`domain_arn`: the one domain that may use the role. `log_to`: bucket that gets the access log."""

    environment: str
    place: Place
    domain_arn: Input[str]
    key_arn: Input[str]
    log_to: Input[str]
    protect: bool
    boundary_arn: Input[str] | None = None


class SearchSnapshots(Quiet, Component):
    """The bucket and the role."""

    kind = "data:SearchSnapshots"
    quiet = "S3 counts no snapshots; the domain does, and `components.search` watches that"
    bucket: Output[str]
    role_arn: Output[str]

    def __init__(
        self, name: str, args: SearchSnapshotsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        place = args.place
        made = PrivateBucket(
            f"{name}-files",
            PrivateBucketArgs(
                bucket=Output.concat(
                    f"concierge-{args.environment}-search-snapshots-", place.account_id, f"-{place.region}"
                ),
                key_arn=args.key_arn,
                log_to=args.log_to,
                old_days=OLD_DAYS,
                protect=args.protect,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.bucket = made.bucket
        self.role_arn = self._role(args, made.arn)
        self.register_outputs({"bucket": self.bucket, "role": self.role_arn})

    def _role(self, args: SearchSnapshotsArgs, bucket_arn: Output[str]) -> Output[str]:
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "es.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": args.place.account_id},
                "ArnEquals": {"aws:SourceArn": args.domain_arn},
            },
        }
        role = aws.iam.Role(
            f"{self.name}-role",
            name=f"concierge-{args.environment}-{args.place.region}-search-snapshots",
            assume_role_policy=Output.json_dumps({"Version": "2012-10-17", "Statement": [trust]}),
            permissions_boundary=args.boundary_arn,
            opts=self.child(),
        )
        files = Output.concat(bucket_arn, "/*")
        allowed = aws.iam.RolePolicy(
            f"{self.name}-may",
            role=role.id,
            policy=policy(
                [
                    Grant("ListSnapshots", ["s3:ListBucket"], [bucket_arn]),
                    Grant("KeepSnapshots", ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], [files]),
                    Grant(
                        "OpenSnapshots",
                        ["kms:Decrypt", "kms:GenerateDataKey"],
                        [args.key_arn],
                        through_s3(args.place.region, bucket_arn),
                    ),
                ]
            ),
            opts=self.child(),
        )
        return Output.all(role.arn, allowed.id).apply(lambda both: str(both[0]))
