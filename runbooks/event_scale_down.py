"""Event capacity has to be gone within a day (MOD-3): withdraw the rung, drain it, delete the units.

The calendar does this by itself; this is for when its machine failed or an event ended early. The rung is
always withdrawn before its units are deleted: the machine does both, in that order, and may be started again.
"""

import json
from collections.abc import Mapping
from datetime import datetime

from runbooks.engine import About, Alarmed, Call, Decision, Finding, Once, Runbook, Verify, World, calling
from runbooks.engine.steps import this
from runbooks.parts.units import (
    EXECUTIONS,
    GET,
    PARAMETER,
    START,
    bought,
    event,
    published,
    rung_parameter,
    running,
    units_name,
)  # fmt: skip

ID = "event-scale-down"
MACHINE = "event-down"
DRAIN_S = 300


@calling(GET, PARAMETER)
def left(world: World) -> Finding:
    """What is left of the event?"""
    found, told = bought(world), published(world)
    parts = []
    if told:
        parts.append("the rung")
    if found:
        parts.append(f"{found['modelUnits']} units ({found['status']})")
    return Finding(
        what=f"left of {event(world)}: {' and '.join(parts) or 'nothing'}",
        evidence={"units": float(found["modelUnits"]) if found else 0.0, "published": str(told)},
        cause=bool(parts),
    )


@calling(GET)
def committed(world: World) -> Finding:
    """Are the units committed? Those cannot be deleted early."""
    found = bought(world)
    term = str(found.get("commitmentDuration") or "by the hour") if found else "none"
    return Finding(what=f"units are bought {term}", cause=term not in {"by the hour", "none"})


@calling(EXECUTIONS)
def at_work(world: World) -> Finding:
    """Is the machine at work already?"""
    busy = running(world, MACHINE)
    return Finding(what=f"{MACHINE} is {'running' if busy else 'not running'}", cause=busy)


def over(world: World) -> Finding:
    """Is the event over, as the operator says?"""
    ends = datetime.fromisoformat(world.given("until", "when it ended, ISO 8601 with zone"))
    past = ends <= world.clock.now()
    return Finding(what=f"the event {'ended' if past else 'ends'} {ends:%Y-%m-%d %H:%M %Z}", cause=not past)


def decide(findings: Mapping[str, Finding]) -> Decision:
    """Start the machine when something is left of an event that is over."""
    rest, when, busy, term = (findings[name] for name in ("left", "over", "machine", "committed"))
    if rest.cause is None:
        return Decision(course="unclear", why=rest.what)
    if not rest.cause:
        return Decision(course="leave", why=rest.what)
    if when.cause or when.cause is None:
        return Decision(course="leave", why=f"{when.what}: it still needs what is left")
    if term.cause:
        return Decision(course="leave", why=f"{rest.what}; {term.what}: they end with their term")
    if busy.cause:
        return Decision(course="leave", why=f"{busy.what}: it drains for {DRAIN_S} s first")
    return Decision(course="act", why=f"{rest.what}; {when.what}")


def _start(world: World, _: str) -> Call:
    told = {
        "event": event(world),
        "name": units_name(world),
        "parameter": rung_parameter(world),
        "drain_s": DRAIN_S,
        "sweep": False,
    }
    request = {"stateMachineArn": world.named("machines", MACHINE), "input": json.dumps(told, sort_keys=True)}
    return Call(service="stepfunctions", operation="start_execution", request=request)


def _gone(world: World, _: str) -> bool:
    return running(world, MACHINE) or not (published(world) or bought(world))


RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="none, but units cost by the hour",
        severity="ticket",
        budget_min=60,
        escalate="platform on-call; AWS Support when units stay in Deleting",
        inputs=(("event", "its key in the calendar"), ("until", "when it ended, ISO 8601 with zone")),
    ),
    diagnose={
        "left": left,
        "over": over,
        "committed": committed,
        "machine": at_work,
        "alarms": Alarmed(ID),
    },
    decide=decide,
    mitigate=(
        Once(
            name="withdraw and delete units",
            effect="the runtime forgets the rung, five minutes later the units are deleted",
            subjects=this("units"),
            done=_gone,
            call=_start,
            calls=(EXECUTIONS, GET, PARAMETER, START),
            after="the machine is at work",
            no_undo="run event-scale-up: units cannot be brought back, only bought again",
        ),
    ),
    verify=Verify(
        what="units and rungs left of the event",
        within_s=3600,
        measure=calling(GET, PARAMETER)(
            lambda world, _: float(published(world)) + float(bought(world) is not None)
        ),
        better=lambda _, after: after == 0,
    ),
)
