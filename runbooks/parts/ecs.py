"""The agent's services on ECS: how many tasks run, why others stopped, and what can be done about it."""

from collections.abc import Mapping
from typing import Any

from runbooks.engine.places import services
from runbooks.engine.shape import Call, Finding, calling
from runbooks.engine.steps import Once, Subjects, Switch
from runbooks.engine.watch import Watch
from runbooks.engine.world import World

DESCRIBE = "ecs.describe_services"
BOUNDS = "application-autoscaling.describe_scalable_targets"


def cpu(*names: str, limit: float = 85) -> Watch:
    return Watch(
        what=f"CPU of {', '.join(names) or 'the services'}",
        namespace="AWS/ECS",
        metric="CPUUtilization",
        of=services(*names),
        statistic="Average",
        limit=limit,
        unit=" %",
    )


def described(world: World) -> Mapping[str, Mapping[str, Any]]:
    """Our name -> the service as ECS describes it."""
    named = world.all("services")
    answer = world.aws.read(
        "ecs",
        "describe_services",
        cluster=world.named("clusters", "agent"),
        services=list(named.values()),
    )
    by_name = {service["serviceName"]: service for service in answer["services"]}
    return {name: by_name[physical] for name, physical in named.items() if physical in by_name}


@calling(DESCRIBE)
def tasks_missing(world: World) -> Finding:
    """Do fewer tasks run than should?"""
    found = described(world)
    short = {
        name: f"{service['runningCount']} of {service['desiredCount']}"
        for name, service in found.items()
        if service["runningCount"] < service["desiredCount"]
    }
    if not found:
        return Finding(what="ECS knows none of the services", cause=None)
    words = ", ".join(f"{name} {count}" for name, count in short.items())
    return Finding(
        what=f"tasks run: {words}" if short else "all tasks run",
        evidence=dict(short),
        cause=bool(short),
        subjects=tuple(short),
    )


def resource(world: World, name: str) -> str:
    return f"service/{world.named('clusters', 'agent')}/{world.named('services', name)}"


def bounds(world: World, name: str) -> Mapping[str, Any]:
    """The scaling bounds of a service."""
    targets = world.aws.read(
        "application-autoscaling",
        "describe_scalable_targets",
        ServiceNamespace="ecs",
        ResourceIds=[resource(world, name)],
    )["ScalableTargets"]
    return dict(targets[0]) if targets else {"MinCapacity": 0, "MaxCapacity": 0}


def at_least(tasks: int, subjects: Subjects, why: str) -> Switch:
    """Scaling keeps at least so many tasks; never fewer than before, never more than the upper bound."""

    def wanted(world: World, name: str, present: str) -> str:
        return str(max(int(present), min(tasks, int(bounds(world, name)["MaxCapacity"]))))

    def call(world: World, name: str, state: str) -> Call:
        request = {
            "ServiceNamespace": "ecs",
            "ResourceId": resource(world, name),
            "ScalableDimension": "ecs:service:DesiredCount",
            "MinCapacity": int(state),
        }
        return Call(service="application-autoscaling", operation="register_scalable_target", request=request)

    return Switch(
        name="raise the least number of tasks",
        effect=why,
        subjects=subjects,
        present=lambda world, name: str(bounds(world, name)["MinCapacity"]),
        wanted=wanted,
        call=call,
        calls=(BOUNDS, "application-autoscaling.register_scalable_target"),
        unit=" tasks",
        keep=lambda _, name, state: f"concierge:agent services.{name}.minimum: {state}",
    )


def start_anew(subjects: Subjects, why: str) -> Once:
    """A new deployment of the same revision: every task is replaced, a few at a time."""

    def call(world: World, name: str) -> Call:
        request = {
            "cluster": world.named("clusters", "agent"),
            "service": world.named("services", name),
            "forceNewDeployment": True,
        }
        return Call(service="ecs", operation="update_service", request=request)

    def done(world: World, name: str) -> bool:
        """Tasks are young already."""
        newest = max((d["createdAt"] for d in described(world)[name]["deployments"]), default=None)
        return newest is not None and (world.clock.now() - newest).total_seconds() < 600

    return Once(
        name="start the tasks anew",
        effect=why,
        subjects=subjects,
        done=done,
        call=call,
        calls=(DESCRIBE, "ecs.update_service"),
        after="a new deployment of the same revision",
        no_undo="nothing to undo: the same revision runs",
    )
