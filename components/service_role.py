"""The role an AWS service takes to act for us: Step Functions, FIS, CodePipeline, CodeBuild, EventBridge.

What `components.workload_role` is for code of ours. Only one service may take it, only in this account, and
only for the resources that are named; what it may then do are exact grants.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components import grants
from components.base import Component
from components.grants import Grant, policy
from components.place import Place

LONGEST_NAME = 64  # IAM's limit


@dataclass(frozen=True, kw_only=True)
class ServiceRoleArgs:
    """`service`: principal without `.amazonaws.com`. `for_arns`: what the service may take the role for."""

    environment: str
    place: Place
    part: str
    service: str
    for_arns: Sequence[Input[str]]
    grants: Sequence[Grant]
    boundary: str | None


class ServiceRole(Component):
    """One role and its one policy. `arn` is known once the policy stands."""

    kind = "identity:ServiceRole"
    arn: Output[str]

    def __init__(self, name: str, args: ServiceRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        physical = f"concierge-{args.environment}-{args.place.region}-{args.part}"
        if len(physical) > LONGEST_NAME:
            raise ValueError(f"role {physical}: IAM takes {LONGEST_NAME} characters; shorten {args.part!r}")
        sids = [grant.sid for grant in args.grants]
        if twice := sorted({sid for sid in sids if sids.count(sid) > 1}):
            raise ValueError(f"role {name}: granted twice: {', '.join(twice)}")
        role = aws.iam.Role(
            f"{name}-role",
            name=physical,
            assume_role_policy=Output.json_dumps(_trust(args)),
            permissions_boundary=args.boundary,
            opts=self.child(),
        )
        granted = aws.iam.RolePolicy(
            f"{name}-grants", role=role.id, policy=policy(args.grants), opts=self.child()
        )
        self.arn = Output.all(role.arn, granted.id).apply(lambda both: str(both[0]))
        self.register_outputs({"arn": self.arn})


def deliver_logs(place: Place) -> Grant:
    """Vended logs are set up by calls that take no ARN."""
    actions = [
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
    ]
    return Grant("DeliverLogs", actions, [grants.EVERYTHING], grants.here(place))


def _trust(args: ServiceRoleArgs) -> dict[str, Any]:
    """Without both conditions somebody else's resource could borrow the role through the service."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": f"{args.service}.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": args.place.account_id},
                    "ArnLike": {"aws:SourceArn": list(args.for_arns)},
                },
            }
        ],
    }
