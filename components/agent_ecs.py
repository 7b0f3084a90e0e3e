"""The agent on ECS Fargate (RUN-19, NET-4): one image as several services, each rolled out and scaled alone.

The cluster is only a name and its insights. What turns a rollout back is shared: the share of messages that
got no answer, which every service has a part in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Watch
from components.base import Component
from components.event_watch import Event, EventWatch, EventWatchArgs
from components.place import Place
from components.service import AgentService, AgentServiceArgs, Ground, Workload
from contract.alarms import Alarm, Widget
from contract.consumers import FRESH_DAYS
from contract.metrics import ENVIRONMENT, NAMESPACE

ERRORS_ABOVE = 0.01  # OPS-1: the share of failed messages that pages


@dataclass(frozen=True, kw_only=True)
class AgentEcsArgs:
    """`services`: workload -> what is special about it; the rest is the same for all of them."""

    environment: str
    place: Place
    services: Mapping[str, Workload]
    repository_arn: Input[str]
    repository_name: str
    image: Input[str]
    built: bool
    subnet_ids: Sequence[Input[str]]
    security_group_id: Input[str]
    variables: Mapping[str, Input[str]]
    drain_s: float
    bake_minutes: int
    insights: Literal["disabled", "enabled", "enhanced"]
    log_days: int
    log_key_arn: Input[str]
    shell: bool
    boundary: str | None


class AgentEcs(Component):
    """Cluster, services, and the watch over rollouts and images."""

    kind = "agent:Ecs"
    cluster_arn: Output[str]
    cluster_name: str
    services: dict[str, AgentService]

    def __init__(self, name: str, args: AgentEcsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        self.cluster_name = f"concierge-{args.environment}"
        cluster = aws.ecs.Cluster(
            f"{name}-cluster",
            name=self.cluster_name,
            settings=[{"name": "containerInsights", "value": args.insights}],
            opts=self.child(),
        )
        aws.ecs.ClusterCapacityProviders(
            f"{name}-capacity",
            cluster_name=cluster.name,
            capacity_providers=["FARGATE"],
            opts=self.child(),
        )
        self.cluster_arn = cluster.arn
        ground = self._ground(cluster)
        self.services = {
            workload: AgentService(
                f"{name}-{workload}",
                AgentServiceArgs(workload=workload, own=own, ground=ground),
                self.child(),
            )
            for workload, own in args.services.items()
        }
        self._events = EventWatch(
            f"{name}-events",
            EventWatchArgs(
                environment=args.environment,
                place=args.place,
                topic="agent",
                events=[_failed_deploy(args.place, self.cluster_name), _bad_image(args.repository_name)],
                key_arn=args.log_key_arn,
                log_days=args.log_days,
            ),
            self.child(),
        )
        self.register_outputs({"cluster": cluster.name, "services": list(args.services)})

    def alarms(self) -> list[Watch]:
        return [
            *(watch for service in self.services.values() for watch in service.alarms()),
            *self._events.alarms(),
            *([_stale_contracts()] if self._args.built else []),
        ]

    def widgets(self) -> list[Widget]:
        return [widget for service in self.services.values() for widget in service.widgets()]

    def _ground(self, cluster: aws.ecs.Cluster) -> Ground:
        args = self._args
        return Ground(
            environment=args.environment,
            place=args.place,
            cluster=self.cluster_name,
            cluster_arn=cluster.arn,
            repository_arn=args.repository_arn,
            image=args.image,
            built=args.built,
            subnet_ids=args.subnet_ids,
            security_group_id=args.security_group_id,
            variables=args.variables,
            rollback_alarms=[self._rollback_alarm().name],
            drain_s=args.drain_s,
            bake_minutes=args.bake_minutes,
            log_days=args.log_days,
            log_key_arn=args.log_key_arn,
            shell=args.shell,
            boundary=args.boundary,
        )

    def _rollback_alarm(self) -> aws.cloudwatch.MetricAlarm:
        """Only ECS listens to it, and only during a rollout; people are paged by the SLO's own alarms."""
        return aws.cloudwatch.MetricAlarm(
            f"{self.name}-rollback",
            name=f"concierge-{self._args.environment}-deploy-errors",
            alarm_description="Turns a rollout back: messages get no answer. Do: concierge runbook run "
            f"deploy-rollback --stack {self._args.environment}",
            namespace=NAMESPACE,
            metric_name="Failed",
            dimensions={ENVIRONMENT: self._args.environment},
            statistic="Average",
            comparison_operator="GreaterThanThreshold",
            threshold=ERRORS_ABOVE,
            period=60,
            datapoints_to_alarm=2,
            evaluation_periods=3,
            treat_missing_data="notBreaching",
            tags={"Runbook": "deploy-rollback"},
            opts=self.child(),
        )


def _failed_deploy(place: Place, cluster: str) -> Event:
    return Event(
        id="deploy-failed",
        pattern={
            "source": ["aws.ecs"],
            "detail-type": ["ECS Deployment State Change"],
            "resources": [{"prefix": place.arn("ecs", f"service/{cluster}/")}],
            "detail": {"eventName": ["SERVICE_DEPLOYMENT_FAILED"]},
        },
        severity="page",
        impact="A rollout was turned back: the version before it serves, what it should have mended is not.",
        runbook="deploy-rollback",
    )


def _bad_image(repository: str) -> Event:
    """Both kinds of scan end in an event with counts; neither has a metric."""
    return Event(
        id="image-findings",
        pattern={
            "source": ["aws.ecr", "aws.inspector2"],
            "detail-type": ["ECR Image Scan", "Inspector2 Scan"],
            # The one names the repository, the other gives its ARN.
            "detail": {
                "repository-name": [repository, {"suffix": f"/{repository}"}],
                "finding-severity-counts": {"CRITICAL": [{"numeric": [">", 0]}]},
            },
        },
        severity="ticket",
        impact="An image of the agent has a critical vulnerability that is publicly known.",
        runbook="deploy-rollback",
    )


def _stale_contracts() -> Watch:
    """The runtime tells the age of the contracts it was built with, wherever it runs."""
    return Watch(
        Alarm(
            id="contracts-stale",
            metric="ContractAge",
            statistic="Maximum",
            threshold=FRESH_DAYS,
            period_s=3_600,
            datapoints=1,
            of=1,
            missing="ignore",
            severity="ticket",
            impact="A provider may have changed what the agent relies on, and nobody has looked for a week.",
            runbook="stale-contracts",
        )
    )
