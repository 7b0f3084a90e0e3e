"""Models: no money committed by accident, no call without its guardrail, no rollout without a way back."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from policies.rule import Faults, among, each
from policies.rules.compute import containers
from policies.rules.documents import covers, documents_of
from policies.view import Node, View, dig, known

_STRONG = ("HATE", "VIOLENCE", "SEXUAL", "MISCONDUCT", "PROMPT_ATTACK")
_GROUNDED = {"GROUNDING", "RELEVANCE"}
_TOPICS = ("medical", "financial")
# The variable that tells an agent which parameter names the models it calls.
_MODELS = "CONCIERGE_MODELS"
_CALLS = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream")
# A condition on the guardrail, or on a profile whose own statement has one.
_HELD = {"bedrock:guardrailidentifier", "bedrock:inferenceprofilearn"}
_NUMBER = re.compile(r"^\d+$")


@each(
    "commitment-guard",
    "MOD-2",
    "bedrock.ProvisionedModelThroughput",
    why="Committed units cannot be given back before their month or half-year is over.",
    fix="leave the term out (hourly) in development; elsewhere environment.protect: true and a granted quota",
)
def commitment_guard(units: Node) -> Faults:
    """Units are committed only where Pulumi refuses to delete or replace them, which development never is."""
    term = units.get("commitmentDuration")
    if term and not units.protect:
        yield f"units are committed for {term}, and nothing protects them"


@among(
    "guardrail-attached",
    "MOD-4",
    "ecs.TaskDefinition",
    "bedrock.AgentcoreAgentRuntime",
    "bedrock.AgentAgent",
    why="Without one a model gives medical advice, repeats insults and obeys what hides in a review.",
    fix="publish the guardrail's id and version with the models (components/model_access.py)",
)
def guardrail_attached(host: Node, view: View) -> Faults:
    """Each model is called through a guardrail of the region it is in, in a version that does not change."""
    if host.short == "bedrock.AgentAgent":
        settings = host.list("guardrailConfigurations")
        used = settings[0] if settings else None
        yield from _guarded(used, "guardrailIdentifier", "guardrailVersion", host.region, view)
        return
    for name in _parameters(host):
        told = [p for p in view.of("ssm.Parameter") if p.region == host.region and p.get("name") == name]
        if not told:
            yield f"it reads its models from {name}, which is not there"
        for parameter in told:
            content = json.loads(str(parameter.get("insecureValue") or parameter.get("value")))
            yield from dict.fromkeys(_unguarded_rungs(content, host.region, view))


def _unguarded_rungs(content: Mapping[str, Any], region: str | None, view: View) -> Faults:
    """Of a published document: rung -> modelId, and the guardrail of all or of some rungs."""
    others = content.get("guardrails") or {}
    for rung, call in (content.get("rungs") or {"": ""}).items():
        used = others.get(rung) or content.get("guardrail")
        yield from _guarded(used, "id", "version", _region_of(call) or region, view)


def _region_of(arn: str) -> str:
    return arn.split(":")[3] if arn.startswith("arn:") else ""


def _parameters(host: Node) -> Iterator[str]:
    variables = host.get("environmentVariables")
    if host.short == "ecs.TaskDefinition":
        found = [pair for container in containers(host) for pair in container.get("environment") or ()]
        variables = {known(pair["name"]): pair.get("value") for pair in found}
    if isinstance(variables, Mapping) and _MODELS in variables:
        yield str(known(variables[_MODELS]))


def _guarded(used: Any, identifier: str, version: str, region: str | None, view: View) -> Faults:
    if not used or not dig(used, identifier):
        yield "it calls its models without a guardrail"
        return
    guardrails = [g for g in view.of("bedrock.Guardrail") if g.region == region]
    if not any(str(dig(used, identifier)) in guardrail.identities for guardrail in guardrails):
        yield f"the guardrail {dig(used, identifier)} is not one of this stack in {region}"
    if not _NUMBER.match(str(dig(used, version))):
        yield f"version {dig(used, version)} of the guardrail changes under it"


@among(
    "call-guarded",
    "MOD-4",
    "iam.RolePolicy",
    "iam.Policy",
    why="What only the code promises, an injection or a bug can leave out: IAM refuses the bare call.",
    fix="models.guardrail.enforced: true; add `fence()` of components/model_access.py to the grant",
    elsewhere="advisory",
)
def call_guarded(policy: Node, view: View) -> Faults:
    """Who may call a model that writes text may do so only with a guardrail."""
    for _, document in documents_of(policy.inputs):
        for statement in document:
            calls = any(covers(pattern, call) for pattern in statement.actions for call in _CALLS)
            if not statement.allows or not calls or statement.condition_keys() & _HELD:
                continue
            if any(_answers(arn, view) for arn in statement.resources):
                yield f"{statement.sid or 'a statement'} calls models without a guardrail"


def _answers(arn: str, view: View) -> bool:
    """A model, or a profile of one, that says something; one that makes vectors has nothing to filter."""
    profiles = [p for p in view.of("bedrock.InferenceProfile") if arn in p.identities]
    embeds = "embed" in arn or any("embed" in str(p.get("modelSource.copyFrom")) for p in profiles)
    return (arn == "*" or ":bedrock:" in arn) and not embeds


@each(
    "guardrail-strong",
    "MOD-4",
    "bedrock.Guardrail",
    why="A filter that is missing or weak is found by users within hours, and by journalists within days.",
    fix="components/guardrail.toml holds the filters, topics, words and kinds of personal data",
)
def guardrail_strong(guardrail: Node) -> Faults:
    """A guardrail filters at full strength, denies medical and financial advice, checks words and data."""
    filters = {dig(f, "type"): f for f in guardrail.list("contentPolicyConfig.filtersConfigs")}
    for kind in _STRONG:
        sides = ["inputStrength"] if kind == "PROMPT_ATTACK" else ["inputStrength", "outputStrength"]
        if any(dig(filters.get(kind, {}), side) != "HIGH" for side in sides):
            yield f"{kind} is not filtered at full strength"
    names = " ".join(str(dig(t, "name")).lower() for t in guardrail.list("topicPolicyConfig.topicsConfigs"))
    for topic in _TOPICS:
        if topic not in names:
            yield f"{topic} advice is not denied"
    if not guardrail.list("sensitiveInformationPolicyConfig.piiEntitiesConfigs"):
        yield "personal data passes"
    words = guardrail.get("wordPolicyConfig") or {}
    if not dig(words, "managedWordListsConfigs") and not dig(words, "wordsConfigs"):
        yield "no words are filtered"
    checks = {dig(f, "type") for f in guardrail.list("contextualGroundingPolicyConfig.filtersConfigs")}
    if not checks >= _GROUNDED:
        yield "answers are not held against what was retrieved"


@each(
    "call-log-without-text",
    "RUN-13",
    "bedrockmodel.InvocationLoggingConfiguration",
    why="Bedrock's log would hold what people wrote as they wrote it, before any redaction.",
    fix="set text, image, video and embedding delivery to false (components/invocation_logging.py)",
)
def call_log_without_text(config: Node) -> Faults:
    """Bedrock's log of calls holds no text of conversations."""
    kinds = ("text", "image", "video", "embedding")
    for kind in kinds:
        if config.get(f"loggingConfig.{kind}DataDeliveryEnabled") is not False:
            yield f"{kind} of calls is logged"


