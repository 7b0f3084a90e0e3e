"""The agent on ECS: its alarms, and the cases that the plan of one day does not show."""

import json
import re
from functools import cache
from typing import Any

import pytest

from components.agent_ecs import AgentEcs
from components.alarms import Watch
from components.service import Workload
from contract.alarms import Widget
from plan import Plan, PlanError
from tests.components.agent_estate_helpers import (
    NAME_IN_CLOUD_MAP,
    TRAFFIC,
    ecs,
    planned,
    watches,
    whole,
)


@cache
def made(**changes: Any) -> Plan:
    return planned(lambda options: AgentEcs("ecs", ecs(**changes), options))


@cache
def alarms(*, built: bool = True) -> dict[str, Watch]:
    return watches(lambda options: AgentEcs("ecs", ecs(built=built), options).alarms())


def chat(found: Plan) -> dict[str, Any]:
    (only,) = json.loads(found.get("ecs-chat-definition").inputs["containerDefinitions"])
    return dict(only)


# Before the first image -----------------------------------------------------------------------------------


def test_without_an_image_everything_is_declared_and_nothing_started():
    before, after = made(built=False), made()
    assert [r.name for r in before.resources] == [r.name for r in after.resources]
    for workload in ("chat", "tools", "ingest"):
        assert before.get(f"ecs-{workload}-service").inputs["desiredCount"] == 0
        assert before.get(f"ecs-{workload}-service").inputs["waitForSteadyState"] is False
        bounds = before.get(f"ecs-{workload}-scaling-bounds").inputs
        assert (bounds["minCapacity"], bounds["maxCapacity"]) == (0, 0)


def test_without_an_image_nobody_is_paged_for_missing_tasks():
    assert set(alarms(built=False)) == {"deploy-failed", "image-findings"}


def test_stale_contracts_are_a_ticket_wherever_something_runs():
    stale = alarms()["contracts-stale"].alarm
    assert (stale.metric, stale.threshold, stale.severity) == ("ContractAge", 7, "ticket")
    assert stale.runbook == "stale-contracts"
    assert "contracts-stale" not in alarms(built=False)


# Alarms ---------------------------------------------------------------------------------------------------


def test_each_service_is_alarmed_alone():
    ids = {
        f"{w}-{what}"
        for w in ("chat", "tools", "ingest")
        for what in ("tasks-missing", "cpu-high", "memory-high")
    }
    assert set(alarms()) == {*ids, "deploy-failed", "image-findings", "contracts-stale"}


def test_fewer_tasks_than_the_least_page_even_when_none_is_left_to_say_so():
    alarm = alarms()["chat-tasks-missing"].alarm
    assert (alarm.comparison, alarm.threshold, alarm.missing) == ("LessThanThreshold", 2, "breaching")
    assert (alarm.statistic, alarm.severity, alarm.runbook) == ("SampleCount", "page", "task-kill-storm")


def test_above_four_fifths_of_cpu_or_memory_somebody_looks_by_daylight():
    for alarm in (alarms()["chat-cpu-high"].alarm, alarms()["chat-memory-high"].alarm):
        assert (alarm.comparison, alarm.threshold) == ("GreaterThanThreshold", 80)
        assert alarm.severity == "ticket"


def test_a_failed_rollout_leads_to_its_runbook():
    alarm = alarms()["deploy-failed"].alarm
    assert (alarm.severity, alarm.runbook, alarm.threshold) == ("page", "deploy-rollback", 0)
    rule = made().get("ecs-events-deploy-failed").inputs["name"]
    assert alarm.dimensions == {"RuleName": rule}


def test_the_dashboard_shows_what_every_service_uses():
    shown: list[Widget] = []
    planned(lambda options: shown.extend(AgentEcs("ecs", ecs(), options).widgets()))
    assert {widget.title for widget in shown} == {
        f"{workload}: {what} %" for workload in ("chat", "tools", "ingest") for what in ("CPU", "memory")
    }


# A shell, and draining ------------------------------------------------------------------------------------


def test_a_shell_is_a_decision_and_costs_the_read_only_file_system():
    """The agent that carries the shell writes into the container."""
    opened = made(shell=True)
    assert opened.get("ecs-chat-service").inputs["enableExecuteCommand"] is True
    assert chat(opened)["readonlyRootFilesystem"] is False
    assert "ssmmessages:OpenDataChannel" in opened.get("ecs-chat-task-grants").inputs["policy"]
    closed = whole()
    assert "ssmmessages" not in closed.get("ecs-chat-task-grants").inputs["policy"]


def test_a_request_longer_than_fargate_waits_stops_the_plan():
    with pytest.raises(PlanError, match=re.escape("set runtime.request_s to at most 110")):
        made(drain_s=111.0)
    assert chat(made(drain_s=110.0))["stopTimeout"] == 120


def test_a_service_is_reached_in_one_way():
    with pytest.raises(ValueError, match="through a balancer or by its name, not both"):
        Workload(
            cpu=256, memory_mb=512, minimum=1, maximum=2, traffic=TRAFFIC, registry_arn=NAME_IN_CLOUD_MAP
        )


def test_a_new_image_changes_task_definitions_and_nothing_else():
    before, after = made(), made(image="registry.example/agent@sha256:" + "5a" * 32)
    changed = {r.name for r, s in zip(before.resources, after.resources, strict=True) if r.inputs != s.inputs}
    assert changed == {"ecs-chat-definition", "ecs-tools-definition", "ecs-ingest-definition"}


def test_no_two_things_share_a_name():
    names = [resource.name for resource in whole().resources]
    assert len(set(names)) == len(names)
