"""Whether a run counts and whether it passed."""

from typing import Any

import pytest

from contract.errors import DONE, FAILED, INCONCLUSIVE
from contract.tiers import Tier
from loadtests import scenario
from loadtests.samples import Percentiles, Sample, summary
from loadtests.verdict import Verdict, judge

DAY = scenario.load("prime-day")
IN_TIME = Percentiles(p50=1, p95=2, p99=DAY.lag_limit_ms)
LATE = Percentiles(p50=1, p95=2, p99=DAY.lag_limit_ms + 1)


def verdict(*, planned: int = 100, lag: Percentiles = IN_TIME, failed: int = 0, **fields) -> Verdict:
    """Of 100 messages, the first `failed` of them without an answer."""
    good = {"first_token_ms": 400.0, "end_to_end_ms": 900.0, "tier": Tier.T0, "rung": "sonnet", "finals": 1}
    run = [
        Sample(
            request_id=str(number),
            intended_at=0,
            sent_at=0,
            **({"error": "connection lost"} if number < failed else good | fields),
        )
        for number in range(100)
    ]
    return judge(DAY, planned, summary(run, DAY.good), lag)


def test_a_run_within_its_gates_passes():
    assert verdict().exit_code == DONE
    assert verdict().lines[-1] == "verdict: passed"


def test_the_gate_itself_is_allowed():
    assert verdict(failed=1, first_token_ms=DAY.gates.first_token_p95_ms).exit_code == DONE


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        ({"failed": 2}, "2.00 % of messages failed (failed_share 1.00 %)"),
        ({"first_token_ms": 2_600.0}, "first token p95 2600 ms (first_token_p95_ms 2500)"),
        ({"sequence_gaps": 1}, "100 sequence gaps (sequence_gaps 0)"),
    ],
)
def test_beyond_a_gate_it_fails_and_says_which(run: dict[str, Any], reason: str):
    assert verdict(**run).exit_code == FAILED
    assert verdict(**run).lines[-1] == f"verdict: failed; {reason}"


@pytest.mark.parametrize("failed", [0, 100])
def test_a_late_generator_shows_nothing_whatever_it_saw(failed: int):
    found = verdict(lag=LATE, failed=failed)
    assert found.exit_code == INCONCLUSIVE
    assert "the generator itself was late (p99 101.0 ms, lag_limit_ms 100)" in found.lines[-1]


def test_a_run_that_was_stopped_shows_nothing():
    found = verdict(planned=200)
    assert found.exit_code == INCONCLUSIVE
    assert "only 100 of 200 messages came to an end" in found.lines[-1]


def test_a_run_without_messages_shows_nothing():
    assert judge(DAY, 0, summary([]), None).exit_code == INCONCLUSIVE


def test_the_figures_name_every_tier_and_the_commonest_errors():
    text = "\n".join(verdict(failed=3).lines)
    assert "100 of 100 messages in 85 s, 3.00 % failed, 97.00 % good" in text
    assert "T0              97               400" in text
    assert "3 x connection lost" in text