@among(
    "endpoint-rollback",
    "MOD-5",
    "sagemaker.Endpoint",
    "cloudformation.Stack",
    why="A model that fails every call must go back while it has a tenth of the traffic, not all of it.",
    fix="inference.<model>.guarded: true; components/inference_rollback.py declares the two alarms",
    elsewhere="advisory",
)
def endpoint_rollback(node: Node, view: View) -> Faults:
    """A SageMaker endpoint shifts traffic step by step, and alarms of this stack turn a bad model back."""
    alarms = {a.get("name") for a in view.of("cloudwatch.MetricAlarm") if a.region == node.region}
    for rollout in _rollouts(node):
        policy = dig(rollout, "BlueGreenUpdatePolicy.TrafficRoutingConfiguration.Type")
        if policy not in {"LINEAR", "CANARY"}:
            yield "a new model gets all traffic at once"
        named = [dig(alarm, "AlarmName") for alarm in dig(rollout, "AutoRollbackConfiguration.Alarms") or ()]
        if not named:
            yield "no alarm turns a new model back"
        yield from (f"{name} is no alarm of this stack" for name in named if name not in alarms)


def _rollouts(node: Node) -> Iterator[Any]:
    """The deployment settings of each endpoint, in CloudFormation's words."""
    if node.short == "sagemaker.Endpoint":
        yield _as_template(node.get("deploymentConfig") or {})
        return
    body = node.get("templateBody")
    template = json.loads(body) if isinstance(body, str) and body.lstrip().startswith("{") else {}
    for resource in template.get("Resources", {}).values():
        if resource.get("Type") == "AWS::SageMaker::Endpoint":
            values = {**(node.get("parameters") or {})}
            yield _resolved(
                resource["Properties"].get("DeploymentConfig", {}), values, template.get("Conditions", {})
            )


