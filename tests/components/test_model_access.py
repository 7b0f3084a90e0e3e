"""MOD-1: every rung is called through something that is metered, allowed and published for this region."""

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

from components import grants
from contract.metrics import known
from contract.model_access import InferenceProfile, ModelCalls
from contract.models import embedders
from contract.tiers import Tier
from plan import Plan, PlanError
from plan.answers import ACCOUNT
from tests.components.bedrock_helpers import (
    LADDER,
    PROFILE,
    REGION,
    TABLE,
    access,
    called,
    calls,
    guardrail,
    planned,
    rung,
)
from tests.components.data_helpers import Check, each, unnoticed
from tests.stacks.loosening_helpers import Change, having, loosened

FOUNDATION = "arn:aws:bedrock:{}::foundation-model/{}"


def published(plan: Plan) -> ModelCalls:
    return ModelCalls.model_validate_json(plan.get("calls-document").inputs["insecureValue"])


def allowed(plan: Plan, output: str = "policy") -> Mapping[str, dict[str, Any]]:
    return {s["Sid"]: s for s in json.loads(plan.outputs[output])["Statement"]}


def every_rung_has_a_profile_that_the_bill_names(plan: Plan) -> None:
    profiles = {p.inputs["tags"]["Rung"]: p for p in each(plan, "bedrock.InferenceProfile")}
    assert set(profiles) == {"aria", "ballad", "embed"}
    assert all(p.inputs["name"].startswith(f"concierge-test-{rung}-") for rung, p in profiles.items())


def profiles_are_copied_from_what_is_called(plan: Plan) -> None:
    sources = {p.name: p.inputs["modelSource"]["copyFrom"] for p in each(plan, "bedrock.InferenceProfile")}
    assert sources == {
        "models-aria": f"arn:aws:bedrock:{REGION}:{ACCOUNT}:inference-profile/{PROFILE}",
        "models-ballad": FOUNDATION.format(REGION, "acme.ballad-v1:0"),
        "models-embed": FOUNDATION.format(REGION, embedders()["titan-embed"].id),
    }


def units_take_no_profile(plan: Plan) -> None:
    (units,) = each(plan, "bedrock.ProvisionedModelThroughput")
    assert units.inputs["provisionedModelName"].startswith("concierge-test-aria-units-2x200k-hourly-")
    assert units.inputs["modelArn"] == FOUNDATION.format(REGION, "acme.aria-v1:0:200k")
    assert units.inputs["modelUnits"] == 2
    assert units.inputs["timeouts"] == {"create": "40m"}
    assert published(plan).rungs["aria-units"] == units.outputs["provisionedModelArn"]


def what_to_call_is_published_for_this_region(plan: Plan) -> None:
    parameter = plan.get("calls-document")
    assert parameter.inputs["name"] == "/concierge/test/models"
    assert parameter.inputs["type"] == "String"
    found = published(plan)
    assert found.rungs["aria"] == plan.get("models-aria").outputs["arn"]
    assert found.embed == plan.get("models-embed").outputs["arn"]
    assert set(found.rungs) == {"aria-units", "aria", "ballad"}, "canned answers call nothing"


def the_guardrail_of_every_call_is_pinned(plan: Plan) -> None:
    rail, use = plan.get("rail-guardrail"), published(plan).guardrail
    assert use is not None
    assert use.id == rail.outputs["guardrailId"]
    assert use.version == plan.get("rail-version").outputs["version"] == "1"
    assert use.stream == "sync"


CHECKS: list[Check] = [
    every_rung_has_a_profile_that_the_bill_names,
    profiles_are_copied_from_what_is_called,
    units_take_no_profile,
    what_to_call_is_published_for_this_region,
    the_guardrail_of_every_call_is_pinned,
]


@pytest.mark.parametrize("check", CHECKS)
def test_the_access_to_models(check: Check):
    check(called()[0])


