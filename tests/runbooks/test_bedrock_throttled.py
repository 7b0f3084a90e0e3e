"""OPS-4, OPS-5: Sonnet is throttled; the runbook knows the decoys, acts only when told, and takes back."""

import json

import pytest

from contract.controls import parse
from contract.errors import WrongUseError
from runbooks import load
from runbooks.engine import Entry, Journal, Record, run, undo
from tests.runbooks.estate_helpers import BANNER, Estate

RUNBOOK = load("bedrock-throttled")


@pytest.fixture
def throttled(estate: Estate) -> Estate:
    """Half a minute of normal traffic, then half a minute with 4 % of the Sonnet calls throttled."""
    estate.live(30)
    estate.throttled_share = 0.04
    estate.live(32)
    return estate


def plan(estate: Estate, journal: Journal) -> Record:
    return run(RUNBOOK, estate.world(), apply=False, why="", journal=journal)


def apply(estate: Estate, journal: Journal) -> Record:
    return run(RUNBOOK, estate.world(), apply=True, why="prime day", journal=journal)


def kinds(entries: tuple[Entry, ...]) -> list[str]:
    return [entry.what for entry in entries]


class TestPlan:
    def test_says_what_it_saw_and_what_it_would_change(self, throttled: Estate, journal: Journal) -> None:
        record = plan(throttled, journal)
        assert record.verdict == "planned"
        assert record.exit_code == 0
        assert record.decision is not None
        assert record.decision.why == (
            "Sonnet is throttled: 4.0% of 1500 calls; Haiku is healthy: 0.0% of its calls fail"
        )
        (change,) = record.changes
        assert (change.subject, change.before) == ("control haiku_threshold", "0.05 (settings)")
        assert change.after == "0.03 until 10:31 UTC"
        assert record.keep == "concierge:runtime routing.haiku_threshold: 0.03"

    def test_shows_the_exact_call(self, throttled: Estate, journal: Journal) -> None:
        call = plan(throttled, journal).changes[0].call
        assert (call.service, call.operation) == ("ssm", "put_parameter")
        assert call.request["Name"] == "/concierge/dev/controls"
        assert set(json.loads(call.request["Value"])) == {"banner", "haiku_threshold"}

    def test_changes_nothing(self, throttled: Estate, journal: Journal) -> None:
        record = plan(throttled, journal)
        assert throttled.controls == BANNER
        assert record.reads > 0
        assert record.writes == 0

    def test_a_fault_that_began_seconds_ago_is_seen_like_the_alarm_sees_it(
        self, estate: Estate, journal: Journal
    ) -> None:
        estate.live(60)
        estate.throttled_share = 0.025
        estate.live(22)  # two bad periods of three; over all three the share is still below the limit
        record = plan(estate, journal)
        assert record.findings["sonnet"].evidence["share"] == 0.0167
        assert record.verdict == "planned"


class TestDecoys:
    def test_nothing_is_wrong(self, estate: Estate, journal: Journal) -> None:
        estate.live(60)
        record = apply(estate, journal)
        assert (record.verdict, record.exit_code) == ("nothing-to-do", 0)
        assert record.note == "Sonnet is not throttled: 0.0% of 1500 calls"
        assert estate.controls == BANNER

    def test_a_failing_haiku_must_not_get_more_traffic(self, throttled: Estate, journal: Journal) -> None:
        throttled.haiku_failed_share = 0.4
        throttled.live(30)
        record = apply(throttled, journal)
        assert record.verdict == "nothing-to-do"
        assert record.decision is not None
        assert record.decision.see == "haiku-degraded"
        assert throttled.controls == BANNER

    def test_without_data_nothing_is_known(self, estate: Estate, journal: Journal) -> None:
        record = apply(estate, journal)
        assert (record.verdict, record.exit_code) == ("inconclusive", 3)
        assert record.note == "0 Sonnet calls in 30 s: too few to tell"

    def test_a_haiku_nobody_has_seen_is_not_called_healthy(self, estate: Estate, journal: Journal) -> None:
        estate.calls_a_second, estate.throttled_share = 1, 0.03
        estate.live(40)
        record = apply(estate, journal)
        assert record.verdict == "inconclusive"
        assert "whether Haiku could help" in record.note

    def test_cloudwatch_that_does_not_answer_is_named(self, throttled: Estate, journal: Journal) -> None:
        throttled.refuse("cloudwatch.GetMetricData", "AccessDenied")
        record = apply(throttled, journal)
        assert record.verdict == "inconclusive"
        assert record.note.startswith("sonnet could not be seen: cloudwatch get_metric_data in us-east-1")
        assert throttled.controls == BANNER

    def test_the_alarm_and_what_people_notice_are_shown_beside(
        self, throttled: Estate, journal: Journal
    ) -> None:
        throttled.unanswered = 1
        throttled.live(1)
        name = "concierge-dev-bedrock-throttled"
        throttled.cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="2 of 3")
        findings = plan(throttled, journal).findings
        assert findings["alarm"].what == f"alarm {name} is ALARM"
        assert (
            findings["threshold"].what == "simple messages start on Haiku at 5.0% errors, as in the settings"
        )
        assert set(findings) == {"sonnet", "haiku", "people", "alarm", "threshold"}


