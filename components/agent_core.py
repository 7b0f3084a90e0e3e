"""The agent on AgentCore Runtime in VPC mode (RUN-19): chat and tools; the rest stays on ECS.

Chat is one runtime. The tools are another that speaks MCP, behind a Gateway that signs its calls with its own
role; memory is AgentCore's. A runtime's version is made of an image or a zip, named by its digest, and its
endpoint `live` names one version: what is pushed serves nobody until a plan says so. REST is the fallback and
keeps its own failure domain (NET-4); ingest reads a stream, which a runtime of sessions does not.

Names of runtimes and memories take no hyphens. AgentCore makes each runtime's workload identity itself;
nothing here calls out in a user's name, so there is no OAuth provider. AWS refuses a runtime whose image does
not exist: until one is built there are only the memory and the gateway.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components import grants
from components.alarms import Watch
from components.base import Component
from components.grants import Grant
from components.place import Place
from components.workload_role import WorkloadRole, WorkloadRoleArgs
from contract.alarms import Alarm, Widget, graphs

NAMESPACE = "AWS/Bedrock-AgentCore"
LIVE = "live"
MCP_PORT = "8000"  # where AgentCore looks for a server of tools
IDLE_S = 900
LONGEST_S = 28_800
_LOGS = "/aws/bedrock-agentcore/runtimes"


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """Whose tokens the chat runtime accepts, and of which clients."""

    discovery_url: Input[str]
    client_ids: Sequence[Input[str]]


@dataclass(frozen=True, kw_only=True)
class Code:
    """A zip in S3 (`concierge package`), named by its own digest, in the version that was uploaded."""

    bucket: Input[str]
    digest: str
    version: str
    python: str

    def artifact(self) -> Any:
        key = f"code/{self.digest.removeprefix('sha256:')}.zip"
        return {
            "code_configuration": {
                "code": {"s3": {"bucket": self.bucket, "prefix": key, "version_id": self.version}},
                "entry_points": ["main.py"],
                "runtime": f"PYTHON_{self.python.replace('.', '_')}",
            }
        }


@dataclass(frozen=True, kw_only=True)
class AgentCoreArgs:
    """`allowed`: what chat and tools may do, the same as on ECS. Without `issuer` callers sign with IAM.

    `code`: what runs instead of the image. `built`: there is one of them.
    """

    environment: str
    place: Place
    allowed: Mapping[str, Sequence[Grant]]
    repository_arn: Input[str]
    image: Input[str]
    code: Code | None
    built: bool
    subnet_ids: Sequence[Input[str]]
    security_group_id: Input[str]
    variables: Mapping[str, Input[str]]
    issuer: Issuer | None
    memory_days: int
    memory_key_arn: Input[str]
    log_days: int
    log_key_arn: Input[str]
    boundary: str | None
    protect: bool


class AgentCore(Component):
    """Two runtimes with their endpoints, a gateway between them, and a memory."""

    kind = "agent:AgentCore"
    gateway_url: Output[str]
    runtime_arns: dict[str, Output[str]]

    def __init__(self, name: str, args: AgentCoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        memory = self._memory()
        self.runtime_arns = {}
        self._live: dict[str, pulumi.Resource] = {}
        at = {"CONCIERGE_PORT": MCP_PORT}
        tools = self._runtime("tools", protocol="MCP", variables=at) if args.built else None
        gateway = self._gateway(tools)
        self.gateway_url = gateway.gateway_url
        if args.built:
            self._runtime(
                "chat",
                protocol="HTTP",
                issuer=args.issuer,
                variables={
                    "CONCIERGE_MEMORY": memory.id,
                    "CONCIERGE_TOOLS": gateway.gateway_url,
                },
                further=[_remember(memory.arn), _call_gateway(gateway.gateway_arn)],
            )
        self.register_outputs({"gateway_url": gateway.gateway_url})

    def alarms(self) -> list[Watch]:
        """Of each runtime, at the endpoint that people reach."""
        return [watch for workload in self.runtime_arns for watch in self._alarms_of(workload)]

    def widgets(self) -> list[Widget]:
        if not self.runtime_arns:
            return []
        return graphs(
            NAMESPACE,
            {
                "AgentCore calls": ("Invocations", "Sum"),
                "AgentCore first byte": ("Latency", "p95"),
                "AgentCore refused": ("Throttles", "Sum"),
            },
            *(self._calls_of(workload) for workload in self.runtime_arns),
            across=("Resource",),
        )

    def _calls_of(self, workload: str) -> dict[str, str]:
        return {"Operation": "InvokeAgentRuntime", "Name": f"{self._runtime_name(workload)}::{LIVE}"}

    def _alarms_of(self, workload: str) -> list[Watch]:
        shared: dict[str, Any] = {
            "namespace": NAMESPACE,
            "dimensions": self._calls_of(workload),
            "computed": ("Resource",),
            "statistic": "Sum",
            "datapoints": 3,
            "of": 5,
            "missing": "notBreaching",
            "severity": "page",
        }
        found = [
            Alarm(
                id=f"agentcore-{workload}-throttled",
                metric="Throttles",
                threshold=10,
                impact="New conversations are refused: a quota of AgentCore is reached.",
                runbook="event-scale-up",
                **shared,
            ),
            Alarm(
                id=f"agentcore-{workload}-errors",
                metric="SystemErrors",
                threshold=10,
                impact="Conversations break off: AgentCore itself fails.",
                runbook="task-kill-storm",
                **shared,
            ),
        ]
        return [Watch(alarm, {"Resource": self.runtime_arns[workload]}) for alarm in found]

    def _runtime_name(self, workload: str) -> str:
        return f"concierge_{self._args.environment}_{workload}".replace("-", "_")

    def _memory(self) -> aws.bedrock.AgentcoreMemory:
        return aws.bedrock.AgentcoreMemory(
            f"{self.name}-memory",
            name=self._runtime_name("memory"),
            description="What was said in a conversation, for as long as it may be continued.",
            event_expiry_duration=self._args.memory_days,
            encryption_key_arn=self._args.memory_key_arn,
            opts=self.child(protect=self._args.protect),
        )

    def _runtime(
        self,
        workload: str,
        *,
        protocol: str,
        issuer: Issuer | None = None,
        variables: Mapping[str, Input[str]] | None = None,
        further: Sequence[Grant] = (),
    ) -> aws.bedrock.AgentcoreAgentRuntime:
        args = self._args
        runtime = aws.bedrock.AgentcoreAgentRuntime(
            f"{self.name}-{workload}",
            agent_runtime_name=self._runtime_name(workload),
            role_arn=self._role(workload, [*args.allowed[workload], *self._basics(workload), *further]),
            agent_runtime_artifact=self._artifact(),
            network_configuration={
                "network_mode": "VPC",
                "network_mode_config": {
                    "subnets": list(args.subnet_ids),
                    "security_groups": [args.security_group_id],
                },
            },
            protocol_configuration={"server_protocol": protocol},
            lifecycle_configurations=[{"idle_runtime_session_timeout": IDLE_S, "max_lifetime": LONGEST_S}],
            environment_variables={**args.variables, **(variables or {}), "CONCIERGE_SERVICE": workload},
            opts=self.child(),
            **_inbound(issuer),
        )
        self._live[workload] = self._serve(workload, runtime)
        self.runtime_arns[workload] = runtime.agent_runtime_arn
        return runtime

    def _artifact(self) -> Any:
        if self._args.code is not None:
            return self._args.code.artifact()
        return {"container_configuration": {"container_uri": self._args.image}}

    def _serve(
        self, workload: str, runtime: aws.bedrock.AgentcoreAgentRuntime
    ) -> aws.bedrock.AgentcoreAgentRuntimeEndpoint:
        """AgentCore would make the log group itself, and keep it for ever: ours is there first."""
        logs = aws.cloudwatch.LogGroup(
            f"{self.name}-{workload}-log",
            name=Output.concat(_LOGS, "/", runtime.agent_runtime_id, "-", LIVE),
            retention_in_days=self._args.log_days,
            kms_key_id=self._args.log_key_arn,
            opts=self.child(),
        )
        return aws.bedrock.AgentcoreAgentRuntimeEndpoint(
            f"{self.name}-{workload}-live",
            name=LIVE,
            agent_runtime_id=runtime.agent_runtime_id,
            agent_runtime_version=runtime.agent_runtime_version,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[logs]),
        )

    def _basics(self, workload: str) -> list[Grant]:
        """What AgentCore does in the role's name before and beside our code."""
        place = self._args.place
        groups = place.arn("logs", f"log-group:{_LOGS}/{self._runtime_name(workload)}-*")
        return [
            *([] if self._args.code else grants.pull_image(place, self._args.repository_arn)),
            grants.write_logs(groups),
            Grant("FindLogs", ["logs:CreateLogGroup", "logs:DescribeLogStreams"], [groups]),
        ]

    def _role(self, workload: str, allowed: Sequence[Grant]) -> Output[str]:
        return WorkloadRole(
            f"{self.name}-{workload}-identity",
            WorkloadRoleArgs(
                environment=self._args.environment,
                workload=f"{workload}-agentcore",
                place=self._args.place,
                host="agentcore",
                grants=allowed,
                boundary=self._args.boundary,
            ),
            self.child(),
        ).arn

    def _gateway(self, tools: aws.bedrock.AgentcoreAgentRuntime | None) -> aws.bedrock.AgentcoreGateway:
        """Only principals that IAM lets call it come in; what failed inside is not told outside."""
        allowed = [_call_runtime(tools.agent_runtime_arn)] if tools is not None else []
        gateway = aws.bedrock.AgentcoreGateway(
            f"{self.name}-gateway",
            name=f"concierge-{self._args.environment}-tools",
            role_arn=self._role("gateway", allowed),
            protocol_type="MCP",
            authorizer_type="AWS_IAM",
            kms_key_arn=self._args.memory_key_arn,
            opts=self.child(),
        )
        if tools is not None:
            aws.bedrock.AgentcoreGatewayTarget(
                f"{self.name}-gateway-tools",
                name="tools",
                gateway_identifier=gateway.gateway_id,
                target_configuration={
                    "mcp": {"mcp_server": {"endpoint": _url(self._args.place, tools.agent_runtime_arn)}}
                },
                credential_provider_configuration={"gateway_iam_role": {"service": "bedrock-agentcore"}},
                # The gateway asks at once what tools there are.
                opts=pulumi.ResourceOptions(parent=self, depends_on=[self._live["tools"]]),
            )
        return gateway


