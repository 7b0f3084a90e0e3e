"""The verdict on a game day: all gates hold for a good one; one thing goes wrong, and just its gates fail."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import DONE, FAILED, INCONCLUSIVE, InconclusiveError
from contract.runtime_settings import BreakerSettings
from contract.tiers import Tier
from loadtests.samples import Writer
from loadtests.scenario import Scenario
from rehearsal import verdict
from rehearsal.evidence import Evidence, Schedule, Window, read_samples
from rehearsal.metrics import MetricStore, Point
from rehearsal.verdict import Gate
from tests.rehearsal.evidence_helpers import (
    ALARM,
    ALL,
    CALM,
    EXPERIMENT,
    LENGTH_S,
    LITTLE,
    OTHER,
    STORY,
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

TRAFFIC = "traffic as planned"
ANSWERED = "everybody got an answer"
FIRST_TOKEN = "first token p95 under 2500 ms"
WHOLE = "each answer whole: no gap, one final frame"
IN_PLACE = "faults in place as written"
STEADY = "experiment sonnet-throttled: steady state"
ALARMED = "alarm bedrock-throttled within 35 s"
NO_OTHER = "no other alarm"
GREEN = "all alarms green at the end"
HELPED = "runbook bedrock-throttled helped and was undone"
BREAKER = "breaker keeps messages from a dead rung (25% at most try it)"
FALLBACK = "T1 answers while sonnet cannot (90% at least)"
RECOVERED = "back on T0 within 25 s after the fault (80% at least)"
CANNED = "nobody got a canned answer who need not have (1% at most)"
NOTHING_LEFT = "no fault left behind"
NAMES = [
    TRAFFIC, ANSWERED, FIRST_TOKEN, WHOLE, IN_PLACE, STEADY, ALARMED,
    NO_OTHER, GREEN, HELPED, BREAKER, FALLBACK, CANNED, RECOVERED, NOTHING_LEFT,
]  # fmt: skip

FAILING = {"error": "internal: gave up", "tier": None, "rung": None, "finals": 0, "first_token_ms": None}

SLOW = {"first_token_ms": 3_000.0}


def gates(seen: Evidence) -> dict[str, Gate]:
    return {gate.name: gate for gate in verdict.gates(seen, STORY.gates, EXPERIMENT)}


def not_held(seen: Evidence) -> dict[str, bool | None]:
    """Gate -> False (failed) or None (could not be told), for those that did not hold."""
    return {name: gate.held for name, gate in gates(seen).items() if gate.held is not True}


def at(second: float) -> Any:
    """Just the one message that is due then."""
    return lambda due: abs(due - second) < 0.01


def between(start: float, end: float) -> Any:
    return lambda due: start <= due < end


def strict(**limits: str) -> Schedule:
    """The whole traffic was planned; the generator's own gates may be narrower."""
    planned = evidence().schedule
    told = planned.scenario.model_dump()
    return replace(planned, scenario=Scenario.model_validate({**told, "gates": {**told["gates"], **limits}}))


def copied(keep: Callable[[float], bool], value: Callable[[float], float]) -> MetricStore:
    """The metrics of a good day, some of them left out or changed; by seconds after the first message."""
    store, good = MetricStore(), calls()
    for rung in ("sonnet", "haiku"):
        dimensions = {"Environment": "dev", "Rung": rung}
        for tenth in range(LENGTH_S * 10):
            at_s = tenth / 10
            for found in good.values("ModelThrottled", dimensions, ZERO + at_s - 0.05, ZERO + at_s + 0.05):
                if keep(at_s):
                    store.add([Point(ZERO + at_s, "ModelThrottled", dimensions, value(found), "Count")])
    return store


def ending(second: float) -> MetricStore:
    return copied(lambda at_s: at_s < second, lambda found: found)


def never_throttled() -> MetricStore:
    return copied(lambda _: True, lambda _: 0.0)


# --- The good day -----------------------------------------------------------------------------------------


def test_a_good_day_holds_every_gate_in_the_order_a_reader_asks():
    found = verdict.gates(evidence(), STORY.gates, EXPERIMENT)

    assert [gate.name for gate in found] == NAMES
    assert {gate.held for gate in found} == {True}
    assert all(gate.measured for gate in found)
    assert verdict.exit_code(found) == DONE


