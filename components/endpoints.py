"""AWS services reached from inside the VPC (NET-2): gateway endpoints always, interface ones by preset."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Watch
from components.base import Component
from components.security_groups import GATEWAYS
from contract.alarms import Alarm, Widget, graphs

NAMESPACE = "AWS/PrivateLinkEndpoints"
# Ids of theirs that only AWS knows.
ACROSS = ("VPC Endpoint Id", "VPC Id")
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


# The one without which nothing is answered. Every other failure shows in the service's own calls first.
WATCHED = "bedrock-runtime"


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
        self._args = args
        for service in GATEWAYS:
            aws.ec2.VpcEndpoint(
                f"{name}-{service}",
                vpc_id=args.vpc_id,
                vpc_endpoint_type="Gateway",
                service_name=self._service_name(service),
                route_table_ids=list(args.route_table_ids),
                policy=Output.json_dumps(_policy(service, args)),
                tags={"Name": f"{name}-{service}"},
                opts=self.child(),
            )
        self._interfaces = {service: self._interface(service).id for service in PRESETS[args.preset]}
        self.register_outputs({"services": [*GATEWAYS, *PRESETS[args.preset]]})

    def alarms(self) -> list[Watch]:
        """Nothing is published for gateway endpoints."""
        if WATCHED not in self._interfaces:
            return []
        lost = Alarm(
            id=f"endpoint-{WATCHED}-drops",
            namespace=NAMESPACE,
            metric="PacketsDropped",
            dimensions=self._dimensions(WATCHED),
            computed=ACROSS,
            statistic="Sum",
            threshold=100,
            datapoints=3,
            of=5,
            missing="notBreaching",
            severity="ticket",
            impact="Answers begin late or break off: the way to the models loses packets.",
            runbook="bedrock-latency",
        )
        return [
            Watch(lost, {"VPC Endpoint Id": self._interfaces[WATCHED], "VPC Id": self._args.vpc_id}),
        ]

    def widgets(self) -> list[Widget]:
        if not self._interfaces:
            return []
        return graphs(
            NAMESPACE,
            {
                "Endpoint connections": ("ActiveConnections", "Maximum"),
                "Endpoint bytes": ("BytesProcessed", "Sum"),
                "Endpoint packets lost": ("PacketsDropped", "Sum"),
            },
            *(self._dimensions(service) for service in self._interfaces),
            across=ACROSS,
        )

    def _dimensions(self, service: str) -> dict[str, str]:
        return {"Endpoint Type": "Interface", "Service Name": self._service_name(service)}

    def _service_name(self, service: str) -> str:
        return f"com.amazonaws.{self._args.region}.{service}"

    def _interface(self, service: str) -> aws.ec2.VpcEndpoint:
        args = self._args
        return aws.ec2.VpcEndpoint(
            f"{self.name}-{service.replace('.', '-')}",
            vpc_id=args.vpc_id,
            vpc_endpoint_type="Interface",
            service_name=self._service_name(service),
            subnet_ids=list(args.subnet_ids),
            security_group_ids=[args.security_group_id],
            private_dns_enabled=True,
            policy=Output.json_dumps(_policy(service, args)),
            tags={"Name": f"{self.name}-{service}"},
            opts=self.child(),
        )


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
