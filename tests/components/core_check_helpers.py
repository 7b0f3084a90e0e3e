"""RUN-19 on AgentCore: runtimes, endpoints, the gateway and the memory."""

import re

from plan import Plan
from tests.components import agent_estate_helpers as estate
from tests.components.agent_check_helpers import check, granted, one


@check
def runtimes_stand_in_the_vpc(plan: Plan) -> None:
    for workload, protocol in (("chat", "HTTP"), ("tools", "MCP")):
        runtime = one(plan, f"core-{workload}")
        assert runtime.get("networkConfiguration") == {
            "networkMode": "VPC",
            "networkModeConfig": {"subnets": estate.SUBNETS, "securityGroups": [estate.GROUP]},
        }
        assert runtime.get("protocolConfiguration") == {"serverProtocol": protocol}
        (life,) = runtime.get("lifecycleConfigurations", [{}])
        assert life.get("idleRuntimeSessionTimeout", 0) <= 900
        assert life.get("maxLifetime", 0) <= 28_800
        assert life == {"idleRuntimeSessionTimeout": 900, "maxLifetime": 28_800}


@check
def names_of_runtimes_take_no_hyphens(plan: Plan) -> None:
    names = [one(plan, f"core-{workload}").get("agentRuntimeName") for workload in ("chat", "tools")]
    for name in (*names, one(plan, "core-memory").get("name")):
        assert re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]{0,47}", name or ""), name


@check
def an_endpoint_names_one_version(plan: Plan) -> None:
    for workload in ("chat", "tools"):
        endpoint = one(plan, f"core-{workload}-live")
        runtime = plan.get(f"core-{workload}")
        assert endpoint.get("name") == "live"
        assert endpoint.get("agentRuntimeId") == runtime.outputs["agentRuntimeId"]
        assert endpoint.get("agentRuntimeVersion") == runtime.outputs["agentRuntimeVersion"]


@check
def chat_knows_who_calls(plan: Plan) -> None:
    chat = one(plan, "core-chat")
    accepted = chat.get("authorizerConfiguration", {}).get("customJwtAuthorizer", {})
    assert accepted.get("allowedClients") == ["web"]
    assert str(accepted.get("discoveryUrl", "")).startswith("https://issuer.example/")
    passed = chat.get("requestHeaderConfiguration", {}).get("requestHeaderAllowlists")
    assert passed == ["Authorization"]


@check
def tools_are_reached_through_the_gateway(plan: Plan) -> None:
    gateway, target = one(plan, "core-gateway"), one(plan, "core-gateway-tools")
    assert (gateway.get("name"), gateway.get("protocolType")) == ("concierge-test-tools", "MCP")
    assert gateway.get("authorizerType") == "AWS_IAM"
    assert gateway.get("kmsKeyArn") == estate.KEYS["memory"]
    assert "exceptionLevel" not in gateway, "it would tell callers what went wrong inside"
    assert (target.get("name"), target.get("gatewayIdentifier")) == (
        "tools",
        plan.get("core-gateway").outputs["gatewayId"],
    )
    signed = {"gatewayIamRole": {"service": "bedrock-agentcore"}}
    assert target.get("credentialProviderConfiguration") == signed
    server = target.get("targetConfiguration", {}).get("mcp", {}).get("mcpServer", {})
    tools = plan.get("core-tools").outputs["agentRuntimeArn"]
    escaped = tools.replace(":", "%3A").replace("/", "%2F")
    assert server.get("endpoint") == (
        f"https://bedrock-agentcore.us-east-1.amazonaws.com/runtimes/{escaped}/invocations?qualifier=live"
    )
    calls = granted(plan, "core-gateway-identity").get("CallTools", {})
    assert calls.get("Resource") == [tools, f"{tools}/runtime-endpoint/live"]
    through = granted(plan, "core-chat-identity").get("CallGateway", {})
    assert through.get("Resource") == [plan.get("core-gateway").outputs["gatewayArn"]]


@check
def memory_is_encrypted_and_kept(plan: Plan) -> None:
    memory = plan.get("core-memory")
    assert memory.inputs.get("encryptionKeyArn") == estate.KEYS["memory"]
    assert memory.inputs.get("eventExpiryDuration") == 90
    assert memory.options.protect
    remembers = granted(plan, "core-chat-identity").get("Remember", {})
    assert remembers.get("Resource") == [memory.outputs["arn"]]
