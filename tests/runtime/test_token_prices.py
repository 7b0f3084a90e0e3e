"""What a token costs (RUN-18): from the price table, and said when it is not known."""

import json
from datetime import UTC, datetime

import pytest

from contract.tiers import Tier
from runtime.prices import token_prices
from runtime.telemetry import Telemetry
from runtime.testing.ladders import alone, whole

LADDER = alone().ladder


@pytest.fixture
def lines():
    return []


@pytest.fixture
def telemetry(lines):
    return Telemetry("test", lambda: datetime.now(UTC), lambda line: lines.append(json.loads(line)))


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2"])
def test_every_model_of_the_usual_ladder_has_prices(telemetry, lines, region):
    """A thousand words cost cents: a table in another unit would be far off."""
    price = token_prices(LADDER, region, telemetry)
    for rung in LADDER:
        if rung.model is not None:
            per_input, per_output = price(rung)
            assert 1e-7 < per_input < per_output < 1e-4
    assert lines == []


def test_a_price_that_is_not_known_is_said_and_stops_nobody(telemetry, lines):
    price = token_prices(LADDER, "eu-central-1", telemetry)
    assert price(LADDER[0]) == (0.0, 0.0)
    assert {(line["level"], line["region"]) for line in lines} == {("error", "eu-central-1")}
    assert len({line["row"] for line in lines}) == 4


def test_a_rung_of_another_region_costs_what_it_costs_there(telemetry, lines):
    """The runtime's own region is not in the table, the other one is."""
    standby = next(rung for rung in whole() if rung.tier is Tier.STANDBY)
    price = token_prices([standby], "eu-central-1", telemetry)
    assert price(standby)[1] > 1e-7
    assert lines == []
