"""One service of the agent on Fargate (RUN-19, RUN-20, NET-4): what a task is, and how a new one replaces it.

A rollout is ECS's own blue/green: the new tasks come up beside the old ones, take the traffic, and both stay
for the bake time; an alarm or a task that does not start turns it back. A service that is found by its name
in Cloud Map is rolled task by task instead: names cannot be shifted from one set of tasks to another. How
many tasks run belongs to `components.service_scaling` after the first `up`. A service without an image is
declared with no task.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components import grants
from components.alarms import Watch
from components.base import Component
from components.container import CONTAINER, PORT, container
from components.grants import Grant
from components.place import Place
from components.service_scaling import ServiceScaling, ServiceScalingArgs
from components.traffic import Traffic, may_shift
from components.workload_role import WorkloadRole, WorkloadRoleArgs
from contract.alarms import Alarm, Widget

# What people notice when tasks of a service are missing.
IMPACT: Mapping[str, str] = {
    "chat": "Conversations break off and reconnect; new ones may be refused.",
    "rest": "The REST fallback and the chat tickets answer slowly or not at all.",
    "tools": "The agent cannot look up, order or refund anything: answers become general.",
    "ingest": "New products and prices reach the search late.",
}


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What is special about one service. `registry_arn`: its name in Cloud Map.

    `variables` come on top of those all services have; `secrets`: variable -> ARN of a secret.
    """

    cpu: int
    memory_mb: int
    minimum: int
    maximum: int
    grants: Sequence[Grant] = ()
    variables: Mapping[str, Input[str]] = field(default_factory=dict)
    secrets: Mapping[str, Input[str]] = field(default_factory=dict)
    traffic: Traffic | None = None
    registry_arn: Input[str] | None = None

    def __post_init__(self) -> None:
        if self.traffic is not None and self.registry_arn is not None:
            raise ValueError(
                "a service is reached through a balancer or by its name, not both: rollouts differ"
            )


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What the services of a region share. `variables` are those of `runtime/__main__.py`."""

    environment: str
    place: Place
    cluster: str
    cluster_arn: Input[str]
    repository_arn: Input[str]
    image: Input[str]
    built: bool
    subnet_ids: Sequence[Input[str]]
    security_group_id: Input[str]
    variables: Mapping[str, Input[str]]
    rollback_alarms: Sequence[Input[str]]
    drain_s: float
    bake_minutes: int
    log_days: int
    log_key_arn: Input[str]
    shell: bool
    boundary: str | None


@dataclass(frozen=True, kw_only=True)
class AgentServiceArgs:
    """`workload` names the service: chat, rest, tools or ingest."""

    workload: str
    own: Workload
    ground: Ground


class AgentService(Component):
    """Task definition, service, roles, log group and scaling of one workload."""

    kind = "agent:Service"
    physical_name: str

    def __init__(self, name: str, args: AgentServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args, self._own, self._ground = args, args.own, args.ground
        self.physical_name = f"concierge-{args.ground.environment}-{args.workload}"
        self._logs = aws.cloudwatch.LogGroup(
            f"{name}-log",
            name=f"/concierge/{args.ground.environment}/{args.workload}",
            retention_in_days=args.ground.log_days,
            kms_key_id=args.ground.log_key_arn,
            opts=self.child(),
        )
        service = self._service(self._task())
        ServiceScaling(
            f"{name}-scaling",
            ServiceScalingArgs(
                cluster=args.ground.cluster,
                service=self.physical_name,
                service_id=service.id,
                minimum=self._own.minimum if args.ground.built else 0,
                maximum=self._own.maximum if args.ground.built else 0,
            ),
            self.child(),
        )
        self.register_outputs({"service": self.physical_name})

    def alarms(self) -> list[Watch]:
        """A task reports its CPU every minute: how many report is how many run. No task, no report."""
        if not self._ground.built:
            return []
        return [Watch(self._tasks_missing()), *(Watch(self._tight(word)) for word in ("cpu", "memory"))]

    def widgets(self) -> list[Widget]:
        return [
            Widget(
                title=f"{self._args.workload}: {word}",
                namespace="AWS/ECS",
                metric=metric,
                statistic="Average",
                dimensions=(self._dimensions,),
            )
            for word, metric in (("CPU %", "CPUUtilization"), ("memory %", "MemoryUtilization"))
        ]

    @property
    def _dimensions(self) -> dict[str, str]:
        return {"ClusterName": self._ground.cluster, "ServiceName": self.physical_name}

    def _tasks_missing(self) -> Alarm:
        return Alarm(
            id=f"{self._args.workload}-tasks-missing",
            namespace="AWS/ECS",
            metric="CPUUtilization",
            dimensions=self._dimensions,
            statistic="SampleCount",
            comparison="LessThanThreshold",
            threshold=self._own.minimum,
            datapoints=3,
            of=5,
            missing="breaching",
            severity="page",
            impact=IMPACT[self._args.workload],
            runbook="task-kill-storm",
        )

    def _tight(self, word: str) -> Alarm:
        """Scaling should have helped long before."""
        return Alarm(
            id=f"{self._args.workload}-{word}-high",
            namespace="AWS/ECS",
            metric="CPUUtilization" if word == "cpu" else "MemoryUtilization",
            dimensions=self._dimensions,
            statistic="Average",
            threshold=80,
            datapoints=10,
            of=10,
            missing="notBreaching",
            severity="ticket",
            impact=f"Little is left of {word}: {IMPACT[self._args.workload]}",
            runbook="event-scale-up",
        )

    def _task(self) -> aws.ecs.TaskDefinition:
        return aws.ecs.TaskDefinition(
            f"{self.name}-definition",
            family=self.physical_name,
            requires_compatibilities=["FARGATE"],
            network_mode="awsvpc",
            cpu=str(self._own.cpu),
            memory=str(self._own.memory_mb),
            # Left out, this silently means X86_64.
            runtime_platform={"cpu_architecture": "ARM64", "operating_system_family": "LINUX"},
            task_role_arn=self._task_role(),
            execution_role_arn=self._execution_role(),
            container_definitions=Output.json_dumps([self._container()]),
            opts=self.child(),
        )

    def _container(self) -> dict[str, Any]:
        ground = self._ground
        return container(
            service=self._args.workload,
            image=ground.image,
            variables={**ground.variables, **self._own.variables},
            secrets=self._own.secrets,
            log_group=self._logs.name,
            region=ground.place.region,
            drain_s=ground.drain_s,
            writable=ground.shell,
        )

    def _task_role(self) -> Output[str]:
        ground = self._ground
        allowed = [
            *self._own.grants,
            grants.protect_task(ground.place, ground.cluster, ground.cluster_arn),
            *([grants.exec_channel(ground.place)] if ground.shell else []),
        ]
        return self._role("task", allowed)

    def _execution_role(self) -> Output[str]:
        """What Fargate does before our code runs: the image, the secrets, the log."""
        secrets = [self._own.secrets[key] for key in sorted(self._own.secrets)]
        allowed = [
            *grants.pull_image(self._ground.place, self._ground.repository_arn),
            grants.write_logs(self._logs.arn),
            *([grants.read_secrets(secrets)] if secrets else []),
        ]
        return self._role("start", allowed)

    def _role(self, part: str, allowed: Sequence[Grant]) -> Output[str]:
        return WorkloadRole(
            f"{self.name}-{part}",
            WorkloadRoleArgs(
                environment=self._ground.environment,
                workload=f"{self._args.workload}-{part}",
                place=self._ground.place,
                host="ecs" if part == "traffic" else "task",
                grants=allowed,
                boundary=self._ground.boundary,
            ),
            self.child(),
        ).arn

    def _service(self, task: aws.ecs.TaskDefinition) -> aws.ecs.Service:
        ground, traffic, registry = self._ground, self._own.traffic, self._own.registry_arn
        named: aws.ecs.ServiceServiceRegistriesArgsDict | None = None
        if registry is not None:
            named = {"registry_arn": registry}
        return aws.ecs.Service(
            f"{self.name}-service",
            name=self.physical_name,
            cluster=ground.cluster_arn,
            task_definition=task.arn,
            desired_count=self._own.minimum if ground.built else 0,
            launch_type="FARGATE",
            network_configuration={
                "subnets": list(ground.subnet_ids),
                "security_groups": [ground.security_group_id],
                "assign_public_ip": False,
            },
            load_balancers=[self._balanced(traffic)] if traffic is not None else None,
            health_check_grace_period_seconds=60 if traffic is not None else None,
            service_registries=named,
            availability_zone_rebalancing="ENABLED",
            deployment_controller={"type": "ECS"},
            deployment_configuration=self._rollout(),
            deployment_circuit_breaker={"enable": True, "rollback": True},
            alarms={"enable": True, "rollback": True, "alarm_names": list(ground.rollback_alarms)},
            enable_execute_command=ground.shell,
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            # An `up` ends when the rollout has: a deploy that was turned back is a failed `up`.
            wait_for_steady_state=ground.built,
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=["desiredCount"],
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="60m"),
            ),
        )

    def _rollout(self) -> aws.ecs.ServiceDeploymentConfigurationArgsDict:
        if self._own.registry_arn is not None:
            return {"strategy": "ROLLING"}
        return {"strategy": "BLUE_GREEN", "bake_time_in_minutes": str(self._ground.bake_minutes)}

    def _balanced(self, traffic: Traffic) -> aws.ecs.ServiceLoadBalancerArgsDict:
        return {
            "target_group_arn": traffic.target_group_arn,
            "container_name": CONTAINER,
            "container_port": PORT,
            "advanced_configuration": {
                "alternate_target_group_arn": traffic.alternate_target_group_arn,
                "production_listener_rule": traffic.rule_arn,
                "test_listener_rule": traffic.test_rule_arn,
                "role_arn": self._role("traffic", may_shift(self._ground.place, traffic)),
            },
        }
