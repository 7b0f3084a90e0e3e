"""What is unsafe in what answers and watches: search, models, services, alarms, faults."""

from typing import Any

from tests.policies.mutation_helpers import Draft
from tests.policies.unsafe_helpers import Unsafe, dropped, edited, gone, named, put, rewritten, stated

_DOMAIN = "opensearch.Domain primary-search-domain"
_CHAT_GRANTS = "iam.RolePolicy primary-agent-chat-task-grants"
_CHAT_TASK = "ecs.TaskDefinition primary-agent-chat-definition"
_GUARDRAIL = "bedrock.Guardrail primary-guardrail-guardrail"
_RED = "cloudwatch.MetricAlarm primary-alarms-search-red"
_KILL = "fis.ExperimentTemplate primary-faults-task-kill"


def _by_a_tag(containers: list[dict[str, Any]]) -> None:
    containers[0]["image"] = containers[0]["image"].split("@")[0] + ":latest"


def _no_way_back(template: dict[str, Any]) -> None:
    del template["Resources"]["Live"]["Properties"]["DeploymentConfig"]["AutoRollbackConfiguration"]


def _units(draft: Draft) -> None:
    draft.add(
        "aws:bedrock/provisionedModelThroughput:ProvisionedModelThroughput",
        "primary-units-sonnet",
        {
            "provisionedModelName": "concierge-prod-sonnet",
            "modelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0:300k",
            "modelUnits": 4,
            "commitmentDuration": "SixMonths",
        },
        beside="bedrock.Guardrail primary-guardrail-guardrail",
    )


def _lower_prompt_attack(filters: list[dict[str, Any]]) -> None:
    named(filters, "PROMPT_ATTACK", "type")["inputStrength"] = "LOW"


def _audit_log_off(options: list[dict[str, Any]]) -> None:
    named(options, "AUDIT_LOGS", "logType")["enabled"] = False


