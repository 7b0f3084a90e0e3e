"""No check of the agent is one that cannot fail: each security-relevant input is loosened, and found."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from plan import Plan, Resource
from tests.components import core_check_helpers as core
from tests.components import role_check_helpers as rights
from tests.components import service_check_helpers as services
from tests.components import task_check_helpers as tasks
from tests.components.agent_check_helpers import CHECKS, Check, unprotected
from tests.components.agent_estate_helpers import whole
from tests.stacks.loosening_helpers import Change, gone, having, label, loosened, policy, without


def granting(sid: str, **parts: Any) -> Change:
    """One statement of a role's policy changed; a part that is None is taken out."""

    def change(resource: Resource) -> Resource:
        document = json.loads(resource.inputs["policy"])
        statement = next(s for s in document["Statement"] if s["Sid"] == sid)
        statement.update(parts)
        for key in [key for key, value in parts.items() if value is None]:
            del statement[key]
        return having(policy=json.dumps(document))(resource)

    return change


def contained(edit: Callable[[dict[str, Any]], Any]) -> Change:
    """The one container of a task changed."""

    def change(resource: Resource) -> Resource:
        (only,) = json.loads(resource.inputs["containerDefinitions"])
        edit(only)
        return having(containerDefinitions=json.dumps([only]))(resource)

    return change


CHAT = "RolePolicy ecs-chat-task-grants"
TASK = "TaskDefinition ecs-chat-definition"
SERVICE = "Service ecs-chat-service"
RUNTIME = "AgentcoreAgentRuntime core-chat"
ANY_IMAGE = "registry.example/agent:latest"

