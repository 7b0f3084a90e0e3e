"""The bucket of the widget's static files (NET-7): private, read by our distribution and nobody else.

S3's own key: CloudFront would need a key of ours opened to it, and whoever visits reads these files anyway.
No access log either: the distribution's log has every request.
"""

from dataclasses import dataclass

import pulumi
from pulumi import Input, Output

from components.alarms import Quiet
from components.base import Component
from components.private_bucket import PrivateBucket, PrivateBucketArgs


@dataclass(frozen=True, kw_only=True)
class AssetsArgs:
    """Buckets share one namespace with the world: the account is part of the name."""

    environment: str
    region: str
    account_id: Input[str]
    protect: bool


class Assets(Quiet, Component):
    """The bucket; `admit` lets a distribution read it."""

    kind = "edge:Assets"
    quiet = "S3 counts requests only for money; files that cannot be read show at the distribution"
    bucket: Output[str]
    regional_domain: Output[str]

    def __init__(self, name: str, args: AssetsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._files = PrivateBucket(
            f"{name}-files",
            PrivateBucketArgs(
                bucket=Output.concat("concierge-", args.environment, "-assets-", args.account_id),
                key_arn=None,
                log_to=None,
                statements=None,
                protect=args.protect,
            ),
            self.child(),
        )
        self.bucket = self._files.bucket
        self.regional_domain = Output.concat(self.bucket, ".s3.", args.region, ".amazonaws.com")
        self.register_outputs({"bucket": self.bucket})

    def admit(self, distribution_arn: Input[str]) -> None:
        """Only this distribution may read. Its ARN is known only after it was told of the bucket."""
        self._files.permit(
            [
                {
                    "Sid": "OurDistribution",
                    "Effect": "Allow",
                    "Principal": {"Service": "cloudfront.amazonaws.com"},
                    "Action": "s3:GetObject",
                    "Resource": Output.concat(self._files.arn, "/*"),
                    "Condition": {"StringEquals": {"aws:SourceArn": distribution_arn}},
                }
            ]
        )
