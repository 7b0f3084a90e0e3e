"""A run beside an earlier one: what moved is told, what is only chance is not."""

import random

import pytest

from contract.errors import DONE, FAILED, INCONCLUSIVE
from loadtests import arrivals, scenario
from loadtests.compare import Comparison, compare
from loadtests.documents import DocumentError
from loadtests.run import Health, Run
from loadtests.scenario import Scenario
from loadtests.tally import Tally
from tests.loadtests.sample_helpers import FAILED as NO_ANSWER
from tests.loadtests.sample_helpers import sample

DAY = scenario.load("prime-day")


def run(
    seed: int, *, slower: float = 1.0, tail: float = 1.0, failed: float = 0.0, story: Scenario = DAY, **health
):
    """All messages of a day; they are slow together for seconds, as real ones are."""
    chance = random.Random(seed)
    mood = [chance.lognormvariate(0, 0.15) for _ in range(200)]
    tally = Tally(story.good, story.bin_s)
    for arrival in arrivals.schedule(story, story.people, 1):
        time = 400 * chance.lognormvariate(0, 0.4) * mood[int(arrival.at_s)] * slower
        if chance.random() < 0.04:
            time *= tail
        fields = (
            NO_ANSWER if chance.random() < failed else {"first_token_ms": time, "end_to_end_ms": 3 * time}
        )
        tally.add(sample(arrival.number, at_s=arrival.at_s, usd=0.003, **fields))
    planned = arrivals.planned(story, 1)
    return Run(story, 1, planned, tally, health=Health(**health))


def worse(found: Comparison) -> set[str]:
    return {one.name for one in found.moved if one.change == "worse"}


def test_everything_slower_is_a_regression_of_every_percentile():
    found = compare(run(1), run(2, slower=1.4))
    assert found.exit_code == FAILED
    assert {"first_token p50", "first_token p95", "end_to_end p50"} <= worse(found)
    first = next(one for one in found.moved if one.name == "first_token p50")
    assert first.low < 1.4 < first.high * 1.1
    assert "worse" in first.words


def test_a_tail_alone_is_told_as_a_tail():
    names = worse(compare(run(1), run(2, tail=12)))
    assert any("p99" in name for name in names)
    assert "first_token p50" not in names


def test_two_runs_of_the_same_system_are_hardly_ever_told_apart():
    wrong = sum(bool(worse(compare(run(seed), run(1_000 + seed)))) for seed in range(6))
    assert wrong <= 1


def test_better_is_no_failure():
    found = compare(run(1, slower=1.4), run(2))
    assert found.exit_code == DONE
    assert any(one.change == "better" for one in found.moved)


def test_more_failures_are_a_regression():
    assert "failed rate" in worse(compare(run(1), run(2, failed=0.05)))


def test_an_invalid_run_says_nothing_about_another():
    found = compare(run(1), run(2, lost=("box_1",)))
    assert found.exit_code == INCONCLUSIVE
    assert found.doubt is not None
    assert found.doubt.startswith("the new run is invalid: worker box_1 was lost")


@pytest.mark.parametrize("other", [DAY.lasting(40), DAY.at_rate(2)])
def test_runs_of_different_loads_are_not_compared(other: Scenario):
    with pytest.raises(DocumentError, match="of another length, rate or mix"):
        compare(run(1), run(1, story=other))


def test_the_same_question_has_the_same_answer():
    assert compare(run(1), run(2)) == compare(run(1), run(2))
