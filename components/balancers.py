"""The internal application balancer (NET-4): public services are told apart here, and rolled out here.

It has a blue and a green target group and a pair of listener rules for each service: ECS shifts a rollout
between them by changing the rules, so Pulumi leaves the rules' actions alone (RUN-20). REST requests come
straight from API Gateway's link; WebSocket messages by way of `components.network_balancer`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Watch
from components.base import Component
from contract.alarms import Alarm, Severity, Widget, graphs

NAMESPACE = "AWS/ApplicationELB"
# The same port with and without a certificate: security groups say the same in every environment.
PORT = 443
SERVICE_PORT = 8080
HEALTH_PATH = "/ping"
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
# A request with this header reaches what a rollout is about to switch to.
TEST_HEADER = "X-Concierge-Rollout"
COLOURS = ("blue", "green")
LONGEST_NAME = 32

Condition = aws.lb.ListenerRuleConditionArgsDict


@dataclass(frozen=True, slots=True)
class Route:
    """A public service, the paths that lead to it, and the place of its rules in the listener."""

    service: str
    paths: Sequence[str]
    priority: int


ROUTES: Sequence[Route] = (
    Route("chat", ("/ws/*",), 20),
    Route("rest", ("/v1/*",), 30),
)


@dataclass(frozen=True, kw_only=True)
class BalancersArgs:
    """`certificate_arn`: without one the listener speaks plain HTTP, inside the VPC, for development only.

    `drain_s` is how long a task may finish its streams: no target is cut off earlier.
    """

    environment: str
    vpc_id: Input[str]
    subnet_ids: Sequence[Input[str]]
    edge_group_id: Input[str]
    certificate_arn: Input[str] | None
    log_bucket: Input[str] | None
    drain_s: int
    protect: bool


@dataclass(frozen=True)
class Rollout:
    """What an ECS service needs for its blue/green deployment."""

    target_groups: Mapping[str, Output[str]]
    production_rule: Output[str]
    test_rule: Output[str]


class Balancers(Component):
    """The application balancer, its listener, and two target groups a service."""

    kind = "network:Balancers"
    arn: Output[str]
    listening_arn: Output[str]
    rollouts: Mapping[str, Rollout]

    def __init__(self, name: str, args: BalancersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        self._application = self._make_application()
        listener = self._listen()
        self.rollouts = {route.service: self._route(route, listener) for route in ROUTES}
        self.arn = self._application.arn
        # Whoever hands over the balancer as a target has to wait until it listens.
        self.listening_arn = Output.all(self._application.arn, listener.arn).apply(lambda both: str(both[0]))
        self.register_outputs({"arn": self.arn})

    def alarms(self) -> list[Watch]:
        """The balancer's own 5xx means no healthy task; its targets' 5xx is the service's own alarm."""
        return [
            self._alarm(
                "balancer-5xx",
                "HTTPCode_ELB_5XX_Count",
                "page",
                "Messages get no answer: the balancer finds no task that takes them.",
                "task-kill-storm",
            ),
            self._alarm(
                "balancer-connect-errors",
                "TargetConnectionErrorCount",
                "ticket",
                "Some messages wait for a second try: tasks refuse connections.",
                "connection-drops",
            ),
        ]

    def widgets(self) -> list[Widget]:
        return graphs(
            NAMESPACE,
            {
                "Balancer requests": ("RequestCount", "Sum"),
                "Balancer 5xx of its own": ("HTTPCode_ELB_5XX_Count", "Sum"),
                "Balancer 5xx of services": ("HTTPCode_Target_5XX_Count", "Sum"),
                "Time to answer, services": ("TargetResponseTime", "p95"),
            },
            across=("LoadBalancer",),
        )

    def _alarm(self, id_: str, metric: str, severity: Severity, impact: str, runbook: str) -> Watch:
        return Watch(
            Alarm(
                id=id_,
                namespace=NAMESPACE,
                metric=metric,
                computed=("LoadBalancer",),
                statistic="Sum",
                threshold=20,
                datapoints=3,
                of=5,
                missing="notBreaching",
                severity=severity,
                impact=impact,
                runbook=runbook,
            ),
            {"LoadBalancer": self._application.arn_suffix},
        )

    def _make_application(self) -> aws.lb.LoadBalancer:
        args = self._args
        logs: aws.lb.LoadBalancerAccessLogsArgsDict | None = None
        if args.log_bucket is not None:
            logs = {"bucket": args.log_bucket, "prefix": "application", "enabled": True}
        return aws.lb.LoadBalancer(
            f"{self.name}-application",
            name=named(self._args.environment, "application"),
            internal=True,
            load_balancer_type="application",
            subnets=list(args.subnet_ids),
            security_groups=[args.edge_group_id],
            drop_invalid_header_fields=True,
            desync_mitigation_mode="strictest",
            enable_deletion_protection=args.protect,
            # Longer than API Gateway ever waits (29 s): the balancer must not be the one that gives up.
            idle_timeout=60,
            access_logs=logs,
            opts=self.child(protect=args.protect),
        )

    def _listen(self) -> aws.lb.Listener:
        secure = self._args.certificate_arn is not None
        listener = aws.lb.Listener(
            f"{self.name}-listener",
            load_balancer_arn=self._application.arn,
            port=PORT,
            protocol="HTTPS" if secure else "HTTP",
            ssl_policy=TLS_POLICY if secure else None,
            certificate_arn=self._args.certificate_arn,
            default_actions=[_say("404", "no such path")],
            opts=self.child(),
        )
        aws.lb.ListenerRule(
            f"{self.name}-alive",
            listener_arn=listener.arn,
            priority=1,
            # For the network balancer: says that this balancer works, whatever the services do.
            conditions=[{"path_pattern": {"values": [HEALTH_PATH]}}],
            actions=[_say("200", "alive")],
            opts=self.child(),
        )
        return listener

    def _route(self, route: Route, listener: aws.lb.Listener) -> Rollout:
        groups = {colour: self._http_group(route.service, colour) for colour in COLOURS}
        paths: Condition = {"path_pattern": {"values": list(route.paths)}}
        test: Condition = {"http_header": {"http_header_name": TEST_HEADER, "values": ["test"]}}
        production_rule = self._rule(route.service, listener, route.priority, [paths], groups["blue"])
        test_rule = self._rule(
            f"{route.service}-test", listener, route.priority - 1, [paths, test], groups["green"]
        )
        return Rollout(
            {colour: group.arn for colour, group in groups.items()}, production_rule.arn, test_rule.arn
        )

    def _rule(
        self,
        part: str,
        listener: aws.lb.Listener,
        priority: int,
        conditions: list[Condition],
        group: aws.lb.TargetGroup,
    ) -> aws.lb.ListenerRule:
        return aws.lb.ListenerRule(
            f"{self.name}-{part}-rule",
            listener_arn=listener.arn,
            priority=priority,
            conditions=conditions,
            actions=[{"type": "forward", "forward": {"target_groups": [{"arn": group.arn, "weight": 100}]}}],
            # A rollout shifts weights; an `up` in between must not shift them back.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["actions"]),
        )

    def _http_group(self, service: str, colour: str) -> aws.lb.TargetGroup:
        return aws.lb.TargetGroup(
            f"{self.name}-{service}-{colour}",
            name=named(self._args.environment, f"{service}-{colour}"),
            vpc_id=self._args.vpc_id,
            target_type="ip",
            port=SERVICE_PORT,
            protocol="HTTP",
            protocol_version="HTTP1",
            deregistration_delay=self._args.drain_s,
            # Tasks hold streams of very different length: who has least under way is next.
            load_balancing_algorithm_type="least_outstanding_requests",
            health_check={
                "path": HEALTH_PATH,
                "matcher": "200",
                "interval": 10,
                "timeout": 5,
                "healthy_threshold": 2,
                "unhealthy_threshold": 3,
            },
            opts=self.child(),
        )


def named(environment: str, part: str) -> str:
    """The physical name of a balancer or target group."""
    name = f"concierge-{environment}-{part}"
    if len(name) > LONGEST_NAME:
        raise ValueError(
            f"{name} has {len(name)} characters, a balancer's name takes {LONGEST_NAME}: "
            "choose a shorter environment name"
        )
    return name


def _say(status: str, text: str) -> aws.lb.ListenerDefaultActionArgsDict:
    return {
        "type": "fixed-response",
        "fixed_response": {"content_type": "text/plain", "message_body": text, "status_code": status},
    }
