"""The machines for events as definitions: sound, allowed what they call and no more (MOD-3, RUN-17)."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from components import asl
from tests.components.event_estate_helpers import prime_day
from tests.components.event_run_helpers import definition
from tests.components.event_world_helpers import errors_of, operation

MACHINES = ("event-up", "event-down")


def tasks() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for kind in MACHINES:
        for name, state in definition(kind)["States"].items():
            if state["Type"] == "Task":
                yield kind, name, state


@pytest.mark.parametrize("kind", MACHINES)
def test_they_are_sound(kind: str):
    assert asl.problems(definition(kind)) == []


def taken(machine: Mapping[str, Any]) -> str:
    """What another reader of the language, moto's, makes of it."""
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        client = boto3.client("stepfunctions", region_name="us-east-1")
        answer = client.create_state_machine(
            name="it", definition=json.dumps(machine), roleArn="arn:aws:iam::123456789012:role/any"
        )
    return str(answer["stateMachineArn"])


@pytest.mark.parametrize("kind", MACHINES)
def test_another_reader_of_the_language_takes_them(kind: str):
    assert taken(definition(kind)).endswith("it")


def test_that_reader_refuses_what_is_no_state():
    machine = definition("event-up")
    machine["States"]["Failed"] = {"Type": "Give up"}
    with pytest.raises(ClientError, match="Give up"):
        taken(machine)


def test_errors_that_are_caught_or_tried_again_can_happen():
    for kind, name, state in tasks():
        resource = state["Resource"].removeprefix("arn:aws:states:::")
        named = {error for rule in (*state["Retry"], *state["Catch"]) for error in rule["ErrorEquals"]}
        assert {e for e in named if not e.startswith("States.")} <= errors_of(resource), (kind, name)


def test_each_machine_may_do_exactly_what_its_tasks_call():
    """RUN-17. Tagging is asked for by a creation with tags."""
    others = ("kms:", "logs:", "xray:", "bedrock:TagResource")
    for kind in MACHINES:
        policy = json.loads(prime_day().get(f"primary-events-{kind}-role-grants").inputs["policy"])
        allowed = {action for statement in policy["Statement"] for action in statement["Action"]}
        calls = {
            operation(state["Resource"].removeprefix("arn:aws:states:::"))
            for of, _, state in tasks()
            if of == kind
        }
        wanted = {f"{service}:{model.name}" for service, model in calls}
        assert {action for action in allowed if not action.startswith(others)} == wanted


def test_every_failure_ends_in_a_page():
    for kind in MACHINES:
        states = definition(kind)["States"]
        assert [name for name, state in states.items() if "Failed" in asl.exits(state)] == ["Page: failed"]
