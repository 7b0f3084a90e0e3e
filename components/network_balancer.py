"""The internal network balancer (NET-4). It exists because two callers need one.

API Gateway's WebSocket APIs reach a VPC only through a link of the first kind, and that link takes nothing
but a network balancer: it hands such messages on to the application balancer, so that a rollout is decided
in one place. And gRPC to the product catalogue passes it as plain TCP.

The link ends in addresses of AWS's own, which no security group of ours can name: the network balancer does
not judge what comes over PrivateLink, but only this account's links may use it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Watch
from components.balancers import COLOURS, HEALTH_PATH, PORT, named
from components.base import Component
from contract.alarms import Alarm, Widget, graphs

GRPC_PORT = 50051


@dataclass(frozen=True, kw_only=True)
class NetworkBalancerArgs:
    """`application_arn`: the balancer to hand messages to; `secure`: whether that one speaks TLS."""

    environment: str
    vpc_id: Input[str]
    subnet_ids: Sequence[Input[str]]
    link_group_id: Input[str]
    application_arn: Input[str]
    secure: bool
    drain_s: int
    protect: bool


class NetworkBalancer(Component):
    """TCP to the application balancer, and to the catalogue."""

    kind = "network:NetworkBalancer"
    arn: Output[str]
    dns_name: Output[str]
    zone_id: Output[str]
    grpc_target_groups: Mapping[str, Output[str]]
    grpc_listener: Output[str]

    def __init__(
        self, name: str, args: NetworkBalancerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self._args = args
        self._network = self._make_network()
        self._entry = self._enter()
        self.grpc_target_groups, self.grpc_listener = self._carry_grpc()
        self.arn = self._network.arn
        self.dns_name = self._network.dns_name
        self.zone_id = self._network.zone_id
        self.register_outputs({"arn": self.arn})

    def alarms(self) -> list[Watch]:
        entry = {"LoadBalancer": self._network.arn_suffix, "TargetGroup": self._entry.arn_suffix}
        return [
            Watch(
                Alarm(
                    id="balancer-entry-unhealthy",
                    namespace="AWS/NetworkELB",
                    metric="UnHealthyHostCount",
                    computed=("LoadBalancer", "TargetGroup"),
                    statistic="Maximum",
                    threshold=0,
                    datapoints=3,
                    of=3,
                    missing="notBreaching",
                    severity="page",
                    impact="Chat messages do not reach the services: the entry balancer sees no way on.",
                    runbook="connection-drops",
                ),
                entry,
            ),
        ]

    def widgets(self) -> list[Widget]:
        return graphs(
            "AWS/NetworkELB",
            {"Open connections, entry balancer": ("ActiveFlowCount", "Average")},
            across=("LoadBalancer",),
        )

    def _make_network(self) -> aws.lb.LoadBalancer:
        # No access logs: AWS writes them for TLS listeners only, and these pass TCP on.
        return aws.lb.LoadBalancer(
            f"{self.name}-network",
            name=named(self._args.environment, "network"),
            internal=True,
            load_balancer_type="network",
            subnets=list(self._args.subnet_ids),
            # Only when the balancer is made can it be given groups; later that is another balancer.
            security_groups=[self._args.link_group_id],
            enforce_security_group_inbound_rules_on_private_link_traffic="off",
            enable_cross_zone_load_balancing=True,
            enable_deletion_protection=self._args.protect,
            opts=self.child(protect=self._args.protect),
        )

    def _enter(self) -> aws.lb.TargetGroup:
        """TCP from API Gateway's link to the application balancer, which ends TLS."""
        group = aws.lb.TargetGroup(
            f"{self.name}-entry",
            name=named(self._args.environment, "entry"),
            vpc_id=self._args.vpc_id,
            target_type="alb",
            port=PORT,
            protocol="TCP",
            health_check={
                "path": HEALTH_PATH,
                "protocol": "HTTPS" if self._args.secure else "HTTP",
                "matcher": "200",
            },
            opts=self.child(),
        )
        aws.lb.TargetGroupAttachment(
            f"{self.name}-entry-target",
            target_group_arn=group.arn,
            target_id=self._args.application_arn,
            port=PORT,
            opts=self.child(),
        )
        self._pass_on("entry", PORT, group)
        return group

    def _carry_grpc(self) -> tuple[dict[str, Output[str]], Output[str]]:
        groups = {colour: self._grpc_group(colour) for colour in COLOURS}
        listener = self._pass_on("grpc", GRPC_PORT, groups["blue"], rolled_out=True)
        return {colour: group.arn for colour, group in groups.items()}, listener.arn

    def _grpc_group(self, colour: str) -> aws.lb.TargetGroup:
        return aws.lb.TargetGroup(
            f"{self.name}-catalogue-{colour}",
            name=named(self._args.environment, f"catalogue-{colour}"),
            vpc_id=self._args.vpc_id,
            target_type="ip",
            port=GRPC_PORT,
            protocol="TCP",
            deregistration_delay=self._args.drain_s,
            # gRPC holds its connection open: when a target leaves, its clients must go to another one.
            connection_termination=True,
            # The catalogue sees the balancer's addresses, which its security group knows.
            preserve_client_ip="false",
            health_check={"protocol": "TCP", "interval": 10, "healthy_threshold": 2},
            opts=self.child(),
        )

    def _pass_on(
        self, part: str, port: int, group: aws.lb.TargetGroup, *, rolled_out: bool = False
    ) -> aws.lb.Listener:
        return aws.lb.Listener(
            f"{self.name}-{part}-listener",
            load_balancer_arn=self._network.arn,
            port=port,
            protocol="TCP",
            default_actions=[{"type": "forward", "target_group_arn": group.arn}],
            opts=pulumi.ResourceOptions(
                parent=self, ignore_changes=["defaultActions"] if rolled_out else None
            ),
        )
