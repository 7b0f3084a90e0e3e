"""A bucket as every bucket here is: versioned, encrypted, private, by TLS only, its access logged (DATA-4).

Used by `components.buckets` and by whoever needs a bucket of their own. Which buckets there are is not known
here, nor how one is copied to another region (`components.bucket_replication`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output
from pydantic import Field, model_validator

from components.base import Component
from contract.base import Shape

UNFINISHED_DAYS = 7


class Keeping(Shape):
    """What happens to objects of one prefix, in days after they were written."""

    prefix: str = ""
    cool: int | None = Field(None, ge=30)
    cold: int | None = Field(None, gt=0)
    deep: int | None = Field(None, gt=0)
    expire: int | None = Field(None, gt=0)
    old_days: int | None = Field(
        None, gt=0, description="for old versions too, where sooner than the bucket's"
    )
    at_once: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        days = [day for day in (self.cool, self.cold, self.deep, self.expire) if day is not None]
        if not days or days != sorted(set(days)):
            raise ValueError(
                f"prefix {self.prefix!r}: cool, cold, deep and expire must come one after another"
            )
        return self


@dataclass(frozen=True, kw_only=True)
class PrivateBucketArgs:
    """`key_arn` none: S3's own key, where the reader or writer can take no other.

    `log_to`: bucket that gets the access log; none for that target itself, and where another log says the
    same. `statements`: more of the policy; none: the owner calls `permit` once it knows them.
    """

    bucket: Input[str]
    key_arn: Input[str] | None
    log_to: Input[str] | None
    keeping: Sequence[Keeping] = ()
    old_days: int = 35
    statements: Sequence[dict[str, Any]] | None = ()
    protect: bool


class PrivateBucket(Component):
    """One bucket. `versioned_arn` is known once versions are kept, which replication asks for."""

    kind = "data:PrivateBucket"
    bucket: Output[str]
    arn: Output[str]
    versioned_arn: Output[str]

    def __init__(
        self, name: str, args: PrivateBucketArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        made = aws.s3.Bucket(
            f"{name}-bucket",
            bucket=args.bucket,
            force_destroy=not args.protect,
            opts=self.child(protect=args.protect),
        )
        self.bucket, self.arn = made.bucket, made.arn
        versions = aws.s3.BucketVersioning(
            f"{name}-versions",
            bucket=self.bucket,
            versioning_configuration={"status": "Enabled"},
            opts=self.child(),
        )
        self.versioned_arn = Output.all(self.arn, versions.id).apply(lambda known: str(known[0]))
        self._close()
        self._encrypt(args.key_arn)
        self._key_arn = args.key_arn
        if args.statements is not None:
            self.permit(args.statements)
        self._keep(args, versions)
        if args.log_to is not None:
            aws.s3.BucketLogging(
                f"{name}-access-log",
                bucket=self.bucket,
                target_bucket=args.log_to,
                target_prefix=Output.concat(self.bucket, "/"),
                opts=self.child(),
            )
        self.register_outputs({"bucket": self.bucket})

    def _close(self) -> None:
        """No object has an owner or an access list of its own, and nothing can be made public."""
        aws.s3.BucketOwnershipControls(
            f"{self.name}-owner",
            bucket=self.bucket,
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=self.child(),
        )
        aws.s3.BucketPublicAccessBlock(
            f"{self.name}-private",
            bucket=self.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self.child(),
        )

    def _encrypt(self, key_arn: Input[str] | None) -> None:
        """The bucket key spares a call to KMS for each object."""
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{self.name}-encryption",
            bucket=self.bucket,
            rules=[
                {
                    "apply_server_side_encryption_by_default": {
                        "sse_algorithm": "AES256" if key_arn is None else "aws:kms",
                        "kms_master_key_id": key_arn,
                    },
                    "bucket_key_enabled": key_arn is not None,
                }
            ],
            opts=self.child(),
        )

    def permit(self, more: Sequence[dict[str, Any]]) -> None:
        """The policy: TLS, our key where there is one, and whom else to let in."""
        own = [] if self._key_arn is None else _own_key_only(self.arn, self._key_arn)
        statements = [_tls_only(self.arn), *own, *more]
        aws.s3.BucketPolicy(
            f"{self.name}-policy",
            bucket=self.bucket,
            policy=Output.json_dumps({"Version": "2012-10-17", "Statement": statements}),
            opts=self.child(),
        )

    def _keep(self, args: PrivateBucketArgs, versions: aws.s3.BucketVersioning) -> None:
        aws.s3.BucketLifecycleConfiguration(
            f"{self.name}-lifecycle",
            bucket=self.bucket,
            rules=[_tidy(args.old_days), *(_kept(keeping) for keeping in args.keeping)],
            # Rules on old versions need versions.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versions]),
        )


def _tidy(old_days: int) -> aws.s3.BucketLifecycleConfigurationRuleArgsDict:
    """What nobody sees and everybody pays for: unfinished uploads and old versions."""
    return {
        "id": "tidy",
        "status": "Enabled",
        "filter": {"prefix": ""},
        "abort_incomplete_multipart_upload": {"days_after_initiation": UNFINISHED_DAYS},
        "noncurrent_version_expiration": {"noncurrent_days": old_days},
    }


def _kept(keeping: Keeping) -> aws.s3.BucketLifecycleConfigurationRuleArgsDict:
    cold = "GLACIER_IR" if keeping.at_once else "GLACIER"
    old = keeping.old_days
    moves = {"STANDARD_IA": keeping.cool, cold: keeping.cold, "DEEP_ARCHIVE": keeping.deep}
    return {
        "id": f"keep-{keeping.prefix.rstrip('/') or 'all'}",
        "status": "Enabled",
        "filter": {"prefix": keeping.prefix},
        "transitions": [
            {"storage_class": to, "days": days} for to, days in moves.items() if days is not None
        ],
        "expiration": None if keeping.expire is None else {"days": keeping.expire},
        "noncurrent_version_expiration": None if old is None else {"noncurrent_days": old},
    }


def through_s3(region: str, bucket_arn: Input[str]) -> dict[str, dict[str, Input[str]]]:
    """Conditions for a role that uses a bucket's key: only with S3 between, and only for this bucket.

    With a bucket key the encryption context names the bucket, without one the object.
    """
    return {
        "StringEquals": {"kms:ViaService": f"s3.{region}.amazonaws.com"},
        "ArnLike": {"kms:EncryptionContext:aws:s3:arn": Output.concat(bucket_arn, "*")},
    }


def _tls_only(arn: Input[str]) -> dict[str, Any]:
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, Output.concat(arn, "/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _own_key_only(arn: Input[str], key_arn: Input[str]) -> list[dict[str, Any]]:
    """A writer may leave the key to the bucket, but may not name another: erasure and audit rest on it.

    `Null` first: a condition that denies also matches where the header is absent.
    """
    wanted = {
        "OwnKeyOnly": ("s3:x-amz-server-side-encryption-aws-kms-key-id", key_arn),
        "KmsOnly": ("s3:x-amz-server-side-encryption", "aws:kms"),
    }
    return [
        {
            "Sid": sid,
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:PutObject",
            "Resource": Output.concat(arn, "/*"),
            "Condition": {"Null": {header: "false"}, "StringNotEquals": {header: value}},
        }
        for sid, (header, value) in wanted.items()
    ]
