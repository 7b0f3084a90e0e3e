"""What a stack file may say of models, and what it hears when it asks for what cannot be (MOD-1, MOD-2)."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from contract.model_access import InferenceProfile, OnDemand, Provisioned
from contract.runtime_settings import RuntimeSettings
from contract.tiers import Tier
from stacks.sections.models import ModelSettings
from tests.components.bedrock_helpers import LADDER, TABLE, TODAY, rung

BOTH = {"primary": "us-east-1", "standby": "us-west-2"}
UNITS = {"variant": "200k", "units": 2, "tokens_per_minute": 10_000}


def settings(**access: Any) -> ModelSettings:
    return ModelSettings.model_validate({"access": {k.replace("_", "-"): v for k, v in access.items()}})


def refused(
    said: ModelSettings, regions: Mapping[str, str] = BOTH, production: bool = True, today: date = TODAY
) -> str:
    """`key: why` of the refusal, for the invented models."""
    with pytest.raises(PydanticCustomError) as wrong:
        said.check(LADDER, regions, production=production, today=today, table=TABLE)
    context = wrong.value.context or {}
    return f"{context['at']}: {context['why']}"


def test_the_defaults_are_those_of_production():
    said = ModelSettings()
    assert (said.geography, said.access, said.embedder) == ("us", {}, "titan-embed")
    assert (said.guardrail.enforced, said.guardrail.stream) == (True, "sync")
    assert (said.call_log.enabled, said.call_log.texts) == (True, False)


def test_the_ladder_of_the_runtime_can_be_called_in_both_regions():
    ModelSettings().check(RuntimeSettings().ladder, BOTH, production=True, today=date(2026, 1, 1))
    assert (
        ModelSettings().warnings(RuntimeSettings().ladder, BOTH, production=True, today=date(2026, 1, 1))
        == []
    )


def test_each_kind_of_access_is_a_type_of_its_own():
    said = settings(
        aria={"profile": {"scope": "us"}}, ballad={"on_demand": {}}, aria_units={"provisioned": UNITS}
    )
    assert said.capacities("primary") == {
        "aria": InferenceProfile(scope="us"),
        "ballad": OnDemand(),
        "aria-units": Provisioned(variant="200k", units=2, tokens_per_minute=10_000),
    }
    said.check(LADDER, BOTH, production=True, today=TODAY, table=TABLE)


@pytest.mark.parametrize(
    ("access", "words"),
    [
        ({}, "gives nothing: give exactly one of on_demand, profile and provisioned"),
        (
            {"profile": {"scope": "us"}, "provisioned": UNITS},
            "gives profile and provisioned: give exactly one of",
        ),
        ({"provisioned": {**UNITS, "variant": "acme.aria-v1:0:200k"}}, "variant"),
        ({"provisioned": {**UNITS, "units": 0}}, "units"),
        ({"provisioned": {**UNITS, "term": "TwoYears"}}, "'hourly', 'OneMonth' or 'SixMonths'"),
        ({"profile": {"scope": "mars"}}, "scope"),
    ],
)
def test_a_mix_or_a_mistake_is_refused(access: dict[str, Any], words: str):
    with pytest.raises(ValidationError, match=words):
        settings(aria=access)


@pytest.mark.parametrize(
    ("access", "words"),
    [
        (
            {"aria": {"on_demand": {}}},
            "models.access.aria.on_demand: us-east-1 takes aria only through an inference profile",
        ),
        (
            {"ballad": {"profile": {"scope": "us"}}},
            "models.access.ballad.profile.scope: ballad has no such inference profile in us-east-1",
        ),
        (
            {"aria": {"profile": {"scope": "global"}}},
            "models.access.aria.profile.scope: leads to ap-northeast-1, eu-central-1, eu-west-1, outside",
        ),
        (
            {"ballad": {"provisioned": UNITS}},
            "models.access.ballad.provisioned: AWS lists no units of ballad in us-east-1",
        ),
        (
            {"aria_units": {"provisioned": {**UNITS, "variant": "18k"}}},
            "models.access.aria-units.provisioned.variant: there are no such units of aria in us-west-2",
        ),
        (
            {"aria_units": {"provisioned": {**UNITS, "term": "SixMonths"}}},
            "models.access.aria-units.provisioned.committed_until: write the last day of the term",
        ),
        (
            {"solo": {"on_demand": {}}},
            "models.access.solo: no such rung calls a model here: use one of aria-units",
        ),
        ({"canned": {"on_demand": {}}}, "models.access.canned: no such rung calls a model here"),
    ],
)
def test_what_a_region_cannot_do_is_refused_with_the_key_to_change(access: dict[str, Any], words: str):
    assert refused(settings(**access)).startswith(words)


def test_development_never_commits():
    units = {**UNITS, "term": "OneMonth", "committed_until": "2030-01-20"}
    said = settings(aria_units={"provisioned": units})
    said.check(LADDER, BOTH, production=True, today=TODAY, table=TABLE)
    assert "commits an unprotected environment: write hourly" in refused(said, production=False)


def test_hourly_units_may_stand_in_development():
    settings(aria_units={"provisioned": UNITS}).check(
        LADDER, BOTH, production=False, today=TODAY, table=TABLE
    )


def test_a_rung_whose_model_has_ended_is_the_ladders_fault():
    ladder = (*LADDER[:3], rung("old", Tier.T1, "canon"), LADDER[3])
    with pytest.raises(PydanticCustomError) as wrong:
        ModelSettings().check(ladder, BOTH, production=True, today=TODAY, table=TABLE)
    assert (wrong.value.context or {})["at"] == "runtime.ladder"


def test_a_region_that_does_not_offer_a_model_is_named():
    assert refused(ModelSettings(), {"primary": "ap-northeast-1"}).startswith(
        "runtime.ladder: aria is not offered in ap-northeast-1: use it in us-east-1, us-west-2"
    )


@pytest.mark.parametrize(
    ("embedder", "regions", "words"),
    [
        ("word2vec", BOTH, "is not in contract/models.toml: use titan-embed"),
        ("titan-embed", {"primary": "ap-northeast-1"}, "cannot be called in ap-northeast-1"),
    ],
)
def test_an_embedder_must_be_there(embedder: str, regions: Mapping[str, str], words: str):
    said = ModelSettings(embedder=embedder)
    with pytest.raises(PydanticCustomError, match=words):
        said.check((), regions, production=True, today=TODAY, table=TABLE)


def test_the_standby_buys_the_same_unless_told_otherwise():
    both = settings(aria_units={"provisioned": UNITS})
    assert both.capacities("standby") == both.capacities("primary")
    one = settings(aria_units={"provisioned": {**UNITS, "standby": False}})
    assert one.capacities("standby") == {}


def warned(
    said: ModelSettings, ladder: Any = LADDER, today: date = TODAY, production: bool = True
) -> list[str]:
    return said.warnings(ladder, BOTH, production=production, today=today, table=TABLE)


def test_units_without_overflow_are_warned_about():
    """MOD-2: what overflows goes on demand, and for that there must be a rung."""
    said = settings(aria_units={"provisioned": UNITS})
    assert warned(said) == []
    (warning,) = warned(said, ladder=(LADDER[0], *LADDER[2:]))
    assert "no further rung calls aria" in warning


def test_a_commitment_that_has_run_out_is_warned_about():
    units = {**UNITS, "term": "OneMonth", "committed_until": "2030-01-20"}
    said = settings(aria_units={"provisioned": units})
    assert warned(said) == []
    (warning,) = warned(said, today=date(2030, 2, 1))
    assert "ended on 2030-01-20" in warning


def test_a_model_that_ends_soon_is_warned_about():
    ladder = (rung("old", Tier.T1, "canon"),)
    assert "canon ends in us-west-2 on 2030-09-01: plan its successor" in warned(
        ModelSettings(), ladder=ladder, today=date(2030, 7, 1)
    )


@pytest.mark.parametrize(
    ("section", "values", "words"),
    [
        ("call_log", {"texts": True}, "what customers write is kept"),
        ("guardrail", {"enforced": False}, "may leave the guardrail out"),
    ],
)
def test_what_weakens_production_is_warned_about(section: str, values: dict[str, Any], words: str):
    said = ModelSettings.model_validate({section: values})
    (warning,) = warned(said)
    assert words in warning
    assert warned(said, production=False) == []
