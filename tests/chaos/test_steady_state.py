"""Whether the hypothesis held is told from what the client measured, and from nothing else."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.steady_state import Measures, caught, judge
from tests.chaos.control_api_helpers import EXPERIMENT

GOOD = {"failed_share": 0.0, "sequence_gaps": 0.0, "first_token_p95_ms": 900.0}


def measures(**phases: dict[str, Any]) -> Measures:
    return Measures(**{phase: GOOD | phases.get(phase, {}) for phase in ("before", "during", "after")})


def test_it_held_when_every_probe_stayed_within_its_tolerance() -> None:
    found = judge(EXPERIMENT, measures(during={"first_token_p95_ms": 2500.0}))
    assert found.verdict == "held"
    assert "first_token_p95_ms stayed at most 2500" in found.findings


@pytest.mark.parametrize("phase", ["during", "after"])
def test_a_deviation_names_probe_value_and_tolerance(phase: str) -> None:
    found = judge(EXPERIMENT, measures(**{phase: {"failed_share": 0.01}}))
    assert found.verdict == "deviated"
    assert found.findings == (f"failed_share was 0.01 {phase} the fault, at most 0 is tolerated",)


@pytest.mark.parametrize("value", [None, math.nan])
@pytest.mark.parametrize("phase", ["before", "during", "after"])
def test_a_missing_measure_is_inconclusive(phase: str, value: float | None) -> None:
    found = judge(EXPERIMENT, measures(**{phase: {"first_token_p95_ms": value}}))
    assert found.verdict == "inconclusive"
    assert found.findings == (f"first_token_p95_ms was not measured {phase} the fault",)


def test_a_deviation_is_not_excused_by_a_missing_measure() -> None:
    found = judge(EXPERIMENT, measures(during={"failed_share": 0.2, "first_token_p95_ms": None}))
    assert found.verdict == "deviated"
    assert len(found.findings) == 2


def test_what_was_not_steady_before_proves_nothing() -> None:
    found = judge(EXPERIMENT, measures(before={"sequence_gaps": 3.0}, during={"failed_share": 0.2}))
    assert found.verdict == "inconclusive"
    assert found.findings == (
        "not steady to begin with",
        "sequence_gaps was 3 before the fault, at most 0 is tolerated",
    )


PHASE = st.fixed_dictionaries({name: st.none() | st.floats(min_value=0, max_value=5_000) for name in GOOD})


@given(before=PHASE, during=PHASE, after=PHASE)
def test_held_means_that_everything_was_measured_and_within(
    before: dict[str, float | None], during: dict[str, float | None], after: dict[str, float | None]
) -> None:
    found = judge(EXPERIMENT, Measures(before=before, during=during, after=after))
    within = all(
        (value := phase[probe.measure]) is not None and value <= probe.at_most
        for phase in (before, during, after)
        for probe in EXPERIMENT.steady_state
    )
    assert (found.verdict == "held") == within


def test_who_was_being_answered_when_it_broke_tells_of_what_broke() -> None:
    """Due and over, in seconds: a quick failure earlier is the state before, a long answer is not."""
    calm, met = caught([(90.0, 93.0), (95.0, 95.2), (95.0, 104.0), (99.9, 100.1)], 100, lambda one: one[1])
    assert calm == [(90.0, 93.0), (95.0, 95.2)]
    assert met == [(95.0, 104.0), (99.9, 100.1)]
