"""Bedrock: the guardrail in full strength (MOD-4), and every version of it kept while somebody may use it."""

from typing import Any

from checkov.common.models.enums import CheckCategories, CheckResult
from checkov.terraform.checks.resource.base_resource_check import BaseResourceCheck
from checkov.terraform.checks.resource.base_resource_value_check import BaseResourceValueCheck

HARMS = frozenset({"HATE", "INSULTS", "MISCONDUCT", "SEXUAL", "VIOLENCE"})
ATTACK = "PROMPT_ATTACK"
PARTS = (
    "contextual_grounding_policy_config",
    "sensitive_information_policy_config",
    "topic_policy_config",
    "word_policy_config",
)


class GuardrailStrong(BaseResourceCheck):
    def __init__(self) -> None:
        super().__init__(
            name="Ensure the guardrail's content filters are all on and at their highest, attacks included",
            id="CKV_CONCIERGE_6",
            categories=[CheckCategories.AI_AND_ML],
            supported_resources=["aws_bedrock_guardrail"],
        )

    def scan_resource_conf(self, conf: dict[str, Any]) -> CheckResult:
        self.evaluated_keys = ["content_policy_config"]
        filters = {
            each["type"][0]: (each.get("input_strength", [None])[0], each.get("output_strength", [None])[0])
            for policy in conf.get("content_policy_config", [])
            for each in policy.get("filters_config", [])
        }
        harmless = all(filters.get(harm) == ("HIGH", "HIGH") for harm in HARMS)
        # Attacks come in, they do not go out: Bedrock takes no strength for them there.
        guarded = filters.get(ATTACK, (None, None))[0] == "HIGH"
        return CheckResult.PASSED if harmless and guarded else CheckResult.FAILED


class GuardrailWhole(BaseResourceCheck):
    def __init__(self) -> None:
        super().__init__(
            name="Ensure the guardrail knows personal data, denied topics, words, and what answers rest on",
            id="CKV_CONCIERGE_7",
            categories=[CheckCategories.AI_AND_ML],
            supported_resources=["aws_bedrock_guardrail"],
        )

    def scan_resource_conf(self, conf: dict[str, Any]) -> CheckResult:
        self.evaluated_keys = list(PARTS)
        return CheckResult.PASSED if all(conf.get(part) for part in PARTS) else CheckResult.FAILED


class GuardrailVersionKept(BaseResourceValueCheck):
    def __init__(self) -> None:
        super().__init__(
            name="Ensure a guardrail's version outlives its replacement: running agents still name it",
            id="CKV_CONCIERGE_8",
            categories=[CheckCategories.AI_AND_ML],
            supported_resources=["aws_bedrock_guardrail_version"],
        )

    def get_inspected_key(self) -> str:
        return "skip_destroy"


GuardrailStrong()
GuardrailWhole()
GuardrailVersionKept()
