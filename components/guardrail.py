"""The guardrail of every model call, pinned to a version (MOD-4). Its content is data: `guardrail.toml`.

A call names a version, never the working draft: what people may say must not change under a running agent. A
version is a snapshot and cannot be edited, so it carries a digest of the content in its description, and a
changed digest replaces it. Without that, an edited guardrail would leave the old version in force for ever.

Old versions stay in AWS: agents that have not read the new number yet still call them. AWS keeps twenty of
them a guardrail; preflight or a person deletes the oldest.

Bedrock refuses what the role's policy does not allow: `Guardrail.only_guarded` is the condition that makes a
call without this guardrail fail, whatever the code does. It leaves the version open, or the moment between a
new version and the agents' next look at it would be an outage.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Watch
from components.base import Component
from components.grants import Grant, use_key
from components.guardrail_rules import Rules, rules
from components.place import Place
from contract.alarms import Alarm, Widget

NAMESPACE = "AWS/Bedrock/Guardrails"


@dataclass(frozen=True, kw_only=True)
class GuardrailArgs:
    """`interventions`: texts blocked or masked in five minutes that are more than a usual day's."""

    environment: str
    place: Place
    key_arn: Input[str]
    interventions: int
    protect: bool
    rules: Rules = field(default_factory=rules)


class Guardrail(Component):
    """The guardrail of one region and its newest version. Ids are regional: each region has its own."""

    kind = "models:Guardrail"
    arn: Output[str]
    guardrail_id: Output[str]
    version: Output[str]

    def __init__(self, name: str, args: GuardrailArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        made = self._guardrail(args.rules)
        self.arn, self.guardrail_id = made.guardrail_arn, made.guardrail_id
        self.version = aws.bedrock.GuardrailVersion(
            f"{name}-version",
            guardrail_arn=self.arn,
            description=f"content {args.rules.digest}",
            skip_destroy=True,
            opts=pulumi.ResourceOptions(parent=self, replace_on_changes=["description"]),
        ).version
        self.register_outputs({"id": self.guardrail_id, "version": self.version})

    def _guardrail(self, said: Rules) -> aws.bedrock.Guardrail:
        return aws.bedrock.Guardrail(
            f"{self.name}-guardrail",
            name=f"concierge-{self._args.environment}-guardrail",
            description="What every model call is held against; written by pulumi only.",
            blocked_input_messaging=said.messages.input,
            blocked_outputs_messaging=said.messages.output,
            kms_key_arn=self._args.key_arn,
            content_policy_config={"filters_configs": _filters(said)},
            topic_policy_config={"topics_configs": _topics(said)},
            word_policy_config=_words(said),
            sensitive_information_policy_config={"pii_entities_configs": _entities(said)},
            contextual_grounding_policy_config={
                "filters_configs": [
                    {"type": kind, "threshold": threshold} for kind, threshold in said.grounding.items()
                ]
            },
            opts=self.child(protect=self._args.protect),
        )

    def only_guarded(self) -> Mapping[str, Any]:
        """Condition of a grant: the call names a version of this guardrail."""
        return {"StringLike": {"bedrock:GuardrailIdentifier": Output.concat(self.arn, ":?*")}}

    def grants(self) -> list[Grant]:
        """For whoever calls models: the guardrail, and the key that closes it."""
        opened = use_key(self._args.place, self._args.key_arn, ["bedrock"])
        return [
            Grant("ApplyGuardrail", ["bedrock:ApplyGuardrail"], [self.arn]),
            Grant("OpenGuardrail", ["kms:Decrypt"], opened.resources, opened.conditions),
        ]

    def alarms(self) -> list[Watch]:
        return [
            self._alarm(
                "guardrail-interventions",
                "InvocationsIntervened",
                threshold=self._args.interventions,
                period_s=300,
                datapoints=3,
                of=3,
                severity="ticket",
                impact="Far more messages than usual are blocked: an attack, or good questions refused.",
                runbook="irrelevant-results",
            ),
            self._alarm(
                "guardrail-throttled",
                "InvocationThrottles",
                threshold=0,
                period_s=60,
                datapoints=3,
                of=5,
                severity="page",
                impact="The guardrail refuses texts over its quota; such messages get no model's answer.",
                runbook="bedrock-throttled",
            ),
            self._alarm(
                "guardrail-failing",
                "InvocationServerErrors",
                threshold=0,
                period_s=60,
                datapoints=3,
                of=5,
                severity="page",
                impact="The guardrail fails, and each message it fails on gets no model's answer.",
                runbook="bedrock-outage",
            ),
        ]

    def _alarm(self, id_: str, metric: str, **more: Any) -> Watch:
        alarm = Alarm(
            id=id_,
            namespace=NAMESPACE,
            metric=metric,
            computed=("GuardrailArn", "GuardrailVersion"),
            statistic="Sum",
            missing="notBreaching",
            **more,
        )
        return Watch(alarm, {"GuardrailArn": self.arn, "GuardrailVersion": self.version})

    def widgets(self) -> list[Widget]:
        """By policy, for the whole region: which rule is it that intervenes, and which one costs."""
        kinds = ("ContentPolicy", "TopicPolicy", "WordPolicy", "SensitiveInformationPolicy")
        by_policy = tuple({"GuardrailPolicyType": kind} for kind in (*kinds, "ContextualGroundingPolicy"))
        titles = {"InvocationsIntervened": "Guardrail interventions", "TextUnitCount": "Guardrail text units"}
        return [
            Widget(title=title, namespace=NAMESPACE, metric=metric, statistic="Sum", dimensions=by_policy)
            for metric, title in titles.items()
        ]


def _filters(said: Rules) -> list[aws.bedrock.GuardrailContentPolicyConfigFiltersConfigArgsDict]:
    return [
        {"type": kind, "input_strength": strength.input, "output_strength": strength.output}
        for kind, strength in said.filters.items()
    ]


def _topics(said: Rules) -> list[aws.bedrock.GuardrailTopicPolicyConfigTopicsConfigArgsDict]:
    return [
        {"name": name, "type": "DENY", "definition": topic.definition, "examples": list(topic.examples)}
        for name, topic in said.topics.items()
    ]


def _words(said: Rules) -> aws.bedrock.GuardrailWordPolicyConfigArgsDict:
    return {
        "managed_word_lists_configs": [{"type": "PROFANITY"}] if said.words.profanity else [],
        "words_configs": [
            {
                "text": text,
                "input_enabled": False,
                "input_action": "NONE",
                "output_enabled": True,
                "output_action": "BLOCK",
            }
            for text in said.words.never_answered
        ],
    }


def _entities(
    said: Rules,
) -> list[aws.bedrock.GuardrailSensitiveInformationPolicyConfigPiiEntitiesConfigArgsDict]:
    actions = {"BLOCK": said.pii.block, "ANONYMIZE": said.pii.mask}
    return [{"type": kind, "action": action} for action, kinds in actions.items() for kind in kinds]
