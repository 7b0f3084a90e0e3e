"""Whether the models of the ladder may be called, for how long still, and how often (MOD-1, MOD-2)."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from contract.models import Model, models
from contract.runtime_settings import RuntimeSettings
from plan.preflight.facts import Facts
from plan.preflight.model import Check, Verdict, ok, problem, unknown, warning
from plan.preflight.quotas import ACTIONS as QUOTA_ACTIONS
from plan.preflight.quotas import held_against, listed

# A change of model needs its golden prompts run, its prompts tuned and its quota granted.
_NOTICE = timedelta(days=90)
# What a call brings besides the answer: RUN-15 summarises a conversation beyond this many tokens.
_CONTEXT_TOKENS = 2_000
_UNIT = "bedrock.ProvisionedModelThroughput"


def ladder(facts: Facts, region: str) -> dict[str, int]:
    """Model key -> the most tokens an answer of it may take, for every model called from this region."""
    most: dict[str, int] = {}
    name = f"/concierge/{facts.plan.stack}/settings"
    for parameter in facts.declared("ssm.Parameter", region):
        if parameter.inputs.get("name") != name:
            continue
        runtime = RuntimeSettings.model_validate_json(parameter.inputs["insecureValue"])
        for rung in runtime.ladder:
            if rung.model:
                most[rung.model] = max(most.get(rung.model, 0), rung.max_tokens)
    return most


def _access(facts: Facts, region: str) -> Iterator[Verdict]:
    client = facts.client("bedrock", region)
    for key in ladder(facts, region):
        model = models()[key]
        found = client.get_foundation_model_availability(modelId=model.id)
        missing = [
            word
            for word, value, wanted in (
                ("agreement", found.get("agreementAvailability", {}).get("status"), "AVAILABLE"),
                ("authorization", found.get("authorizationStatus"), "AUTHORIZED"),
                ("entitlement", found.get("entitlementAvailability"), "AVAILABLE"),
                ("region", found.get("regionAvailability"), "AVAILABLE"),
            )
            if value != wanted
        ]
        if missing:
            yield problem(f"{key} ({model.id}): no {', no '.join(missing)}")
        else:
            yield ok(f"{key} may be called")


def _profiles(facts: Facts, region: str) -> Iterator[Verdict]:
    client = facts.client("bedrock", region)
    for key in ladder(facts, region):
        id_ = models()[key].callable_id(region)
        if id_ == models()[key].id:
            kinds = client.get_foundation_model(modelIdentifier=id_)["modelDetails"][
                "inferenceTypesSupported"
            ]
            if "ON_DEMAND" not in kinds:
                yield problem(
                    f"{key}: {id_} is not offered on demand here, and no profile is set for {region}"
                )
            else:
                yield ok(f"{key}: {id_} on demand")
            continue
        status = client.get_inference_profile(inferenceProfileIdentifier=id_)["status"]
        yield ok(f"{key}: {id_}") if status == "ACTIVE" else problem(f"{key}: {id_} is {status}")


def _lifecycle(facts: Facts, region: str) -> Iterator[Verdict]:
    client = facts.client("bedrock", region)
    for key in ladder(facts, region):
        model = models()[key]
        found = client.get_foundation_model(modelIdentifier=model.id)["modelDetails"].get(
            "modelLifecycle", {}
        )
        end = found.get("endOfLifeTime")
        yield _remaining(model, found.get("status", "ACTIVE"), end.date() if end else model.end_of_life)


def _remaining(model: Model, status: str, end: date | None) -> Verdict:
    until = f", ends {end}" if end else ""
    if end is not None and end <= datetime.now(tz=UTC).date() + _NOTICE:
        return problem(f"{model.key} ({model.id}) is {status.lower()}{until}")
    if status != "ACTIVE" or model.state != "active":
        return warning(f"{model.key} ({model.id}) is {status.lower()}{until}")
    return ok(f"{model.key} is active{until}")


def _on_demand(facts: Facts, region: str) -> Iterator[Verdict]:
    """Every rung must carry all messages: a rung that cannot is no fallback (RUN-5)."""
    client = facts.client("bedrock", region)
    demand = facts.wishes.messages_per_second
    for key, max_tokens in ladder(facts, region).items():
        model = models()[key]
        name = client.get_foundation_model(modelIdentifier=model.id)["modelDetails"]["modelName"]
        per_minute = {"requests": 1, "tokens": _CONTEXT_TOKENS + max_tokens}
        for unit, each in per_minute.items():
            value = quota_of(facts, region, model, name, unit)
            if value is None:
                yield unknown(f"{key}: Service Quotas lists no {unit} per minute for {name}")
            elif demand is not None:
                verdict = held_against(value, demand * 60 * each)
                yield Verdict(verdict.status, f"{key}, {unit} a minute: {verdict.sentence}", verdict.fix)
            elif value == 0:
                yield problem(f"{key}: no {unit} a minute are granted at all")
            else:
                yield unknown(
                    f"{key}: {value:,.0f} {unit} a minute are granted, {value / each / 60:,.1f} messages a "
                    "second; how many will come is not in the plan",
                    "Say --messages-per-second N, the peak.",
                )


def quota_of(facts: Facts, region: str, model: Model, name: str, unit: str) -> float | None:
    """The on-demand quota of a model. Its name is in the quota's, which stands in no other place."""
    profile = model.callable_id(region)
    how = "On-demand" if profile == model.id else "Cross-region"
    if profile.startswith("global."):
        how = "Global cross-region"
    whose = f"(?:{re.escape(model.provider)} )?{re.escape(name)}(?: V\\d+)?"
    wanted = re.compile(f"{how} model inference {unit} per minute for {whose}", re.IGNORECASE)
    found = (value for title, value in listed(facts, region, "bedrock").items() if wanted.fullmatch(title))
    return next(found, None)