class TestApply:
    def test_turns_the_control_and_sees_it_help(self, throttled: Estate, journal: Journal) -> None:
        record = apply(throttled, journal)
        assert (record.verdict, record.exit_code, record.writes) == ("applied+verified", 0, 1)
        assert record.verification is not None
        assert record.verification.before == pytest.approx(1_000)
        assert record.verification.after == pytest.approx(400)
        turned = parse(throttled.controls).haiku_threshold
        assert turned is not None
        assert (turned.value, turned.who, turned.why) == (0.03, "amira", "prime day")
        assert turned.expires_at == record.started_at.replace(minute=31)

    def test_leaves_the_other_controls_as_they_were(self, throttled: Estate, journal: Journal) -> None:
        apply(throttled, journal)
        assert parse(throttled.controls).banner == parse(BANNER).banner

    def test_every_change_is_written_down_before_and_after(self, throttled: Estate, journal: Journal) -> None:
        apply(throttled, journal)
        entries = journal.read()
        assert kinds(entries) == [
            "started", *["found"] * 5, "decided", "planned", "measured", "changing", "changed", "verified",
            "ended",
        ]  # fmt: skip
        before = next(entry for entry in entries if entry.what == "changing")
        assert before.change is not None
        assert before.change.saved == BANNER
        assert (before.who, before.why) == ("amira", "prime day")

    def test_a_second_apply_finds_it_already_so(self, throttled: Estate, journal: Journal) -> None:
        apply(throttled, journal)
        held = throttled.controls
        again = apply(throttled, journal)
        assert (again.verdict, again.note, again.writes) == ("nothing-to-do", "it is already so", 0)
        assert throttled.controls == held

    @pytest.mark.parametrize(("present", "verdict"), [(0.02, "nothing-to-do"), (0.10, "planned")])
    def test_what_somebody_else_turned_counts(
        self, throttled: Estate, journal: Journal, present: float, verdict: str
    ) -> None:
        throttled.write_controls(
            json.dumps({"haiku_threshold": _control(present, expires_at="2031-03-04T12:00:00Z")})
        )
        assert plan(throttled, journal).verdict == verdict

    def test_an_expired_control_counts_as_not_turned(self, throttled: Estate, journal: Journal) -> None:
        throttled.write_controls(
            json.dumps({"haiku_threshold": _control(0.03, expires_at="2031-03-04T09:00:00Z")})
        )
        assert plan(throttled, journal).changes[0].before == "0.05 (settings)"

    def test_needs_a_reason(self, throttled: Estate, journal: Journal) -> None:
        with pytest.raises(WrongUseError, match="say why"):
            run(RUNBOOK, throttled.world(), apply=True, why=" ", journal=journal)
        assert throttled.controls == BANNER


