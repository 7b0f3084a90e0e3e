"""The calendar as schedules, and what may act on it (MOD-3, RUN-17)."""

import json
from dataclasses import replace
from typing import Any

import pytest

from plan import Options, Plan
from tests.components.data_helpers import ACCOUNT, Check, each, replaced, statements, unnoticed
from tests.components.event_estate_helpers import (
    BOUNDARY,
    LOGS_KEY,
    MODEL,
    NOTICES_KEY,
    PRIME_DAY,
    TOPICS,
    prime_day,
)

KEY = PRIME_DAY.key
ROLES = {
    kind: f"arn:aws:iam::{ACCOUNT}:role/concierge-shop-us-east-1-{kind}"
    for kind in ("event-up", "event-down", "event-schedules")
}
MACHINES = {
    kind: f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:concierge-shop-{kind}"
    for kind in ("event-up", "event-down")
}
GROUP = f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule-group/concierge-shop-events"
LETTERS = f"arn:aws:sqs:us-east-1:{ACCOUNT}:concierge-shop-event-dead-letters"
UNITS = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:provisioned-model/*"
RUNGS = f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/concierge/shop/rungs/*"
TAGS = {"Stack": "shop", "ManagedBy": "event-capacity"}
# What a schedule is for -> (when, which machine)
TIMES = {
    "up-48h": ("2027-07-11T07:00:00", "event-up"),
    "up-24h": ("2027-07-12T07:00:00", "event-up"),
    "up-6h": ("2027-07-13T01:00:00", "event-up"),
    "up-1h": ("2027-07-13T06:00:00", "event-up"),
    "down": ("2027-07-14T10:00:00", "event-down"),
    "sweep-12h": ("2027-07-14T22:00:00", "event-down"),
    "sweep-22h": ("2027-07-15T08:00:00", "event-down"),
}


def schedule(plan: Plan, purpose: str) -> dict[str, Any]:
    return dict(plan.get(f"primary-events-{KEY}-{purpose}").inputs)


def said(plan: Plan, purpose: str) -> dict[str, Any]:
    call: dict[str, Any] = json.loads(schedule(plan, purpose)["target"]["input"])
    return call


def units_come_48_hours_before_and_go_within_24_after(plan: Plan) -> None:
    assert len(plan.of_type("scheduler.Schedule")) == len(TIMES)
    for purpose, (at, machine) in TIMES.items():
        found = schedule(plan, purpose)
        assert found["scheduleExpression"] == f"at({at})"
        assert found["scheduleExpressionTimezone"] == "UTC"
        assert found["flexibleTimeWindow"] == {"mode": "OFF"}
        assert (found["name"], found["groupName"]) == (f"{KEY}-{purpose}", "concierge-shop-events")
        assert said(plan, purpose)["StateMachineArn"] == MACHINES[machine]


def an_execution_is_started_once_by_its_name(plan: Plan) -> None:
    """Only the universal target takes a name; StartExecution with a name is idempotent."""
    for purpose in TIMES:
        assert schedule(plan, purpose)["target"]["arn"] == "arn:aws:scheduler:::aws-sdk:sfn:startExecution"
        assert said(plan, purpose)["Name"] == f"{KEY}-{purpose}"
        assert len(said(plan, purpose)["Name"]) <= 64


def what_cannot_be_started_is_tried_again_and_kept(plan: Plan) -> None:
    for purpose, (_, machine) in TIMES.items():
        target = schedule(plan, purpose)["target"]
        assert target["roleArn"] == ROLES["event-schedules"]
        assert target["retryPolicy"]["maximumRetryAttempts"] == 30
        hours = 1 if machine == "event-up" else 6
        assert target["retryPolicy"]["maximumEventAgeInSeconds"] == hours * 3_600
        assert target["deadLetterConfig"] == {"arn": LETTERS}
    (letters,) = each(plan, "sqs.Queue")
    assert letters.inputs["name"] == "concierge-shop-event-dead-letters"
    assert letters.inputs["kmsMasterKeyId"] == NOTICES_KEY
    assert letters.inputs["messageRetentionSeconds"] == 14 * 86_400


def units_are_taken_down_even_when_the_calendar_forgets_them(plan: Plan) -> None:
    for purpose, (_, machine) in TIMES.items():
        options = plan.get(f"primary-events-{KEY}-{purpose}").options
        assert options.retain_on_delete == (machine == "event-down")
    (group,) = each(plan, "scheduler.ScheduleGroup")
    assert group.inputs["name"] == "concierge-shop-events"
    assert group.options.protect, "with its group every schedule goes"


def the_machines_keep_logs_without_data_and_traces(plan: Plan) -> None:
    for kind, arn in MACHINES.items():
        machine = plan.get(f"primary-events-{kind}").inputs
        assert machine["name"] == arn.rsplit(":", 1)[1]
        assert machine["type"] == "STANDARD", "an express machine ends after five minutes"
        assert machine["roleArn"] == ROLES[kind]
        assert machine["tracingConfiguration"] == {"enabled": True}
        log = f"/aws/vendedlogs/states/concierge-shop-{kind}"
        assert machine["loggingConfiguration"] == {
            "level": "ALL",
            "includeExecutionData": False,
            "logDestination": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{log}:*",
        }
        group = plan.get(f"primary-events-{kind}-log").inputs
        assert (group["name"], group["kmsKeyId"], group["retentionInDays"]) == (log, LOGS_KEY, 90)


def the_machines_tell_the_topics(plan: Plan) -> None:
    for kind in MACHINES:
        states = json.loads(plan.get(f"primary-events-{kind}").inputs["definition"])["States"]
        told = {
            s["Parameters"]["TopicArn"] for s in states.values() if s.get("Resource", "").endswith("publish")
        }
        assert told == set(TOPICS.values())


def each_role_serves_one_service_for_what_is_ours(plan: Plan) -> None:
    for kind, arn in ROLES.items():
        role = plan.get(f"primary-events-{kind}-role-role")
        assert role.inputs["name"] == arn.rsplit("/", 1)[1]
        assert role.inputs["permissionsBoundary"] == BOUNDARY
        (trust,) = statements(role, "assumeRolePolicy").values()
        service = "scheduler" if kind == "event-schedules" else "states"
        assert trust["Principal"] == {"Service": f"{service}.amazonaws.com"}
        assert trust["Condition"] == {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceArn": [MACHINES.get(kind, GROUP)]},
        }


def granted(plan: Plan, kind: str) -> dict[str, dict[str, Any]]:
    resource = plan.get(f"primary-events-{kind}-role-grants")
    assert resource.inputs["role"] == ROLES[kind].rsplit("/", 1)[1]
    return statements(resource)


def tagged(key: str) -> dict[str, Any]:
    return {"StringEquals": {f"aws:{key}/{tag}": value for tag, value in TAGS.items()}}


def only_listed_models_are_bought_and_only_with_tags(plan: Plan) -> None:
    may = granted(plan, "event-up")
    model = f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}"
    assert may["BuyUnits"]["Resource"] == [model, f"{model}:*"]
    assert may["BuyUnits"]["Action"] == ["bedrock:CreateProvisionedModelThroughput"]
    assert may["TagUnits"]["Resource"] == [UNITS]
    assert may["BuyUnits"]["Condition"] == may["TagUnits"]["Condition"] == tagged("RequestTag")
    assert may["PublishRungs"]["Action"] == ["ssm:GetParameter", "ssm:PutParameter"]
    assert may["PublishRungs"]["Resource"] == [RUNGS]


def only_what_was_bought_for_events_is_deleted(plan: Plan) -> None:
    may = granted(plan, "event-down")
    assert may["DeleteUnits"] == {
        "Sid": "DeleteUnits",
        "Effect": "Allow",
        "Action": ["bedrock:DeleteProvisionedModelThroughput"],
        "Resource": [UNITS],
        "Condition": tagged("ResourceTag"),
    }
    assert may["WithdrawRungs"]["Action"] == ["ssm:DeleteParameter", "ssm:GetParameter"]
    assert may["WithdrawRungs"]["Resource"] == [RUNGS]


def who_buys_cannot_delete_and_who_deletes_cannot_buy(plan: Plan) -> None:
    for kind, never in (("event-up", "Delete"), ("event-down", "Create")):
        actions = {action for grant in granted(plan, kind).values() for action in grant["Action"]}
        assert not [a for a in actions if never in a and not a.startswith("logs:")]


def the_rest_is_as_narrow_as_it_can_be(plan: Plan) -> None:
    """What takes no ARN is fenced by the region."""
    here = {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}
    for kind in MACHINES:
        may = granted(plan, kind)
        assert may["LookAtUnits"]["Resource"] == [UNITS]
        assert may["LookAtUnits"]["Action"] == ["bedrock:GetProvisionedModelThroughput"]
        assert sorted(may["Tell"]["Resource"]) == sorted(TOPICS.values())
        assert may["Tell"]["Action"] == ["sns:Publish"]
        assert may["DeliverLogs"]["Condition"] == may["Trace"]["Condition"] == here
        uses_key(may["UseKey"], "sns")
        wide = [sid for sid, grant in may.items() if "*" in grant["Resource"]]
        assert sorted(wide) == ["DeliverLogs", "Trace"]


def the_scheduler_may_start_the_two_machines_only(plan: Plan) -> None:
    may = granted(plan, "event-schedules")
    assert set(may) == {"StartMachines", "KeepDeadLetters", "UseKey"}
    assert may["StartMachines"]["Action"] == ["states:StartExecution"]
    assert sorted(may["StartMachines"]["Resource"]) == sorted(MACHINES.values())
    assert may["KeepDeadLetters"]["Action"] == ["sqs:SendMessage"]
    assert may["KeepDeadLetters"]["Resource"] == [LETTERS]
    uses_key(may["UseKey"], "sqs")


def uses_key(grant: dict[str, Any], service: str) -> None:
    assert grant["Resource"] == [NOTICES_KEY]
    assert grant["Condition"] == {"StringEquals": {"kms:ViaService": [f"{service}.us-east-1.amazonaws.com"]}}


CHECKS: tuple[Check, ...] = (
    units_come_48_hours_before_and_go_within_24_after,
    an_execution_is_started_once_by_its_name,
    what_cannot_be_started_is_tried_again_and_kept,
    units_are_taken_down_even_when_the_calendar_forgets_them,
    the_machines_keep_logs_without_data_and_traces,
    the_machines_tell_the_topics,
    each_role_serves_one_service_for_what_is_ours,
    only_listed_models_are_bought_and_only_with_tags,
    only_what_was_bought_for_events_is_deleted,
    who_buys_cannot_delete_and_who_deletes_cannot_buy,
    the_rest_is_as_narrow_as_it_can_be,
    the_scheduler_may_start_the_two_machines_only,
)


@pytest.mark.parametrize("check", CHECKS)
def test_the_calendar_of_one_event(check: Check):
    check(prime_day())


def test_every_missing_input_is_noticed():
    assert unnoticed(prime_day(), CHECKS) == []


def loosen(name: str, key: str, old: str, new: str) -> Plan:
    """The plan with a text replaced in one input of one resource."""
    plan = prime_day()
    resource = plan.get(f"primary-events-{name}")
    text = json.dumps(resource.inputs[key])
    assert old in text, f"{name} has no {old} in {key}"
    changed = {**resource.inputs, key: json.loads(text.replace(old, new))}
    return replaced(plan, resource, replace(resource, inputs=changed))


@pytest.mark.parametrize(
    ("name", "key", "old", "new"),
    [
        ("event-up-role-grants", "policy", f"foundation-model/{MODEL}", "foundation-model/*"),
        ("event-up-role-grants", "policy", "aws:RequestTag/Stack", "aws:RequestTag/Any"),
        ("event-up-role-grants", "policy", "rungs/*", "*"),
        ("event-up-role-grants", "policy", "ssm:GetParameter", "ssm:DeleteParameter"),
        ("event-down-role-grants", "policy", "aws:ResourceTag/ManagedBy", "aws:ResourceTag/Any"),
        ("event-down-role-grants", "policy", "rungs/*", "controls"),
        ("event-down-role-grants", "policy", "ssm:GetParameter", "bedrock:CreateProvisionedModelThroughput"),
        ("event-schedules-role-grants", "policy", "stateMachine:concierge-shop-event-up", "stateMachine:*"),
        ("event-schedules-role-grants", "policy", "kms:ViaService", "kms:CallerAccount"),
        ("event-up-role-role", "assumeRolePolicy", ACCOUNT, "*"),
        ("event-schedules-role-role", "assumeRolePolicy", "scheduler.amazonaws.com", "events.amazonaws.com"),
        ("event-up", "loggingConfiguration", "false", "true"),
        ("event-down", "tracingConfiguration", "true", "false"),
        (f"{KEY}-down", "target", LETTERS, f"{LETTERS}-other"),
    ],
)
def test_what_is_loosened_is_found(name: str, key: str, old: str, new: str):
    with pytest.raises(AssertionError):
        for check in CHECKS:
            check(loosen(name, key, old, new))


def test_a_schedule_that_would_go_with_the_calendar_is_found():
    plan = prime_day()
    down = plan.get(f"primary-events-{KEY}-down")
    with pytest.raises(AssertionError):
        units_are_taken_down_even_when_the_calendar_forgets_them(
            replaced(plan, down, replace(down, options=Options()))
        )
