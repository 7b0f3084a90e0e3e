"""The bucket of the widget's static files (NET-7): private, read by our distribution and nobody else."""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.base import Component


@dataclass(frozen=True, kw_only=True)
class AssetsArgs:
    """Buckets share one namespace with the world: the account is part of the name."""

    environment: str
    region: str
    account_id: Input[str]
    protect: bool


class Assets(Component):
    """The bucket; `admit` lets a distribution read it."""

    kind = "edge:Assets"
    bucket: Output[str]
    regional_domain: Output[str]

    def __init__(self, name: str, args: AssetsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        bucket = aws.s3.Bucket(
            f"{name}-bucket",
            bucket=Output.concat("concierge-", args.environment, "-assets-", args.account_id),
            force_destroy=not args.protect,
            opts=self.child(protect=args.protect),
        )
        aws.s3.BucketVersioning(
            f"{name}-versions",
            bucket=bucket.bucket,
            versioning_configuration={"status": "Enabled"},
            opts=self.child(),
        )
        aws.s3.BucketPublicAccessBlock(
            f"{name}-private",
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self.child(),
        )
        self._arn = bucket.arn
        self.bucket = bucket.bucket
        self.regional_domain = Output.concat(bucket.bucket, ".s3.", args.region, ".amazonaws.com")
        self.register_outputs({"bucket": self.bucket})

    def admit(self, distribution_arn: Input[str]) -> None:
        """Only this distribution may read, and nobody without TLS."""
        aws.s3.BucketPolicy(
            f"{self.name}-policy",
            bucket=self.bucket,
            policy=Output.json_dumps(_policy(self._arn, distribution_arn)),
            opts=self.child(),
        )


def _policy(bucket_arn: Input[str], distribution_arn: Input[str]) -> dict[str, Any]:
    objects = Output.concat(bucket_arn, "/*")
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OurDistribution",
                "Effect": "Allow",
                "Principal": {"Service": "cloudfront.amazonaws.com"},
                "Action": "s3:GetObject",
                "Resource": objects,
                "Condition": {"StringEquals": {"aws:SourceArn": distribution_arn}},
            },
            {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [bucket_arn, objects],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    }
