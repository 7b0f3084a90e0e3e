"""The VPC: subnets in three tiers, routes, NAT, locked defaults and flow logs (NET-1, NET-2).

Private subnets have no route to the internet but through NAT; isolated ones have none at all. Security
groups and endpoints are components of their own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components import addresses
from components.alarms import Watch
from components.base import Component
from contract.alarms import Alarm, Widget, graphs

ANYWHERE = "0.0.0.0/0"
# Packets in a minute. A healthy gateway loses none; single ones are lost when it moves.
MOST_DROPS = 100


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """`zones` are zone ids; the first one holds what exists only once."""

    cidr: str
    zones: Sequence[str]
    account_id: Input[str]
    offered_zones: Input[Sequence[str]]
    nat: Literal["none", "single", "per-az"]
    flow_log_days: int
    protect: bool
    boundary_arn: Input[str] | None = None


class Network(Component):
    """One VPC, its subnets by tier, and how they reach the world."""

    kind = "network:Network"
    vpc_id: Output[str]
    private_subnet_ids: list[Output[str]]
    isolated_subnet_ids: list[Output[str]]
    public_subnet_ids: list[Output[str]]
    private_route_table_ids: list[Output[str]]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        self._vpc = self._make_vpc()
        subnets = self._make_subnets()
        self._nats = self._make_nats(subnets["public"])
        self._route(subnets, self._nats)
        self._lock_defaults()
        self._guard_tiers(subnets)
        self._log_flows()

        self.vpc_id = self._vpc.id
        self.private_subnet_ids = [subnet.id for subnet in subnets["private"].values()]
        self.isolated_subnet_ids = [subnet.id for subnet in subnets["isolated"].values()]
        self.public_subnet_ids = [subnet.id for subnet in subnets["public"].values()]
        self.register_outputs({"vpc_id": self.vpc_id})

    def alarms(self) -> list[Watch]:
        """What can run out between our subnets and the world is NAT, in each zone by itself."""
        return [watch for zone, nat in self._nats.items() for watch in _watches(zone, nat.id)]

    def widgets(self) -> list[Widget]:
        shown = graphs(
            "AWS/NATGateway",
            {
                "NAT without ports": ("ErrorPortAllocation", "Sum"),
                "NAT packets lost": ("PacketsDropCount", "Sum"),
                "NAT bytes out": ("BytesOutToDestination", "Sum"),
                "NAT bytes in": ("BytesInFromDestination", "Sum"),
            },
            across=("NatGatewayId",),
        )
        flows = Widget(
            title="Flow log volume",
            namespace="AWS/Logs",
            metric="IncomingBytes",
            statistic="Sum",
            dimensions=({"LogGroupName": self._flow_group},),
        )
        return [*(shown if self._nats else []), flows]

    @property
    def _flow_group(self) -> str:
        """Named after the stack as well: two environments may share an account."""
        return f"/concierge/{pulumi.get_stack()}/{self.name}/flows"

    def _tags(self, part: str) -> dict[str, str]:
        """Only the name: the rest comes from the provider, once."""
        return {"Name": f"{self.name}-{part}"}

    def _make_vpc(self) -> aws.ec2.Vpc:
        return aws.ec2.Vpc(
            f"{self.name}-vpc",
            cidr_block=self._args.cidr,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags=self._tags("vpc"),
            opts=self.child(protect=self._args.protect),
        )

    def _make_subnets(self) -> dict[str, dict[str, aws.ec2.Subnet]]:
        blocks = addresses.allocate(self._args.cidr, self._args.zones)
        offered = Output.from_input(self._args.offered_zones)
        return {
            tier: {zone: self._make_subnet(tier, zone, block, offered) for zone, block in by_zone.items()}
            for tier, by_zone in blocks.items()
        }

    def _make_subnet(
        self, tier: str, zone: str, block: str, offered: Output[Sequence[str]]
    ) -> aws.ec2.Subnet:
        return aws.ec2.Subnet(
            f"{self.name}-{tier}-{zone}",
            vpc_id=self._vpc.id,
            cidr_block=block,
            availability_zone_id=offered.apply(lambda zones: _require_zone(zone, zones)),
            map_public_ip_on_launch=False,
            tags=self._tags(f"{tier}-{zone}"),
            opts=self.child(),
        )

    def _make_nats(self, public: Mapping[str, aws.ec2.Subnet]) -> dict[str, aws.ec2.NatGateway]:
        zones = {"none": [], "single": [*public][:1], "per-az": [*public]}[self._args.nat]
        gateway = aws.ec2.InternetGateway(
            f"{self.name}-internet", vpc_id=self._vpc.id, tags=self._tags("internet"), opts=self.child()
        )
        table = aws.ec2.RouteTable(
            f"{self.name}-public-table", vpc_id=self._vpc.id, tags=self._tags("public"), opts=self.child()
        )
        aws.ec2.Route(
            f"{self.name}-public-internet",
            route_table_id=table.id,
            destination_cidr_block=ANYWHERE,
            gateway_id=gateway.id,
            opts=self.child(),
        )
        self._associate("public", public, dict.fromkeys(public, table))
        return {zone: self._make_nat(zone, public[zone], gateway) for zone in zones}

    def _make_nat(
        self, zone: str, subnet: aws.ec2.Subnet, gateway: aws.ec2.InternetGateway
    ) -> aws.ec2.NatGateway:
        # Partners allow-list these addresses: losing one is an incident of its own.
        address = aws.ec2.Eip(
            f"{self.name}-nat-{zone}-ip",
            domain="vpc",
            tags=self._tags(f"nat-{zone}"),
            opts=self.child(protect=self._args.protect),
        )
        return aws.ec2.NatGateway(
            f"{self.name}-nat-{zone}",
            subnet_id=subnet.id,
            allocation_id=address.allocation_id,
            tags=self._tags(f"nat-{zone}"),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[gateway]),
        )

    def _route(
        self,
        subnets: Mapping[str, Mapping[str, aws.ec2.Subnet]],
        nats: Mapping[str, aws.ec2.NatGateway],
    ) -> None:
        """A private table for each zone even with one NAT, so that more NATs later move no association."""
        private = {
            zone: aws.ec2.RouteTable(
                f"{self.name}-private-{zone}-table",
                vpc_id=self._vpc.id,
                tags=self._tags(f"private-{zone}"),
                opts=self.child(),
            )
            for zone in subnets["private"]
        }
        for zone, table in private.items():
            nat = nats.get(zone) or next(iter(nats.values()), None)
            if nat is not None:
                aws.ec2.Route(
                    f"{self.name}-private-{zone}-nat",
                    route_table_id=table.id,
                    destination_cidr_block=ANYWHERE,
                    nat_gateway_id=nat.id,
                    opts=self.child(),
                )
        isolated = aws.ec2.RouteTable(
            f"{self.name}-isolated-table", vpc_id=self._vpc.id, tags=self._tags("isolated"), opts=self.child()
        )
        self._associate("private", subnets["private"], private)
        self._associate("isolated", subnets["isolated"], dict.fromkeys(subnets["isolated"], isolated))
        self.private_route_table_ids = [table.id for table in private.values()]

    def _associate(
        self,
        tier: str,
        subnets: Mapping[str, aws.ec2.Subnet],
        tables: Mapping[str, aws.ec2.RouteTable],
    ) -> None:
        for zone, subnet in subnets.items():
            aws.ec2.RouteTableAssociation(
                f"{self.name}-{tier}-{zone}-routes",
                subnet_id=subnet.id,
                route_table_id=tables[zone].id,
                opts=self.child(),
            )

    def _lock_defaults(self) -> None:
        """What AWS makes by itself allows everything; adopted without rules it allows nothing."""
        aws.ec2.DefaultSecurityGroup(
            f"{self.name}-default-group",
            vpc_id=self._vpc.id,
            ingress=[],
            egress=[],
            tags=self._tags("default-locked"),
            opts=self.child(),
        )
        aws.ec2.DefaultNetworkAcl(
            f"{self.name}-default-acl",
            default_network_acl_id=self._vpc.default_network_acl_id,
            ingress=[],
            egress=[],
            tags=self._tags("default-locked"),
            opts=self.child(),
        )

    def _guard_tiers(self, subnets: Mapping[str, Mapping[str, aws.ec2.Subnet]]) -> None:
        """One access list a tier. Replies from the internet come to high ports; isolated gets none."""
        inside = _allow(100, "-1", self._args.cidr)
        replies = _allow(110, "tcp", ANYWHERE, 1024, 65535)
        outside = _allow(100, "-1", ANYWHERE)
        rules: Mapping[str, tuple[list[Any], list[Any]]] = {
            "public": ([inside, replies], [outside]),
            "private": ([inside, replies], [outside]),
            "isolated": ([inside], [inside]),
        }
        for tier, (ingress, egress) in rules.items():
            aws.ec2.NetworkAcl(
                f"{self.name}-{tier}-acl",
                vpc_id=self._vpc.id,
                subnet_ids=[subnet.id for subnet in subnets[tier].values()],
                ingress=ingress,
                egress=egress,
                tags=self._tags(tier),
                opts=self.child(),
            )

    def _log_flows(self) -> None:
        group = aws.cloudwatch.LogGroup(
            f"{self.name}-flows",
            name=self._flow_group,
            retention_in_days=self._args.flow_log_days,
            opts=self.child(),
        )
        role = aws.iam.Role(
            f"{self.name}-flows-role",
            name_prefix=f"concierge-{pulumi.get_stack()}-flow-log-",
            assume_role_policy=Output.json_dumps(_flow_log_trust(self._args.account_id)),
            permissions_boundary=self._args.boundary_arn,
            opts=self.child(),
        )
        aws.iam.RolePolicy(
            f"{self.name}-flows-write",
            role=role.id,
            policy=Output.json_dumps(_flow_log_writes(group.arn)),
            opts=self.child(),
        )
        aws.ec2.FlowLog(
            f"{self.name}-flow-log",
            vpc_id=self._vpc.id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=60,
            tags=self._tags("flows"),
            opts=self.child(),
        )


def _watches(zone: str, nat_id: Input[str]) -> list[Watch]:
    ports = Alarm(
        id=f"nat-{zone}-ports",
        namespace="AWS/NATGateway",
        metric="ErrorPortAllocation",
        computed=("NatGatewayId",),
        statistic="Sum",
        threshold=0,
        datapoints=3,
        of=5,
        missing="notBreaching",
        severity="page",
        impact="Payments and carriers cannot be reached: too many connections leave through one address.",
        runbook="connection-drops",
    )
    drops = Alarm(
        id=f"nat-{zone}-drops",
        namespace="AWS/NATGateway",
        metric="PacketsDropCount",
        computed=("NatGatewayId",),
        statistic="Sum",
        threshold=MOST_DROPS,
        datapoints=3,
        of=5,
        missing="notBreaching",
        severity="ticket",
        impact=f"Calls to payments and carriers are slow or fail from zone {zone}: NAT loses packets.",
        runbook="az-loss",
    )
    return [Watch(alarm, {"NatGatewayId": nat_id}) for alarm in (ports, drops)]


def _require_zone(zone: str, offered: Sequence[str]) -> str:
    if zone not in offered:
        raise ValueError(f"zone {zone} is not offered to this account: it has {', '.join(sorted(offered))}")
    return zone


def _allow(number: int, protocol: str, cidr: str, low: int = 0, high: int = 0) -> dict[str, Any]:
    return {
        "rule_no": number,
        "action": "allow",
        "protocol": protocol,
        "cidr_block": cidr,
        "from_port": low,
        "to_port": high,
    }


def _flow_log_trust(account_id: Input[str]) -> dict[str, Any]:
    """Only the flow-log service, and only for this account's own logs."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
            }
        ],
    }


def _flow_log_writes(group_arn: Input[str]) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                "Resource": Output.concat(group_arn, ":*"),
            }
        ],
    }