# check -> (what is loosened, the resource, how)
LOOSER: dict[Check, list[tuple[str, str, Change]]] = {
    tasks.images_never_move_and_are_scanned: [
        ("tags that move", "Repository registry-images", having(imageTagMutability="MUTABLE")),
        ("no scan", "Repository registry-images", without("imageScanningConfiguration")),
        ("key of AWS", "Repository registry-images", without("encryptionConfigurations")),
        ("images deleted with it", "Repository registry-images", having(forceDelete=True)),
        ("repository unprotected", "Repository registry-images", unprotected),
        ("scans nothing", "RegistryScanningConfiguration registry-scanning", having(rules=[{}])),
    ],
    tasks.images_a_rollback_needs_are_kept: [
        ("keeps everything", "LifecyclePolicy registry-upkeep", gone),
        ("keeps nothing", "LifecyclePolicy registry-upkeep", having(policy='{"rules": []}')),
    ],
    tasks.every_host_runs_the_image_by_its_digest: [
        ("a tag on ECS", TASK, contained(lambda c: c.update(image=ANY_IMAGE))),
        (
            "a tag on AgentCore",
            RUNTIME,
            having(agentRuntimeArtifact={"containerConfiguration": {"containerUri": ANY_IMAGE}}),
        ),
    ],
    tasks.tasks_are_arm64_on_fargate: [
        ("X86 by default", TASK, without("runtimePlatform")),
        ("network of the host", TASK, having(networkMode="host")),
    ],
    tasks.a_container_may_only_serve: [
        ("root", TASK, contained(lambda c: c.pop("user"))),
        ("writes its own program", TASK, contained(lambda c: c.update(readonlyRootFilesystem=False))),
        ("keeps capabilities", TASK, contained(lambda c: c.pop("linuxParameters"))),
        ("privileged", TASK, contained(lambda c: c.update(privileged=True))),
        ("no health check", TASK, contained(lambda c: c.pop("healthCheck"))),
        ("a second port", TASK, contained(lambda c: c["portMappings"].append({"containerPort": 22}))),
    ],
    tasks.a_task_may_finish_its_streams: [
        ("killed after half a minute", TASK, contained(lambda c: c.update(stopTimeout=20))),
    ],
    tasks.the_environment_is_what_the_runtime_reads: [
        ("no controls", TASK, contained(lambda c: c["environment"].pop(1))),
        ("no settings", RUNTIME, having(environmentVariables={"CONCIERGE_SERVICE": "chat"})),
    ],
    tasks.secrets_come_by_reference: [
        (
            "secret in the open",
            TASK,
            contained(
                lambda c: (c["secrets"].clear(), c["environment"].append({"name": "CARD_KEY", "value": "s"}))
            ),
        ),
        ("every secret", "RolePolicy ecs-chat-start-grants", granting("ReadSecrets", Resource=["*"])),
    ],
    tasks.logs_are_kept_for_a_while_and_encrypted: [
        ("kept for ever", "LogGroup ecs-chat-log", without("retentionInDays")),
        ("key of AWS", "LogGroup core-chat-log", without("kmsKeyId")),
        (
            "a full log stops people",
            TASK,
            contained(lambda c: c["logConfiguration"]["options"].pop("mode")),
        ),
    ],
    services.the_cluster_tells_how_tasks_are: [("no insights", "Cluster ecs-cluster", without("settings"))],
    services.services_stand_in_private_subnets: [
        (
            "public address",
            SERVICE,
            having(
                networkConfiguration={
                    "subnets": ["subnet-a", "subnet-b"],
                    "securityGroups": ["sg-agent"],
                    "assignPublicIp": True,
                }
            ),
        ),
        ("shell", SERVICE, having(enableExecuteCommand=True)),
        ("zones drift apart", SERVICE, without("availabilityZoneRebalancing")),
    ],
    services.a_bad_rollout_turns_back_by_itself: [
        ("no breaker", SERVICE, without("deploymentCircuitBreaker")),
        ("breaker that only stops", SERVICE, having(deploymentCircuitBreaker={"enable": True})),
        ("no alarm", SERVICE, without("alarms")),
        ("alarm that never sounds", "MetricAlarm ecs-rollback", having(threshold=1)),
        ("nobody waits", SERVICE, without("waitForSteadyState")),
    ],
    services.rollouts_are_blue_and_green: [
        ("rolling", SERVICE, without("deploymentConfiguration")),
        (
            "no bake time",
            SERVICE,
            having(deploymentConfiguration={"strategy": "BLUE_GREEN", "bakeTimeInMinutes": "0"}),
        ),
        ("no balancer", SERVICE, without("loadBalancers")),
    ],
    services.ecs_shifts_only_the_traffic_of_its_service: [
        ("any rule", "RolePolicy ecs-chat-traffic-grants", granting("ShiftTraffic", Resource=["*"])),
        ("any group", "RolePolicy ecs-chat-traffic-grants", granting("MoveTargets", Resource=["*"])),
    ],
    services.how_many_tasks_run_belongs_to_scaling: [
        ("an up undoes scaling", SERVICE, unprotected),
        ("no lower bound", "Target ecs-chat-scaling-bounds", having(minCapacity=0)),
        ("no upper bound", "Target ecs-chat-scaling-bounds", having(maxCapacity=5000)),
    ],
    services.scaling_follows_the_cpu: [
        ("no step out", "MetricAlarm ecs-chat-scaling-out-alarm", gone),
        ("alarm without action", "MetricAlarm ecs-chat-scaling-in-alarm", without("alarmActions")),
        ("late step out", "MetricAlarm ecs-chat-scaling-out-alarm", having(evaluationPeriods=10)),
        ("no target", "Policy ecs-chat-scaling-cpu", gone),
    ],
    rights.every_workload_has_roles_of_its_own: [
        (
            "role of another",
            TASK,
            having(taskRoleArn="arn:aws:iam::123456789012:role/concierge-test-us-east-1-chat-start"),
        ),
    ],
    rights.roles_are_assumed_by_their_host_for_this_account_only: [
        (
            "for any account",
            "Role ecs-chat-task-role",
            policy("assumeRolePolicy", lambda s: s.pop("Condition")),
        ),
        (
            "by anybody",
            "Role core-chat-identity-role",
            policy("assumeRolePolicy", lambda s: s.update(Principal={"AWS": "*"})),
        ),
    ],
    rights.every_role_is_bounded: [
        ("no boundary", "Role ecs-chat-traffic-role", without("permissionsBoundary"))
    ],
    rights.no_role_may_do_whatever_it_likes: [
        ("any action", CHAT, granting("Table0", Action=["dynamodb:*"])),
        ("any table", CHAT, granting("Table0", Resource=["*"])),
        ("any metric", CHAT, granting("TellMetrics", Condition=None)),
    ],
    rights.chat_calls_the_models_of_the_ladder_only: [
        ("any profile", CHAT, granting("InvokeProfileSonnet", Resource=["arn:aws:bedrock:*"])),
        ("the model without its profile", CHAT, granting("BehindProfileSonnet", Condition=None)),
        ("answers at once", CHAT, granting("InvokeProfileSonnet", Action=["bedrock:InvokeModel"])),
    ],
    rights.chat_uses_its_tables_parameters_and_keys_only: [
        ("another table", CHAT, granting("Table0", Resource=["arn:aws:dynamodb:other"])),
        ("all indexes", CHAT, granting("Table0Indexes", Resource=["arn:aws:dynamodb:index/*"])),
        ("all parameters", CHAT, granting("ReadParameters", Resource=["arn:aws:ssm:*"])),
        ("the key by itself", CHAT, granting("UseKey", Condition=None)),
    ],
    rights.what_has_no_arn_has_a_fence: [
        (
            "metrics of others",
            CHAT,
            granting("TellMetrics", Condition={"StringEquals": {"cloudwatch:namespace": "AWS/ECS"}}),
        ),
        ("traces anywhere", CHAT, granting("Trace", Condition=None)),
        ("registry anywhere", "RolePolicy ecs-chat-start-grants", granting("RegistryLogin", Condition=None)),
    ],
    rights.a_task_protects_itself_and_its_like: [
        ("tasks of other clusters", CHAT, granting("ProtectTask", Condition=None)),
        ("no protection", CHAT, gone),
    ],
    rights.hosts_may_use_nothing_but_what_their_workload_is_given: [
        (
            "tools may write",
            "RolePolicy core-tools-identity-grants",
            granting("ReadParameters", Sid="WriteParameters"),
        ),
    ],
    rights.names_say_the_environment: [
        ("log shared by stacks", "LogGroup ecs-events-log", having(name="/concierge/events")),
        ("alarm shared by stacks", "MetricAlarm ecs-rollback", having(name="concierge-deploy-errors")),
    ],
    rights.starting_a_task_takes_its_image_and_its_log: [
        ("any image", "RolePolicy ecs-tools-start-grants", granting("PullImage", Resource=["*"])),
        ("any log", "RolePolicy ecs-tools-start-grants", granting("WriteLogs", Resource=["*"])),
    ],
    core.runtimes_stand_in_the_vpc: [
        ("public network", RUNTIME, having(networkConfiguration={"networkMode": "PUBLIC"})),
        ("sessions for ever", RUNTIME, without("lifecycleConfigurations")),
    ],
    core.names_of_runtimes_take_no_hyphens: [
        ("hyphen", RUNTIME, having(agentRuntimeName="concierge-test-chat")),
    ],
    core.an_endpoint_names_one_version: [
        (
            "whatever is newest",
            "AgentcoreAgentRuntimeEndpoint core-chat-live",
            without("agentRuntimeVersion"),
        ),
    ],
    core.chat_knows_who_calls: [
        ("tokens of any client", RUNTIME, without("authorizerConfiguration")),
        ("token left at the door", RUNTIME, without("requestHeaderConfiguration")),
    ],
    core.tools_are_reached_through_the_gateway: [
        ("gateway for all", "AgentcoreGateway core-gateway", having(authorizerType="NONE")),
        ("tells what failed", "AgentcoreGateway core-gateway", having(exceptionLevel="DEBUG")),
        (
            "unsigned",
            "AgentcoreGatewayTarget core-gateway-tools",
            without("credentialProviderConfiguration"),
        ),
        (
            "any runtime",
            "RolePolicy core-gateway-identity-grants",
            granting("CallTools", Resource=["arn:aws:bedrock-agentcore:*"]),
        ),
    ],
    core.memory_is_encrypted_and_kept: [
        ("key of AWS", "AgentcoreMemory core-memory", without("encryptionKeyArn")),
        ("memory unprotected", "AgentcoreMemory core-memory", unprotected),
    ],
    services.events_without_a_metric_are_caught: [
        ("deploys of everybody", "EventRule ecs-events-deploy-failed", having(eventPattern="{}")),
        ("no rule", "EventRule ecs-events-image-findings", gone),
    ],
    services.only_our_rules_write_the_log_of_events: [
        (
            "any rule writes",
            "LogResourcePolicy ecs-events-writers",
            lambda r: having(
                policyDocument=r.inputs["policyDocument"].replace("aws:SourceArn", "aws:PrincipalArn")
            )(r),
        ),
    ],
}