SERVICES = [
    # Search
    Unsafe(
        id="search-unlogged",
        requirement="VEC-1",
        what="OpenSearch's audit log is off",
        at=(_DOMAIN,),
        do=edited(_DOMAIN, "logPublishingOptions", _audit_log_off),
    ),
    Unsafe(
        id="search-without-memory",
        requirement="VEC-1",
        what="data nodes are of a family without memory for the graphs",
        at=(_DOMAIN,),
        do=put(_DOMAIN, "clusterConfig.instanceType", "m7g.large.search"),
    ),
    Unsafe(
        id="two-masters",
        requirement="VEC-1",
        what="two masters split rather than elect",
        at=(_DOMAIN,),
        do=put(_DOMAIN, "clusterConfig.dedicatedMasterCount", 2),
    ),
    Unsafe(
        id="search-for-everybody",
        requirement="VEC-1",
        what="whoever reaches the domain may read the index",
        at=(_DOMAIN,),
        do=stated(
            _DOMAIN,
            "ReadIndex",
            lambda s: (s.pop("Condition"), s.update(Principal="*")),
            path="accessPolicies",
        ),
    ),
    # Models
    Unsafe(
        id="guardrail-low",
        requirement="MOD-4",
        what="only the plainest prompt attacks are stopped",
        at=(_GUARDRAIL,),
        do=edited(_GUARDRAIL, "contentPolicyConfig.filtersConfigs", _lower_prompt_attack),
    ),
    Unsafe(
        id="financial-advice",
        requirement="MOD-4",
        what="one denied topic of two is gone",
        at=(_GUARDRAIL,),
        do=edited(_GUARDRAIL, "topicPolicyConfig.topicsConfigs", lambda topics: topics[:1]),
    ),
    Unsafe(
        id="call-without-guardrail",
        requirement="MOD-4",
        what="the chat service may call Sonnet without the guardrail: the condition is gone",
        at=(_CHAT_GRANTS,),
        do=stated(_CHAT_GRANTS, "CallSonnet", lambda s: s.pop("Condition")),
    ),
    Unsafe(
        id="committed-units-unguarded",
        requirement="MOD-2",
        what="units bought for six months that a plan may drop",
        at=("bedrock.ProvisionedModelThroughput primary-units-sonnet",),
        do=_units,
    ),
    Unsafe(
        id="no-rollback-of-a-model",
        requirement="MOD-5",
        what="a bad model stays: the endpoint's updates have no automatic rollback",
        at=("cloudformation.Stack primary-inference-intent-rollout",),
        do=rewritten("cloudformation.Stack primary-inference-intent-rollout", "templateBody", _no_way_back),
        full=True,
    ),
    Unsafe(
        id="single-model-instance",
        requirement="MOD-5",
        what="the endpoint may shrink to one instance",
        at=("appautoscaling.Target primary-inference-intent-scaling-bounds",),
        do=put("appautoscaling.Target primary-inference-intent-scaling-bounds", "minCapacity", 1),
        full=True,
    ),
    Unsafe(
        id="nothing-captured",
        requirement="MOD-5",
        what="the model's data capture is off, so drift goes unseen",
        at=("sagemaker.EndpointConfiguration primary-inference-intent-serves-configuration",),
        do=put(
            "sagemaker.EndpointConfiguration primary-inference-intent-serves-configuration",
            "dataCaptureConfig.enableCapture",
            False,
        ),
        full=True,
    ),
    # Services
    Unsafe(
        id="platform-forgotten",
        requirement="RUN-19",
        what="no runtime platform: ECS takes X86_64 without a word",
        at=(_CHAT_TASK,),
        do=dropped(_CHAT_TASK, "runtimePlatform"),
    ),
    Unsafe(
        id="image-by-tag",
        requirement="RUN-19",
        what="the image is whatever is called latest",
        at=(_CHAT_TASK,),
        do=rewritten(_CHAT_TASK, "containerDefinitions", _by_a_tag),
    ),
    Unsafe(
        id="tags-move",
        requirement="RUN-19",
        what="a pushed image may take the place of another",
        at=("ecr.Repository primary-registry-images",),
        do=put("ecr.Repository primary-registry-images", "imageTagMutability", "MUTABLE"),
    ),
    Unsafe(
        id="rollout-never-turned-back",
        requirement="RUN-20",
        what="alarms no longer turn a rollout back",
        at=("ecs.Service primary-agent-chat-service",),
        do=put("ecs.Service primary-agent-chat-service", "alarms.rollback", False),
    ),
    Unsafe(
        id="task-with-public-address",
        requirement="NET-1",
        what="the chat tasks get public addresses",
        at=("ecs.Service primary-agent-chat-service",),
        do=put("ecs.Service primary-agent-chat-service", "networkConfiguration.assignPublicIp", True),
    ),
    Unsafe(
        id="agent-outside-the-network",
        requirement="RUN-19",
        what="AgentCore runs the agent outside our VPC",
        at=("bedrock.AgentcoreAgentRuntime primary-agent-core-chat",),
        do=put(
            "bedrock.AgentcoreAgentRuntime primary-agent-core-chat",
            "networkConfiguration",
            {"networkMode": "PUBLIC"},
        ),
        full=True,
    ),
    # Alarms and faults
    Unsafe(
        id="alarm-muted",
        requirement="OPS-2",
        what="a red cluster changes a colour and calls nobody",
        at=(_RED,),
        do=put(_RED, "actionsEnabled", False),
    ),
    Unsafe(
        id="alarm-to-nobody",
        requirement="OPS-2",
        what="the alarm has no action",
        at=(_RED,),
        do=put(_RED, "alarmActions", []),
    ),
    Unsafe(
        id="runbook-that-is-not",
        requirement="OPS-2",
        what="the alarm names a runbook that nobody wrote",
        at=(_RED,),
        do=put(_RED, "tags.Runbook", "opensearch-crimson"),
    ),
    Unsafe(
        id="no-alarm-of-dead-letters",
        requirement="OPS-2",
        what="documents that failed for good pile up unseen",
        at=("sqs.Queue primary-ingest-dead",),
        do=gone("cloudwatch.MetricAlarm primary-alarms-ingest-dead"),
    ),
    Unsafe(
        id="no-alarm-of-blocks",
        requirement="NET-6",
        what="nobody hears that the WAF refuses requests",
        at=("wafv2.WebAcl primary-waf-acl",),
        do=gone("cloudwatch.MetricAlarm primary-alarms-waf-blocks-regional"),
    ),
    Unsafe(
        id="no-alarm-of-connections",
        requirement="NET-5",
        what="the limit of new connections is reached without a word",
        at=("apigatewayv2.Api primary-websocket-api", "apigatewayv2.Stage primary-websocket-stage"),
        do=gone("cloudwatch.MetricAlarm primary-alarms-ws-new-connections"),
    ),
    Unsafe(
        id="fault-without-end",
        requirement="CHAOS-1",
        what="no alarm stops the experiment",
        at=(_KILL,),
        do=put(_KILL, "stopConditions", [{"source": "none"}]),
        full=True,
    ),
    Unsafe(
        id="fault-without-target",
        requirement="CHAOS-1",
        what="an experiment that found nothing to hurt counts as passed",
        at=(_KILL,),
        do=put(_KILL, "experimentOptions.emptyTargetResolutionMode", "skip"),
        full=True,
    ),
]
