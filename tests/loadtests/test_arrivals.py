"""The open model: when messages are due follows from stages and seed alone, and workers share them out."""

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from loadtests import scenario
from loadtests.arrivals import moments, schedule, share
from loadtests.scenario import Scenario, Stage

PROMPTS = scenario.prompts()
rates = st.floats(0, 50)
stages = st.lists(
    st.builds(Stage, for_s=st.floats(0.1, 20), rate=rates, from_rate=st.none() | rates),
    min_size=1,
    max_size=4,
)
seeds = st.integers(0, 2**32)


def expected(story: list[Stage], until_s: float) -> float:
    """How many messages should have been due by a moment."""
    total = begin = 0.0
    for stage in story:
        inside = min(max(until_s - begin, 0.0), stage.for_s)
        now = stage.first_rate + (stage.rate - stage.first_rate) * inside / stage.for_s
        total += inside * (stage.first_rate + now) / 2
        begin += stage.for_s
    return total


@given(stages, st.booleans(), seeds)
def test_moments_are_in_order_and_within_the_story(story: list[Stage], by_chance: bool, seed: int):
    due = list(moments(story, by_chance, seed))
    assert all(earlier <= later for earlier, later in pairwise(due))
    assert all(0 <= at <= sum(stage.for_s for stage in story) * (1 + 1e-9) for at in due)


@given(stages, st.floats(0, 1))
def test_even_moments_follow_every_slope_to_within_one_message(story: list[Stage], part: float):
    until_s = part * sum(stage.for_s for stage in story)
    due = sum(1 for at in moments(story, False, 0) if at <= until_s)
    assert abs(due - expected(story, until_s)) <= 1


@given(stages, seeds)
def test_moments_by_chance_have_the_expected_number_give_or_take_chance(story: list[Stage], seed: int):
    count, mean = len(list(moments(story, True, seed))), sum(stage.messages for stage in story)
    # Six standard deviations of a Poisson count, and a little for its long tail where few are expected.
    assert abs(count - mean) <= 6 * math.sqrt(mean) + 12


def test_moments_by_chance_are_not_even():
    gaps = [later - earlier for earlier, later in pairwise(moments([Stage(for_s=100, rate=10)], True, 1))]
    mean = sum(gaps) / len(gaps)
    deviation = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    assert 0.8 < deviation / mean < 1.2  # exponential gaps: both are the same


def test_a_ramp_begins_sparse_and_ends_dense():
    due = list(moments([Stage(for_s=10, from_rate=0, rate=20)], False, 0))
    assert len(due) == 100
    assert sum(1 for at in due if at < 5) == 25


def test_nothing_is_due_in_a_pause():
    story = [Stage(for_s=5, rate=2), Stage(for_s=5, rate=0), Stage(for_s=5, rate=2)]
    assert not [at for at in moments(story, True, 3) if 5 < at < 10]


def day(length_s: float = 20) -> Scenario:
    return scenario.load("prime-day").lasting(length_s)


@given(seeds)
def test_the_same_seed_is_the_same_schedule(seed: int):
    assert schedule(day(), PROMPTS, seed) == schedule(day(), PROMPTS, seed)


def test_another_seed_is_another_schedule():
    first, second = (schedule(day(), PROMPTS, seed) for seed in (1, 2))
    assert [arrival.at_s for arrival in first] != [arrival.at_s for arrival in second]
    assert [arrival.text for arrival in first] != [arrival.text for arrival in second]


def test_texts_are_mixed_as_the_scenario_says():
    arrivals = schedule(day(85), PROMPTS, 1)
    simple = sum(1 for arrival in arrivals if arrival.kind == "simple") / len(arrivals)
    assert 0.55 < simple < 0.65
    assert all(arrival.text in PROMPTS.of(arrival.kind) for arrival in arrivals)


@given(st.integers(1, 9))
def test_the_shares_of_all_workers_are_the_schedule(workers: int):
    everything = schedule(day(), PROMPTS, 1)
    shares = [share(everything, index, workers) for index in range(workers)]
    assert sorted(arrival.number for part in shares for arrival in part) == list(range(len(everything)))
    assert sorted((a for part in shares for a in part), key=lambda arrival: arrival.number) == list(
        everything
    )
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_worker_outside_the_count_sends_nothing():
    everything = schedule(day(), PROMPTS, 1)
    assert share(everything, 2, 2) == share(everything, -1, 2) == ()
