"""Runs the machines of the plan with what its schedules hand to them."""

import json
from typing import Any

from tests.components.asl_helpers import Execution
from tests.components.event_estate_helpers import PRIME_DAY, prime_day
from tests.components.event_world_helpers import EventWorld

KEY = PRIME_DAY.key


def definition(kind: str) -> dict[str, Any]:
    machine: dict[str, Any] = json.loads(prime_day().get(f"primary-events-{kind}").inputs["definition"])
    return machine


def call_of(purpose: str) -> dict[str, Any]:
    """What the schedule hands to StartExecution."""
    schedule = prime_day().get(f"primary-events-{KEY}-{purpose}")
    call: dict[str, Any] = json.loads(schedule.inputs["target"]["input"])
    return call


def started(purpose: str, world: EventWorld) -> Execution:
    call = call_of(purpose)
    kind = call["StateMachineArn"].removeprefix(
        "arn:aws:states:us-east-1:123456789012:stateMachine:concierge-shop-"
    )
    return Execution(definition(kind), json.loads(call["Input"]), world, world.clock)


def run(purpose: str, world: EventWorld) -> Execution:
    return started(purpose, world).run()
