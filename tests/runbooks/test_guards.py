"""Leases, stopped runs, stages, a broken glass, a hand on each change: what stands between a plan and AWS."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event, Thread

import pytest

from contract.errors import ConciergeError, WrongUseError
from runbooks.engine import (
    Call,
    Change,
    Decision,
    Finding,
    Journal,
    Runbook,
    Verify,
    World,
    resume,
    run,
    undo,
)
from runbooks.engine.lease import MINUTES, Lease, LeaseError
from tests.runbooks.estate_helpers import Estate

ID = "cost-spike"


@dataclass
class Valve:
    """A step with a state of its own; it can be slow to obey, refuse, or be killed."""

    name: str
    open: bool = False
    dies: bool = False
    optional: bool = False
    refuses: bool = False
    log: list[str] = field(default_factory=list)

    def precondition(self, _: World) -> str | None:
        return None

    def plan(self, _: World) -> tuple[Change, ...]:
        if self.open:
            return ()
        call = Call(service="ssm", operation="put_parameter", request={"Name": self.name})
        return (
            Change(step=self.name, subject=self.name, before="shut", after="open", call=call, saved="{}"),
        )

    def apply(self, _: World, __: Change) -> None:
        if self.dies:
            self.dies = False
            raise KeyboardInterrupt
        if self.refuses:
            raise ConciergeError(f"{self.name} is stuck")
        self.open = True
        self.log.append("opened")

    def undo(self, _: World, __: Change) -> bool:
        was, self.open = self.open, False
        return was


def burning(_: World) -> Finding:
    return Finding(what="it burns", cause=True)


def act(_: Mapping[str, Finding]) -> Decision:
    return Decision(course="act", why="it burns")


def leave(_: Mapping[str, Finding]) -> Decision:
    return Decision(course="leave", why="it does not burn")


def book(*stages: tuple[Valve, ...], decide=act, enough: int = 1) -> Runbook:
    """It gets better once `enough` valves are open."""
    valves = [valve for stage in stages for valve in stage]
    return Runbook(
        id=ID,
        diagnose={"fire": burning},
        decide=decide,
        mitigate=stages[0],
        further=stages[1:],
        verify=Verify(
            what="valves that are shut",
            within_s=4,
            measure=lambda *_: float(enough - sum(valve.open for valve in valves)),
            better=lambda _, after: after <= 0,
        ),
    )


class TestLease:
    def test_another_run_is_refused_and_named(self, estate: Estate, journal: Journal) -> None:
        Lease(estate.world("lea"), ID, "r1").take()
        record = run(book((Valve("a"),)), estate.world(), apply=True, why="drill", journal=journal)
        assert (record.verdict, record.exit_code) == ("inconclusive", 3)
        assert record.note.startswith(f"nothing was changed: lea is applying {ID} (run r1), at most until ")

    def test_a_plan_needs_none(self, estate: Estate, journal: Journal) -> None:
        Lease(estate.world("lea"), ID, "r1").take()
        assert (
            run(book((Valve("a"),)), estate.world(), apply=False, why="", journal=journal).verdict
            == "planned"
        )

    def test_it_ends_with_the_run(self, estate: Estate, journal: Journal) -> None:
        run(book((Valve("a"),)), estate.world(), apply=True, why="drill", journal=journal)
        Lease(estate.world("lea"), ID, "r2").take()

    def test_one_whose_holder_died_ends_by_itself(self, estate: Estate) -> None:
        Lease(estate.world("lea"), ID, "r1").take()
        estate.time += timedelta(minutes=MINUTES + 1)
        Lease(estate.world(), ID, "r2").take()

    def test_whoever_lost_it_changes_nothing_more(self, estate: Estate, journal: Journal) -> None:
        first, second = Valve("first"), Valve("second")

        def thief(change: Change) -> bool:
            if change.subject == "second":
                lease = Lease(estate.world("lea"), ID, "r9")
                estate.ssm.delete_parameter(Name=lease.parameter)
                lease.take()
            return True

        with pytest.raises(LeaseError, match="not ours any more"):
            run(
                book((first, second), enough=2),
                estate.world(),
                apply=True,
                why="drill",
                journal=journal,
                confirm=thief,
            )
        assert (first.open, second.open) == (True, False)

    def test_undo_takes_one_as_well(self, estate: Estate, journal: Journal) -> None:
        valve = Valve("a")
        run(book((valve,)), estate.world(), apply=True, why="drill", journal=journal)
        Lease(estate.world("lea"), ID, "r1").take()
        record = undo(book((valve,)), estate.world(), why="over", journal=journal)
        assert (record.verdict, valve.open) == ("inconclusive", True)


class TestStages:
    def test_the_next_stage_is_for_when_the_first_was_not_enough(
        self, estate: Estate, journal: Journal
    ) -> None:
        mild, strong = Valve("mild"), Valve("strong")
        record = run(
            book((mild,), (strong,), enough=2), estate.world(), apply=True, why="drill", journal=journal
        )
        assert record.verdict == "applied+verified"
        assert (mild.open, strong.open) == (True, True)
        assert [entry.what for entry in journal.read()].count("not-enough") == 1

    def test_what_helped_at_once_leaves_the_rest_alone(self, estate: Estate, journal: Journal) -> None:
        mild, strong = Valve("mild"), Valve("strong")
        run(book((mild,), (strong,)), estate.world(), apply=True, why="drill", journal=journal)
        assert (mild.open, strong.open) == (True, False)

    def test_when_nothing_helps_all_of_it_is_taken_back(self, estate: Estate, journal: Journal) -> None:
        mild, strong = Valve("mild"), Valve("strong")
        record = run(
            book((mild,), (strong,), enough=3), estate.world(), apply=True, why="drill", journal=journal
        )
        assert record.verdict == "rolled-back"
        assert (mild.open, strong.open) == (False, False)

    def test_the_plan_shows_every_stage(self, estate: Estate, journal: Journal) -> None:
        record = run(
            book((Valve("mild"),), (Valve("strong"),)), estate.world(), apply=False, why="", journal=journal
        )
        assert [(change.subject, change.stage) for change in record.changes] == [("mild", 1), ("strong", 2)]

    def test_a_decision_may_name_the_steps(self, estate: Estate, journal: Journal) -> None:
        def only_strong(_: Mapping[str, Finding]) -> Decision:
            return Decision(course="act", why="so", steps=("strong",))

        mild, strong = Valve("mild"), Valve("strong")
        run(
            book((mild, strong), decide=only_strong), estate.world(), apply=True, why="drill", journal=journal
        )
        assert (mild.open, strong.open) == (False, True)

    def test_what_only_tells_people_stops_no_fix(self, estate: Estate, journal: Journal) -> None:
        page, valve = Valve("page", optional=True, refuses=True), Valve("valve")
        record = run(book((page, valve)), estate.world(), apply=True, why="drill", journal=journal)
        assert (record.verdict, valve.open) == ("applied+verified", True)


class TestStopped:
    def stopped(self, estate: Estate, journal: Journal, *valves: Valve) -> Runbook:
        made = book(valves, enough=len(valves))
        with pytest.raises(KeyboardInterrupt):
            run(made, estate.world(), apply=True, why="drill", journal=journal)
        return made

    def test_resume_makes_the_rest_and_verifies(self, estate: Estate, journal: Journal) -> None:
        first, second = Valve("first"), Valve("second", dies=True)
        made = self.stopped(estate, journal, first, second)
        record = resume(made, estate.world("lea"), why="goes on", journal=journal)
        assert (record.verdict, record.who) == ("applied+verified", "lea")
        assert (first.log, second.log) == (["opened"], ["opened"])

    def test_what_is_resumed_can_be_undone_as_a_whole(self, estate: Estate, journal: Journal) -> None:
        first, second = Valve("first"), Valve("second", dies=True)
        made = self.stopped(estate, journal, first, second)
        resume(made, estate.world(), why="goes on", journal=journal)
        undo(made, estate.world(), why="over", journal=journal)
        assert (first.open, second.open) == (False, False)

    def test_a_new_run_waits_until_the_stopped_one_is_ended(self, estate: Estate, journal: Journal) -> None:
        made = self.stopped(estate, journal, Valve("a", dies=True))
        with pytest.raises(WrongUseError, match=r"has no end: --resume it, or --undo it first"):
            run(made, estate.world(), apply=True, why="again", journal=journal)
        undo(made, estate.world(), why="no", journal=journal)
        assert (
            run(made, estate.world(), apply=True, why="again", journal=journal).verdict == "applied+verified"
        )

    def test_without_a_stopped_run_there_is_nothing_to_resume(self, estate: Estate, journal: Journal) -> None:
        run(book((Valve("a"),)), estate.world(), apply=True, why="drill", journal=journal)
        record = resume(book((Valve("a"),)), estate.world(), why="?", journal=journal)
        assert (record.verdict, record.note) == ("nothing-to-do", "no run of this runbook was stopped here")

    def test_what_it_found_is_still_known(self, estate: Estate, journal: Journal) -> None:
        made = self.stopped(estate, journal, Valve("a", dies=True))
        assert resume(made, estate.world(), why="on", journal=journal).findings["fire"].what == "it burns"


class TestConfirming:
    def test_a_declined_change_is_not_made(self, estate: Estate, journal: Journal) -> None:
        valve = Valve("a")
        record = run(
            book((valve,)), estate.world(), apply=True, why="drill", journal=journal, confirm=lambda _: False
        )
        assert (record.verdict, record.note, valve.open) == (
            "nothing-to-do",
            "nothing was changed: declined",
            False,
        )

    def test_what_was_agreed_to_before_is_verified(self, estate: Estate, journal: Journal) -> None:
        first, second = Valve("first"), Valve("second")
        record = run(
            book((first, second)),
            estate.world(),
            apply=True,
            why="drill",
            journal=journal,
            confirm=lambda change: change.subject == "first",
        )
        assert record.verdict == "applied+verified"
        assert (first.open, second.open) == (True, False)


class TestBreakGlass:
    def test_it_skips_a_lease_and_a_decision_and_says_so(self, estate: Estate, journal: Journal) -> None:
        Lease(estate.world("lea"), ID, "r1").take()
        valve = Valve("a")
        record = run(
            book((valve,), decide=leave),
            estate.world(),
            apply=True,
            why="drill",
            journal=journal,
            break_glass="lea sleeps",
        )
        assert (record.verdict, valve.open) == ("applied+verified", True)
        said = [entry.text for entry in journal.read() if entry.what == "break-glass"]
        assert said[0].startswith("amira skips the guards of cost-spike until 10:30 UTC: lea sleeps")
        assert said[1].startswith("without a lease: lea is applying")

    def test_it_ends_after_half_an_hour(self, estate: Estate, journal: Journal) -> None:
        first, second = Valve("first"), Valve("second")

        def slowly(change: Change) -> bool:
            estate.time += timedelta(minutes=20)
            return True

        record = run(
            book((first, second), enough=2),
            estate.world(),
            apply=True,
            why="drill",
            journal=journal,
            confirm=slowly,
            break_glass="no time",
        )
        assert record.verdict == "rolled-back"
        assert record.note.startswith("the half hour without guards is over")

    @pytest.mark.parametrize(("apply", "reason"), [(False, "why not"), (True, " ")])
    def test_it_needs_a_reason_and_something_to_do(
        self, estate: Estate, journal: Journal, apply: bool, reason: str
    ) -> None:
        with pytest.raises(WrongUseError, match="needs a reason"):
            run(
                book((Valve("a"),)),
                estate.world(),
                apply=apply,
                why="drill",
                journal=journal,
                break_glass=reason,
            )


class Silent(BaseHTTPRequestHandler):
    """A service that takes a call and never answers."""

    free = Event()

    def do_POST(self) -> None:
        self.free.wait(30)

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""


def test_a_dead_service_does_not_hold_back_the_others_findings(estate: Estate, journal: Journal) -> None:
    """OPS-4: the first finding comes within five seconds, and what could not be seen is said."""

    def dead(world: World) -> Finding:
        world.aws.read("ssm", "get_parameter", Name="/concierge/dev/controls")
        return Finding(what="seen", cause=False)

    with HTTPServer(("127.0.0.1", 0), Silent) as server:
        Silent.free.clear()
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        made = replace(
            book((Valve("a"),)), diagnose={"fire": burning, "dead": _declared(dead)}, decide=_unclear
        )
        world = estate.world(check_s=0.5)
        world = replace(world, aws=replace(world.aws, endpoint_url=f"http://127.0.0.1:{server.server_port}"))
        heard: list[tuple[str, float]] = []
        began = time.monotonic()
        record = run(
            made,
            world,
            apply=False,
            why="",
            journal=journal,
            on_event=lambda entry: heard.append((entry.text, time.monotonic() - began)),
        )
        Silent.free.set()
        server.shutdown()
    told = [text for text, _ in heard if text.startswith(("fire", "dead"))]
    assert told == ["fire: it burns", "dead: dead could not be seen within 0.5 s"]
    assert record.note == "dead could not be seen within 0.5 s"


def _declared(check):
    check.calls = ("ssm.get_parameter",)
    return check


def _unclear(findings: Mapping[str, Finding]) -> Decision:
    return Decision(course="unclear", why=findings["dead"].what)


def test_a_call_that_is_not_declared_is_refused(estate: Estate, journal: Journal) -> None:
    def curious(world: World) -> Finding:
        world.aws.read("ssm", "get_parameter", Name="/concierge/dev/controls")
        return Finding(what="seen", cause=False)

    made = replace(book((Valve("a"),)), diagnose={"curious": curious})
    record = run(made, estate.world(), apply=False, why="", journal=journal)
    assert "ssm.get_parameter is not declared: its role would not allow it" in record.findings["curious"].what


def test_the_engine_keeps_three_times(estate: Estate, journal: Journal) -> None:
    record = run(book((Valve("a"),)), estate.world(), apply=True, why="drill", journal=journal)
    assert record.times.finding_s is not None
    assert record.times.mitigated_s is not None
    assert record.times.verified_s is not None
    assert json.loads(record.times.model_dump_json()).keys() == {"finding_s", "mitigated_s", "verified_s"}
