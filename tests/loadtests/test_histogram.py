"""Buckets that merge exactly and read back to within half a percent."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.histogram import Histogram

values = st.lists(st.floats(0.01, 1e6), min_size=1, max_size=60)
shares = st.sampled_from([0.0, 0.5, 0.9, 0.95, 0.99, 1.0])


def exact(found: list[float], share: float) -> float:
    """The nearest rank."""
    return sorted(found)[max(0, math.ceil(share * len(found)) - 1)]


@given(values, shares)
def test_a_percentile_is_at_most_half_a_percent_off(found: list[float], share: float):
    assert Histogram.of(found).at(share) == pytest.approx(exact(found, share), rel=0.0051)


@given(values, st.lists(st.integers(0, 3), min_size=60, max_size=60))
def test_merged_parts_are_the_whole_whoever_had_which(found: list[float], where: list[int]):
    together = Histogram()
    for part in range(4):
        together.merge(Histogram.of(v for v, w in zip(found, where, strict=False) if w == part))
    assert together.counts == Histogram.of(found).counts


@given(values)
def test_mean_and_highest(found: list[float]):
    histogram = Histogram.of(found)
    assert histogram.mean == pytest.approx(sum(found) / len(found), rel=0.0051)
    assert histogram.highest == pytest.approx(max(found), rel=0.0051)
    assert histogram.count == len(found)


def test_nothing_has_no_percentile():
    empty = Histogram()
    assert (empty.at(0.5), empty.highest, empty.mean, empty.count) == (None, None, None, 0)


def test_no_time_at_all_is_the_smallest_there_is():
    assert Histogram.of([0.0, -1.0]).at(0.5) == pytest.approx(0.001, rel=0.01)
