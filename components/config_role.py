"""The role AWS Config works with: its own service-linked one, of which an account has exactly one.

Made once, whatever the regions; where the account has it already, only its name is used.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Quiet
from components.base import Component

SERVICE = "config.amazonaws.com"


@dataclass(frozen=True, kw_only=True)
class ConfigRoleArgs:
    """`make`: the account has none yet."""

    partition: Input[str]
    account_id: Input[str]
    make: bool


class ConfigRole(Quiet, Component):
    """AWSServiceRoleForConfig."""

    kind = "security:ConfigRole"
    quiet = "IAM publishes nothing; rules that cannot be judged are heard of by `components.config_rules`"
    arn: Output[str]

    def __init__(self, name: str, args: ConfigRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        path = f":role/aws-service-role/{SERVICE}/AWSServiceRoleForConfig"
        self.arn = (
            aws.iam.ServiceLinkedRole(
                f"{name}-role",
                aws_service_name=SERVICE,
                description="Reads the configuration of resources and delivers it.",
                opts=self.child(),
            ).arn
            if args.make
            else Output.concat("arn:", args.partition, ":iam::", args.account_id, path)
        )
        self.register_outputs({"arn": self.arn})
