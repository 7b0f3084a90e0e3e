"""MOD-2: units cover the percentile exactly, what is above overflows, the saving is the bill's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sizing import units
from sizing.demand import Demand
from tests.sizing.case_helpers import REGION, case, day, known_usd, sonnet_quote

NEEDS = st.lists(st.floats(0, 1e7), min_size=1, max_size=200).map(np.array)


@settings(max_examples=200, deadline=None)
@given(NEEDS, st.floats(1, 1e6), st.floats(0.01, 1.0))
def test_units_are_enough_for_the_percentile_and_one_less_is_not(
    needs, carries: float, percentile: float
) -> None:
    found = units.covering(needs, carries, percentile)
    hair = 1e-6 * carries
    assert np.mean(needs <= found * carries + hair) >= percentile - 1e-9
    if found:
        assert np.mean(needs <= (found - 1) * carries - hair) < percentile


@settings(max_examples=100, deadline=None)
@given(NEEDS, st.floats(1, 1e6), st.floats(1.0, 5.0))
def test_more_load_never_needs_fewer_units(needs, carries: float, more: float) -> None:
    assert units.covering(needs * more, carries, 0.75) >= units.covering(needs, carries, 0.75)


def test_the_requirement_on_its_own_assumptions() -> None:
    """OPS-6: provisioned P75 with overflow is about 35 % cheaper than pure on demand."""
    found = case().bought.options["sonnet"]
    assert found.term == "SixMonths"
    assert found.saving == pytest.approx(0.35, abs=0.01)


def test_units_and_overflow_add_up_to_what_pure_on_demand_would_carry() -> None:
    demand = Demand(day(), case().assumed)
    told = sonnet_quote()
    needs = demand.tokens("sonnet", told.output_weight)
    for option in units.options(demand, "sonnet", told, REGION, 0.75):
        inside = units.served(needs, told.tokens_per_minute, option.units).sum()
        assert option.overflow == pytest.approx(1 - inside / needs.sum())
        overflow_usd = known_usd(option.overflow_usd)
        assert option.usd == pytest.approx(known_usd(option.units_usd) + overflow_usd)
        assert overflow_usd == pytest.approx(known_usd(option.on_demand_usd) * option.overflow)
        assert option.utilisation == pytest.approx(
            inside / (option.units * told.tokens_per_minute * len(needs))
        )


def test_a_quote_without_a_price_leaves_the_bill_unknown_but_not_the_units() -> None:
    told = sonnet_quote().model_copy(update={"share_of_on_demand": None})
    found = units.options(Demand(day(), case().assumed), "sonnet", told, REGION, 0.75)
    assert {option.units for option in found} == {173}
    assert [option.usd for option in found] == [None, None, None]
    assert units.best(found) is None


def test_a_price_in_dollars_is_taken_as_it_is() -> None:
    told = sonnet_quote().model_copy(update={"share_of_on_demand": None, "usd_an_hour": {"hourly": 100.0}})
    hourly = units.options(Demand(day(), case().assumed), "sonnet", told, REGION, 0.75)[0]
    assert hourly.units_usd == pytest.approx(173 * 100 * 730)


def test_the_tornado_goes_both_ways_round_what_is_assumed_and_the_widest_comes_first() -> None:
    usual = known_usd(case().bought.options["sonnet"].saving)
    found = units.sensitivity(
        Demand(day(), case().assumed), "sonnet", sonnet_quote(), REGION, 0.75, "SixMonths"
    )
    swings = [one.swing for one in found]
    assert swings == sorted(swings, reverse=True)
    price = next(one for one in found if one.what == "price of a unit")
    assert price.saving_low > usual > price.saving_high


WEEK = units.WEEK


@pytest.mark.parametrize(
    ("used", "says"),
    [
        ([0.9], "2 whole weeks are needed, there are 1"),
        ([0.4, 0.45], "below 50% for 2 weeks: 5 units when the term ends"),
        ([0.4, 0.6], "keep them"),
        ([0.9, 1.3], "3 more units would cover the percentile"),
    ],
)
def test_the_weekly_review(used: list[float], says: str) -> None:
    needs = np.concatenate([np.full(WEEK, share * 10 * 100.0) for share in used])
    assert units.review(needs, carries=100.0, units=10, percentile=0.75).advice == says


def test_a_review_judges_nothing_that_nobody_has() -> None:
    found = units.review(np.full(2 * WEEK, 900.0), carries=100.0, units=0, percentile=0.75)
    assert found.advice == "no units are held (models.access); the percentile needs 9"


@pytest.mark.parametrize("percentile", [0.0, 1.5])
def test_a_percentile_that_is_none_is_refused(percentile: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        units.covering(np.ones(3), 1.0, percentile)