class TestTakingBack:
    def test_what_does_not_help_is_put_back(self, throttled: Estate, journal: Journal) -> None:
        throttled.simple_share = 0.0  # no message is simple: nothing moves to Haiku
        record = apply(throttled, journal)
        assert (record.verdict, record.exit_code) == ("rolled-back", 1)
        assert "not better; everything is put back" in record.note
        assert throttled.controls == BANNER

    def test_calls_that_fall_because_nearly_all_are_refused_are_no_improvement(
        self, throttled: Estate, journal: Journal
    ) -> None:
        throttled.on_sleep = lambda: setattr(throttled, "throttled_share", 0.9)
        record = apply(throttled, journal)
        assert (record.verdict, record.exit_code) == ("inconclusive", 3)
        assert throttled.controls == BANNER

    def test_silence_is_no_improvement(self, throttled: Estate, journal: Journal) -> None:
        throttled.on_sleep = lambda: setattr(throttled, "calls_a_second", 0)  # the runtime falls silent
        record = apply(throttled, journal)
        assert (record.verdict, record.exit_code) == ("inconclusive", 3)
        assert "not seen in 44 s, cannot be told; everything is put back" in record.note
        assert throttled.controls == BANNER

    def test_a_world_may_be_more_patient_than_the_runbook(self, throttled: Estate, journal: Journal) -> None:
        throttled.simple_share = 0.0
        world = throttled.world(verify_s=60, poll_s=15)
        record = run(RUNBOOK, world, apply=True, why="prime day", journal=journal)
        assert record.verification is not None
        assert record.verification.took_s == 60

    def test_undo_restores_every_byte(self, throttled: Estate, journal: Journal) -> None:
        apply(throttled, journal)
        record = undo(RUNBOOK, throttled.world(), why="it is over", journal=journal)
        assert (record.verdict, record.exit_code) == ("undone", 0)
        assert throttled.controls == BANNER

    def test_undo_twice_does_nothing_twice(self, throttled: Estate, journal: Journal) -> None:
        apply(throttled, journal)
        undo(RUNBOOK, throttled.world(), why="it is over", journal=journal)
        again = undo(RUNBOOK, throttled.world(), why="it is over", journal=journal)
        assert (again.verdict, again.writes) == ("nothing-to-do", 0)

    def test_undo_keeps_what_others_turned_meanwhile(self, throttled: Estate, journal: Journal) -> None:
        apply(throttled, journal)
        theirs = json.loads(throttled.controls) | {
            "cache_mode": _control("aggressive", expires_at="2031-03-04T12:00:00Z")
        }
        throttled.write_controls(json.dumps(theirs))
        undo(RUNBOOK, throttled.world(), why="it is over", journal=journal)
        assert set(json.loads(throttled.controls)) == {"banner", "cache_mode"}

    def test_undo_leaves_what_others_turned_again_and_does_not_count_it_as_undone(
        self, throttled: Estate, journal: Journal
    ) -> None:
        apply(throttled, journal)
        theirs = json.dumps({"haiku_threshold": _control(0.01, expires_at="2031-03-04T12:00:00Z")})
        throttled.write_controls(theirs)
        record = undo(RUNBOOK, throttled.world(), why="it is over", journal=journal)
        assert throttled.controls == theirs
        assert (record.verdict, record.exit_code, record.writes) == ("left-alone", 1, 0)
        assert record.note == (
            "as asked; control haiku_threshold is left alone: "
            "since then lea has turned it to 0.01 until 12:00 UTC"
        )
        assert kinds(journal.read())[-3:] == ["undoing", "left-alone", "ended"]

    def test_what_was_left_alone_can_be_undone_once_it_is_ours_again(
        self, throttled: Estate, journal: Journal
    ) -> None:
        apply(throttled, journal)
        ours = throttled.controls
        throttled.write_controls(
            json.dumps({"haiku_threshold": _control(0.01, expires_at="2031-03-04T12:00:00Z")})
        )
        undo(RUNBOOK, throttled.world(), why="it is over", journal=journal)
        throttled.write_controls(ours)
        assert undo(RUNBOOK, throttled.world(), why="it is over", journal=journal).verdict == "undone"
        assert throttled.controls == BANNER

    def test_what_others_put_back_is_undone(self, throttled: Estate, journal: Journal) -> None:
        apply(throttled, journal)
        throttled.write_controls(BANNER)
        record = undo(RUNBOOK, throttled.world(), why="it is over", journal=journal)
        assert (record.verdict, record.exit_code) == ("undone", 0)
        assert "nothing is changed" in record.note

    def test_what_others_took_out_altogether_is_not_what_was_before(
        self, throttled: Estate, journal: Journal
    ) -> None:
        throttled.write_controls(
            json.dumps({"haiku_threshold": _control(0.10, expires_at="2031-03-04T12:00:00Z")})
        )
        apply(throttled, journal)
        throttled.write_controls("{}")
        record = undo(RUNBOOK, throttled.world(), why="it is over", journal=journal)
        assert (record.verdict, throttled.controls) == ("left-alone", "{}")
        assert record.note.endswith("since then somebody has taken it out")

    def test_a_roll_back_says_too_what_it_left_alone(self, throttled: Estate, journal: Journal) -> None:
        theirs = json.dumps({"haiku_threshold": _control(0.01, expires_at="2031-03-04T12:00:00Z")})
        throttled.simple_share = 0.0  # it does not help
        throttled.on_sleep = lambda: throttled.write_controls(theirs)
        record = apply(throttled, journal)
        assert (record.verdict, record.exit_code) == ("left-alone", 1)
        assert "not better; control haiku_threshold is left alone: since then lea" in record.note
        assert throttled.controls == theirs

    def test_a_refused_write_is_told_and_leaves_a_readable_journal(
        self, throttled: Estate, journal: Journal
    ) -> None:
        throttled.refuse("ssm.PutParameter", "AccessDeniedException")
        record = apply(throttled, journal)
        assert (record.verdict, record.exit_code) == ("rolled-back", 1)
        assert record.note.startswith("ssm put_parameter in us-east-1: An error occurred (AccessDenied")
        assert record.note.endswith("nothing is changed")
        assert kinds(journal.read())[-5:] == ["changing", "failed", "undoing", "undone", "ended"]
        assert throttled.controls == BANNER


def _control(value: object, *, expires_at: str) -> dict[str, object]:
    return {"value": value, "who": "lea", "why": "by hand", "expires_at": expires_at}
