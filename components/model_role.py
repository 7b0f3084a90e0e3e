"""The role SageMaker assumes for one endpoint or one kind of job (MOD-5, MOD-6). Who may, and for what.

Containers run in our subnets, so every such role may attach network interfaces there, and nowhere else.
Roles are global, and both regions have the same models: the region is part of the name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.base import Component
from components.grants import EVERYTHING, Conditions, Grant, here, policy
from components.place import Place


@dataclass(frozen=True, kw_only=True)
class ModelRoleArgs:
    """`workload` is part of the role's name."""

    environment: str
    workload: str
    place: Place
    grants: Sequence[Grant]
    boundary_arn: Input[str] | None


class ModelRole(Component):
    """One role and its one policy."""

    kind = "models:Role"
    arn: Output[str]

    def __init__(self, name: str, args: ModelRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        role = aws.iam.Role(
            f"{name}-role",
            name=f"concierge-{args.environment}-{args.place.region}-{args.workload}",
            assume_role_policy=Output.json_dumps(_trust(args.place)),
            permissions_boundary=args.boundary_arn,
            opts=self.child(),
        )
        granted = aws.iam.RolePolicy(
            f"{name}-grants", role=role.id, policy=policy(args.grants), opts=self.child()
        )
        # SageMaker looks for the image and the artifact at once: the role has to be able to read them first.
        self.arn = Output.all(role.arn, granted.id).apply(lambda both: str(both[0]))
        self.register_outputs({"arn": self.arn})


def _trust(place: Place) -> dict[str, Any]:
    """Only SageMaker, and only for what is ours: nobody else's endpoint or job can borrow the role."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sagemaker.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": place.account_id},
                    "ArnLike": {"aws:SourceArn": place.arn("sagemaker", "*")},
                },
            }
        ],
    }


def attach(place: Place, subnet_ids: Sequence[Input[str]], security_group_id: Input[str]) -> list[Grant]:
    """Interfaces in these subnets with this group. Looking around has no ARN; the region is its fence."""
    interfaces = place.arn("ec2", "network-interface/*")
    subnets = [place.arn("ec2", Output.concat("subnet/", subnet)) for subnet in subnet_ids]
    group = place.arn("ec2", Output.concat("security-group/", security_group_id))
    ours = {"ArnEquals": {"ec2:Subnet": subnets}}
    change = [
        "ec2:CreateNetworkInterfacePermission",
        "ec2:DeleteNetworkInterface",
        "ec2:DeleteNetworkInterfacePermission",
    ]
    look = [
        f"ec2:Describe{what}"
        for what in ("DhcpOptions", "NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs")
    ]
    return [
        Grant("MakeInterfaces", ["ec2:CreateNetworkInterface"], [interfaces, *subnets, group]),
        Grant("UseInterfaces", change, [interfaces], ours),
        Grant("LookAround", look, [EVERYTHING], here(place)),
    ]


def open_disks(place: Place, key_arn: Input[str]) -> list[Grant]:
    """The key of a disk, as SageMaker and EC2 use it on the role's behalf."""
    via = {"kms:ViaService": [f"{service}.{place.region}.amazonaws.com" for service in ("sagemaker", "ec2")]}
    use = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext"]
    # The disk stays open after the call that made it: EC2 holds a grant.
    lasting: Conditions = {"StringEquals": via, "Bool": {"kms:GrantIsForAWSResource": "true"}}
    return [
        Grant("OpenDisks", use, [key_arn], {"StringEquals": via}),
        Grant("KeepDisksOpen", ["kms:CreateGrant"], [key_arn], lasting),
    ]