def test_each_gate_says_what_was_measured():
    found = gates(evidence())

    assert found[TRAFFIC].measured == "880 of 880 messages in 88 of 88 s"
    assert found[ANSWERED].measured == "0.00% failed"
    assert found[FIRST_TOKEN].measured == "600 ms"
    assert found[ALARMED].measured == "fired after 20 s"
    assert found[BREAKER].measured == "7 calls for 70 messages"
    assert found[FALLBACK].measured == "T1 100% over 17 s"
    assert found[RECOVERED].measured == "T0 100% over 6 s"


# --- One thing goes wrong -----------------------------------------------------------------------------------
# What happened -> the gates that fail, and no others.

WRONG: dict[str, tuple[dict[str, Any], set[str]]] = {
    "a message fails while the faults last": (
        {"samples": with_samples(at(30), **FAILING)},
        {ANSWERED, STEADY},
    ),
    "a message ends twice": ({"samples": with_samples(at(30), finals=2)}, {WHOLE}),
    "a message ends twice, and is told as failed": (
        {"samples": with_samples(at(30), finals=2, error="ended twice")},
        {WHOLE, ANSWERED, STEADY},
    ),
    "an answer has no final frame": ({"samples": with_samples(at(30), finals=0)}, {WHOLE}),
    "an answer has a gap": ({"samples": with_samples(at(30), sequence_gaps=1)}, {WHOLE, STEADY}),
    "the last message of all fails": (
        {"samples": with_samples(at(LENGTH_S - 0.1), **FAILING)},
        {ANSWERED, STEADY},
    ),
    "people wait during the fault": (
        {"samples": with_samples(between(LITTLE, CALM), **SLOW)},
        {FIRST_TOKEN, STEADY},
    ),
    "people wait after the fault": (
        {"samples": with_samples(between(CALM, 99), **SLOW)},
        {FIRST_TOKEN, STEADY},
    ),
    "the alarm is late": ({"transitions": red_and_green(LITTLE + 35.5)}, {ALARMED}),
    "the alarm does not fire": ({"transitions": []}, {ALARMED}),
    "the alarm fires before there is a fault": ({"transitions": red_and_green(LITTLE - 1)}, {ALARMED}),
    "the alarm was red before, and again in time": (
        {"transitions": [*red_and_green(LITTLE - 3), *red_and_green()]},
        {ALARMED},
    ),
    "another alarm fires": (
        {"transitions": [*red_and_green(), *red_and_green(LITTLE + 9, OTHER)]},
        {NO_OTHER},
    ),
    "another alarm fires instead": (
        {"transitions": red_and_green(LITTLE + 9, OTHER), "expected_alarm": ALARM},
        {ALARMED, NO_OTHER},
    ),
    "the alarm is red at the end": ({"final_states": {ALARM: "ALARM", OTHER: "OK"}}, {GREEN}),
    "another alarm is red at the end": ({"final_states": {ALARM: "OK", OTHER: "ALARM"}}, {GREEN}),
    "the runbook does not help": ({"runbooks": [helped(verdict="rolled-back")]}, {HELPED}),
    "the runbook leaves it alone": ({"runbooks": [helped(verdict="nothing-to-do", undone=False)]}, {HELPED}),
    "the runbook breaks": ({"runbooks": [helped(verdict="failed")]}, {HELPED}),
    "the runbook is not undone": ({"runbooks": [helped(undone=False)]}, {HELPED}),
    "no runbook runs": ({"runbooks": []}, {HELPED}),
    "another runbook runs": ({"runbooks": [helped(id="haiku-degraded")]}, {HELPED}),
    "the breaker lets every message try": ({"metrics": calls(1.0)}, {BREAKER}),
    "the breaker lets too many try": ({"metrics": calls(0.3)}, {BREAKER}),
    "canned answers instead of Haiku": (
        {"samples": with_samples(between(ALL, CALM), tier=Tier.T2, rung="canned")},
        {FALLBACK},
    ),
    "some canned answers, more than are tolerated": (
        {"samples": with_samples(between(ALL + 3, ALL + 5), tier=Tier.T2)},
        {FALLBACK},
    ),
    "canned answers although only a few calls are throttled": (
        {"samples": with_samples(between(LITTLE + 20, LITTLE + 21), tier=Tier.T2, rung="canned")},
        {CANNED},
    ),
    "Sonnet answers although it is throttled": (
        {"samples": with_samples(between(ALL, CALM), tier=Tier.T0)},
        {FALLBACK},
    ),
    "nobody goes back to Sonnet": ({"samples": with_samples(between(CALM, 99), tier=Tier.T1)}, {RECOVERED}),
    "some stay on Haiku to the end": (
        {"samples": with_samples(between(LENGTH_S - 2, 99), tier=Tier.T1)},
        {RECOVERED},
    ),
    "a fault is left": ({"leftover_faults": 1}, {NOTHING_LEFT}),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_goes_wrong_fails_its_gates_and_no_others(what: str):
    changed, meant = WRONG[what]
    seen = evidence(**changed)

    assert not_held(seen) == dict.fromkeys(meant, False)
    assert verdict.exit_code(list(gates(seen).values())) == FAILED


def test_every_gate_that_judges_can_fail():
    """A gate that no change in this file makes fail would be decoration."""
    failing = {name for _, meant in WRONG.values() for name in meant}

    assert failing == set(NAMES) - {TRAFFIC, IN_PLACE}  # these two can only make everything untold


# --- What could not be told ---------------------------------------------------------------------------------

UNTOLD: dict[str, tuple[dict[str, Any], set[str]]] = {
    "the generator was late": ({"generator_said": 3}, {TRAFFIC}),
    "the generator could not start": ({"generator_said": 2}, {TRAFFIC}),
    "the generator was killed": ({"generator_said": -9}, {TRAFFIC}),
    "the generator broke down, and that is 1 as well": ({"generator_said": FAILED}, {TRAFFIC}),
    "the generator did not see what its samples show": (
        {"schedule": strict(first_token="p95 < 100ms")},
        {TRAFFIC},
    ),
    "the disk was full, so the last samples are not there": (
        {"samples": traffic()[:-3], "schedule": strict()},
        {TRAFFIC},
    ),
    "the disk was full for a moment": (
        {"samples": [*traffic()[:300], *traffic()[301:]], "schedule": strict()},
        {TRAFFIC},
    ),
    "more messages than were planned": (
        {"samples": [*traffic(), sample(40.05)], "schedule": strict()},
        {TRAFFIC},
    ),
    "all messages, but in another time": (
        {"schedule": Schedule(strict().scenario, len(traffic()), 60)},
        {TRAFFIC},
    ),
    "nobody was throttled while nearly all should have been": ({"metrics": never_throttled()}, {IN_PLACE}),
    "the metrics stop before the worst stage": ({"metrics": ending(ALL)}, {IN_PLACE, BREAKER}),
    "the metrics stop in the worst stage": ({"metrics": ending(ALL + 12)}, {BREAKER}),
    "no alarm has data at the end": (
        {"final_states": {ALARM: "INSUFFICIENT_DATA", OTHER: "INSUFFICIENT_DATA"}},
        {NO_OTHER, GREEN},
    ),
    "the alarm of the day has no data at the end": (
        {"final_states": {ALARM: "INSUFFICIENT_DATA", OTHER: "OK"}},
        {GREEN},
    ),
    "the faults were not there as written": ({"faults_in_place": "gone before its stage ended"}, {IN_PLACE}),
    "no alarm was judged": ({"final_states": {}}, {NO_OTHER, GREEN}),
    "nothing was metered": ({"metrics": MetricStore()}, {IN_PLACE, BREAKER}),
    "another environment was metered": ({"environment": "prod"}, {IN_PLACE, BREAKER}),
}


@pytest.mark.parametrize("what", UNTOLD)
def test_what_could_not_be_told_is_inconclusive(what: str):
    changed, meant = UNTOLD[what]
    seen = evidence(**changed)

    assert not_held(seen) == dict.fromkeys(meant, None)
    assert verdict.exit_code(list(gates(seen).values())) == INCONCLUSIVE


def test_an_experiment_that_did_not_run_proves_nothing():
    """No fault, so no alarm and no runbook: that is no failure of theirs."""
    seen = evidence(
        stages=[],
        faults_in_place="the experiment did not run",
        transitions=[],
        runbooks=[],
        samples=traffic(),
    )

    assert gates(seen)[IN_PLACE].measured == "the experiment did not run"
    assert {gates(seen)[name].held for name in (IN_PLACE, STEADY, ALARMED, BREAKER, FALLBACK)} == {None}
    assert verdict.exit_code(list(gates(seen).values())) == INCONCLUSIVE


def test_stages_that_nobody_reports_were_not_there():
    """An experiment that says it ran, and names no stage, is not believed."""
    assert gates(evidence(stages=[]))[IN_PLACE].held is None


def test_without_any_message_nothing_about_people_held():
    seen = evidence(samples=[])
    held = {name for name, gate in gates(seen).items() if gate.held}

    assert held.isdisjoint({TRAFFIC, ANSWERED, FIRST_TOKEN, WHOLE, STEADY, BREAKER, FALLBACK, RECOVERED})
    assert verdict.exit_code(list(gates(seen).values())) == INCONCLUSIVE


def test_when_nobody_is_answered_no_answer_was_whole():
    found = gates(evidence(samples=with_samples(between(0, 99), **FAILING)))

    assert {name: gate.held for name, gate in found.items() if gate.held is not True} == {
        ANSWERED: False, FIRST_TOKEN: False, WHOLE: None, STEADY: None, FALLBACK: False, RECOVERED: False,
        CANNED: None,
    }  # fmt: skip
    assert found[ANSWERED].measured == "100.00% failed: 880 x internal: gave up"


def test_what_was_not_steady_before_the_fault_cannot_be_blamed_on_it():
    found = gates(evidence(samples=with_samples(at(3), sequence_gaps=1)))

    assert (found[STEADY].held, found[WHOLE].held) == (None, False)
    assert "not steady to begin with" in found[STEADY].measured


def test_a_generator_that_found_its_own_gates_broken_has_measured():
    narrow = strict(first_token="p95 < 100ms")
    assert not_held(evidence(generator_said=FAILED, schedule=narrow)) == {}


@pytest.mark.parametrize("changed", [{"generator_said": 3}, {"faults_in_place": "refused"}])
def test_without_its_premises_a_run_is_inconclusive_even_where_gates_failed(changed: dict[str, Any]):
    """A late generator makes answers late, a missing fault makes alarms silent: neither is blamed on us."""
    seen = evidence(**changed, samples=with_samples(at(30), **FAILING), transitions=[])

    assert False in {gate.held for gate in gates(seen).values()}
    assert verdict.exit_code(list(gates(seen).values())) == INCONCLUSIVE


@pytest.mark.parametrize("lost", [1, 200, 20_000], ids=lambda lost: f"{lost} bytes")
def test_a_full_disk_makes_no_verdict(tmp_path: Path, lost: int):
    """Whatever the last samples would have said: here that people were not answered at all."""
    path = tmp_path / "samples.jsonl"
    writer = Writer(path)
    for one in with_samples(between(LENGTH_S - 2, 99), **FAILING):
        writer.write(one)
    writer.close()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - lost)

    seen = evidence(samples=read_samples(path), schedule=strict())
    assert gates(seen)[TRAFFIC].held is None
    assert verdict.exit_code(list(gates(seen).values())) == INCONCLUSIVE


