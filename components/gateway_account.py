"""The role with which API Gateway writes logs: one for an account and region, whatever APIs are there.

A region has one such setting: where two environments share an account, one of them owns it.
"""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Quiet
from components.base import Component


@dataclass(frozen=True, kw_only=True)
class GatewayAccountArgs:
    """`partition`: aws, or that of another kind of region."""

    account_id: Input[str]
    partition: Input[str]
    region: str
    boundary_arn: Input[str] | None = None


class GatewayAccount(Quiet, Component):
    """The role, and the account's setting that names it."""

    kind = "edge:GatewayAccount"
    quiet = "a role and a setting; a gateway that cannot write its log shows as an empty log group"

    def __init__(
        self, name: str, args: GatewayAccountArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        role = aws.iam.Role(
            f"{name}-role",
            name_prefix=f"concierge-{pulumi.get_stack()}-gateways-",
            assume_role_policy=Output.json_dumps(_trust(args.account_id)),
            permissions_boundary=args.boundary_arn,
            opts=self.child(),
        )
        written = aws.iam.RolePolicy(
            f"{name}-may-log", role=role.id, policy=Output.json_dumps(_may_log(args)), opts=self.child()
        )
        aws.apigateway.Account(
            f"{name}-account",
            cloudwatch_role_arn=role.arn,
            # API Gateway tries the role when it is told of it.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[written]),
        )
        self.register_outputs({"role_arn": role.arn})


def _trust(account_id: Input[str]) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "apigateway.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
            }
        ],
    }


def _may_log(args: GatewayAccountArgs) -> dict[str, Any]:
    groups = Output.concat(
        "arn:", args.partition, ":logs:", args.region, ":", args.account_id, ":log-group:*"
    )
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": [
                    "logs:CreateLogGroup",
                    "logs:CreateLogStream",
                    "logs:DescribeLogStreams",
                    "logs:PutLogEvents",
                    "logs:GetLogEvents",
                    "logs:FilterLogEvents",
                ],
                # API Gateway names execution-log groups after APIs that do not exist yet.
                "Resource": groups,
            },
            # Listing groups is done to no group: named ones would grant nothing, and the role is refused.
            {"Effect": "Allow", "Action": "logs:DescribeLogGroups", "Resource": "*"},
        ],
    }