@pytest.mark.parametrize(
    ("check", "resource", "change"),
    [
        pytest.param(check, resource, change, id=what)
        for check, rows in LOOSER.items()
        for what, resource, change in rows
    ],
)
def test_what_is_loosened_is_found(check: Check, resource: str, change: Change):
    with pytest.raises(AssertionError):
        check(loosened(whole(), resource, change))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_agent_is_as_required(check: Check):
    check(whole())


def test_every_check_has_been_seen_to_fail():
    assert [check.__name__ for check in CHECKS if check not in LOOSER] == []


# What may be missing without harm: words for people, and tags.
HARMLESS = {"alarmDescription", "description", "tags"}


def found_by_any(plan: Plan) -> bool:
    """A check that cannot even read the plan has noticed as well."""
    for check in CHECKS:
        try:
            check(plan)
        except (AssertionError, AttributeError, KeyError):
            return True
    return False


def hosts() -> list[Resource]:
    """All but the user pool, which has checks of its own."""
    return [resource for resource in whole().cloud if ":cognito/" not in resource.type]


def examples() -> list[Resource]:
    """One resource of each kind and part; the services but for their names are alike."""
    kinds = {re.sub(r"ecs-(tools|ingest)", "ecs-chat", label(r)): r for r in hosts()}
    return list(kinds.values())


@pytest.mark.parametrize("resource", examples(), ids=label)
def test_no_input_can_go_missing_unseen(resource: Resource):
    plan = whole()
    unseen = [
        key
        for key in sorted(set(resource.inputs) - HARMLESS)
        if not found_by_any(loosened(plan, label(resource), without(key)))
    ]
    assert unseen == []


def test_no_part_can_go_missing_unseen():
    plan = whole()
    unseen = [label(r) for r in hosts() if not found_by_any(loosened(plan, label(r), gone))]
    assert unseen == []
