"""Names of internal services inside the VPC, by Cloud Map (NET-4): `tools.prod.concierge.internal`.

ECS registers each task under its service's name; what no balancer stands before is found this way.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Quiet
from components.base import Component

# Service -> what answers there.
INTERNAL: Mapping[str, str] = {
    "tools": "MCP tool services",
    "catalogue": "product catalogue over gRPC",
    "ingest": "ingest workers",
}


@dataclass(frozen=True, kw_only=True)
class ServiceNamesArgs:
    """Whose names, and in which VPC they can be asked for."""

    environment: str
    vpc_id: Input[str]


class ServiceNames(Quiet, Component):
    """A private zone, and a name in it for each internal service."""

    kind = "network:ServiceNames"
    quiet = "Cloud Map publishes nothing; a name that leads nowhere shows as errors of the service that asks"
    namespace_id: Output[str]
    namespace_arn: Output[str]
    zone_id: Output[str]
    domain: str
    registries: Mapping[str, Output[str]]

    def __init__(self, name: str, args: ServiceNamesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self.domain = f"{args.environment}.concierge.internal"
        namespace = aws.servicediscovery.PrivateDnsNamespace(
            f"{name}-namespace",
            name=self.domain,
            description="Internal services of the agent.",
            vpc=args.vpc_id,
            opts=self.child(),
        )
        self.registries = {
            service: self._service(service, what, namespace) for service, what in INTERNAL.items()
        }
        self.namespace_id = namespace.id
        self.namespace_arn = namespace.arn
        self.zone_id = namespace.hosted_zone
        self.register_outputs({"namespace_id": self.namespace_id})

    def _service(
        self, service: str, what: str, namespace: aws.servicediscovery.PrivateDnsNamespace
    ) -> Output[str]:
        return aws.servicediscovery.Service(
            f"{self.name}-{service}",
            name=service,
            description=what,
            dns_config={
                "namespace_id": namespace.id,
                # Short: a task that left must be forgotten before its clients' next try.
                "dns_records": [{"type": "A", "ttl": 10}],
                "routing_policy": "MULTIVALUE",
            },
            # ECS tells when a task is healthy; Route 53 cannot look into a VPC.
            health_check_custom_config={"failure_threshold": 1},
            opts=self.child(),
        ).arn
