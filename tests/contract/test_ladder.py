"""What of a ladder stands in a region, and what is said of the rest."""

from dataclasses import replace

import pytest

from contract.ladder import LadderError, Where, standing
from contract.models import Model, models
from contract.runtime_settings import LADDER, STANDBY, Rung, RuntimeSettings
from contract.tiers import Tier

EAST = Where(here="us-east-1")
BOTH = replace(EAST, other="us-west-2")


def offering(**more: object) -> dict[str, Model]:
    """Today's models, as if both regions offered more of them."""
    return {
        key: model.model_copy(
            update={"regions": {at: o.model_copy(update=more) for at, o in model.regions.items()}}
        )
        for key, model in models().items()
    }


def names(where: Where, table: dict[str, Model] | None = None) -> list[str]:
    return [rung.name for rung in standing(LADDER, where, table).rungs]


def test_a_region_on_its_own_has_its_models_and_what_needs_none():
    assert names(EAST) == ["sonnet", "haiku", "canned", "closed"]


def test_where_everything_is_there_the_whole_ladder_stands():
    everything = offering(service_tiers=("priority",), latency_optimized=True)
    assert names(replace(BOTH, units=["sonnet-units"]), everything) == [
        "sonnet-units",
        "sonnet",
        "sonnet-priority",
        "haiku",
        "haiku-fast",
        "standby-sonnet",
        "standby-haiku",
        "canned",
        "closed",
    ]


def test_rungs_of_the_other_region_are_told_which_it_is():
    regions = {rung.name: rung.region for rung in standing(LADDER, BOTH).rungs}
    assert regions["standby-sonnet"] == regions["standby-haiku"] == "us-west-2"
    assert regions["sonnet"] is regions["haiku"] is None


def test_what_is_left_out_says_what_it_lacks():
    assert standing(LADDER, EAST).left_out == {
        "sonnet-units": "no units were bought for it: write models.access.sonnet-units.provisioned",
        "sonnet-priority": ("sonnet has no service tier priority in us-east-1: leave service_tier out"),
        "haiku-fast": "haiku is not latency-optimized in us-east-1: leave latency out",
        "standby-sonnet": "there is no other region: give the estate a standby",
        "standby-haiku": "there is no other region: give the estate a standby",
    }


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"provisioned": True}, "no units were bought for it"),
        ({"service_tier": "priority"}, "no service tier priority in us-east-1"),
        ({"service_tier": "flex", "region": STANDBY}, "no service tier flex in us-west-2"),
        ({"latency": "optimized"}, "is not latency-optimized in us-east-1"),
        ({"region": "eu-west-1"}, "nothing of this estate stands in eu-west-1: write region: standby"),
        ({"region": STANDBY, "provisioned": True}, "units are called in their own region"),
    ],
)
def test_a_rung_that_must_stand_and_cannot_is_refused_with_the_fix(asked, said):
    rung = Rung(name="x", tier=Tier.STANDBY, model="sonnet", **asked)
    with pytest.raises(LadderError, match=f"rung x: .*{said}"):
        standing([rung], BOTH)


def test_the_standard_tier_and_latency_are_everywhere():
    rung = Rung(name="x", tier=Tier.T0, model="sonnet", service_tier="default", latency="standard")
    assert standing([rung], EAST).rungs == (rung,)


def test_the_whole_ladder_fits_into_a_parameter():
    """SSM takes 8 KB; the longest ladder is the default one with every region filled in."""
    rungs = tuple(rung.model_copy(update={"region": "ap-southeast-3"}) for rung in LADDER)
    assert len(RuntimeSettings(ladder=rungs).model_dump_json()) < 8_192


def test_who_hangs_on_every_rung_that_always_stands_still_gets_an_answer_in_time():
    """Their first-text limits together lie inside the request's own deadline."""
    waits = [rung.first_token_s for rung in LADDER if rung.model and not rung.optional]
    assert sum(waits) < RuntimeSettings().request_s
