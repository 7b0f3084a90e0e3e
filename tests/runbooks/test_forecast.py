"""OPS-4, MOD-2: the two runbooks that know what sizing expected: a file of it, named by the operator."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from moto import mock_aws

from contract.errors import WrongUseError
from contract.forecast import Forecast, UnitsForecast
from contract.inventory import Inventory
from rehearsal import moto_percentiles
from runbooks import load
from runbooks.engine import Journal, run
from tests.conftest import Planned
from tests.runbooks.estate_parts_helpers import close_all
from tests.runbooks.incidents_helpers import broken
from tests.runbooks.place_helpers import CHANGES

UNITS = UnitsForecast(
    units=4, percentile=0.75, tokens_per_minute=1_000, term="SixMonths", utilisation=0.67
)  # fmt: skip


@pytest.fixture(scope="module")
def inventory(planned: Planned) -> Inventory:
    moto_percentiles.teach()
    return Inventory.model_validate_json(str(planned("prod", CHANGES).outputs["inventory"]))


def _forecast(**given) -> Forecast:
    moment = datetime(2027, 7, 13, tzinfo=UTC)
    told = {"environment": "prod", "day_usd": {}, "units": {}, **given}
    return Forecast(made_on=date(2027, 7, 1), source="a day", starts=moment, ends=moment, spread=1.25, **told)


def _found(
    inventory: Inventory, name: str, told: Forecast, tmp_path: Path, journal: Journal
) -> dict[str, str]:
    """What each check of a runbook in its incident says, with this forecast at hand."""
    file = tmp_path / "forecast.json"
    file.write_text(told.model_dump_json(), encoding="utf-8")
    with mock_aws():
        try:
            place = broken(inventory, name)
            place.inputs["forecast"] = str(file)
            record = run(load(name), place.world(), apply=False, why="", journal=journal)
        finally:
            close_all()
    return {check: finding.what for check, finding in record.findings.items()}


def test_a_day_that_costs_what_was_forecast_has_no_mover(
    inventory: Inventory, tmp_path: Path, journal: Journal
) -> None:
    dear = _forecast(day_usd={"Amazon Bedrock": 1e6})
    assert _found(inventory, "cost-spike", dear, tmp_path, journal)["movers"] == (
        "no service is beyond its forecast"
    )


def test_a_day_beyond_the_forecast_is_named_with_both_figures(
    inventory: Inventory, tmp_path: Path, journal: Journal
) -> None:
    cheap = _forecast(day_usd={"Amazon Bedrock": 1.0})
    said = _found(inventory, "cost-spike", cheap, tmp_path, journal)["movers"]
    assert said.startswith("beyond the forecast of 2027-07-01: Amazon Bedrock 1 ->")


def test_the_review_tells_what_sizing_expected_of_the_units(
    inventory: Inventory, tmp_path: Path, journal: Journal
) -> None:
    said = _found(inventory, "throughput-review", _forecast(units={"sonnet": UNITS}), tmp_path, journal)[
        "use"
    ]
    assert "the forecast of 2027-07-01 expected sonnet 4 units at P75, 67% used" in said


def test_a_forecast_of_another_environment_is_refused(
    inventory: Inventory, tmp_path: Path, journal: Journal
) -> None:
    with mock_aws():
        place = broken(inventory, "cost-spike")
        file = tmp_path / "forecast.json"
        file.write_text(_forecast(environment="dev").model_dump_json(), encoding="utf-8")
        place.inputs["forecast"] = str(file)
        try:
            found = run(load("cost-spike"), place.world(), apply=False, why="", journal=journal)
        except WrongUseError as refused:
            told = str(refused)
        else:
            told = found.findings["movers"].what
        finally:
            close_all()
    assert "is a forecast of dev, not of prod" in told
