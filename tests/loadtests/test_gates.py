"""Thresholds as people write them, what they say of a run, and what is wrong with one that cannot be read."""

import pytest

from contract.tiers import Tier
from loadtests.gates import Gate, parse
from loadtests.samples import Sample
from loadtests.scenario import Limits
from loadtests.tally import Tally
from loadtests.verdict import measured
from tests.loadtests.sample_helpers import FAILED, sample


def gate(measure: str, hold: str) -> Gate:
    (found,) = parse(measure, hold)
    return found


RUN = [
    *(sample(n, first_token_ms=100.0 * (n + 1), usd=0.004) for n in range(8)),
    sample(8, tier=Tier.T1, intent="refund", stage="ramp", usd=0.001, stalls=2, gap_ms=2_000.0),
    sample(9, **FAILED, dropped=True),
]


def value(measure: str, hold: str, run: list[Sample] = RUN) -> float | None:
    return measured(Tally.of(run, Limits(), 1.0), gate(measure, hold))


@pytest.mark.parametrize(
    ("measure", "hold", "expected"),
    [
        ("first_token", "p50 < 1s", 400),
        ("first_token{tier:T0}", "max < 1s", 800),
        ("first_token{tier:T0}", "mean < 1s", 450),
        ("first_token{tier:T1,stage:ramp}", "p95 < 1s", 400),
        ("chunk_gap", "p99 < 1s", 2_000),
        ("failed", "rate < 1%", 0.1),
        ("failed{tier:T0}", "rate < 1%", 0),
        ("dropped", "count == 0", 1),
        ("goodput", "rate > 99%", 0.9),
        ("served{tier:T1}", "rate > 50%", 0.1),
        ("served{tier:T1,stage:ramp}", "rate > 50%", 1.0),
        ("served", "rate > 50%", 0.9),
        ("stalls{intent:refund}", "count == 0", 2),
        ("cost", "mean < $0.005", 0.0033),
    ],
)
def test_what_a_gate_measures(measure: str, hold: str, expected: float):
    assert value(measure, hold) == pytest.approx(expected, rel=0.006)


@pytest.mark.parametrize(
    ("measure", "hold"),
    [("first_token{tier:T2}", "p95 < 1s"), ("failed{stage:night}", "rate < 1%"), ("connect", "p95 < 1s")],
)
def test_where_there_is_nothing_to_measure_it_is_not_told(measure: str, hold: str):
    assert value(measure, hold) is None


@pytest.mark.parametrize(
    ("hold", "value", "holds"),
    [("p95 < 900ms", 900, False), ("p95 <= 0.9s", 900, True), ("p95 > 1_000ms", 1_001, True)],
)
def test_a_limit_means_what_it_says(hold: str, value: float, holds: bool):
    assert gate("first_token", hold).holds(value) is holds


def test_several_thresholds_in_a_line():
    assert [one.limit for one in parse("first_token", "p95 < 900ms, p99 < 2s")] == [900, 2_000]


@pytest.mark.parametrize(
    ("measure", "hold", "told"),
    [
        ("first_tokn", "p95 < 1s", "'first_tokn' measures nothing known"),
        ("first_token{tir:T0}", "p95 < 1s", "'tir:T0' must be one of tier, intent"),
        ("first_token{tier}", "p95 < 1s", "'tier' must be one of"),
        ("first_token", "95 < 1s", "there is no '95' of it; there are p50"),
        ("first_token", "p95 under 1s", 'write it like "p95 < 900ms"'),
        ("first_token", "p95 < 900", "the number needs ms or s"),
        ("failed", "rate < 1", "the number needs %"),
        ("failed", "count < 1%", "the number needs no unit"),
        ("cost", "mean < 0.004", "the number needs \\$"),
        ("connect{tier:T0}", "p95 < 1s", "measured for the whole run"),
    ],
)
def test_a_gate_that_cannot_be_read_says_how_to_write_it(measure: str, hold: str, told: str):
    with pytest.raises(ValueError, match=told):
        parse(measure, hold)
