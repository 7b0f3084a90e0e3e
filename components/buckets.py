"""The estate's buckets (DATA-4, DATA-5): which, what they keep and for how long is data, `buckets.toml`.

Each is a `components.private_bucket.PrivateBucket`. In a primary with a standby those marked so are copied
there (`components.bucket_replication`). The access log of all of them goes to the last one, which must be
encrypted with S3's own key, because log delivery cannot use ours.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
from pulumi import Input, Output
from pydantic import Field

from components.alarms import Watch
from components.base import Component
from components.bucket_replication import BucketReplication, BucketReplicationArgs, Copy
from components.place import Place
from components.private_bucket import Keeping, PrivateBucket, PrivateBucketArgs
from contract.alarms import Widget, graphs
from contract.base import Shape

LOGS = "access-logs"


class Definition(Shape):
    """One bucket of `buckets.toml`."""

    what: str
    replicated: bool = False
    old_days: int = Field(gt=0)
    rules: tuple[Keeping, ...] = Field(min_length=1)


@cache
def definitions() -> Mapping[str, Definition]:
    """Bucket -> its definition."""
    rows = tomllib.loads(Path(__file__).with_name("buckets.toml").read_text(encoding="utf-8"))
    return {name: Definition.model_validate(row) for name, row in rows.items()}


@dataclass(frozen=True, kw_only=True)
class BucketsArgs:
    """`copies`: the standby's buckets (`Buckets.copies` over there); none: this region is not copied."""

    environment: str
    place: Place
    key_arn: Input[str]
    copies: Mapping[str, Copy] | None
    protect: bool
    boundary_arn: Input[str] | None = None


class Buckets(Component):
    """Every bucket of a region."""

    kind = "data:Buckets"
    names: dict[str, Output[str]]
    arns: dict[str, Output[str]]

    def __init__(self, name: str, args: BucketsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        logs = self._bucket(
            LOGS, key_arn=None, log_to=None, statements=[self._log_delivery(), self._balancer_delivery()]
        )
        ours = {
            what: self._bucket(what, key_arn=args.key_arn, log_to=logs.bucket)
            for what in definitions()
            if what != LOGS
        }
        self._buckets = {**ours, LOGS: logs}
        self.names = {what: made.bucket for what, made in self._buckets.items()}
        self.arns = {what: made.arn for what, made in self._buckets.items()}
        self._replications = self._replicate()
        self.register_outputs(dict(self.names))

    @property
    def copies(self) -> dict[str, Copy]:
        """These buckets as another region's destination."""
        return {
            what: Copy(
                bucket=made.bucket,
                arn=made.versioned_arn,
                region=self._args.place.region,
                key_arn=self._args.key_arn,
            )
            for what, made in self._buckets.items()
            if definitions()[what].replicated
        }

    def alarms(self) -> list[Watch]:
        """A bucket fails with S3; what can be watched is whether the standby has what we have."""
        return [watch for replication in self._replications for watch in replication.alarms()]

    def widgets(self) -> list[Widget]:
        """What lies in them, day by day; and with a standby what is on its way there."""
        sizes = graphs(
            "AWS/S3",
            {"Bucket sizes": ("BucketSizeBytes", "Average")},
            {"StorageType": "StandardStorage"},
            across=("BucketName",),
        )
        return [*sizes, *(self._replications[0].widgets() if self._replications else ())]

    def _physical(self, what: str) -> Output[str]:
        place = self._args.place
        return Output.concat(
            f"concierge-{self._args.environment}-{what}-", place.account_id, f"-{place.region}"
        )

    def _bucket(
        self,
        what: str,
        *,
        key_arn: Input[str] | None,
        log_to: Input[str] | None,
        statements: list[dict[str, Any]] | None = None,
    ) -> PrivateBucket:
        definition = definitions()[what]
        return PrivateBucket(
            f"{self.name}-{what}",
            PrivateBucketArgs(
                bucket=self._physical(what),
                key_arn=key_arn,
                log_to=log_to,
                keeping=definition.rules,
                old_days=definition.old_days,
                statements=statements or (),
                protect=self._args.protect,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _log_delivery(self) -> dict[str, Any]:
        """S3 may write the access logs of this environment's buckets, and nothing else may."""
        place = self._args.place
        partition = Output.concat("arn:", place.partition, ":s3:::")
        return {
            "Sid": "AccessLogs",
            "Effect": "Allow",
            "Principal": {"Service": "logging.s3.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": Output.concat(partition, self._physical(LOGS), "/*"),
            "Condition": {
                "StringEquals": {"aws:SourceAccount": place.account_id},
                "ArnLike": {
                    "aws:SourceArn": Output.concat(partition, f"concierge-{self._args.environment}-*")
                },
            },
        }

    def _balancer_delivery(self) -> dict[str, Any]:
        """Load balancers of this account may write theirs, below one prefix."""
        place = self._args.place
        balancers = place.arn("elasticloadbalancing", "loadbalancer/*")
        logs = Output.concat("arn:", place.partition, ":s3:::", self._physical(LOGS))
        return {
            "Sid": "BalancerLogs",
            "Effect": "Allow",
            "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": Output.concat(logs, "/application/AWSLogs/", place.account_id, "/*"),
            "Condition": {
                "StringEquals": {"aws:SourceAccount": place.account_id},
                "ArnLike": {"aws:SourceArn": balancers},
            },
        }

    def _replicate(self) -> list[BucketReplication]:
        args = self._args
        copies = {} if args.copies is None else args.copies
        return [
            BucketReplication(
                f"{self.name}-{what}-copy",
                BucketReplicationArgs(
                    what=what,
                    environment=args.environment,
                    region=args.place.region,
                    source=self._buckets[what].bucket,
                    source_arn=self._buckets[what].versioned_arn,
                    source_key_arn=args.key_arn,
                    to=copy,
                    boundary_arn=args.boundary_arn,
                ),
                pulumi.ResourceOptions(parent=self),
            )
            for what, copy in copies.items()
        ]
