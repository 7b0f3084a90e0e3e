"""AWS services reached from inside the VPC (NET-2): gateway endpoints always, interface ones by preset."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.base import Component

GATEWAYS = ("s3", "dynamodb")
PRESETS: Mapping[str, Sequence[str]] = {
    "agent": (
        "bedrock-runtime",
        "bedrock-agent-runtime",
        "bedrock-agentcore",
        "sagemaker.runtime",
        "ssm",
        "secretsmanager",
        "kms",
        "logs",
        "monitoring",
        "ecr.api",
        "ecr.dkr",
        "sts",
        "xray",
    ),
    "none": (),
}


@dataclass(frozen=True, kw_only=True)
class EndpointsArgs:
    """Where the endpoints stand and who may use them."""

    region: str
    account_id: Input[str]
    vpc_id: Input[str]
    preset: str
    subnet_ids: Sequence[Input[str]]
    route_table_ids: Sequence[Input[str]]
    security_group_id: Input[str]


class Endpoints(Component):
    """Gateway and interface endpoints, usable only by principals of this account."""

    kind = "network:Endpoints"

    def __init__(self, name: str, args: EndpointsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        for service in GATEWAYS:
            aws.ec2.VpcEndpoint(
                f"{name}-{service}",
                vpc_id=args.vpc_id,
                vpc_endpoint_type="Gateway",
                service_name=f"com.amazonaws.{args.region}.{service}",
                route_table_ids=list(args.route_table_ids),
                policy=Output.json_dumps(_policy(service, args)),
                tags={"Name": f"{name}-{service}"},
                opts=self.child(),
            )
        for service in PRESETS[args.preset]:
            aws.ec2.VpcEndpoint(
                f"{name}-{service.replace('.', '-')}",
                vpc_id=args.vpc_id,
                vpc_endpoint_type="Interface",
                service_name=f"com.amazonaws.{args.region}.{service}",
                subnet_ids=list(args.subnet_ids),
                security_group_ids=[args.security_group_id],
                private_dns_enabled=True,
                policy=Output.json_dumps(_policy(service, args)),
                tags={"Name": f"{name}-{service}"},
                opts=self.child(),
            )
        self.register_outputs({"services": [*GATEWAYS, *PRESETS[args.preset]]})


def _policy(service: str, args: EndpointsArgs) -> dict[str, Any]:
    """A stolen credential of another account cannot carry data out through our endpoint."""
    statements: list[dict[str, Any]] = [
        {
            "Sid": "OwnPrincipals",
            "Effect": "Allow",
            "Principal": "*",
            "Action": "*",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalAccount": args.account_id}},
        }
    ]
    if service == "s3":
        # Image layers come from a bucket of ECR's own, signed by ECR: without this no task starts.
        statements.append(
            {
                "Sid": "ImageLayers",
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::prod-{args.region}-starport-layer-bucket/*",
            }
        )
    return {"Version": "2012-10-17", "Statement": statements}
