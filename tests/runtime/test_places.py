"""Where everything is: read from the environment, checked before anything is opened."""

import pytest

from contract.errors import WRONG_USE
from runtime.places import VARIABLES, PlaceError, Places


def test_nothing_named_is_nothing_on():
    places = Places.read({})

    assert set(places.missing) == set(VARIABLES)
    assert Places.read({"CONCIERGE_CACHE_URL": ""}) == places


def test_what_is_named_is_on():
    places = Places.read(
        {
            "CONCIERGE_CATALOGUE": "catalogue.internal:50051",
            "CONCIERGE_PRICING_URL": "https://pricing.internal",
            "CONCIERGE_TABLE_SESSIONS": "concierge-dev-sessions",
            "CONCIERGE_CACHE_URL": "rediss://cache.internal:6379",
            "CONCIERGE_PERSONALIZE_CAMPAIGN": "arn:aws:personalize:us-east-1:123456789012:campaign/near",
        }
    )

    assert places.pricing == "https://pricing.internal"
    assert not {"catalogue", "pricing", "sessions_table", "cache", "campaign"} & set(places.missing)
    assert "orders" in places.missing


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CONCIERGE_PRICING_URL", "pricing.internal"),
        ("CONCIERGE_PRICING_URL", "ftp://pricing.internal"),
        ("CONCIERGE_PRICING_URL", "http://"),
        ("CONCIERGE_PRICING_URL", "http://pricing:99999"),
        ("CONCIERGE_SEARCH_URL", "search"),
        ("CONCIERGE_CATALOGUE", "catalogue.internal"),
        ("CONCIERGE_CATALOGUE", "http://catalogue.internal:50051"),
        ("CONCIERGE_CATALOGUE", "catalogue:many"),
        ("CONCIERGE_CACHE_URL", "http://cache:6379"),
        ("CONCIERGE_PERSONALIZE_CAMPAIGN", "near"),
    ],
)
def test_a_place_that_is_none_is_one_line(variable, value):
    with pytest.raises(PlaceError) as refused:
        Places.read({variable: value})

    assert str(refused.value).startswith(f"{variable}={value}: write ")
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == WRONG_USE
