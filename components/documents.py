"""The two documents of an environment (design: controls and inventory).

Controls: what an operator may turn during an incident; pulumi makes the parameter and never touches its value
again. Inventory: the names the stack exports; an object in a private bucket with a pointer parameter.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Quiet
from components.base import Component
from components.place import Place
from components.private_bucket import PrivateBucket, PrivateBucketArgs
from contract import controls


@dataclass(frozen=True, kw_only=True)
class ControlsDocumentArgs:
    """Whose controls."""

    environment: str


class ControlsDocument(Quiet, Component):
    """The operator's parameter, empty to begin with."""

    kind = "operations:Controls"
    quiet = (
        "Parameter Store publishes nothing; what an operator turned is logged by the runtime that obeys it"
    )
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
    """`content` is the JSON of a `contract.inventory.Inventory`. `log_to`: bucket for the access log."""

    environment: str
    place: Place
    content: Input[str]
    log_to: Input[str]
    protect: bool


class InventoryDocument(Quiet, Component):
    """The names of everything, where a runbook finds them."""

    kind = "operations:Inventory"
    quiet = "one object that `up` writes; a runbook that cannot read it says so before it does anything"

    def __init__(
        self, name: str, args: InventoryDocumentArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        place = args.place
        kept = PrivateBucket(
            f"{name}-files",
            PrivateBucketArgs(
                bucket=Output.concat(
                    f"concierge-{args.environment}-inventory-", place.account_id, f"-{place.region}"
                ),
                # Names, no data: and a runbook must be able to read them when KMS is what fails.
                key_arn=None,
                log_to=args.log_to,
                protect=args.protect,
            ),
            self.child(),
        )
        item = aws.s3.BucketObjectv2(
            f"{name}-object",
            bucket=kept.bucket,
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
            insecure_value=Output.concat("s3://", kept.bucket, "/", item.key),
            opts=self.child(),
        )
        self.register_outputs({"bucket": kept.bucket})
