"""The account that a plan would make: application profiles, units and guardrails of its regions."""

from collections.abc import Iterator, Mapping
from typing import Any

from contract.models import embedders, models
from plan.model import Plan, Resource, short_type
from rehearsal.bedrock.account import Account, Units, by_id
from rehearsal.bedrock.guardrail_rules import Filter, Guardrail, Topic, Word


def account(plan: Plan, region: str) -> Account:
    """What Bedrock holds once the plan has been deployed: the stand-in answers for every region of it.

    `region`: where the runtime is.
    """
    mine = list(plan.cloud)
    return Account(
        region=region,
        profiles={
            str(profile.outputs["arn"]): _model(profile.inputs["modelSource"]["copyFrom"])
            for profile in _of(mine, "bedrock.InferenceProfile")
        },
        units={
            str(bought.outputs["provisionedModelArn"]): Units(
                model=_model(bought.inputs["modelArn"]), units=bought.inputs["modelUnits"]
            )
            for bought in _of(mine, "bedrock.ProvisionedModelThroughput")
        },
        guardrails={made.id: made for made in _guardrails(mine)},
    )


def _of(resources: list[Resource], kind: str) -> Iterator[Resource]:
    return (resource for resource in resources if short_type(resource.type) == kind)


def _model(arn: str) -> str:
    """Key of the model that an ARN of it, of a profile or of a context variant of it names."""
    name = arn.rpartition("/")[2]
    if name in by_id():
        return by_id()[name].key
    variants = {variant: model for model in models().values() for variant in _variants(model)}
    found = variants.get(name)
    known = ", ".join([*models(), *embedders()])
    if found is None:
        raise ValueError(f"{arn} is none of {known}: add it to contract/models.toml")
    return found.key


def _variants(model: Any) -> Iterator[str]:
    for offer in model.regions.values():
        yield from offer.variants
        yield from (f"{model.id}:{variant}" for variant in offer.variants)


def _guardrails(resources: list[Resource]) -> Iterator[Guardrail]:
    made = [str(version.inputs["guardrailArn"]) for version in _of(resources, "bedrock.GuardrailVersion")]
    for resource in _of(resources, "bedrock.Guardrail"):
        arn = str(resource.outputs["guardrailArn"])
        yield _guardrail(resource, arn, versions=made.count(arn))


def _guardrail(resource: Resource, arn: str, versions: int) -> Guardrail:
    said = resource.inputs
    words = said.get("wordPolicyConfig", {})
    return Guardrail(
        id=arn.rpartition("/")[2],
        arn=arn,
        versions=tuple(str(number + 1) for number in range(versions)),
        blocked_input=said["blockedInputMessaging"],
        blocked_output=said["blockedOutputsMessaging"],
        filters=tuple(
            Filter(kind=row["type"], input=row["inputStrength"], output=row["outputStrength"])
            for row in said.get("contentPolicyConfig", {}).get("filtersConfigs", ())
        ),
        topics=tuple(
            Topic(name=row["name"], definition=row["definition"], examples=tuple(row.get("examples", ())))
            for row in said.get("topicPolicyConfig", {}).get("topicsConfigs", ())
        ),
        words=tuple(_word(row) for row in words.get("wordsConfigs", ())),
        profanity=bool(words.get("managedWordListsConfigs")),
        pii={
            row["type"]: row["action"]
            for row in said.get("sensitiveInformationPolicyConfig", {}).get("piiEntitiesConfigs", ())
        },
        grounding={
            row["type"]: row["threshold"]
            for row in said.get("contextualGroundingPolicyConfig", {}).get("filtersConfigs", ())
        },
    )


def _word(row: Mapping[str, Any]) -> Word:
    return Word(text=row["text"], input=row.get("inputEnabled", True), output=row.get("outputEnabled", True))
