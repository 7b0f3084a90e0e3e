"""Secrets and parameters: whether their names are free, their values there, and small enough to be kept."""

from collections.abc import Iterator
from typing import Any

from plan.model import Resource, Secret
from plan.preflight.facts import Facts
from plan.preflight.model import Check, Verdict, ok, problem
from plan.preflight.refusals import code

_SIZES = {"Standard": 4 * 1024, "Advanced": 8 * 1024}


def _secrets(facts: Facts, region: str) -> Iterator[Verdict]:
    filled = {version.inputs["secretId"] for version in facts.declared("secretsmanager.SecretVersion")}
    for secret in facts.declared("secretsmanager.Secret", region):
        name = secret.inputs["name"]
        found = _described(facts, region, name)
        if found is None:
            yield ok(f"{name}: `up` makes it") if secret.id in filled else problem(f"{name}: nobody fills it")
        elif found.get("DeletedDate"):
            yield problem(
                f"{name} is being deleted, and keeps its name until it is gone",
                f"aws secretsmanager restore-secret --secret-id {name} --region {region}",
            )
        elif not facts.owns(found.get("Tags", ())):
            yield problem(f"{name} exists and is not this stack's", "Rename or delete the other one.")
        elif not any("AWSCURRENT" in stages for stages in found.get("VersionIdsToStages", {}).values()):
            yield problem(f"{name} has no current value", "Run `up` again, or put a value.")
        else:
            yield from _copies(name, secret, found)


def _described(facts: Facts, region: str, name: str) -> dict[str, Any] | None:
    client = facts.client("secretsmanager", region)
    try:
        found: dict[str, Any] = client.describe_secret(SecretId=name)
    except client.exceptions.ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
        return None
    return found


def _copies(name: str, secret: Resource, found: dict[str, Any]) -> Iterator[Verdict]:
    there = {copy["Region"]: copy.get("Status") for copy in found.get("ReplicationStatus", ())}
    failed = [r["region"] for r in secret.inputs.get("replicas", ()) if there.get(r["region"]) == "Failed"]
    if failed:
        yield problem(f"{name}: its copy in {', '.join(failed)} failed", "Delete what holds the name there.")
    else:
        yield ok(f"{name} has a current value")


def _parameters(facts: Facts, region: str) -> Iterator[Verdict]:
    large = []
    for parameter in facts.declared("ssm.Parameter", region):
        value = parameter.inputs.get("insecureValue", parameter.inputs.get("value", ""))
        text = value.value if isinstance(value, Secret) else value
        size, limit = len(str(text).encode()), _SIZES.get(parameter.inputs.get("tier", "Standard"))
        if limit is not None and size > limit:
            large.append(f"{parameter.inputs.get('name', parameter.name)} has {size:,} bytes, not {limit:,}")
    yield problem("; ".join(large)) if large else ok("every value fits its tier")


CHECKS = (
    Check(
        id="secrets",
        title="Secrets",
        why="A deleted secret keeps its name for days, and an empty one stops every task that reads it.",
        fix="Restore it, or give it a value.",
        lead_time="minutes; up to 30 days where deletion is waited for",
        look=_secrets,
        actions=("secretsmanager:DescribeSecret",),
        types=("secretsmanager.Secret",),
    ),
    Check(
        id="parameter-sizes",
        title="Parameter sizes",
        why="A standard parameter takes 4 KB, an advanced one 8.",
        fix="Shorten the settings, or set tier: Advanced where the parameter is declared.",
        lead_time="minutes",
        look=_parameters,
        types=("ssm.Parameter",),
    ),
)