def _as_template(value: Any) -> Any:
    """A provider's names as CloudFormation's: their first letter is a capital."""
    if isinstance(value, Mapping):
        return {f"{key[0].upper()}{key[1:]}": _as_template(known(item)) for key, item in value.items()}
    return [_as_template(known(item)) for item in value] if isinstance(value, list) else value


def _resolved(value: Any, parameters: Mapping[str, Any], conditions: Mapping[str, Any]) -> Any:
    """A piece of a template with its references and its choices carried out."""
    if isinstance(value, list):
        return [_resolved(item, parameters, conditions) for item in value]
    if not isinstance(value, dict):
        return value
    if "Ref" in value:
        return known(parameters.get(value["Ref"]))
    if "Fn::Equals" in value:
        first, second = (_resolved(side, parameters, conditions) for side in value["Fn::Equals"])
        return first == second
    if "Fn::If" in value:
        name, yes, no = value["Fn::If"]
        chosen = yes if _resolved(conditions.get(name, {}), parameters, conditions) is True else no
        return _resolved(chosen, parameters, conditions)
    return {key: _resolved(item, parameters, conditions) for key, item in value.items()}


@each(
    "endpoint-spread",
    "MOD-5",
    "sagemaker.EndpointConfiguration",
    "appautoscaling.Target",
    why="One instance is none while it is replaced, and a cold start takes a minute.",
    fix="inference.<model>.minimum: 2",
    elsewhere="advisory",
)
def endpoint_spread(config: Node) -> Faults:
    """An endpoint starts with two instances at least, and never shrinks to fewer."""
    if config.get("serviceNamespace") == "sagemaker" and (config.get("minCapacity") or 0) < 2:
        yield f"it may shrink to {config.get('minCapacity') or 0:g} instances"
    for variant in config.list("productionVariants"):
        count = dig(variant, "initialInstanceCount")
        if count is not None and count < 2:
            yield f"variant {dig(variant, 'variantName')} starts with {count:g} instance"


@each(
    "endpoint-captures",
    "MOD-5",
    "sagemaker.EndpointConfiguration",
    why="Drift is found only in what was written down; writing all of it down costs more than the model.",
    fix="inference.<model>.capture_percent: 10 to 20",
    elsewhere="advisory",
)
def endpoint_captures(config: Node) -> Faults:
    """An endpoint writes down 10 to 20 percent of its calls, encrypted with a key of ours."""
    capture = config.get("dataCaptureConfig") or {}
    share = dig(capture, "initialSamplingPercentage") or 0
    if dig(capture, "enableCapture") is not True or not 10 <= share <= 20:
        yield f"{share:g} % of calls are written down"
    elif not dig(capture, "kmsKeyId"):
        yield "what is written down is not encrypted with a key of ours"


RULES = (
    commitment_guard,
    guardrail_attached,
    call_guarded,
    guardrail_strong,
    call_log_without_text,
    endpoint_rollback,
    endpoint_spread,
    endpoint_captures,
)
