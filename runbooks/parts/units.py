"""Provisioned units of Bedrock and the rungs that name them (MOD-2, MOD-3).

Units cannot be resized: more are a new throughput with a new ARN, published as a rung, and withdrawn before
it is deleted. Committed units cannot be deleted early.
"""

from collections.abc import Mapping
from typing import Any

from contract.rungs import folder
from runbooks.engine.aws import AwsError
from runbooks.engine.world import World

GET = "bedrock.get_provisioned_model_throughput"
PARAMETER = "ssm.get_parameter"
EXECUTIONS = "stepfunctions.list_executions"
START = "stepfunctions.start_execution"


def event(world: World) -> str:
    return world.given("event", "which event, as its name in the calendar with its digest")


def units_name(world: World) -> str:
    """What the machines call the units of an event."""
    return f"concierge-{world.environment}-{event(world)}"


def rung_parameter(world: World) -> str:
    return f"{folder(world.environment)}/{event(world)}"


def bought(world: World) -> Mapping[str, Any] | None:
    """The units of the event; None when there are none."""
    try:
        found: Mapping[str, Any] = world.aws.read(
            "bedrock", "get_provisioned_model_throughput", provisionedModelId=units_name(world)
        )
    except AwsError as error:
        if error.code == "ResourceNotFoundException":
            return None
        raise
    return found


def published(world: World) -> bool:
    """Whether the runtime knows the rung."""
    try:
        world.aws.read("ssm", "get_parameter", Name=rung_parameter(world))
    except AwsError as error:
        if error.code == "ParameterNotFound":
            return False
        raise
    return True


def running(world: World, machine: str) -> bool:
    """Whether that machine is at work."""
    found = world.aws.read(
        "stepfunctions",
        "list_executions",
        stateMachineArn=world.named("machines", machine),
        statusFilter="RUNNING",
    )
    return bool(found["executions"])
