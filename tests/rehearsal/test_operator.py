"""The engineer on call: answers an alarm with its runbook, once, and takes all of it back in the end."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

import runbooks
from contract.controls import parse
from rehearsal.operator import OPERATOR, Operator
from runbooks.engine import Decision, Finding
from tests.runbooks.estate_helpers import BANNER, Estate

ALARM, RUNBOOK = "concierge-dev-bedrock-throttled", "bedrock-throttled"


@pytest.fixture
def estate() -> Iterator[Estate]:
    """Sonnet is throttled a little, Haiku is well, and the metrics say so."""
    with mock_aws():
        found = Estate()
        found.throttled_share = 0.04
        found.live(60)
        yield found


class Duty:
    """An operator and what was heard of them."""

    def __init__(self, estate: Estate, folder: Path) -> None:
        self.told: list[str] = []
        self.journal = folder / "runbooks.jsonl"
        world = estate.world(OPERATOR, poll_s=2.0)
        self.operator = Operator(world, self.journal, lambda kind, text: self.told.append(f"{kind}: {text}"))

    def starts(self, *words: str) -> list[str]:
        """What was told that begins with one of these words."""
        return [text for text in self.told if text.removeprefix("runbook: ").startswith(words)]

    def runs(self) -> list[Mapping[str, str]]:
        """How each run in the journal began."""
        entries = [json.loads(line) for line in self.journal.read_text("utf-8").splitlines()]
        return [entry for entry in entries if entry["what"] == "started"]


@pytest.fixture
def duty(estate: Estate, tmp_path: Path) -> Duty:
    return Duty(estate, tmp_path)


def test_nobody_calls_and_nothing_is_done(duty: Duty, estate: Estate):
    assert duty.operator.finish() == []
    assert duty.told == []
    assert estate.controls == BANNER


def test_an_alarm_is_answered_with_the_plan_first_and_then_with_the_change(duty: Duty):
    duty.operator.take(RUNBOOK, ALARM)
    duty.operator.finish()

    assert [(run["text"], run["why"], run["who"]) for run in duty.runs()] == [
        ("plan only", "", OPERATOR),
        ("apply", f"alarm {ALARM}", OPERATOR),
    ]
    steps = [text.split(":")[1].strip() for text in duty.starts("decided", "changed", "verified", "undone")]
    assert steps == ["decided", "decided", "changed", "verified", "undone"]


def test_what_helped_stays_until_the_day_is_over_and_is_then_taken_back(duty: Duty, estate: Estate):
    turned: list[float] = []

    def look() -> None:
        control = parse(estate.controls).haiku_threshold
        turned.append(control.value if control else 0)

    estate.on_sleep = look
    duty.operator.take(RUNBOOK, ALARM)
    (run,) = duty.operator.finish()

    assert set(turned) == {0.03}
    assert (run.id, run.verdict, run.undone) == (RUNBOOK, "applied+verified", True)
    assert "better" in run.note
    assert estate.controls == BANNER


def test_a_second_alarm_for_the_same_incident_changes_nothing(duty: Duty):
    for _ in range(5):
        duty.operator.take(RUNBOOK, ALARM)
    runs = duty.operator.finish()

    assert len(runs) == 1
    assert len(duty.runs()) == 2


def test_a_runbook_that_would_hurt_is_left_alone(duty: Duty, estate: Estate):
    """Haiku fails too: the plan says so, and nothing is applied or undone."""
    estate.haiku_failed_share = 0.5
    estate.live(40)
    duty.operator.take(RUNBOOK, ALARM)
    (run,) = duty.operator.finish()

    assert (run.verdict, run.undone) == ("nothing-to-do", False)
    assert [entry["text"] for entry in duty.runs()] == ["plan only"]
    assert estate.controls == BANNER


def test_a_change_that_does_not_help_is_taken_back_by_the_runbook_itself(duty: Duty, estate: Estate):
    estate.simple_share = 0.0  # no message leaves Sonnet, whatever the threshold
    duty.operator.take(RUNBOOK, ALARM)
    (run,) = duty.operator.finish()

    assert (run.verdict, run.undone) == ("rolled-back", False)
    assert estate.controls == BANNER


def test_an_alarm_that_comes_too_late_finds_nobody(duty: Duty, estate: Estate):
    duty.operator.finish()
    duty.operator.take(RUNBOOK, ALARM)

    assert duty.operator.finish() == []
    assert duty.told == []
    assert estate.controls == BANNER


def test_who_has_left_takes_no_alarm_and_says_nothing(duty: Duty):
    duty.operator.leave()
    duty.operator.take(RUNBOOK, ALARM)

    assert duty.operator.finish() == []
    assert duty.told == []


def test_what_is_under_way_goes_on_in_silence_when_the_operator_leaves(duty: Duty, estate: Estate):
    """The stand-ins are gone by then; that their calls fail is no news."""
    estate.on_sleep = duty.operator.leave
    duty.operator.take(RUNBOOK, ALARM)
    (run,) = duty.operator.finish()

    assert run.verdict == "applied+verified"
    assert duty.starts("changed")
    assert not duty.starts("verified", "undone", "ended: applied")


# --- Runbooks that break ------------------------------------------------------------------------------------


def test_a_runbook_without_a_script_is_told_and_counts_as_failed(duty: Duty):
    duty.operator.take("lunch", "concierge-dev-lunch")
    (run,) = duty.operator.finish()

    assert (run.id, run.verdict, run.undone) == ("lunch", "failed", False)
    assert "is not in contract/runbooks.toml" in run.note
    assert duty.told == [f"runbook: lunch failed: {run.note}"]


def test_aws_refusing_the_change_is_the_runbooks_own_verdict(duty: Duty, estate: Estate):
    estate.refuse("ssm.PutParameter", "AccessDeniedException")
    duty.operator.take(RUNBOOK, ALARM)
    (run,) = duty.operator.finish()

    assert run.verdict in {"rolled-back", "inconclusive"}
    assert not run.undone
    assert estate.controls == BANNER


def test_a_change_that_cannot_be_undone_is_not_called_undone(duty: Duty, estate: Estate):
    refused = False

    def refuse(**_: Any) -> None:
        if refused:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "PutParameter")

    estate.session.events.register("before-call.ssm.PutParameter", refuse)
    duty.operator.take(RUNBOOK, ALARM)
    wait_for(lambda: bool(duty.starts("ended: applied")))
    refused = True
    (run,) = duty.operator.finish()

    assert (run.verdict, run.undone) == ("applied+verified", False)
    assert estate.controls != BANNER


def test_a_runbook_with_a_defect_fails_alone(duty: Duty, estate: Estate, monkeypatch: pytest.MonkeyPatch):
    """Its thread's error is neither lost nor the end of the day."""

    def decide(_: Mapping[str, Finding]) -> Decision:
        raise KeyError("sonet")

    script = runbooks.load(RUNBOOK)
    monkeypatch.setattr(runbooks, "load", lambda _: replace(script, decide=decide))
    duty.operator.take(RUNBOOK, ALARM)
    (run,) = duty.operator.finish()

    assert (run.verdict, run.note, run.undone) == ("failed", "KeyError: 'sonet'", False)
    assert duty.starts("bedrock-throttled failed: KeyError")
    assert estate.controls == BANNER


def test_a_runbook_that_breaks_after_its_change_is_taken_back_all_the_same(
    duty: Duty, estate: Estate, monkeypatch: pytest.MonkeyPatch
):
    def better(*_: float) -> bool:
        raise ZeroDivisionError("no calls")

    loaded = runbooks.load
    monkeypatch.setattr(
        runbooks,
        "load",
        lambda name: replace(loaded(name), verify=replace(loaded(name).verify, better=better)),
    )
    duty.operator.take(RUNBOOK, ALARM)
    (run,) = duty.operator.finish()

    assert (run.verdict, run.undone) == ("failed", True)
    assert estate.controls == BANNER


def test_without_a_journal_nothing_is_changed(estate: Estate, tmp_path: Path):
    duty = Duty(estate, tmp_path / "gone")
    duty.operator.take(RUNBOOK, ALARM)
    (run,) = duty.operator.finish()

    assert run.verdict == "failed"
    assert "choose a place for it" in run.note
    assert estate.controls == BANNER


def wait_for(true: Callable[[], bool]) -> None:
    """Looks again until it is so."""
    never = threading.Event()
    for _ in range(1_000):
        if true():
            return
        never.wait(0.01)
    raise AssertionError("it never became true")
