"""Names and failover (NET-7): what people type, and which region answers behind the edge.

Two names lead to the gateways, each with a record for the primary and one for the standby. Route 53 decides
between them by health checks, in its own data plane: failing over needs no call to AWS by anybody.

A region is healthy when two things hold: its synthetic conversations succeed (the alarm `canary-region`), and
its gateway answers from outside (`/v1/ping` over HTTPS). When an alarm has no data its last word stands: a
canary that does not run must not move customers, and a region that is really lost does not answer /v1/ping.
Should both regions be unhealthy, Route 53 sends everybody to the primary.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Watch
from components.base import Component
from components.gateway_names import Alias
from contract.alarms import Alarm, Widget, graphs

FAILOVER = {"primary": "PRIMARY", "standby": "SECONDARY"}
_UNHEALTHY = {
    "primary": "The primary region does not serve: customers are being sent to the standby.",
    "standby": "The standby region does not serve: should the primary fail, nobody answers.",
}


@dataclass(frozen=True, kw_only=True)
class Stand:
    """A region as DNS sees it. `door`: the REST API's own host; `alarm`: name of the canary's alarm there."""

    region: str
    ws: Alias
    rest: Alias
    door: Input[str]
    alarm: Input[str] | None


@dataclass(frozen=True, kw_only=True)
class DnsArgs:
    """`stands`: role -> region; with one region there is nothing to fail over to, and no health check."""

    zone_id: str
    domain: str
    distribution_domain: Input[str]
    distribution_zone: Input[str]
    stands: Mapping[str, Stand]


class Dns(Component):
    """The public name, and the failover records of the two origin names."""

    kind = "edge:Dns"
    health_checks: Mapping[str, Output[str]]

    def __init__(self, name: str, args: DnsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        self._point_at_edge()
        several = len(args.stands) > 1
        self.health_checks = (
            {role: self._check(role, stand) for role, stand in args.stands.items()} if several else {}
        )
        for role, stand in args.stands.items():
            for part, alias in (("ws", stand.ws), ("rest", stand.rest)):
                self._origin(part, role, alias)
        self.register_outputs({"domain": args.domain})

    def alarms(self) -> list[Watch]:
        """Of metrics that exist in us-east-1 only. With one region there is no check, and no alarm."""
        return [
            Watch(
                Alarm(
                    id=f"dns-{role}-unhealthy",
                    namespace="AWS/Route53",
                    metric="HealthCheckStatus",
                    computed=("HealthCheckId",),
                    statistic="Minimum",
                    comparison="LessThanThreshold",
                    threshold=1,
                    datapoints=3,
                    of=3,
                    missing="breaching",
                    severity="page",
                    impact=_UNHEALTHY[role],
                    runbook="region-failover",
                ),
                {"HealthCheckId": check},
            )
            for role, check in self.health_checks.items()
        ]

    def widgets(self) -> list[Widget]:
        if not self.health_checks:
            return []
        return graphs(
            "AWS/Route53", {"Regions healthy": ("HealthCheckStatus", "Minimum")}, across=("HealthCheckId",)
        )

    def _point_at_edge(self) -> None:
        args = self._args
        for kind in ("A", "AAAA"):
            aws.route53.Record(
                f"{self.name}-public-{kind.lower()}",
                zone_id=args.zone_id,
                name=args.domain,
                type=kind,
                aliases=[
                    {
                        "name": args.distribution_domain,
                        "zone_id": args.distribution_zone,
                        "evaluate_target_health": False,
                    }
                ],
                opts=self.child(),
            )

    def _origin(self, part: str, role: str, alias: Alias) -> None:
        failing_over = role in self.health_checks
        aws.route53.Record(
            f"{self.name}-{part}-{role}",
            zone_id=self._args.zone_id,
            name=alias.name,
            type="A",
            aliases=[{"name": alias.target, "zone_id": alias.zone_id, "evaluate_target_health": False}],
            set_identifier=role if failing_over else None,
            failover_routing_policies=[{"type": FAILOVER[role]}] if failing_over else None,
            health_check_id=self.health_checks.get(role),
            opts=self.child(),
        )

    def _check(self, role: str, stand: Stand) -> Output[str]:
        parts = [self._answers(role, stand)]
        if stand.alarm is not None:
            parts.append(self._converses(role, stand.region, stand.alarm))
        return aws.route53.HealthCheck(
            f"{self.name}-{role}-healthy",
            type="CALCULATED",
            child_healthchecks=parts,
            child_health_threshold=len(parts),  # all of them
            tags={"Name": f"{self.name}-{role}-healthy"},
            opts=self.child(),
        ).id

    def _answers(self, role: str, stand: Stand) -> Output[str]:
        return aws.route53.HealthCheck(
            f"{self.name}-{role}-answers",
            type="HTTPS",
            fqdn=stand.door,
            port=443,
            resource_path="/v1/ping",
            enable_sni=True,
            request_interval=30,
            failure_threshold=3,
            measure_latency=True,
            tags={"Name": f"{self.name}-{role}-answers"},
            opts=self.child(),
        ).id

    def _converses(self, role: str, region: str, alarm: Input[str]) -> Output[str]:
        return aws.route53.HealthCheck(
            f"{self.name}-{role}-converses",
            type="CLOUDWATCH_METRIC",
            cloudwatch_alarm_name=alarm,
            cloudwatch_alarm_region=region,
            insufficient_data_health_status="LastKnownStatus",
            tags={"Name": f"{self.name}-{role}-converses"},
            opts=self.child(),
        ).id
