"""One thing broken at a time, for the rules of `policies/rules/models.py`."""

from tests.policies.breaking_helpers import (
    GUARDRAIL,
    ROLLOUT,
    VARIANT,
    Case,
    adding,
    case,
    dropping,
    replacing,
    setting,
    without_guardrail,
)

CASES: list[Case] = [
    # Models.
    case(
        "units committed without protection",
        "commitment-guard alarm-coverage",
        adding(
            "aws:bedrock/provisionedModelThroughput:ProvisionedModelThroughput",
            {"commitmentDuration": "OneMonth", "modelUnits": 1},
            GUARDRAIL,
        ),
    ),
    case(
        "an agent whose models have no guardrail",
        "guardrail-attached",
        lambda draft: draft.rewrite(
            "ssm.Parameter primary-model-calls-document",
            "insecureValue",
            lambda said: {**said, "guardrail": None},
        ),
    ),
    case(
        "a guardrail that changes",
        "guardrail-attached",
        lambda draft: draft.rewrite(
            "ssm.Parameter primary-model-calls-document",
            "insecureValue",
            lambda said: {**said, "guardrail": {**said["guardrail"], "version": "DRAFT"}},
        ),
    ),
    case(
        "a guardrail of the other region",
        "guardrail-attached",
        lambda draft: draft.rewrite(
            "ssm.Parameter primary-model-calls-document",
            "insecureValue",
            lambda said: {
                **said,
                "guardrail": {
                    **said["guardrail"],
                    "id": draft.plan.get("standby-guardrail-guardrail").outputs["guardrailId"],
                },
            },
        ),
    ),
    case(
        "a rung of the other region behind the guardrail of this one",
        "guardrail-attached",
        lambda draft: draft.rewrite(
            "ssm.Parameter primary-model-calls-document",
            "insecureValue",
            lambda said: {**said, "guardrails": {}},
        ),
    ),
    case(
        "a Bedrock agent without a guardrail",
        "guardrail-attached",
        adding("aws:bedrock/agentAgent:AgentAgent", {"agentName": "helper"}, GUARDRAIL),
    ),
    case(
        "hate at half strength",
        "guardrail-strong",
        setting(GUARDRAIL, "contentPolicyConfig.filtersConfigs.0.inputStrength", "MEDIUM"),
    ),
    case("no denied topics", "guardrail-strong", dropping(GUARDRAIL, "topicPolicyConfig")),
    case(
        "personal data through the guardrail",
        "guardrail-strong",
        dropping(GUARDRAIL, "sensitiveInformationPolicyConfig"),
    ),
    case("no grounding", "guardrail-strong", dropping(GUARDRAIL, "contextualGroundingPolicyConfig")),
    case(
        "conversations in Bedrock's log",
        "call-log-without-text",
        setting(
            "bedrockmodel.InvocationLoggingConfiguration primary-call-log-switch",
            "loggingConfig.textDataDeliveryEnabled",
            True,
        ),
    ),
    case(
        "a model that is not turned back",
        "endpoint-rollback",
        setting(ROLLOUT, "parameters.Guarded", "false"),
        "full",
    ),
    case(
        "a model turned back by an alarm that is not there",
        "endpoint-rollback",
        setting(ROLLOUT, "parameters.ErrorsAlarm", "nothing"),
        "full",
    ),
    case(
        "a model that gets all traffic at once",
        "endpoint-rollback",
        replacing(ROLLOUT, "templateBody", '"LINEAR"', '"ALL_AT_ONCE"'),
        "full",
    ),
    case(
        "an endpoint of one instance",
        "endpoint-spread",
        setting(VARIANT, "productionVariants.0.initialInstanceCount", 1),
        "full",
    ),
    case(
        "an endpoint that writes down every call",
        "endpoint-captures",
        setting(VARIANT, "dataCaptureConfig.initialSamplingPercentage", 100),
        "full",
    ),
    case("a call that may leave the guardrail out", "call-guarded", without_guardrail),
    case(
        "an endpoint that shrinks to one instance",
        "endpoint-spread",
        setting("appautoscaling.Target primary-inference-intent-scaling-bounds", "minCapacity", 1),
        "full",
    ),
]
