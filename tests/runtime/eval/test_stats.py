"""Intervals, tests and agreement: known values, and what must hold of any."""

from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.eval import stats


@pytest.mark.parametrize(
    ("held", "all_", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (95, 100, 0.8882, 0.9785)],
)
def test_wilsons_interval_is_that_of_the_books(held, all_, low, high):
    found = stats.share(held, all_)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-3)


@given(st.integers(1, 500), st.data())
def test_an_interval_holds_its_share_and_narrows_with_more_cases(all_, data):
    held = data.draw(st.integers(0, all_))
    few, many = stats.share(held, all_), stats.share(10 * held, 10 * all_)
    assert 0 <= few.low <= few.value <= few.high <= 1
    assert many.high - many.low <= few.high - few.low


def test_nothing_measured_is_anything():
    assert stats.share(0, 0) == (0, 0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("worse", "better", "chance"), [(0, 0, 1.0), (5, 5, 1.0), (6, 0, 0.03125), (1, 9, 0.0215)]
)
def test_mcnemars_test_is_exact(worse, better, chance):
    assert stats.mcnemar(worse, better) == pytest.approx(chance, abs=1e-4)


def test_kappa_is_agreement_beyond_chance():
    assert stats.kappa([(True, True), (False, False)]) == 1
    assert stats.kappa([(True, True), (False, True)]) == 0
    assert stats.kappa([(True, False), (False, True)]) == -1
    assert stats.kappa([]) == 0


def test_a_bootstrap_is_the_same_for_the_same_seed_and_sees_a_gap():
    pairs = [(float(n), n + 1.0 + n % 3) for n in range(60)]
    mean, low, high = stats.difference(pairs)
    assert (mean, low, high) == stats.difference(pairs)
    assert 0 < low <= mean <= high
    assert stats.bootstrap([1.0, 1.0], fmean) == (1.0, 1.0)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_a_percentile_is_one_of_the_values(values, at):
    assert stats.percentile(values, at) in values
    assert stats.percentile(values, 1.0) == max(values)
