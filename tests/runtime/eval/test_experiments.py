"""Sample sizes, a test that holds at every look, and a split of people that is not believed when broken."""

from random import Random

import pytest

from contract.people import Person
from contract.runtime_settings import Experiment
from runtime.eval.experiments import Arm, ExperimentError, people, read, uneven
from runtime.experiment import USUAL, variant_of


@pytest.mark.parametrize(
    ("baseline", "lift", "each"),
    [(0.5, 0.05, 1565), (0.1, 0.02, 3841), (0.7, -0.03, 3765), (0.02, 0.01, 3826)],
)
def test_a_sample_size_is_that_of_the_books(baseline, lift, each):
    assert people(baseline, lift) == pytest.approx(each, abs=2)


def test_more_sureness_or_power_takes_more_people():
    assert people(0.5, 0.05, sure=0.99) > people(0.5, 0.05) < people(0.5, 0.05, power=0.95)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"baseline": 0.0}, "--baseline 0"),
        ({"lift": 0.0}, "--lift 0"),
        ({"lift": 0.6}, "--lift 0.6"),
        ({"sure": 1.0}, "--sure 1"),
        ({"power": 0.2}, "--power 0.2"),
    ],
)
def test_what_makes_no_sense_is_told(wrong, said):
    with pytest.raises(ExperimentError, match=said):
        people(**{"baseline": 0.5, "lift": 0.05, **wrong})


def looks(random: Random, usual: float, other: float, days: int = 60, a_day: int = 100) -> str:
    """Looked at every evening, and stopped at the first decision."""
    counts = {USUAL: [0, 0], "new": [0, 0]}
    for _ in range(days):
        for name, share in ((USUAL, usual), ("new", other)):
            counts[name][0] += sum(random.random() < share for _ in range(a_day))
            counts[name][1] += a_day
        (one,) = read({name: Arm(*both) for name, both in counts.items()}, lift=0.05)
        if one.came != "not decided":
            return one.came
    return "not decided"


def test_looking_every_day_finds_no_change_where_there_is_none():
    random = Random(5)
    decided = sum(looks(random, 0.6, 0.6) != "not decided" for _ in range(100))
    assert decided <= 5


def test_a_change_that_matters_is_found_and_told_apart():
    random = Random(6)
    assert [looks(random, 0.6, 0.7) for _ in range(10)].count("better") >= 9
    assert [looks(random, 0.6, 0.5) for _ in range(10)].count("worse") >= 9


def test_less_may_be_better():
    arms = {USUAL: Arm(500, 5_000), "new": Arm(300, 5_000)}
    assert [one.came for one in read(arms, 0.02, more_is_better=False)] == ["better"]
    (one,) = read(arms, 0.02)
    assert (one.came, one.low < one.gap < one.high < 0) == ("worse", True)


def test_nobody_and_nothing_decide_nothing():
    assert read({USUAL: Arm(0, 0), "new": Arm(0, 0)}, 0.05)[0].came == "not decided"
    with pytest.raises(ExperimentError, match="nobody saw the usual"):
        read({"new": Arm(1, 2)}, 0.05)
    with pytest.raises(ExperimentError, match="--lift"):
        read({USUAL: Arm(1, 2)}, 0)


def test_people_are_split_as_was_wanted_and_always_the_same():
    experiment = Experiment(name="brief", shares={"concise": 0.3})
    seen = [variant_of(experiment, Person(kind="user", id=f"c-{n:05d}")) or USUAL for n in range(4_000)]
    again = [variant_of(experiment, Person(kind="user", id=f"c-{n:05d}")) or USUAL for n in range(4_000)]
    assert seen == again
    assert uneven({name: float(seen.count(name)) for name in set(seen)}, experiment.shares) == []


def test_a_broken_split_is_told():
    found = uneven({USUAL: 5_000, "new": 4_000}, {"new": 0.5})
    assert found[0].startswith("usual: 5,000 of 9,000")
    assert uneven({}, {"new": 0.5}) == []
