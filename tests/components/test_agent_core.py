"""The agent on AgentCore: its alarms, and the cases that the plan of one day does not show."""

import json
from functools import cache
from typing import Any

from components.agent_core import AgentCore, Code
from plan import Plan
from tests.components.agent_estate_helpers import core, planned, watches, whole


@cache
def made(**changes: Any) -> Plan:
    return planned(lambda options: AgentCore("core", core(**changes), options))


def test_without_an_image_there_are_only_the_memory_and_a_gateway_to_nothing():
    """AWS refuses a runtime whose image does not exist."""
    found = {resource.name for resource in made(built=False).cloud}
    assert found == {"core-memory", "core-gateway", "core-gateway-identity-role"}


def test_a_zip_runs_in_the_place_of_the_image_and_is_named_by_its_digest():
    found = made(code=Code(bucket="agents", digest=f"sha256:{'4f' * 32}", version="v1", python="3.13"))
    for workload in ("chat", "tools"):
        assert found.get(f"core-{workload}").inputs["agentRuntimeArtifact"] == {
            "codeConfiguration": {
                "code": {"s3": {"bucket": "agents", "prefix": f"code/{'4f' * 32}.zip", "versionId": "v1"}},
                "entryPoints": ["main.py"],
                "runtime": "PYTHON_3_13",
            }
        }
        assert "ecr:" not in str(found.get(f"core-{workload}-identity-grants").inputs["policy"])


def test_without_an_issuer_callers_sign_with_iam():
    chat = made(issuer=None).get("core-chat").inputs
    assert "authorizerConfiguration" not in chat
    assert "requestHeaderConfiguration" not in chat


def test_an_environment_with_a_hyphen_still_has_names_that_aws_takes():
    found = made(environment="load-test")
    assert found.get("core-chat").inputs["agentRuntimeName"] == "concierge_load_test_chat"
    assert found.get("core-memory").inputs["name"] == "concierge_load_test_memory"


def test_the_log_group_is_there_before_the_endpoint():
    """AgentCore would make one itself, and keep it for ever."""
    found = made()
    endpoint, group = found.get("core-chat-live"), found.get("core-chat-log")
    assert group.urn in endpoint.dependencies


def test_the_gateway_asks_for_tools_when_they_can_be_reached():
    found = made()
    target = found.get("core-gateway-tools")
    assert found.get("core-tools-live").urn in target.dependencies
    assert found.get("core-gateway-identity-grants").urn in found.get("core-gateway").dependencies


def test_each_runtime_is_alarmed_at_its_endpoint():
    found = watches(lambda options: AgentCore("core", core(), options).alarms())
    assert set(found) == {
        f"agentcore-{workload}-{what}" for workload in ("chat", "tools") for what in ("throttled", "errors")
    }
    for watch in found.values():
        assert watch.alarm.dimensions["Name"].endswith("::live")
        assert set(watch.computed) == {"Resource"}


# What the host itself needs: to start the workload, and what only it offers.
OF_THE_HOST = {
    "CallGateway", "FindLogs", "ProtectTask", "PullImage", "RegistryLogin", "Remember", "WriteLogs",
}  # fmt: skip


def test_both_hosts_give_a_workload_the_same_rights():
    """Changing the host must not change what the agent may do to data."""
    on_ecs, on_core = (rights(role) for role in ("ecs-chat-task", "core-chat-identity"))
    assert on_ecs
    assert on_ecs == on_core


def rights(role: str) -> dict[str, Any]:
    statements = json.loads(whole().get(f"{role}-grants").inputs["policy"])["Statement"]
    return {s["Sid"]: s for s in statements if s["Sid"] not in OF_THE_HOST}
