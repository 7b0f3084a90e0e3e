"""The two documents of an environment (design: controls and inventory).

Controls: what an operator may turn during an incident; pulumi makes the parameter and never touches its value
again. Inventory: the names the stack exports; an object in a private bucket with a pointer parameter.
"""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.base import Component
from contract import controls


@dataclass(frozen=True, kw_only=True)
class ControlsDocumentArgs:
    """Whose controls."""

    environment: str


class ControlsDocument(Component):
    """The operator's parameter, empty to begin with."""

    kind = "operations:Controls"
    parameter: Output[str]

    def __init__(
        self, name: str, args: ControlsDocumentArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self.parameter = aws.ssm.Parameter(
            f"{name}-parameter",
            name=f"/concierge/{args.environment}/controls",
            description="What an operator has turned during an incident; written by runbooks.",
            type="String",
            insecure_value=controls.render(controls.Controls()),
            # An `up` in the middle of an incident must not undo what on-call turned.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["insecureValue"]),
        ).name
        self.register_outputs({"parameter": self.parameter})


@dataclass(frozen=True, kw_only=True)
class InventoryDocumentArgs:
    """`content` is the JSON of a `contract.inventory.Inventory`."""

    environment: str
    region: str
    account_id: Input[str]
    content: Input[str]
    protect: bool


class InventoryDocument(Component):
    """The names of everything, where a runbook finds them."""

    kind = "operations:Inventory"

    def __init__(
        self, name: str, args: InventoryDocumentArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        bucket = self._bucket(args)
        item = aws.s3.BucketObjectv2(
            f"{name}-object",
            bucket=bucket.bucket,
            key="inventory.json",
            content=args.content,
            content_type="application/json",
            opts=self.child(),
        )
        aws.ssm.Parameter(
            f"{name}-pointer",
            name=f"/concierge/{args.environment}/inventory",
            description="Where the inventory is; written by pulumi only.",
            type="String",
            insecure_value=Output.concat("s3://", bucket.bucket, "/", item.key),
            opts=self.child(),
        )
        self.register_outputs({"bucket": bucket.bucket})

    def _bucket(self, args: InventoryDocumentArgs) -> aws.s3.Bucket:
        bucket = aws.s3.Bucket(
            f"{self.name}-bucket",
            bucket=Output.concat(
                "concierge-", args.environment, "-inventory-", args.account_id, "-", args.region
            ),
            force_destroy=not args.protect,
            opts=self.child(protect=args.protect),
        )
        aws.s3.BucketVersioning(
            f"{self.name}-versions",
            bucket=bucket.bucket,
            versioning_configuration={"status": "Enabled"},
            opts=self.child(),
        )
        aws.s3.BucketPublicAccessBlock(
            f"{self.name}-private",
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self.child(),
        )
        aws.s3.BucketPolicy(
            f"{self.name}-tls-only",
            bucket=bucket.bucket,
            policy=Output.json_dumps(_tls_only(bucket.arn)),
            opts=self.child(),
        )
        return bucket


def _tls_only(bucket_arn: Input[str]) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [bucket_arn, Output.concat(bucket_arn, "/*")],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }
