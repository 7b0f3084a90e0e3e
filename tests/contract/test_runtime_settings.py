"""The runtime's settings refuse what no ladder or breaker could live with."""

import pytest
from pydantic import ValidationError

from contract.runtime_settings import BreakerSettings, Rung, RuntimeSettings
from contract.tiers import Tier

SONNET = Rung(name="sonnet", tier=Tier.T0, model="sonnet")
HAIKU = Rung(name="haiku", tier=Tier.T1, model="haiku")
CANNED = Rung(name="canned", tier=Tier.T2)
CLOSED = Rung(name="closed", tier=Tier.T3)
OPEN = Rung(name="open", tier=Tier.T3, model="sonnet")


@pytest.mark.parametrize(
    ("ladder", "said"),
    [
        ((SONNET, HAIKU), "a rung must need no model"),
        ((SONNET, CLOSED), "a rung must need no model"),
        ((), "a rung must need no model"),
        ((SONNET, CANNED, OPEN), "rung open is of tier T3, where nobody answers"),
        ((HAIKU, SONNET, CANNED), "rungs must go down the tiers T0, T1, standby, T2, T3"),
        ((SONNET, SONNET, CANNED), "two rungs have the same name in premium, sonnet, sonnet, canned"),
    ],
)
def test_a_ladder_that_cannot_be_walked(ladder, said):
    with pytest.raises(ValidationError, match=said):
        RuntimeSettings(ladder=ladder)


def test_a_rung_names_a_model_that_exists():
    with pytest.raises(ValidationError, match=r"model 'opera' is not in contract/models.toml: sonnet, haiku"):
        Rung(name="opera", tier=Tier.T0, model="opera")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"minimum_calls": 4}, "one failure in 4 calls is more than failure_share 0.2"),
        ({"burst_failures": 1}, "greater than or equal to 2"),
    ],
)
def test_no_single_failure_can_open_a_breaker(settings, said):
    """RUN-6: one slow call never trips it."""
    with pytest.raises(ValidationError, match=said):
        BreakerSettings(**settings)


def test_the_defaults_survive_the_way_to_the_runtime():
    """Published as JSON by the stack, read again by the runtime."""
    settings = RuntimeSettings()

    assert RuntimeSettings.model_validate_json(settings.model_dump_json()) == settings


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"request_s": float("inf")}, "finite"),
        ({"request_s": float("nan")}, "finite"),
        ({"request_s": "2e1"}, "number"),
        ({"breaker": {"enabled": "yes"}}, "boolean"),
        ({"breaker": {"minimum_calls": "20"}}, "integer"),
        ({"routing": {"simple_words": 8.0}}, "integer"),
        ({"controls": {"poll_s": True}}, "number"),
    ],
)
def test_nothing_is_guessed_from_another_type(settings, said):
    """An unlimited wait would be published as null, and `yes` in quotes would be taken for true."""
    with pytest.raises(ValidationError, match=said):
        RuntimeSettings.model_validate(settings)


def test_a_ladder_may_be_written_as_plain_lists_and_words():
    rungs = [{"name": "haiku", "tier": "T1", "model": "haiku", "total_s": 30}, {"name": "last", "tier": "T2"}]

    found = RuntimeSettings.model_validate({"ladder": rungs})

    assert [(rung.name, rung.tier, rung.total_s) for rung in found.ladder] == [
        ("haiku", Tier.T1, 30),
        ("last", Tier.T2, 20),
    ]
    assert RuntimeSettings.model_validate_json(found.model_dump_json()) == found


def test_a_rung_cannot_wait_longer_for_its_first_text_than_for_all_of_it():
    with pytest.raises(
        ValidationError, match=r"first_token_s 10.0 is more than total_s 4.0: lower first_token_s"
    ):
        Rung(name="sonnet", tier=Tier.T0, model="sonnet", total_s=4.0)
    assert Rung(name="sonnet", tier=Tier.T0, model="sonnet", first_token_s=4.0, total_s=4.0).total_s == 4.0


def test_a_rung_without_a_model_has_no_limits_to_compare():
    assert Rung(name="canned", tier=Tier.T2, total_s=1.0).model is None
