"""What the engine promises for every runbook: it looks without touching and leaves nothing half done."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from contract.errors import ConciergeError, WrongUseError
from runbooks.engine import (
    Call,
    Change,
    Decision,
    Entry,
    Finding,
    Journal,
    JournalError,
    LeftAloneError,
    Runbook,
    Step,
    Verify,
    World,
    run,
    undo,
)
from runbooks.engine.controls import TurnControl
from tests.runbooks.estate_helpers import BANNER, CONTROLS, Estate


@dataclass(frozen=True)
class Lever:
    """A step that writes down what happens to it; it can be made to jam."""

    name: str
    log: list[str] = field(default_factory=list)
    jams: bool = False
    reason: str | None = None

    def precondition(self, _: World) -> str | None:
        return self.reason

    def plan(self, _: World) -> tuple[Change, ...]:
        call = Call(service="ssm", operation="put_parameter", request={"Name": self.name})
        return (Change(step=self.name, subject=self.name, before="up", after="down", call=call, saved="up"),)

    def apply(self, _: World, __: Change) -> None:
        self.log.append(f"{self.name} down")
        if self.jams:
            raise ConciergeError(f"{self.name} jams")

    def undo(self, _: World, change: Change) -> bool:
        self.log.append(f"{self.name} {change.saved}")
        return True


class Taken(Lever):
    """Somebody else holds it by the time it should go back."""

    def undo(self, _: World, __: Change) -> bool:
        raise LeftAloneError(f"{self.name} is left alone: since then lea holds it")


def fine(world: World) -> Finding:
    return Finding(what="it burns", cause=True)


def always_act(findings: Mapping[str, Finding]) -> Decision:
    return Decision(course="act", why="it burns")


def heat(world: World, since: datetime | None) -> float | None:
    return 10.0 if since is None else 1.0


def runbook(*steps: Step, measure=heat, **checks) -> Runbook:
    return Runbook(
        id="cost-spike",
        diagnose=checks or {"fire": fine},
        decide=always_act,
        mitigate=steps,
        verify=Verify(what="heat", within_s=10, measure=measure, better=lambda before, now: now < before),
    )


class TestDiagnosis:
    def test_a_check_that_fails_says_what_it_could_not_see(self, estate: Estate, journal: Journal) -> None:
        def broken(world: World) -> Finding:
            raise ConciergeError("smoke everywhere")

        record = run(runbook(smoke=broken, fire=fine), estate.world(), apply=False, why="", journal=journal)
        assert record.findings["smoke"] == Finding(
            what="smoke could not be seen: smoke everywhere", cause=None
        )
        assert record.findings["fire"].cause is True

    def test_a_check_that_hangs_does_not_hold_the_others_up(self, estate: Estate, journal: Journal) -> None:
        free = threading.Event()

        def hanging(world: World) -> Finding:
            free.wait()
            return fine(world)

        book = runbook(slow=hanging, fire=fine)
        try:
            record = run(book, estate.world(check_s=0.2), apply=False, why="", journal=journal)
        finally:
            free.set()
        assert record.findings["slow"].what == "slow could not be seen within 0.2 s"
        assert record.findings["fire"].what == "it burns"

    def test_checks_run_beside_each_other(self, estate: Estate, journal: Journal) -> None:
        meeting = threading.Barrier(2, timeout=5)

        def waits(world: World) -> Finding:
            meeting.wait()  # passes only when both are here
            return fine(world)

        record = run(runbook(one=waits, other=waits), estate.world(), apply=False, why="", journal=journal)
        assert [finding.cause for finding in record.findings.values()] == [True, True]

    def test_a_check_cannot_change_anything(self, estate: Estate, journal: Journal) -> None:
        def meddles(world: World) -> Finding:
            world.aws.write("ssm", "put_parameter", {"Name": CONTROLS, "Value": "{}", "Overwrite": True})
            return fine(world)

        lever = Lever("lever")
        record = run(
            runbook(lever, meddles=meddles), estate.world(), apply=True, why="drill", journal=journal
        )
        assert record.findings["meddles"].cause is None
        assert estate.controls == BANNER

    def test_a_read_is_a_read(self, estate: Estate) -> None:
        with pytest.raises(ValueError, match="put_parameter is no read"):
            estate.world().aws.read("ssm", "put_parameter", Name=CONTROLS, Value="{}", Overwrite=True)
        assert estate.controls == BANNER


class TestApplying:
    def test_a_plan_applies_nothing(self, estate: Estate, journal: Journal) -> None:
        lever = Lever("lever")
        assert run(runbook(lever), estate.world(), apply=False, why="", journal=journal).verdict == "planned"
        assert lever.log == []

    def test_a_step_that_fails_takes_the_earlier_ones_back(self, estate: Estate, journal: Journal) -> None:
        log: list[str] = []
        steps = Lever("first", log), Lever("second", log, jams=True), Lever("third", log)
        record = run(runbook(*steps), estate.world(), apply=True, why="drill", journal=journal)
        assert log == ["first down", "second down", "second up", "first up"]
        assert (record.verdict, record.exit_code) == ("rolled-back", 1)
        assert record.note == "second jams; everything is put back"

    def test_a_precondition_that_does_not_hold_stops_before_anything_is_changed(
        self, estate: Estate, journal: Journal
    ) -> None:
        log: list[str] = []
        steps = Lever("first", log), Lever("second", log, reason="it is locked")
        record = run(runbook(*steps), estate.world(), apply=True, why="drill", journal=journal)
        assert log == []
        assert (record.verdict, record.note) == ("inconclusive", "nothing was changed: second: it is locked")

    def test_what_cannot_be_verified_is_not_begun(self, estate: Estate, journal: Journal) -> None:
        lever = Lever("lever")
        book = runbook(lever, measure=lambda *_: None)
        record = run(book, estate.world(), apply=True, why="drill", journal=journal)
        assert (record.verdict, record.exit_code, lever.log) == ("inconclusive", 3, [])
        assert record.note == "nothing was changed: heat cannot be measured"

    def test_without_a_journal_nothing_is_changed(self, estate: Estate, tmp_path: Path) -> None:
        lever = Lever("lever")
        with pytest.raises(JournalError, match="cannot be read: Is a directory"):
            run(runbook(lever), estate.world(), apply=True, why="drill", journal=Journal(tmp_path))
        assert lever.log == []

    @pytest.mark.parametrize("theirs", [{}, {"haiku_threshold": 0.1}])
    def test_somebody_elses_change_since_the_plan_is_not_overwritten(
        self, estate: Estate, journal: Journal, theirs: dict[str, float]
    ) -> None:
        """Another control that was taken out stays out; the same one, turned by another, stops the run."""
        step = TurnControl(
            control="haiku_threshold",
            setting=lambda settings: settings.routing.haiku_threshold,
            value=0.03,
            minutes=30,
            enough=lambda present: present <= 0.03,
        )

        def meddled(world: World, since: datetime | None) -> float:
            if since is None:  # after the plan, before the change
                turned = {key: _turned(value) for key, value in theirs.items()}
                estate.write_controls(json.dumps(turned))
            return 1.0

        record = run(runbook(step, measure=meddled), estate.world(), apply=True, why="drill", journal=journal)
        if theirs:
            assert record.verdict == "rolled-back"
            assert record.note.startswith("somebody changed control haiku_threshold since the plan")
        assert set(json.loads(estate.controls)) == set(theirs)


class TestInterruption:
    def test_what_was_begun_can_be_undone_by_another_process(self, estate: Estate, journal: Journal) -> None:
        def interrupted(world: World, since: datetime | None) -> float:
            if since is not None:
                raise KeyboardInterrupt
            return 10.0

        lever = Lever("lever")
        book = runbook(lever, measure=interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(book, estate.world(), apply=True, why="drill", journal=journal)
        assert journal.read()[-1].what == "interrupted"
        record = undo(book, estate.world("lea"), why="clean up", journal=journal)
        assert (record.verdict, record.who) == ("undone", "lea")
        assert lever.log == ["lever down", "lever up"]

    def test_undo_takes_the_youngest_change_first(self, estate: Estate, journal: Journal) -> None:
        log: list[str] = []
        book = runbook(Lever("first", log), Lever("second", log))
        run(book, estate.world(), apply=True, why="drill", journal=journal)
        undo(book, estate.world(), why="over", journal=journal)
        assert log == ["first down", "second down", "second up", "first up"]

    def test_undo_puts_the_rest_back_when_one_thing_is_somebody_elses_now(
        self, estate: Estate, journal: Journal
    ) -> None:
        first = Lever("first")
        book = runbook(first, Taken("second"))
        run(book, estate.world(), apply=True, why="drill", journal=journal)
        record = undo(book, estate.world(), why="over", journal=journal)
        assert first.log == ["first down", "first up"]
        assert (record.verdict, record.exit_code) == ("left-alone", 1)
        assert record.note == (
            "as asked; second is left alone: since then lea holds it; the rest is put back"
        )

    def test_another_regions_changes_are_not_its_business(self, estate: Estate, journal: Journal) -> None:
        run(runbook(Lever("lever")), estate.world(), apply=True, why="drill", journal=journal)
        assert journal.in_place("cost-spike", "dev", "us-east-1")
        assert journal.in_place("cost-spike", "dev", "us-west-2") == ()
        assert journal.in_place("cost-spike", "prod", "us-east-1") == ()


class TestEvents:
    def test_a_listener_hears_what_the_journal_keeps(self, estate: Estate, journal: Journal) -> None:
        heard: list[Entry] = []
        book = runbook(Lever("lever"))
        run(book, estate.world(), apply=True, why="drill", journal=journal, on_event=heard.append)
        assert tuple(heard) == journal.read()

    def test_threads_may_share_a_journal_and_a_world(self, estate: Estate, journal: Journal) -> None:
        world = estate.world()
        threads = [
            threading.Thread(
                target=run,
                args=(runbook(Lever(f"lever {number}")), world),
                kwargs={"apply": False, "why": "drill", "journal": journal},
            )
            for number in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        endings = [entry.text for entry in journal.read() if entry.what == "ended"]
        assert endings == ["planned: nothing was changed"] * 4


class TestCalls:
    def test_a_busy_service_is_asked_again(self, estate: Estate) -> None:
        attempts = estate.refuse("ssm.GetParameter", "ThrottlingException", times=2)
        world = estate.world()
        assert world.aws.read("ssm", "get_parameter", Name=CONTROLS)["Parameter"]["Value"] == BANNER
        assert len(attempts) == 3

    def test_a_refusal_is_not_repeated(self, estate: Estate) -> None:
        attempts = estate.refuse("ssm.GetParameter", "AccessDeniedException")
        with pytest.raises(
            ConciergeError, match=r"ssm get_parameter in us-east-1: .*AccessDenied"
        ) as refused:
            estate.world().aws.read("ssm", "get_parameter", Name=CONTROLS)
        assert len(attempts) == 1
        assert refused.value.exit_code == 3

    def test_a_name_the_inventory_does_not_have_is_told(self, estate: Estate) -> None:
        with pytest.raises(ConciergeError, match="no 'sessions' among its tables"):
            estate.world().named("tables", "sessions")


def _turned(value: float) -> dict[str, object]:
    return {"value": value, "who": "lea", "why": "by hand", "expires_at": "2031-03-04T23:00:00Z"}


def test_a_runbook_must_be_in_the_catalogue() -> None:
    with pytest.raises(WrongUseError, match=r"add it there"):
        Runbook(
            id="made-up",
            diagnose={"fire": fine},
            decide=always_act,
            mitigate=(),
            verify=Verify(what="heat", within_s=1, measure=heat, better=lambda *_: True),
        )