def test_a_sample_cut_by_a_disk_that_was_full_for_a_moment_makes_no_verdict(tmp_path: Path):
    path = tmp_path / "samples.jsonl"
    lines = [one.model_dump_json() for one in traffic()]
    path.write_text("\n".join([lines[0], lines[1][:40] + lines[2], *lines[3:], ""]), encoding="utf-8")

    with pytest.raises(InconclusiveError, match=r"what people saw is not known: samples\.jsonl:2: ") as told:
        read_samples(path)
    assert told.value.exit_code == INCONCLUSIVE


def test_what_is_planned_follows_from_the_story_and_the_seed():
    """As the generator makes it; the first message is due a little after the beginning."""
    planned = Schedule.of(STORY, 7)

    assert planned == Schedule.of(STORY, 7)
    assert planned.messages != Schedule.of(STORY, 8).messages
    assert STORY.length_s - 2 < planned.length_s < STORY.length_s


# --- Limits -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("after", "held"), [(0.0, True), (35.0, True), (35.1, False), (-0.1, False)])
def test_an_alarm_has_until_the_last_second_it_is_given(after: float, held: bool):
    assert gates(evidence(transitions=red_and_green(LITTLE + after)))[ALARMED].held is held


@pytest.mark.parametrize(
    ("transitions", "said"),
    [
        ([], "did not fire"),
        (red_and_green(LITTLE + 40), "fired after 40 s"),
        (red_and_green(LITTLE - 3), "fired 3 s before the fault"),
    ],
)
def test_a_missing_late_or_early_alarm_says_so(transitions: list[Any], said: str):
    assert gates(evidence(transitions=transitions))[ALARMED].measured == said


