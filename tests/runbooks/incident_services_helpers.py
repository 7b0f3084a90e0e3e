"""Incidents of our services: the tools they call, their tasks and what is deployed."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from contract.logs import LOOP_STOPPED, PROVIDER_FAILED
from tests.runbooks.estate_parts_helpers import (
    deployment,
    ecs,
    least_tasks,
    revision,
    roll_out,
    run_tasks,
    sagemaker,
)
from tests.runbooks.place_helpers import Incident, Place, Said, Shown


def _began(place: Place, name: str) -> str:
    """The deployment that serves when the incident begins."""
    return str(place.memory.setdefault(f"deployment {name}", deployment(place, name)))


def _pricing(place: Place) -> Iterable[Said]:
    """Other providers fail now and then; pricing fails until the connections to it are new."""
    yield Said("chat", PROVIDER_FAILED, "shipping", 3)
    if place.broken and deployment(place, "chat") == _began(place, "chat"):
        yield Said("chat", PROVIDER_FAILED, "pricing", 60)


def _catalogue(place: Place) -> Iterable[Said]:
    yield Said("tools", PROVIDER_FAILED, "pricing", 3)
    if place.broken and least_tasks(place, "tools") < 8:
        yield Said("tools", PROVIDER_FAILED, "catalogue", 45)


def _loops(place: Place) -> Iterable[Said]:
    yield Said("chat", LOOP_STOPPED, "search", 2)
    if place.broken and deployment(place, "tools") == _began(place, "tools"):
        yield Said("chat", LOOP_STOPPED, "inventory", 15)


def _old_tasks(place: Place) -> None:
    """Tasks are hours old when the incident begins."""
    from moto.ecs.models import ecs_backends

    for service in ecs_backends["123456789012"]["us-east-1"].services.values():
        deployments: list[dict[str, Any]] = service.deployments
        for one in deployments:
            one["createdAt"] -= timedelta(hours=5)
            one["updatedAt"] -= timedelta(hours=5)


def _errors(place: Place) -> Shown:
    """Messages fail while the second revision serves."""
    return {"Failed all": 0.08 if revision(place, "chat") == "2" else 0.001}


def _roll(place: Place) -> None:
    _old_tasks(place)
    roll_out(place, "chat")


def _tasks_die(place: Place) -> None:
    _old_tasks(place)
    run_tasks(place, "rest", 0)


def _tasks_come(place: Place) -> None:
    """Scaling starts tasks once it must."""
    if place.broken and least_tasks(place, "rest") >= 6:
        run_tasks(place, "rest", 6)


INCIDENTS = (
    Incident(runbook="pricing-down", says=_pricing, stands=(ecs,), breaks=_old_tasks, reversible=False),
    Incident(runbook="catalogue-slow", says=_catalogue, stands=(ecs,)),
    Incident(runbook="agent-loop", says=_loops, stands=(ecs,), breaks=_old_tasks, reversible=False),
    Incident(runbook="deploy-rollback", shows=_errors, stands=(ecs, sagemaker), breaks=_roll),
    Incident(
        runbook="task-kill-storm",
        stands=(ecs,),
        breaks=_tasks_die,
        passes=_tasks_come,
        reversible=False,
    ),
)
