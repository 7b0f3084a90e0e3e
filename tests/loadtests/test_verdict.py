"""Whether a run counts and whether it passed."""

from typing import Any

import pytest

from contract.errors import DONE, FAILED, INCONCLUSIVE
from loadtests import scenario
from loadtests.run import Health, Run
from loadtests.samples import Sample
from loadtests.scenario import Scenario
from loadtests.tally import Tally
from loadtests.verdict import Verdict, broken, judge
from tests.loadtests import sample_helpers

DAY = scenario.load("prime-day")


def run(
    samples: list[Sample], *, planned: int = 100, lag_ms: float = 2.0, story: Scenario = DAY, **health: Any
):
    """A run in which these came to their end."""
    tally = Tally.of(samples, story.good, story.bin_s)
    tally.lag.add(lag_ms)
    return Run(story, 1, planned, tally, health=Health(**health))


def hundred(failed: int = 0, **fields: Any) -> list[Sample]:
    """The first `failed` of them without an answer."""
    return [
        sample_helpers.sample(number, **(sample_helpers.FAILED if number < failed else fields))
        for number in range(100)
    ]


def verdict(samples: list[Sample] | None = None, **more: Any) -> Verdict:
    return judge(run(hundred() if samples is None else samples, **more))


def test_a_run_within_its_gates_passes():
    assert verdict().exit_code == DONE
    assert verdict().lines[-1] == "verdict: passed"


def test_the_gate_itself_is_allowed():
    assert verdict(hundred(failed=1)).exit_code == DONE


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (hundred(failed=2), "failed rate <= 1%: 2.00%"),
        (hundred(first_token_ms=2_600.0), "first_token p95 <= 2500ms: 2,"),
        (hundred(sequence_gaps=1), "sequence_gaps count == 0: 100"),
        (hundred(finals=2), "ended_twice count == 0: 100"),
    ],
)
def test_beyond_a_gate_it_fails_and_says_which(samples: list[Sample], reason: str):
    assert verdict(samples).exit_code == FAILED
    assert verdict(samples).lines[-1].startswith(f"verdict: failed; {reason}")


@pytest.mark.parametrize("failed", [0, 100])
def test_a_late_generator_shows_nothing_whatever_it_saw(failed: int):
    found = verdict(hundred(failed=failed), lag_ms=DAY.lag_limit_ms * 1.02)
    assert found.exit_code == INCONCLUSIVE
    assert "invalid; the generator itself was late (p99 10" in found.lines[-1]


def test_a_lost_worker_makes_it_invalid_whatever_was_seen():
    found = verdict(lost=("box_1",))
    assert found.exit_code == INCONCLUSIVE
    assert "invalid; worker box_1 was lost" in found.lines[-1]


def test_a_run_that_was_stopped_shows_nothing():
    found = verdict(planned=200)
    assert found.exit_code == INCONCLUSIVE
    assert "only 100 of 200 messages came to an end" in found.lines[-1]


def test_a_run_without_messages_shows_nothing():
    assert verdict([], planned=0).exit_code == INCONCLUSIVE


def test_a_gate_with_nothing_to_measure_is_no_pass():
    gates = {"first_token{tier:T2}": "p95 < 1s"}
    story = Scenario.model_validate({**DAY.model_dump(), "gates": gates})
    found = verdict(story=story)
    assert found.exit_code == INCONCLUSIVE
    assert found.lines[-1] == "verdict: inconclusive; first_token{tier:T2} p95 < 1s: nothing to measure"


def test_a_gate_may_end_a_run_which_then_has_failed_and_is_not_invalid():
    gates = {"failed": {"hold": "rate < 1%", "abort": True, "after_s": 20}}
    story = Scenario.model_validate({**DAY.model_dump(), "gates": gates})
    bad = run(hundred(failed=50), story=story, planned=5_000)
    assert broken(bad, after_s=10) is None
    ended = broken(bad, after_s=20)
    assert ended is not None
    bad.health = Health(aborted_by=ended.words)
    assert judge(bad).exit_code == FAILED


def test_the_figures_name_every_tier_and_the_commonest_errors():
    text = "\n".join(verdict(hundred(failed=3)).lines)
    assert "100 of 100 messages in 85 s, 3.00 % failed, 97.00 % good" in text
    assert "T0              97               40" in text
    assert "3 x connection lost" in text