def test_no_input_and_no_part_can_go_missing_unseen():
    """The guardrail has tests of its own."""
    assert [what for what in unnoticed(called()[0], CHECKS) if " rail-" not in what] == []


def elsewhere(resource: Any) -> Any:
    source = resource.inputs["modelSource"]["copyFrom"]
    return having(modelSource={"copyFrom": source.replace("/us.", "/global.")})(resource)


@pytest.mark.parametrize(
    ("resource", "change", "check"),
    [
        ("InferenceProfile models-aria", elsewhere, profiles_are_copied_from_what_is_called),
        ("InferenceProfile models-aria", having(tags={}), every_rung_has_a_profile_that_the_bill_names),
        (
            "Parameter calls-document",
            having(insecureValue='{"rungs": {}}'),
            the_guardrail_of_every_call_is_pinned,
        ),
    ],
)
def test_what_is_loosened_is_found(resource: str, change: Change, check: Check):
    with pytest.raises((AssertionError, KeyError)):
        check(loosened(called()[0], resource, change))


def test_a_role_may_call_each_rung_and_nothing_past_the_guardrail():
    """A version of the guardrail, whichever: an agent that has not read the newest number yet is served."""
    plan = called()[0]
    rail = plan.get("rail-guardrail").outputs["guardrailArn"]
    statement = allowed(plan)["CallAriaUnits"]
    assert statement["Action"] == ["bedrock:InvokeModelWithResponseStream"]
    assert statement["Resource"] == [published(plan).rungs[name] for name in ("aria-units", "aria", "ballad")]
    assert statement["Condition"] == {"StringLike": {"bedrock:GuardrailIdentifier": f"{rail}:?*"}}


def test_the_model_itself_is_open_only_to_who_comes_through_the_profile():
    plan = called()[0]
    behind = allowed(plan)["BehindAria"]
    assert behind["Resource"] == [FOUNDATION.format(at, TABLE["aria"].id) for at in grants.spans(PROFILE)]
    assert behind["Condition"] == {
        "StringEquals": {"bedrock:InferenceProfileArn": published(plan).rungs["aria"]}
    }
    assert "BehindAriaUnits" not in allowed(plan)


def test_a_global_profile_opens_the_model_here_and_everywhere():
    """IAM asks for the model of this region, and for the one that stands for all regions."""

    def program(opts: pulumi.ResourceOptions) -> None:
        ways = {"aria-units": InferenceProfile(scope="global"), "aria": InferenceProfile(scope="us")}
        made = access(opts, access=ways, geography="world")
        pulumi.export("policy", grants.policy(made.grants()))

    assert allowed(planned(program))["BehindAriaUnits"]["Resource"] == [
        FOUNDATION.format(REGION, TABLE["aria"].id),
        FOUNDATION.format("", TABLE["aria"].id),
    ]


def test_vectors_are_made_at_once_and_unguarded():
    made = allowed(called()[0], "embed")
    assert {a for s in made.values() for a in s["Action"]} == {"bedrock:InvokeModel"}
    assert made["CallEmbed"]["Resource"] == [published(called()[0]).embed]


def test_without_a_guardrail_nothing_asks_for_one():
    def program(opts: pulumi.ResourceOptions) -> None:
        pulumi.export("policy", grants.policy(calls(opts, access(opts)).grants()))

    plan = planned(program)
    assert published(plan).guardrail is None
    assert not any("GuardrailIdentifier" in json.dumps(s) for s in allowed(plan).values())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"access": {"ballad": InferenceProfile(scope="us")}},
            "rung ballad: profile.scope: ballad has no such",
        ),
        ({"production": False, "geography": "eu"}, "rung aria: profile.scope: leads to us-east-1"),
        ({"ladder": (*LADDER, rung("old", LADDER[0].tier, "canon"))}, "rung old: model: canon is legacy"),
        (
            {"embedder": embedders()["titan-embed"].model_copy(update={"regions": {}})},
            "embedder titan-embed: cannot be called on demand in us-east-1",
        ),
    ],
)
def test_what_cannot_be_stops_the_plan(changes: dict[str, Any], words: str):
    def program(opts: pulumi.ResourceOptions) -> None:
        access(opts, **changes)

    with pytest.raises(PlanError, match=words):
        planned(program)


