"""Capacity has to be ready before a known event (MOD-3): units bought and published, tasks held ready.

The calendar does this by itself 48 h before. This is for when its machine failed, or an event was not in the
calendar. How many units: measured peak of tokens a minute, times the growth that is expected, by what a unit
carries (AWS says it when it grants them).
"""

import json
import math
from collections.abc import Mapping
from datetime import datetime, timedelta

from runbooks.engine import About, Alarmed, Call, Decision, Finding, Once, Runbook, Verify, World, calling
from runbooks.engine.places import models
from runbooks.engine.steps import this
from runbooks.engine.watch import METRICS, Watch
from runbooks.parts.ecs import at_least
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

ID = "event-scale-up"
MACHINE = "event-up"
MODEL = "sonnet"
TASKS = 20
INPUTS = (
    ("event", "its key in the calendar, such as prime-day-1a2b3c4d"),
    ("until", "when it ends, ISO 8601 with zone"),
    ("model_id", "the context variant that AWS granted units of"),
    ("unit_tpm", "tokens a minute that one unit carries"),
    ("growth", "peak of the event against today's, such as 3"),
)


def _tokens(kind: str) -> Watch:
    return Watch(
        what=f"{kind.lower()} tokens a minute",
        namespace="AWS/Bedrock",
        metric=f"{kind}TokenCount",
        of=models(MODEL),
        statistic="Sum",
        limit=math.inf,
        minutes=60,
    )


@calling(METRICS)
def demand(world: World) -> Finding:
    """How many units does the event need?"""
    parts = [_tokens(kind).measure(world, None) for kind in ("Input", "Output")]
    if None in parts:
        return Finding(what="no tokens were counted in the last hour: serve some traffic first", cause=None)
    peak = sum(part for part in parts if part is not None)
    growth = float(world.given("growth", "the peak of the event against today's"))
    unit = float(world.given("unit_tpm", "how many tokens a minute one unit carries"))
    units = max(1, math.ceil(peak * growth / unit))
    return Finding(
        what=f"peak {peak:,.0f} tokens a minute x {growth:g} / {unit:,.0f} a unit: {units} units",
        evidence={"peak": peak, "growth": growth, "a unit": unit, "units": units},
        cause=False,
    )


@calling(GET, PARAMETER)
def ready(world: World) -> Finding:
    """Are the units in service, and is their rung published?"""
    found, told = bought(world), published(world)
    state = str(found["status"]) if found else "not bought"
    return Finding(
        what=f"units of {event(world)}: {state}, rung {'published' if told else 'not published'}",
        evidence={"status": state, "published": str(told)},
        cause=not told,
    )


@calling(EXECUTIONS)
def at_work(world: World) -> Finding:
    """Is the machine at work already?"""
    busy = running(world, MACHINE)
    return Finding(what=f"{MACHINE} is {'running' if busy else 'not running'}", cause=busy)


def until(world: World) -> Finding:
    """Is the event still to come, or on?"""
    ends = datetime.fromisoformat(world.given("until", "when it ends"))
    over = ends <= world.clock.now()
    soon = ends - world.clock.now() < timedelta(days=10)
    words = "over" if over else f"ends {ends:%Y-%m-%d %H:%M %Z}"
    return Finding(what=f"the event is {words}", cause=over or not soon)


def decide(findings: Mapping[str, Finding]) -> Decision:
    """Start the machine when the rung is missing, the event is near, and nobody is at it."""
    state, when, busy, need = (findings[name] for name in ("ready", "until", "machine", "demand"))
    for one in (state, when, busy, need):
        if one.cause is None:
            return Decision(course="unclear", why=one.what)
    if when.cause:
        return Decision(course="leave", why=f"{when.what}: nothing is bought", see="event-scale-down")
    if not state.cause:
        return Decision(course="leave", why=state.what)
    if busy.cause:
        return Decision(course="leave", why=f"{busy.what}: units take 10 to 20 minutes")
    return Decision(course="act", why=f"{state.what}; {need.what}")


def _start(world: World, _: str) -> Call:
    told = {
        "event": event(world),
        "name": units_name(world),
        "parameter": rung_parameter(world),
        "model": MODEL,
        "model_id": world.given("model_id", "the context variant"),
        "units": int(float(world.findings["demand"].evidence["units"])),
        "why": world.why or "planned only",
        "until": world.given("until", "when it ends"),
    }
    request = {"stateMachineArn": world.named("machines", MACHINE), "input": json.dumps(told, sort_keys=True)}
    return Call(service="stepfunctions", operation="start_execution", request=request)


BUY = Once(
    name="buy and publish units",
    effect="in service in 10 to 20 minutes; paid by the hour until event-scale-down",
    subjects=this("units"),
    done=lambda world, _: published(world) or running(world, MACHINE),
    call=_start,
    calls=(EXECUTIONS, GET, PARAMETER, START),
    after="the machine is at work",
    no_undo="run event-scale-down: it withdraws the rung, then deletes the units",
)


@calling(PARAMETER)
def published_now(world: World, _: datetime | None) -> float | None:
    """1 once the runtime knows the rung."""
    return float(published(world))


RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="none yet: at the event, Sonnet would be throttled and answers come from Haiku",
        severity="planned",
        budget_min=45,
        escalate="platform on-call; a missing quota is a support case and takes days",
        inputs=INPUTS,
    ),
    diagnose={"demand": demand, "ready": ready, "machine": at_work, "until": until, "alarms": Alarmed(ID)},
    decide=decide,
    mitigate=(
        at_least(TASKS, lambda _: ("chat", "rest"), "the first minutes of the event need no scaling"),
        BUY,
    ),
    verify=Verify(
        what="rungs published for the event",
        within_s=2400,
        measure=published_now,
        better=lambda _, after: after >= 1,
    ),
    keep="concierge:events calendar: the event, so that the next one needs nobody",
)