def test_only_red_counts_as_firing():
    """An alarm without data has not called anybody."""
    quiet = [*red_and_green(), change(40, "INSUFFICIENT_DATA", "OK", OTHER)]

    assert not_held(evidence(transitions=quiet)) == {}


@pytest.mark.parametrize(("back_after", "held"), [(2.0, True), (24.0, True), (60.0, False)])
def test_recovery_has_the_time_the_experiment_grants_and_no_more(back_after: float, held: bool):
    """In a long story the last seconds are not enough: from second 25 after the fault everything counts."""
    longer = [sample(second) for second in range(LENGTH_S, 200)]
    samples = [
        one.model_copy(update={"tier": Tier.T1})
        if CALM <= one.intended_at - ZERO < CALM + back_after
        else one
        for one in [*traffic(), *longer]
    ]
    assert gates(evidence(samples=samples))[RECOVERED].held is held


def test_the_last_message_is_part_of_the_traffic():
    seen = evidence()

    assert seen.traffic.of(seen.samples) == seen.samples


def test_a_stage_too_short_to_learn_from_says_nothing_about_the_breaker():
    assert gates(evidence(stages=[stage(0, LITTLE, ALL), stage(1, ALL, ALL + 10)]))[BREAKER].held is None


def test_the_breaker_has_as_long_to_learn_as_its_settings_say():
    quick = gates(evidence(breaker=BreakerSettings(burst_s=2)))[BREAKER]
    assert quick.measured == "14 calls for 150 messages"
    slow = gates(evidence(breaker=BreakerSettings(burst_s=16)))[BREAKER]
    assert (slow.held, slow.measured) == (None, "only 1.0 s to judge, a pause is 5 s")