def test_each_rung_is_watched_in_awss_own_figures():
    """OPS-2: throttles, P99, first token; thresholds follow the rung's deadlines (10 s and 20 s here)."""
    alarms = {w.alarm.id: w.alarm for w in called()[1]}
    assert alarms["bedrock-first-token-aria"].threshold == 4_000
    assert alarms["bedrock-latency-aria"].threshold == 15_000
    assert alarms["bedrock-latency-aria"].statistic == alarms["bedrock-first-token-aria"].statistic == "p99"
    assert alarms["bedrock-quota-aria"].metric == "InvocationThrottles"
    assert alarms["bedrock-errors-aria"].runbook == "bedrock-outage"
    assert {a.metric for a in alarms.values()} <= known("AWS/Bedrock").keys()


def test_only_the_first_tier_wakes_anybody():
    pages = {w.alarm.id for w in called()[1] if w.alarm.severity == "page"}
    assert pages
    assert not any("ballad" in id_ for id_ in pages)


def test_figures_are_those_of_the_rungs_own_profile():
    assert all(set(w.computed) == {"ModelId"} for w in called()[1])


def test_a_rung_with_units_is_watched_for_their_use():
    assert {w.alarm.id for w in called()[1] if w.alarm.id.startswith("units-")} == {
        "units-busy-aria-units",
        "units-idle-aria-units",
    }


def two_regions() -> Plan:
    """The invented ladder with both of its models in the other region, whatever that one is."""
    away = [
        rung(f"away-{model}", Tier.STANDBY, model).model_copy(update={"region": "us-west-2"})
        for model in ("aria", "ballad")
    ]

    def program(opts: pulumi.ResourceOptions) -> None:
        here = access(opts, guardrail=guardrail(opts))
        rail = guardrail(opts, name="rail-there")
        there = access(opts, name="there", guardrail=rail)
        made = calls(opts, here, ladder=[*LADDER, *away], other=there)
        pulumi.export("policy", grants.policy(made.grants()))

    return planned(program)


def test_rungs_of_the_other_region_call_what_stands_there_on_demand():
    """Its units are for its own people; they would be the first thing to fill up."""
    plan = two_regions()
    found = published(plan)
    assert found.rungs["away-aria"] == plan.get("there-aria").outputs["arn"]
    assert found.rungs["away-ballad"] == plan.get("there-ballad").outputs["arn"]
    assert found.rungs["aria-units"] != found.rungs["away-aria"]


def test_rungs_of_the_other_region_name_its_guardrail():
    plan = two_regions()
    found, rail = published(plan), plan.get("rail-there-guardrail").outputs
    assert set(found.guardrails) == {"away-aria", "away-ballad"}
    assert {use.id for use in found.guardrails.values()} == {rail["guardrailId"]}
    assert allowed(plan)["CallAwayAria"]["Condition"] == {
        "StringLike": {"bedrock:GuardrailIdentifier": f"{rail['guardrailArn']}:?*"}
    }


@pytest.mark.parametrize(
    ("other", "words"),
    [(False, "there are no models in us-west-2"), (True, "no rung calls canon in us-east-1")],
)
def test_a_rung_that_ends_nowhere_stops_the_plan(other: bool, words: str):
    lost = rung("lost", Tier.STANDBY, "canon").model_copy(update={"region": "us-west-2"})

    def program(opts: pulumi.ResourceOptions) -> None:
        here = access(opts)
        calls(opts, here, ladder=[lost], other=access(opts, name="there") if other else None)

    with pytest.raises(PlanError, match=words):
        planned(program)
