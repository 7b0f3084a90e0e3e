"""MOD-1, MOD-2: what a region does not take is refused in one line that names the fix."""

from datetime import date, timedelta
from typing import Any

import pytest

from components import grants, model_rules
from contract.model_access import Capacity, InferenceProfile, OnDemand
from contract.models import models
from tests.components.bedrock_helpers import TABLE, TODAY, UNITS, why

COMMITTED = UNITS.model_copy(update={"term": "OneMonth", "committed_until": date(2030, 1, 20)})


@pytest.mark.parametrize(
    ("model", "capacity", "region"),
    [
        ("aria", InferenceProfile(scope="us"), "us-east-1"),
        ("aria", UNITS, "us-west-2"),
        ("aria", COMMITTED, "us-east-1"),
        ("ballad", OnDemand(), "us-west-2"),
        ("canon", OnDemand(), "us-west-2"),
    ],
)
def test_what_a_region_offers_may_be_used(model: str, capacity: Capacity, region: str):
    assert why(model, capacity, region, geography="world") == ""


@pytest.mark.parametrize(
    ("model", "capacity", "region", "words"),
    [
        (
            "aria",
            OnDemand(),
            "us-east-1",
            (
                "on_demand: us-east-1 takes aria only through an inference profile: write profile: "
                "{scope: us} instead"
            ),
        ),
        (
            "ballad",
            InferenceProfile(scope="us"),
            "us-east-1",
            "profile.scope: ballad has no such inference profile in us-east-1: write on_demand: {} instead",
        ),
        (
            "aria",
            InferenceProfile(scope="eu"),
            "us-east-1",
            "profile.scope: aria has no such inference profile in us-east-1: use scope: us, global",
        ),
        (
            "aria",
            InferenceProfile(scope="us"),
            "eu-west-1",
            ": aria is not offered in eu-west-1: use it in us-east-1, us-west-2",
        ),
        (
            "canon",
            OnDemand(),
            "us-east-1",
            ": canon is legacy in us-east-1 and ends on 2030-06-01: let the rung call an active model",
        ),
        (
            "canon",
            OnDemand(),
            "eu-west-1",
            ": canon ended in eu-west-1 on 2029-06-01: let the rung call an active model",
        ),
        (
            "canon",
            UNITS.model_copy(update={"variant": "18k"}),
            "us-east-1",
            ": canon is legacy in us-east-1 and ends on 2030-06-01: let the rung call an active model",
        ),
        (
            "ballad",
            UNITS,
            "us-east-1",
            (
                "provisioned: AWS lists no units of ballad in us-east-1: use profile; or, once a support "
                "case granted them, add the variant to contract/models.toml"
            ),
        ),
        (
            "aria",
            UNITS.model_copy(update={"variant": "18k"}),
            "us-west-2",
            "provisioned.variant: there are no such units of aria in us-west-2: use 200k",
        ),
    ],
)
def test_what_a_region_does_not_offer_is_refused(model: str, capacity: Capacity, region: str, words: str):
    assert why(model, capacity, region) == words


def test_a_model_whose_day_has_come_is_refused_whatever_the_table_calls_it():
    assert why("canon", OnDemand(), "us-west-2") == ""
    after = date(2030, 9, 1)
    assert why("canon", OnDemand(), "us-west-2", today=after).startswith(": canon ended in us-west-2")


@pytest.mark.parametrize(
    ("change", "changes", "words"),
    [
        (
            {"committed_until": date(2030, 1, 20)},
            {},
            (
                "provisioned.committed_until: hourly units can be given back any time: leave it out, or "
                "write the term"
            ),
        ),
        (
            {"term": "SixMonths"},
            {},
            (
                "provisioned.committed_until: write the last day of the term: SixMonths is paid until then, "
                "whatever happens"
            ),
        ),
        (
            {"term": "OneMonth", "committed_until": date(2030, 3, 1)},
            {},
            (
                "provisioned.committed_until: is more than 31 days away, longer than OneMonth: write the "
                "last day of the term"
            ),
        ),
        (
            {"term": "OneMonth", "committed_until": date(2030, 1, 20)},
            {"production": False},
            (
                "provisioned.term: commits an unprotected environment: write hourly; committed units cannot "
                "be given back"
            ),
        ),
    ],
)
def test_a_commitment_needs_its_end_and_a_protected_environment(
    change: dict[str, Any], changes: dict[str, Any], words: str
):
    assert why("aria", UNITS.model_copy(update=change), **changes) == words


def test_hourly_units_may_stand_in_development():
    assert why("aria", UNITS, production=False) == ""


def test_a_commitment_that_has_run_out_keeps_its_plan_valid():
    assert why("aria", COMMITTED, today=TODAY + timedelta(days=400)) == ""


def test_a_profile_that_leaves_the_geography_is_refused():
    sonnet = models()["sonnet"]
    found = model_rules.refusal(
        sonnet,
        InferenceProfile(scope="global"),
        "us-east-1",
        geography="us",
        production=True,
        today=TODAY,
    )
    assert found is not None
    assert found.at == "profile.scope"
    assert found.why == (
        "leads to ap-northeast-1, eu-central-1, eu-west-1, outside geography us: use scope: us, or allow "
        "more with models.geography"
    )


def test_the_usual_way_is_the_profile_where_there_is_one():
    assert model_rules.usual(TABLE["aria"], "us-east-1") == InferenceProfile(scope="us")
    assert model_rules.usual(TABLE["ballad"], "us-east-1") == OnDemand()


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2"])
@pytest.mark.parametrize("key", models())
def test_every_model_of_ours_can_be_called_its_usual_way_in_both_regions(key: str, region: str):
    model = models()[key]
    found = model_rules.refusal(
        model,
        model_rules.usual(model, region),
        region,
        geography="us",
        production=True,
        today=date(2026, 1, 1),
    )
    assert found is None


def test_every_profile_of_the_model_table_has_its_regions_described():
    profiles = {p for m in models().values() for o in m.regions.values() for p in o.profiles}
    assert all(grants.spans(profile) for profile in profiles)


def test_units_are_bought_for_a_context_variant_and_never_for_a_profile():
    """Where AWS sells none, the table is empty; a profile's id could not even be written there."""
    for model in (*models().values(), *TABLE.values()):
        for offer in model.regions.values():
            assert all(variant.startswith(f"{model.id}:") for variant in offer.variants)