def _inbound(issuer: Issuer | None) -> dict[str, Any]:
    """The runtime sees the caller's own token: whose session it is must not be a claim in a message."""
    if issuer is None:
        return {}
    return {
        "authorizer_configuration": {
            "custom_jwt_authorizer": {
                "discovery_url": issuer.discovery_url,
                "allowed_clients": list(issuer.client_ids),
            }
        },
        "request_header_configuration": {"request_header_allowlists": ["Authorization"]},
    }


def _url(place: Place, runtime_arn: Input[str]) -> Output[str]:
    """A runtime's MCP endpoint; its ARN is one segment of the path."""
    base = f"https://bedrock-agentcore.{place.region}.amazonaws.com/runtimes"
    return Output.from_input(runtime_arn).apply(
        lambda arn: f"{base}/{quote(arn, safe='')}/invocations?qualifier={LIVE}"
    )


def _call_runtime(runtime_arn: Input[str]) -> Grant:
    endpoint = Output.concat(runtime_arn, f"/runtime-endpoint/{LIVE}")
    return Grant("CallTools", ["bedrock-agentcore:InvokeAgentRuntime"], [runtime_arn, endpoint])


def _call_gateway(gateway_arn: Input[str]) -> Grant:
    return Grant("CallGateway", ["bedrock-agentcore:InvokeGateway"], [gateway_arn])


def _remember(memory_arn: Input[str]) -> Grant:
    verbs = ("CreateEvent", "DeleteEvent", "ListEvents", "ListSessions")
    return Grant("Remember", [f"bedrock-agentcore:{verb}" for verb in verbs], [memory_arn])
