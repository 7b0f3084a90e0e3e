"""Where a system stops to hold while ever more people come, and why."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from contract.tiers import Tier
from loadtests import arrivals, knee
from loadtests.run import Run
from loadtests.samples import Sample
from loadtests.scenario import Scenario
from loadtests.tally import Tally
from tests.loadtests.sample_helpers import FAILED, sample

RAMP = Scenario.model_validate(
    {
        "name": "ramp",
        "users": 100,
        "mix": {"browse": 1.0},
        "knee": True,
        "stages": [{"for_s": 120, "from_rate": 0, "rate": 60}],
    }
)
Breaks = Callable[[float, random.Random], dict[str, Any]]


def run(breaks: Breaks, from_rate: float) -> Run:
    """A ramp of half a message a second each second; from `from_rate` on messages are as `breaks` makes
    them."""
    chance, tally = random.Random(1), Tally(RAMP.good, RAMP.bin_s)
    for arrival in arrivals.schedule(RAMP, RAMP.people, 1):
        over = arrival.at_s / 2 - from_rate
        first = 300 * chance.lognormvariate(0, 0.2)
        fields: dict[str, Any] = {"first_token_ms": first, "end_to_end_ms": first * 3}
        tally.add(_sample(arrival.number, arrival.at_s, fields | (breaks(over, chance) if over > 0 else {})))
    return Run(RAMP, 1, arrivals.planned(RAMP, 1), tally)


def _sample(number: int, at_s: float, fields: dict[str, Any]) -> Sample:
    return sample(number, at_s=at_s, **fields)


def slow(over: float, chance: random.Random) -> dict[str, Any]:
    return {"first_token_ms": 300 + 400 * over, "end_to_end_ms": 900 + 400 * over}


def refuse(over: float, chance: random.Random) -> dict[str, Any]:
    told = {"error": "too_many_requests: Please wait.", "refused": True}
    return {**FAILED, **told} if chance.random() < over / 10 else {}


def haiku(over: float, chance: random.Random) -> dict[str, Any]:
    return {**slow(over, chance), "tier": Tier.T1}


@pytest.mark.parametrize(
    ("breaks", "why"),
    [
        (slow, "first token p95 is"),
        (refuse, "most often: too_many_requests: Please wait."),
        (haiku, "T1 serves"),
    ],
)
def test_the_knee_is_found_where_it_is_with_its_reason(breaks: Breaks, why: str):
    found = knee.find(run(breaks, from_rate=35))
    assert found.rate == pytest.approx(35, abs=4)
    assert why in found.why
    assert f"holds up to {found.rate:.1f} messages a second" in found.words


def test_a_knee_that_was_not_reached_is_no_knee():
    found = knee.find(run(slow, from_rate=1_000))
    assert found.rate is None
    assert "was not reached" in found.words


def test_one_bad_moment_is_no_knee():
    def hiccup(over: float, chance: random.Random) -> dict[str, Any]:
        return slow(3.0, chance) if over < 2 else {}

    assert knee.find(run(hiccup, from_rate=30)).rate is None


def test_nothing_can_be_said_of_a_few_messages():
    empty = Run(RAMP, 1, 0, Tally(RAMP.good, RAMP.bin_s))
    assert "cannot be told" in knee.find(empty).words
