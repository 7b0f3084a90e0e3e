"""The agent's chat service as ECS runs it: whatever revision the service names is what answers at the door.

moto keeps the service and its task definitions, but runs no tasks. So here somebody looks what the service
names, starts that revision, sends new connections to it once it is ready, and lets the one before drain. A
rollout and a rollback are the same AWS calls as anywhere.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contract.inventory import RegionInventory
from rehearsal.agent import agent
from rehearsal.door import Door
from rehearsal.processes import Process, ProcessError, Processes

SERVICE, VARIABLE = "chat", "CONCIERGE_SETTINGS"
_IMAGE = "concierge/agent"
_CPU, _MEMORY = "256", "512"


@dataclass
class Rollouts:
    """`tend` again and again, from the main thread: only that may start programs."""

    ecs: Any
    ssm: Any
    names: RegionInventory
    processes: Processes
    environment: str
    variables: Mapping[str, str]
    speed: float
    tell: Callable[[str, str], None]
    follow: Callable[[Process], None]
    door: Door
    live: Process
    due: Sequence[tuple[float, str]] = ()  # second of the story, settings of the new revision
    revision: str = ""
    _next: tuple[str, Process] | None = None
    _left: list[Process] = field(default_factory=list)
    _count: int = 1

    def begin(self) -> None:
        """The service as it was deployed long ago: the revision that is live."""
        self.ecs.create_cluster(clusterName=self._cluster)
        self.revision = self._register(self.names.parameters["settings"])
        for name in self.names.services.values():
            family = self.revision if name == self._service else self._register("", name)
            self.ecs.create_service(
                cluster=self._cluster, serviceName=name, taskDefinition=family, desiredCount=1
            )

    def roll_out(self, settings: str) -> None:
        """A new revision with other settings, as a pipeline would."""
        self._count += 1
        parameter = f"{self.names.parameters['settings']}-{self._count}"
        self.ssm.put_parameter(Name=parameter, Value=settings, Type="String", Overwrite=True)
        revision = self._register(parameter)
        self.ecs.update_service(cluster=self._cluster, service=self._service, taskDefinition=revision)
        self.tell("rollout", f"service {self._service} is to run {_short(revision)}")

    def tend(self, second: float = 0.0) -> None:
        """One look: what is due by then, and whatever ECS wants run."""
        for at_s, settings in self.due[self._count - 1 :]:
            if at_s <= second:
                self.roll_out(settings)
        if self._next is not None:
            self._take_over(*self._next)
            return
        wanted = self.ecs.describe_services(cluster=self._cluster, services=[self._service])
        revision = str(wanted["services"][0]["taskDefinition"])
        if revision != self.revision:
            name = f"runtime-{len(self._left) + self._count}-{revision.rpartition(':')[2]}"
            process = agent(
                self.processes,
                self.environment,
                {**self.variables, VARIABLE: self._settings_of(revision)},
                name=name,
                speed=self.speed,
            )
            self._next = revision, process

    @property
    def programs(self) -> list[Process]:
        """Those that may end: they were asked to, or are not live yet."""
        return [*self._left, *([self._next[1]] if self._next else [])]

    def _take_over(self, revision: str, process: Process) -> None:
        ready = process.said_ready()
        if ready is None:
            if not process.running:
                self._next = None
                raise ProcessError(f"revision {_short(revision)} did not start: see {process.err}")
            return
        self.follow(process)
        self.door.target = str(ready["url"])
        before, self.live = self.live, process
        self._left.append(before)
        before.ask_to_stop()
        self.revision, self._next = revision, None
        self.tell("rollout", f"{_short(revision)} is live; the one before drains")

    def _register(self, parameter: str, service: str | None = None) -> str:
        container = {
            "name": "agent",
            "image": f"{_IMAGE}:{self._count}",
            "environment": [{"name": VARIABLE, "value": parameter}],
        }
        made = self.ecs.register_task_definition(
            family=service or self._service,
            containerDefinitions=[container],
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu=_CPU,
            memory=_MEMORY,
        )
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def _settings_of(self, revision: str) -> str:
        found = self.ecs.describe_task_definition(taskDefinition=revision)
        (container,) = found["taskDefinition"]["containerDefinitions"]
        return next(str(pair["value"]) for pair in container["environment"] if pair["name"] == VARIABLE)

    @property
    def _cluster(self) -> str:
        return self.names.clusters["agent"]

    @property
    def _service(self) -> str:
        return self.names.services[SERVICE]


def _short(revision: str) -> str:
    return revision.rpartition("/")[2]
