"""What an experiment came to: each expectation alone decides, and without its premises nothing was shown."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos import compare, record, report
from chaos.record import Conditions, Gate, Happening, Record, RecordError, Second, verdict_of
from chaos.runner import Outcome, Ran
from chaos.steady_state import Measures
from chaos.verdict import Ran as Runbook
from chaos.verdict import Seen, as_data, gates
from contract.errors import WrongUseError
from contract.faults import ActiveFault, Injection
from tests.chaos.control_api_helpers import EXPERIMENT, START

GOOD = {"failed_share": 0.0, "sequence_gaps": 0.0, "first_token_p95_ms": 900.0}
ACTIVE = ActiveFault(
    id="f1", fault=EXPERIMENT.method[0].fault, injected_at=START, expires_at=START + timedelta(seconds=40)
)
HIT = Injection(at=START, what="cleared", id="f1", fault=ACTIVE.fault, seen=100, hit=4)
WORSE = GOOD | {"failed_share": 0.01}
STAGES = (Ran(fault=ACTIVE, started_at=START, ended_at=START + timedelta(seconds=27)),)
HALTED = Outcome(experiment="m", status="inconclusive", reason="stopped", halted=True, stages=STAGES)
SEEN = Seen(
    outcome=Outcome(experiment="mine", status="completed", stages=STAGES),
    measures=Measures(before=GOOD, during=GOOD, after=GOOD),
    injections=[HIT],
    alarm_after_s=20,
    led_to="bedrock-throttled",
    red_before=[],
    other_alarms=[],
    still_red=[],
    tier_share=0.9,
    recovered_after_s=3,
    runbooks=[Runbook(id="bedrock-throttled", verdict="applied+verified", note="better", undone=True)],
    left=0,
)


def but(**changes: Any) -> tuple[str, list[str]]:
    """The verdict of a run in which only this was different, and the gates that did not hold."""
    found = gates(EXPERIMENT, Seen(**{**vars(SEEN), **changes}))
    return verdict_of(found), [gate.name for gate in found if gate.held is not True]


def test_a_run_in_which_all_was_as_expected_holds() -> None:
    assert but() == ("held", [])


@pytest.mark.parametrize(
    ("changes", "gate"),
    [
        ({"alarm_after_s": None}, "alarm bedrock-throttled within 35 s"),
        ({"alarm_after_s": 36}, "alarm bedrock-throttled within 35 s"),
        ({"alarm_after_s": -1}, "alarm bedrock-throttled within 35 s"),
        ({"still_red": ["bedrock-throttled"]}, "bedrock-throttled green again at the end"),
        ({"led_to": "cost-spike"}, "the alarm leads to runbook bedrock-throttled, which ran"),
        ({"runbooks": []}, "the alarm leads to runbook bedrock-throttled, which ran"),
        ({"tier_share": 0.49}, "T1 answers at the worst (50% at least)"),
        ({"recovered_after_s": 26}, "recovered within 25 s"),
        ({"recovered_after_s": None}, "recovered within 25 s"),
        ({"left": 1}, "no fault left behind"),
        ({"measures": Measures(before=GOOD, during=WORSE, after=GOOD)}, "steady state"),
        ({"measures": Measures(before=GOOD, during=GOOD, after=GOOD | {"sequence_gaps": 1})}, "steady state"),
        (
            {"outcome": HALTED},
            "damage within its limits",
        ),
    ],
)  # fmt: skip
def test_what_did_not_hold_is_a_deviation(changes: dict[str, Any], gate: str) -> None:
    assert but(**changes) == ("deviated", [gate])


@pytest.mark.parametrize(
    ("changes", "gate"),
    [
        (
            {"outcome": Outcome(experiment="m", status="inconclusive", reason="refused")},
            "faults in place as written",
        ),
        ({"injections": [HIT.model_copy(update={"hit": 0})]}, "faults in place as written"),
        ({"red_before": ["bedrock-throttled"]}, "its alarm was green before"),
        ({"doubts": ["the generator was late"]}, "people were watched"),
        ({"measures": Measures(before=GOOD, during={}, after=GOOD)}, "steady state"),
        ({"measures": Measures(before=GOOD | {"failed_share": 1}, during=GOOD, after=GOOD)}, "steady state"),
        ({"tier_share": None}, "T1 answers at the worst (50% at least)"),
    ],
)
def test_what_could_not_be_told_is_inconclusive(changes: dict[str, Any], gate: str) -> None:
    assert but(**changes) == ("inconclusive", [gate])


def test_without_a_fault_a_deviation_proves_nothing() -> None:
    refused = Outcome(experiment="m", status="inconclusive", reason="refused")
    verdict, _ = but(outcome=refused, alarm_after_s=None, left=3)
    assert verdict == "inconclusive"


@given(
    st.lists(
        st.builds(
            Gate,
            name=st.just("g"),
            held=st.sampled_from([True, False, None]),
            measured=st.just(""),
            premise=st.booleans(),
        )
    )
)
def test_held_means_that_every_gate_held(found: list[Gate]) -> None:
    assert (verdict_of(tuple(found)) == "held") == (bool(found) and all(gate.held for gate in found))


def made(**changes: Any) -> Record:
    found = gates(EXPERIMENT, Seen(**{**vars(SEEN), **changes}))
    return Record(
        experiment=EXPERIMENT,
        conditions=Conditions(target="rehearsal", stack="prod"),
        started_at=datetime(2031, 3, 4, 10, tzinfo=UTC),
        ended_at=datetime(2031, 3, 4, 10, 2, tzinfo=UTC),
        verdict=verdict_of(found),
        gates=found,
        outcome=SEEN.outcome,
        measures=as_data(changes.get("measures", SEEN.measures)),
        injections=(HIT,),
        seconds=(
            Second(at_s=0, messages=6, failed=0, first_token_p95_ms=800, tiers={"T0": 6}),
            Second(at_s=1, messages=6, failed=2, first_token_p95_ms=900, tiers={"T1": 4}),
        ),
        happenings=(Happening(at_s=0.5, kind="fault", text="injected: <throttle> | 4 %"),),
    )


class TestRecord:
    def test_it_is_read_as_it_was_written(self, tmp_path: Path) -> None:
        record.write(made(), tmp_path / "run" / record.FILE)
        assert record.read(tmp_path / "run") == made()
        assert [path.name for path in (tmp_path / "run").iterdir()] == [record.FILE]

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("{", "is no JSON"),
            ("[]", "is no record"),
            ('{"format": 9}', "is no record"),
            ('{"format": 1}', "Field required"),
        ],
    )
    def test_anything_else_is_told_in_a_line(self, tmp_path: Path, text: str, told: str) -> None:
        (tmp_path / record.FILE).write_text(text, encoding="utf-8")
        with pytest.raises(RecordError, match=told):
            record.read(tmp_path)

    def test_a_file_that_is_not_there_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(RecordError, match="cannot be read: No such file"):
            record.read(tmp_path / "none.json")


class TestReport:
    def test_markdown_has_every_gate_and_happening(self) -> None:
        text = report.markdown(made(alarm_after_s=None))
        assert text.startswith("# mine: deviated\n")
        assert "| FAILED | alarm bedrock-throttled within 35 s | did not fire |" in text
        assert "injected: <throttle> \\| 4 %" in text

    def test_the_page_is_escaped_and_draws_each_second(self) -> None:
        page = report.page(made())
        assert "&lt;throttle&gt;" in page
        assert "<throttle>" not in page
        assert "1 s: 4 T1" in page
        assert "1 s: 2 failed" in page

    def test_what_was_not_as_usual_is_said(self) -> None:
        unusual = Conditions(target="rehearsal", stack="prod", changes={"a.b": "1"}, off=("x",), slack=3)
        text = report.markdown(made().model_copy(update={"conditions": unusual}))
        assert "a.b=1, without alarm x, 3 times the time" in text


class TestComparison:
    def test_a_gate_that_no_longer_holds_is_worse(self) -> None:
        slow = Measures(before=GOOD, during=GOOD | {"first_token_p95_ms": 2_000}, after=GOOD)
        found = compare.compare(made(), made(alarm_after_s=None, measures=slow))
        assert compare.lines(found) == [
            "mine: held -> deviated",
            "gate alarm bedrock-throttled within 35 s: held (fired after 20 s) -> failed (did not fire)",
            "first_token_p95_ms during: 900 -> 2000",
        ]
        assert found.exit_code == 1
        assert compare.compare(made(alarm_after_s=None), made()).exit_code == 0

    def test_the_same_is_the_same(self) -> None:
        assert compare.lines(compare.compare(made(), made())) == ["mine: held -> held"]

    def test_two_experiments_are_not_compared(self) -> None:
        other = made().model_copy(update={"experiment": EXPERIMENT.model_copy(update={"id": "other"})})
        with pytest.raises(WrongUseError, match="mine and other are two experiments"):
            compare.compare(made(), other)