def test_where_canned_answers_are_promised_they_may_last_until_the_recovery():
    expected = EXPERIMENT.model_copy(
        update={"expect": EXPERIMENT.expect.model_copy(update={"tier": Tier.T2, "recovery_s": 10})}
    )
    for end, held in ((CALM + 9, True), (CALM + 13, False)):
        seen = evidence(samples=with_samples(between(ALL, end), tier=Tier.T2, rung="canned"))
        (gate,) = [gate for gate in verdict.gates(seen, STORY.gates, expected) if gate.name == CANNED]
        assert gate.held is held


def test_a_long_fault_around_a_short_one_lasts_until_its_own_end():
    """The fault is over when the last one ends, whichever began last."""
    around = evidence(stages=[stage(0, LITTLE, CALM), stage(1, ALL, CALM - 2)])

    assert around.faulty == Window(ZERO + LITTLE, ZERO + CALM)
    late = with_samples(at(CALM - 1), sequence_gaps=1)
    assert "during the fault" in gates(replace(around, samples=late))[STEADY].measured


@given(
    st.lists(st.builds(Gate, st.just("a"), st.sampled_from([True, False, None]), st.just(""), st.booleans()))
)
def test_the_exit_code_is_that_of_the_weightiest_gate(found: list[Gate]):
    """A missing premise weighs most, then a failure, then what could not be told."""
    if any(gate.premise and gate.held is None for gate in found):
        expected = INCONCLUSIVE
    elif any(gate.held is False for gate in found):
        expected = FAILED
    elif any(gate.held is None for gate in found):
        expected = INCONCLUSIVE
    else:
        expected = DONE
    assert verdict.exit_code(found) == expected
