"""Locust as a fleet (LOAD-4): one master and many workers on Fargate, only while somebody asks for it.

The same files as on one machine. Workers run on spot capacity: a run that loses one is invalid and says so,
and starts again for a fraction of the price. The master does not: it holds the results. Workers find it by
its name in Cloud Map. Its web page is reached through `aws ecs execute-command` and a forwarded port, never
over a network: nobody outside has a way in. A cluster of their own: the agent's figures stay the agent's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components import grants
from components.alarms import Watch
from components.base import Component
from components.grants import Grant
from components.place import Place
from components.private_bucket import Keeping, PrivateBucket, PrivateBucketArgs, through_s3
from components.workload_role import WorkloadRole, WorkloadRoleArgs
from contract.alarms import Widget

Part = Literal["master", "worker"]
NAME = "load-master"  # in Cloud Map
WORKERS_PORT, PAGE_PORT = 5557, 8089
FILES = 65_536  # a user is an open socket
USER = "10001:10001"
RESULTS_DAYS = 90
_MASTER = Path(__file__).with_name("load_master.sh")


@dataclass(frozen=True, kw_only=True)
class LoadFleetArgs:
    """`image` by digest. `target`: the door that is loaded. `namespace_id`, `domain`: of `ServiceNames`."""

    environment: str
    place: Place
    image: Input[str]
    repository_arn: Input[str]
    workers: int
    worker_cpu: int
    worker_memory_mb: int
    scenario: str
    target: Input[str]
    namespace_id: Input[str]
    domain: str
    subnet_ids: Sequence[Input[str]]
    security_group_id: Input[str]
    bucket_key_arn: Input[str]
    access_log_bucket: Input[str]
    log_days: int
    log_key_arn: Input[str]
    boundary: str | None


class LoadFleet(Component):
    """Cluster, two services, the master's name, and the bucket of results."""

    kind = "load:Fleet"
    cluster: str
    results: Output[str]

    def __init__(self, name: str, args: LoadFleetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        self.cluster = f"concierge-{args.environment}-load"
        self._bucket = self._results()
        self.results = self._bucket.bucket
        cluster = aws.ecs.Cluster(
            f"{name}-cluster",
            name=self.cluster,
            settings=[{"name": "containerInsights", "value": "disabled"}],
            opts=self.child(),
        )
        capacity = aws.ecs.ClusterCapacityProviders(
            f"{name}-capacity",
            cluster_name=cluster.name,
            capacity_providers=["FARGATE", "FARGATE_SPOT"],
            opts=self.child(),
        )
        self._service("master", cluster, capacity, count=1)
        self._service("worker", cluster, capacity, count=args.workers)
        self.register_outputs({"cluster": cluster.name, "results": self.results})

    def alarms(self) -> list[Watch]:
        """None: a person watches a load test, and a lost worker ends it with a verdict of its own."""
        return []

    def widgets(self) -> list[Widget]:
        both = tuple(
            {"ClusterName": self.cluster, "ServiceName": self._physical(part)}
            for part in ("master", "worker")
        )
        return [
            Widget(
                title="Load fleet: CPU %, above 80 the generator itself is late",
                namespace="AWS/ECS",
                metric="CPUUtilization",
                statistic="Maximum",
                dimensions=both,
            )
        ]

    def _physical(self, part: str) -> str:
        return f"concierge-{self._args.environment}-load-{part}"

    def _results(self) -> PrivateBucket:
        args = self._args
        return PrivateBucket(
            f"{self.name}-results",
            PrivateBucketArgs(
                bucket=Output.concat(
                    f"concierge-{args.environment}-load-results-{args.place.region}-", args.place.account_id
                ),
                key_arn=args.bucket_key_arn,
                log_to=args.access_log_bucket,
                keeping=[Keeping(expire=RESULTS_DAYS)],
                # The fleet goes when the test is over, and so may its results: they were read by then.
                protect=False,
            ),
            self.child(),
        )

    def _service(
        self,
        part: Part,
        cluster: aws.ecs.Cluster,
        capacity: aws.ecs.ClusterCapacityProviders,
        *,
        count: int,
    ) -> None:
        args = self._args
        named: aws.ecs.ServiceServiceRegistriesArgsDict | None = None
        if part == "master":
            named = {"registry_arn": self._register().arn}
        aws.ecs.Service(
            f"{self.name}-{part}",
            name=self._physical(part),
            cluster=cluster.arn,
            task_definition=self._task(part).arn,
            desired_count=count,
            capacity_provider_strategies=[
                {"capacity_provider": "FARGATE" if part == "master" else "FARGATE_SPOT", "weight": 1}
            ],
            network_configuration={
                "subnets": list(args.subnet_ids),
                "security_groups": [args.security_group_id],
                "assign_public_ip": False,
            },
            service_registries=named,
            # The page is reached this way, and only the page.
            enable_execute_command=part == "master",
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            opts=pulumi.ResourceOptions(parent=self, depends_on=[capacity]),
        )

    def _register(self) -> aws.servicediscovery.Service:
        return aws.servicediscovery.Service(
            f"{self.name}-name",
            name=NAME,
            description="Master of the load fleet; workers ask for it.",
            dns_config={
                "namespace_id": self._args.namespace_id,
                "dns_records": [{"type": "A", "ttl": 10}],
                "routing_policy": "MULTIVALUE",
            },
            health_check_custom_config={"failure_threshold": 1},
            opts=self.child(),
        )

    def _task(self, part: Part) -> aws.ecs.TaskDefinition:
        args = self._args
        log = aws.cloudwatch.LogGroup(
            f"{self.name}-{part}-log",
            name=f"/concierge/{args.environment}/load/{part}",
            retention_in_days=args.log_days,
            kms_key_id=args.log_key_arn,
            opts=self.child(),
        )
        start = [*grants.pull_image(args.place, args.repository_arn), grants.write_logs(log.arn)]
        return aws.ecs.TaskDefinition(
            f"{self.name}-{part}-definition",
            family=self._physical(part),
            requires_compatibilities=["FARGATE"],
            network_mode="awsvpc",
            cpu=str(args.worker_cpu),
            memory=str(args.worker_memory_mb),
            runtime_platform={"cpu_architecture": "ARM64", "operating_system_family": "LINUX"},
            task_role_arn=self._role(f"{part}-task", self._allowed(part)),
            execution_role_arn=self._role(f"{part}-start", start),
            container_definitions=Output.json_dumps([self._container(part, log)]),
            opts=self.child(),
        )

    def _role(self, part: str, allowed: Sequence[Grant]) -> Output[str]:
        args = self._args
        return WorkloadRole(
            f"{self.name}-{part}",
            WorkloadRoleArgs(
                environment=args.environment,
                workload=f"load-{part}",
                place=args.place,
                host="task",
                grants=allowed,
                boundary=args.boundary,
            ),
            self.child(),
        ).arn

    def _allowed(self, part: Part) -> list[Grant]:
        """The master keeps the results and can be talked to. A worker calls nothing in AWS at all."""
        if part == "worker":
            return []
        args = self._args
        return [
            Grant("KeepResults", ["s3:PutObject"], [Output.concat(self._bucket.arn, "/*")]),
            Grant(
                "SealResults",
                ["kms:GenerateDataKey"],
                [args.bucket_key_arn],
                through_s3(args.place.region, self._bucket.arn),
            ),
            grants.exec_channel(args.place),
        ]

    def _container(self, part: Part, log: aws.cloudwatch.LogGroup) -> dict[str, Any]:
        master = part == "master"
        return {
            "name": "locust",
            "image": self._args.image,
            "essential": True,
            "command": self._command(part),
            "user": USER,
            # The agent of `execute-command` writes to the file system; a worker has none of it.
            "readonlyRootFilesystem": not master,
            "linuxParameters": {"initProcessEnabled": True, "capabilities": {"drop": ["ALL"]}},
            # The page listens to the task itself only, where the forwarded port ends.
            "portMappings": [{"containerPort": WORKERS_PORT, "protocol": "tcp"}] if master else [],
            "ulimits": [{"name": "nofile", "softLimit": FILES, "hardLimit": FILES}],
            "stopTimeout": 120,
            "environment": [
                {"name": name, "value": value} for name, value in sorted(self._variables(part).items())
            ],
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {
                    "awslogs-group": log.name,
                    "awslogs-region": self._args.place.region,
                    "awslogs-stream-prefix": part,
                    "mode": "non-blocking",
                    "max-buffer-size": "25m",
                },
            },
        }

    def _command(self, part: Part) -> list[str]:
        if part == "master":
            return ["sh", "-c", _MASTER.read_text(encoding="utf-8")]
        master = f"{NAME}.{self._args.domain}"
        line = (
            f"locust -f loadtests/prime_day.py --worker --master-host {master} --master-port {WORKERS_PORT}"
        )
        return line.split()

    def _variables(self, part: Part) -> Mapping[str, Input[str]]:
        shared = {"LOCUST_HOST": self._args.target, "CONCIERGE_LOAD_SCENARIO": self._args.scenario}
        if part == "worker":
            return shared
        return {
            **shared,
            "PAGE_PORT": str(PAGE_PORT),
            "RESULTS": self.results,
            "WORKERS": str(self._args.workers),
            "WORKERS_PORT": str(WORKERS_PORT),
        }
