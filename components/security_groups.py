"""Who may open a connection to whom, as roles and sentences: "agent may reach search on 443" (NET-3).

The rules are the data below; nothing else is open in either direction. A role's group exists even before
something wears it, so that a new component joins by naming its role.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Quiet
from components.base import Component
from components.network import ANYWHERE

ROLES: Mapping[str, str] = {
    "link": "API Gateway's interfaces in the VPC",
    "edge": "internal load balancers",
    "agent": "the agent's services",
    "models": "SageMaker containers",
    "search": "the OpenSearch domain",
    "cache": "the Valkey cache",
    "endpoints": "interface endpoints of AWS services",
}
# Places outside every role: AWS services behind gateway endpoints, and the world.
GATEWAYS = ("s3", "dynamodb")
INTERNET = "internet"


@dataclass(frozen=True, slots=True)
class Reach:
    """`source` may open TCP connections to `target` on `port`, and why."""

    source: str
    target: str
    port: int
    why: str


REACH: Sequence[Reach] = (
    Reach("link", "edge", 443, "requests that API Gateway accepted"),
    Reach("edge", "agent", 8080, "the agent's one port"),
    Reach("agent", "agent", 8080, "the tools service, by its name"),
    Reach("agent", "link", 50051, "product lookups over gRPC"),
    Reach("link", "agent", 50051, "the catalogue's port"),
    Reach("agent", "search", 443, "retrieval and ingest"),
    Reach("agent", "cache", 6379, "rate limits and caches"),
    Reach("agent", "endpoints", 443, "AWS APIs without leaving the VPC"),
    Reach("agent", "s3", 443, "documents, images and configuration"),
    Reach("agent", "dynamodb", 443, "sessions, carts and orders"),
    Reach("models", "search", 443, "embedding jobs write the index"),
    Reach("models", "endpoints", 443, "logs, metrics and images"),
    Reach("models", "s3", 443, "model artifacts and captured data"),
)
# While a load test runs (LOAD-4). Its page is reached by a forwarded port, so nobody reaches it from here.
LOAD_ROLES: Mapping[str, str] = {"load": "Locust's master and workers"}
LOAD_REACH: Sequence[Reach] = (
    Reach("load", "load", 5557, "workers report to their master"),
    Reach("load", "endpoints", 443, "logs and images"),
    Reach("load", "s3", 443, "results"),
    Reach("load", INTERNET, 443, "the public door, as customers come"),
)
# Only where there is a NAT to leave by.
REACH_INTERNET = Reach("agent", INTERNET, 443, "card network, carriers, price services, other models")


@dataclass(frozen=True, kw_only=True)
class SecurityGroupsArgs:
    """`prefix_lists`: gateway name -> id of AWS's managed prefix list in this region. `load`: a fleet."""

    vpc_id: Input[str]
    prefix_lists: Mapping[str, Input[str]]
    internet: bool
    load: bool = False


class SecurityGroups(Quiet, Component):
    """One group a role, one pair of rules a sentence."""

    kind = "network:SecurityGroups"
    quiet = "groups have no metric; what they refuse stands in the flow log of `components.network`"
    ids: Mapping[str, Output[str]]

    def __init__(
        self, name: str, args: SecurityGroupsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        roles = {**ROLES, **(LOAD_ROLES if args.load else {})}
        self.ids = {role: self._group(role, what, args.vpc_id).id for role, what in roles.items()}
        for reach in (*REACH, REACH_INTERNET, *(LOAD_REACH if args.load else ())):
            if args.internet or reach.target != INTERNET:
                self._open(reach, args.prefix_lists)
        self.register_outputs({"roles": list(roles)})

    def _group(self, role: str, what: str, vpc_id: Input[str]) -> aws.ec2.SecurityGroup:
        return aws.ec2.SecurityGroup(
            f"{self.name}-{role}",
            vpc_id=vpc_id,
            description=what,
            tags={"Name": f"{self.name}-{role}", "Role": role},
            opts=self.child(),
        )

    def _open(self, reach: Reach, prefix_lists: Mapping[str, Input[str]]) -> None:
        rule = f"{self.name}-{reach.source}-to-{reach.target}-{reach.port}"
        outside = reach.target not in self.ids
        aws.vpc.SecurityGroupEgressRule(
            f"{rule}-out",
            security_group_id=self.ids[reach.source],
            ip_protocol="tcp",
            from_port=reach.port,
            to_port=reach.port,
            description=f"to {reach.target}: {reach.why}",
            referenced_security_group_id=None if outside else self.ids[reach.target],
            prefix_list_id=prefix_lists[reach.target] if reach.target in GATEWAYS else None,
            cidr_ipv4=ANYWHERE if reach.target == INTERNET else None,
            opts=self.child(),
        )
        if outside:
            return
        aws.vpc.SecurityGroupIngressRule(
            f"{rule}-in",
            security_group_id=self.ids[reach.target],
            ip_protocol="tcp",
            from_port=reach.port,
            to_port=reach.port,
            description=f"from {reach.source}: {reach.why}",
            referenced_security_group_id=self.ids[reach.source],
            opts=self.child(),
        )
