"""The open model: when messages are due follows from profile and seed alone, and workers share them out."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests import arrivals, scenario
from loadtests.arrivals import Arrival, moments, planned, schedule
from loadtests.profile import Burst, Day, Stage, expected, segments, stage_at
from loadtests.scenario import Scenario

rates = st.floats(0, 50)
stages = st.lists(
    st.builds(Stage, for_s=st.floats(0.1, 20), rate=rates, from_rate=st.none() | rates),
    min_size=1,
    max_size=4,
)
bursts = st.lists(
    st.builds(
        Burst, at_s=st.floats(0, 30), for_s=st.floats(0.1, 5), more=st.floats(1, 40), fade_s=st.floats(0, 5)
    ),
    max_size=2,
)
seeds = st.integers(0, 2**32)


def due(story: list[Stage], by_chance: bool, seed: int, more: list[Burst] | None = None) -> list[float]:
    marks = arrivals._marks(by_chance, seed, 0, 1)
    return [at for at, _ in moments(segments(story, None, more or []), marks)]


@given(stages, bursts, st.booleans(), seeds)
def test_moments_are_in_order_and_within_the_story(
    story: list[Stage], more: list[Burst], by_chance: bool, seed: int
):
    found = due(story, by_chance, seed, more)
    assert all(earlier <= later + 1e-9 for earlier, later in pairwise(found))
    assert all(0 <= at <= sum(stage.for_s for stage in story) * (1 + 1e-9) for at in found)


@given(stages, bursts, st.floats(0, 1))
def test_even_moments_follow_every_slope_to_within_one_message(
    story: list[Stage], more: list[Burst], part: float
):
    until_s = part * sum(stage.for_s for stage in story)
    count = sum(1 for at in due(story, False, 0, more) if at <= until_s)
    assert abs(count - expected(segments(story, None, more), 0, until_s)) <= 1.001


@given(stages, seeds)
def test_moments_by_chance_have_the_expected_number_give_or_take_chance(story: list[Stage], seed: int):
    count, mean = len(due(story, True, seed)), sum(piece.messages for piece in segments(story, None, ()))
    # Six standard deviations of a Poisson count, and a little for its long tail where few are expected.
    assert abs(count - mean) <= 6 * math.sqrt(mean) + 12


def test_moments_by_chance_are_not_even():
    gaps = [later - earlier for earlier, later in pairwise(due([Stage(for_s=100, rate=10)], True, 1))]
    mean = sum(gaps) / len(gaps)
    deviation = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    assert 0.8 < deviation / mean < 1.2  # exponential gaps: both are the same


def test_a_ramp_begins_sparse_and_ends_dense():
    found = due([Stage(for_s=10, from_rate=0, rate=20)], False, 0)
    assert len(found) == 100
    assert sum(1 for at in found if at < 5) == 25


def test_nothing_is_due_in_a_pause():
    story = [Stage(for_s=5, rate=2), Stage(for_s=5, rate=0), Stage(for_s=5, rate=2)]
    assert not [at for at in due(story, True, 3) if 5 < at < 10]


def test_a_flash_sale_comes_at_once_and_fades():
    pieces = segments([Stage(name="day", for_s=60, rate=10)], None, [
        Burst(name="sale", at_s=20, for_s=5, more=50, fade_s=10)
    ])  # fmt: skip
    assert [expected(pieces, at, at + 5) / 5 for at in (10, 20)] == pytest.approx([10, 60])
    fading = [expected(pieces, at, at + 2) / 2 for at in (25, 27, 29, 31, 33)]
    assert fading == sorted(fading, reverse=True)
    assert expected(pieces, 40, 60) == pytest.approx(200)
    assert [stage_at(pieces, at) for at in (0, 22, 30, 50)] == ["day", "sale", "sale", "day"]


def test_the_curve_of_a_day_peaks_where_it_says():
    hours = tuple(10.0 if hour == 20 else 2.0 for hour in range(24))
    pieces = segments((), Day(for_s=240, peak=30, hours=hours), ())
    assert len(pieces) == 24
    assert max(pieces, key=lambda piece: piece.first).stage == "20:00"
    assert max(piece.first for piece in pieces) == pytest.approx(30)


def day(length_s: float = 20) -> Scenario:
    return scenario.load("prime-day").lasting(length_s)


def everything(story: Scenario, seed: int) -> list[Arrival]:
    return list(schedule(story, story.people, seed))


@settings(max_examples=20)
@given(seeds)
def test_the_same_seed_is_the_same_schedule(seed: int):
    assert everything(day(), seed) == everything(day(), seed)


@settings(max_examples=20)
@given(seeds, st.sampled_from(["poisson", "exact"]))
def test_how_many_there_will_be_is_known_beforehand(seed: int, kind: str):
    story = day().model_copy(update={"arrivals": kind})
    assert planned(story, seed) == len(everything(story, seed))


def test_another_seed_is_another_schedule():
    first, second = (everything(day(), seed) for seed in (1, 2))
    assert [arrival.at_s for arrival in first] != [arrival.at_s for arrival in second]
    assert [arrival.template for arrival in first] != [arrival.template for arrival in second]


@settings(max_examples=20)
@given(st.integers(1, 9), seeds, st.sampled_from(["poisson", "exact"]))
def test_the_shares_of_all_workers_are_the_schedule(workers: int, seed: int, kind: str):
    story = day().model_copy(update={"arrivals": kind})
    whole = everything(story, seed)
    shares = [list(schedule(story, story.people, seed, index, workers)) for index in range(workers)]
    assert sorted((a for part in shares for a in part), key=lambda a: (a.at_s, a.number)) == whole


def test_a_conversation_stays_with_one_worker():
    story = day(85)
    of_two = [{a.conversation for a in schedule(story, story.people, 1, index, 2)} for index in (0, 1)]
    assert not of_two[0] & of_two[1]


def test_a_worker_outside_the_count_sends_nothing():
    story = day()
    assert list(schedule(story, story.people, 1, 2, 2)) == []


def test_conversations_are_the_turns_of_their_journeys_in_order_with_time_to_think():
    story = day(85)
    talks: dict[int, list[Arrival]] = {}
    for arrival in everything(story, 1):
        talks.setdefault(arrival.conversation, []).append(arrival)
    for talk in talks.values():
        assert [arrival.turn for arrival in talk] == list(range(len(talk)))
        assert len({arrival.person for arrival in talk}) == 1
        assert [arrival.last for arrival in talk[:-1]] == [False] * (len(talk) - 1)
        journeys = [journey.turns for journey in story.people[talk[0].person.persona].journeys]
        assert any(
            all(one.template in turn.say for one, turn in zip(talk, turns, strict=False))
            for turns in journeys
        )
        for before, after in pairwise(talk):
            assert after.at_s - before.at_s >= 4 * story.think


def test_people_come_in_the_shares_of_the_mix():
    story = day(85).at_rate(4)
    talks = {arrival.conversation: arrival.person for arrival in everything(story, 1)}
    for name, share in story.mix.items():
        found = sum(1 for person in talks.values() if person.persona == name) / len(talks)
        assert found == pytest.approx(share, abs=0.04)
    guests = sum(1 for person in talks.values() if person.guest) / len(talks)
    assert guests == pytest.approx(story.guests, abs=0.04)


def test_on_a_flash_sale_many_talk_about_the_same():
    story = day(85).model_copy(update={"hot_share": 0.5})
    talks = {arrival.conversation: arrival.person for arrival in everything(story, 1)}
    same = sum(1 for person in talks.values() if person.goods[0] == 0) / len(talks)
    assert same == pytest.approx(0.5, abs=0.08)


def test_what_is_said_names_goods_and_orders():
    story = day()
    arrival = next(
        a for a in everything(story, 1) if "{product}" in a.template and "{order}" not in a.template
    )
    said = arrival.text(story.shop, "ORD-1")
    assert any(product.title in said for product in story.shop.products)
    assert "{" not in said
