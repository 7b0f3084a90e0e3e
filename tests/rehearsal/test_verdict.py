"""The verdict on a rehearsal: all gates hold; one thing goes wrong, and just its gates fail."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import DONE, FAILED, INCONCLUSIVE, InconclusiveError
from contract.tiers import Tier
from loadtests.samples import Writer
from rehearsal import verdict
from rehearsal.evidence import Breach, Evidence, Schedule, Window, read_samples
from rehearsal.gate import Gate
from rehearsal.machine import Machine
from rehearsal.metrics import MetricStore
from rehearsal.story_clock import StoryClock
from tests.rehearsal.evidence_helpers import (
    ALARM,
    BROKEN,
    KEY,
    OTHER,
    STORY,
    WELL,
    ZERO,
    calls,
    change,
    evidence,
    helped,
    red_and_green,
    sample,
    stage,
    traffic,
    with_samples,
)

TRAFFIC, MACHINE = "traffic as planned", "this machine kept up"
IN_PLACE = "faults in place as written"
ANSWERED = "everybody got an answer"
FIRST_TOKEN = "first token p95 under 2500 ms while nothing is broken"
WHOLE = "each message exactly one final frame, no gap"
CANNED = "nobody got a canned answer who need not have (1% at most)"
COST = "a message costs $0.01 at most"
PRICES = "no wrong price"
KEPT = "no card number and no personal data in stores or logs"
TIER = "Sonnet is gone: T1 answers 90% at least"
BREAKER = "Sonnet is gone: breaker keeps messages from sonnet (25% at most try it)"
ALARMED = "Sonnet is gone: alarm bedrock-throttled within 40 s"
HELPED = "runbook bedrock-throttled helped and was undone"
BACK = "Sonnet is gone: back on T0 within 10 s"
NO_OTHER, GREEN = "no other alarm", "all alarms green at the end"
LEFT, MEMORY = "no fault left behind", "memory under 2.5 GB"
NAMES = [
    TRAFFIC, MACHINE, IN_PLACE, ANSWERED, FIRST_TOKEN, WHOLE, CANNED, COST, PRICES, KEPT,
    TIER, BREAKER, ALARMED, HELPED, BACK, NO_OTHER, GREEN, LEFT, MEMORY,
]  # fmt: skip
SLOW = Machine(memory_gb=1.1, cpu_s=20.0, waited_s=30.0, lasted_s=70.0, ready_s=9.0)


def gates(seen: Evidence) -> list[Gate]:
    return verdict.gates(seen, STORY)


def unheld(**changed: Any) -> dict[str, bool | None]:
    """Gate -> False or None, of those that did not hold."""
    return {gate.name: gate.held for gate in gates(evidence(**changed)) if gate.held is not True}


def measured(name: str, **changed: Any) -> str:
    return next(gate.measured for gate in gates(evidence(**changed)) if gate.name == name)


def test_a_rehearsal_that_went_as_its_story_wants_it_holds_every_gate():
    found = gates(evidence())

    assert [gate.name for gate in found] == NAMES
    assert unheld() == {}
    assert verdict.exit_code(found) == DONE


def always(_: float) -> bool:
    return True


def late(second: float) -> bool:
    return second < BROKEN


@pytest.mark.parametrize(
    ("changed", "failed"),
    [
        ({"generator_doubts": ["the generator itself was late"]}, {TRAFFIC: None}),
        ({"schedule": Schedule(evidence().schedule.scenario, 900, 199.75)}, {TRAFFIC: None}),
        ({"stages": [stage(hit=0)]}, {IN_PLACE: None}),
        ({"faults_in_place": "the target did not answer"}, {IN_PLACE: None}),
        ({"samples": with_samples(lambda s: s == 7, tier=None, error="cut", finals=0)}, {ANSWERED: False}),
        ({"samples": with_samples(late, first_token_ms=2_600.0)}, {FIRST_TOKEN: False}),
        ({"samples": with_samples(lambda s: BROKEN <= s < WELL, first_token_ms=9_000.0)}, {}),
        ({"samples": with_samples(lambda s: s == 9, finals=2)}, {WHOLE: False}),
        ({"samples": with_samples(lambda s: s == 9, sequence_gaps=1)}, {WHOLE: False}),
        ({"samples": with_samples(lambda s: s < 5, tier=Tier.T2, rung="canned")}, {CANNED: False}),
        ({"samples": with_samples(always, usd=0.011)}, {COST: False}),
        ({"breaches": [Breach("wrong price", "B0 for $1.00")]}, {PRICES: False}),
        ({"breaches": [Breach("card number", "table sessions")]}, {KEPT: False}),
        ({"looked": {"prices": 0, "places": 9}}, {PRICES: None}),
        ({"looked": {"prices": 9, "places": 0}}, {KEPT: None}),
        ({"samples": with_samples(lambda s: BROKEN <= s < WELL, tier=Tier.T0)}, {TIER: False}),
        ({"metrics": calls(0.5)}, {BREAKER: False}),
        ({"metrics": MetricStore()}, {BREAKER: None}),
        ({"transitions": []}, {ALARMED: False}),
        ({"transitions": red_and_green(BROKEN + 41)}, {ALARMED: False}),
        ({"transitions": red_and_green(BROKEN - 1)}, {ALARMED: False}),
        ({"runbooks": []}, {HELPED: False}),
        ({"runbooks": [helped(undone=False)]}, {HELPED: False}),
        ({"runbooks": [helped(verdict="failed")]}, {HELPED: False}),
        ({"samples": with_samples(lambda s: s >= WELL, tier=Tier.T1)}, {BACK: False}),
        ({"transitions": [*red_and_green(), *red_and_green(70, OTHER)]}, {NO_OTHER: False}),
        ({"final_states": {ALARM: "ALARM"}}, {GREEN: False}),
        ({"final_states": {ALARM: "INSUFFICIENT_DATA", OTHER: "OK"}}, {GREEN: None}),
        ({"leftover_faults": 1}, {LEFT: False}),
        ({"machine": Machine(memory_gb=2.6)}, {MEMORY: False}),
    ],
)  # fmt: skip
def test_one_thing_goes_wrong_and_just_its_gates_fail(
    changed: dict[str, Any], failed: dict[str, bool | None]
):
    assert unheld(**changed) == failed


def test_a_slow_machine_excuses_nothing_that_held():
    assert unheld(machine=SLOW) == {}


def test_on_a_slow_machine_a_failure_shows_nothing_and_the_person_is_told_what_to_do():
    found = gates(evidence(machine=SLOW, leftover_faults=1))

    assert {gate.name: gate.held for gate in found if gate.held is not True} == {MACHINE: None, LEFT: False}
    assert verdict.exit_code(found) == INCONCLUSIVE
    told = measured(MACHINE, machine=SLOW, leftover_faults=1)
    assert told.endswith("end what else runs here, or use --speed 1, and rehearse again")


@pytest.mark.parametrize(
    ("held", "code"),
    [
        ([True, True], DONE),
        ([True, False], FAILED),
        ([True, None], INCONCLUSIVE),
        ([False, None], FAILED),
        ([], DONE),
    ],
)
def test_the_exit_code_is_that_of_the_worst_gate(held: Sequence[bool | None], code: int):
    assert verdict.exit_code([Gate("a gate", one, "") for one in held]) == code


def test_without_a_premise_nothing_was_shown():
    assert verdict.exit_code([Gate("p", None, "", premise=True), Gate("g", held=False, measured="")]) == 3


@given(st.lists(st.sampled_from([True, False, None]), min_size=1))
def test_only_what_holds_altogether_has_survived(held: list[bool | None]):
    code = verdict.exit_code([Gate("a gate", one, "") for one in held])

    assert (code == DONE) == all(one is True for one in held)


def test_an_alarm_that_may_turn_red_is_no_other_alarm():
    scene = STORY.scenes[0]
    expect = scene.expect.model_copy(update={"may": ("cost-spike",)})
    story = STORY.model_copy(update={"scenes": (scene.model_copy(update={"expect": expect}),)})
    seen = evidence(transitions=[*red_and_green(), *red_and_green(70, OTHER)])

    assert [gate.name for gate in verdict.gates(seen, story) if gate.held is not True] == []


def test_a_quiet_day_needs_no_fault_and_tolerates_no_alarm():
    quiet = STORY.model_copy(update={"scenes": ()})
    quiet.__dict__.pop("stages", None)
    calm = evidence(stages=[], transitions=[], runbooks=[], samples=with_samples(always, tier=Tier.T0))

    assert verdict.exit_code(verdict.gates(calm, quiet)) == DONE
    loud = replace(calm, transitions=red_and_green())
    assert [gate.name for gate in verdict.gates(loud, quiet) if gate.held is False] == [NO_OTHER]


def test_what_could_not_be_measured_says_why():
    assert measured(TRAFFIC, generator_doubts=["worker 2 was lost"]).endswith("; worker 2 was lost")
    assert measured(IN_PLACE, stages=[stage(hit=0)]).endswith("no call met throttle of bedrock")
    assert measured(ALARMED, transitions=[change(BROKEN + 50, "ALARM", "OK")]) == "fired after 50 s"


@given(st.floats(0, 1_000), st.floats(0, 1_000), st.floats(0, 1_000))
def test_a_window_that_begins_later_never_ends_later(start: float, length: float, later: float):
    window = Window(start, start + length)

    assert window.start <= window.after(later).start <= window.after(later).end == window.end


# --- Samples ------------------------------------------------------------------------------------------------


def test_samples_are_read_in_the_storys_time(tmp_path: Path):
    """At three times the speed a second is three, and a story begins with a whole minute."""
    clock = StoryClock(3.0)
    clock.begin(1_900_000_001.0)
    writer = Writer(tmp_path / "samples.jsonl")
    writer.write(sample(0, intended_at=1_900_000_011.0, first_token_ms=200.0, at_s=10.0))
    writer.close()

    (found,) = read_samples(tmp_path / "samples.jsonl", clock)
    assert clock.zero == ZERO
    assert found.intended_at == ZERO + 30
    assert (found.first_token_ms, found.end_to_end_ms, found.at_s) == (600.0, 4_500.0, 30.0)


def test_samples_that_a_full_disk_cut_in_two_are_nobodys_wrong_use(tmp_path: Path):
    (tmp_path / "samples.jsonl").write_text('{"request_id": "r-1"}\n')

    with pytest.raises(InconclusiveError, match=r"what people saw is not known: .*: is the disk full?"):
        read_samples(tmp_path / "samples.jsonl", StoryClock())


def test_the_traffic_is_from_the_first_message_to_the_last():
    seen = evidence()

    assert seen.traffic.start == ZERO
    assert len(seen.traffic.of(seen.samples)) == len(traffic())
    assert seen.first_rung == "sonnet"
    assert seen.names[ALARM] == KEY