def _granted_units(facts: Facts, region: str) -> Iterator[Verdict]:
    """AWS grants model units by a support case only; without them `up` waits, and then fails."""
    needed: Counter[str] = Counter()
    for unit in facts.declared(_UNIT, region):
        needed[str(unit.inputs["modelArn"]).rpartition("/")[2]] += int(unit.inputs["modelUnits"])
    quotas = listed(facts, region, "bedrock")
    for id_, count in needed.items():
        details = facts.client("bedrock", region).get_foundation_model(modelIdentifier=id_)["modelDetails"]
        name = details["modelName"]
        if details.get("modelLifecycle", {}).get("status") == "LEGACY":
            yield problem(f"{name} is legacy: no new units are sold", "Choose a model that is not legacy.")
            continue
        fitting = re.compile(rf"model units.* for .*{re.escape(name)}\b(?!\.\d)", re.IGNORECASE)
        granted = [value for title, value in quotas.items() if fitting.search(title)]
        if not granted:
            yield unknown(f"{name}: Service Quotas lists no model units; {count} needed")
            continue
        verdict = held_against(max(granted), count)
        yield Verdict(verdict.status, f"{name}: {verdict.sentence}", verdict.fix)


CHECKS = (
    Check(
        id="model-access",
        title="Model access",
        why="A model that was never agreed to answers every call with AccessDenied.",
        fix="Agree to the model in the Bedrock console (Model access), in this region.",
        lead_time="minutes; a day where the provider asks for a form",
        look=_access,
        actions=("bedrock:GetFoundationModelAvailability",),
    ),
    Check(
        id="model-profiles",
        title="Inference profiles",
        why="Newer models refuse their bare id on demand.",
        fix="Put the right `profile` for the region into contract/models.toml.",
        lead_time="minutes",
        look=_profiles,
        actions=("bedrock:GetInferenceProfile", "bedrock:GetFoundationModel"),
    ),
    Check(
        id="model-lifecycle",
        title="Model lifecycle",
        why="After its end of life a model answers nothing; legacy ones get no new units.",
        fix="Evaluate its successor and change contract/models.toml.",
        lead_time="weeks",
        look=_lifecycle,
        actions=("bedrock:GetFoundationModel",),
    ),
    Check(
        id="model-quota",
        title="On-demand tokens and requests",
        why="Above it Bedrock throttles, whatever is provisioned elsewhere.",
        fix="Request an increase of both quotas; say the event's date and shape.",
        lead_time="one to three weeks",
        look=_on_demand,
        actions=(*QUOTA_ACTIONS, "bedrock:GetFoundationModel"),
    ),
    Check(
        id="model-units",
        title="Provisioned model units",
        why="No account has any until a support case grants them (MOD-2).",
        fix="Open a support case with region, model, units, commitment and dates.",
        lead_time="one to four weeks; then 10 to 20 minutes to provision",
        look=_granted_units,
        actions=(*QUOTA_ACTIONS, "bedrock:GetFoundationModel"),
        types=(_UNIT,),
    ),
)
