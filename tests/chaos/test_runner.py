"""CHAOS-2: every stage at its time, everything cleared whatever happens, and no verdict without a fault."""

import threading
from pathlib import Path

import pytest

from chaos.faults import FaultError
from chaos.faults.rehearsal import RehearsalTarget
from chaos.journal import Event, Journal, JournalError
from chaos.runner import Outcome, StoppedError, WallClock, conclude, plan, run, sweep
from chaos.steady_state import Judgement
from contract.faults import Fault, FaultKind
from tests.chaos.control_api_helpers import EXPERIMENT, START, ControlApi, VirtualClock

LEFTOVER = Fault(target="bedrock", kind=FaultKind.THROTTLE, lease_s=60)


def nobody(_: Event) -> None:
    """Nobody listens."""


def walk(target: RehearsalTarget, clock: VirtualClock, journal: Journal, on_event=nobody) -> Outcome:
    return run(EXPERIMENT, target, clock=clock, on_event=on_event, journal=journal)


class TestTheCourse:
    def test_every_stage_has_its_time(
        self, api: ControlApi, target: RehearsalTarget, clock: VirtualClock, journal: Journal
    ) -> None:
        seen: dict[float, list[float]] = {}
        clock.on_sleep = lambda at: seen.update({at: [f.fault.rate for f in api.active.values()]})
        outcome = walk(target, clock, journal)
        assert (outcome.status, outcome.reason) == ("completed", None)
        assert seen == {27: [0.04], 41: [1.0]}
        times = [
            ((s.started_at - START).total_seconds(), (s.ended_at - START).total_seconds())
            for s in outcome.stages
        ]
        assert times == [(0, 27), (27, 41)]
        assert api.active == {}

    def test_one_stage_ends_before_the_next_begins(
        self, api: ControlApi, target: RehearsalTarget, clock: VirtualClock, journal: Journal
    ) -> None:
        walk(target, clock, journal)
        assert [entry.split("/")[0].strip() for entry in api.log] == [
            "0 GET", "0 POST", "27 DELETE", "27 POST", "41 DELETE", "41 GET",
        ]  # fmt: skip

    def test_what_somebody_left_is_cleared_first(
        self, api: ControlApi, target: RehearsalTarget, clock: VirtualClock, journal: Journal
    ) -> None:
        leftover = api.put(LEFTOVER)
        walk(target, clock, journal)
        swept = [event for event in journal.read() if event.what == "swept"]
        assert [event.fault for event in swept] == [leftover]
        assert swept[0].text == "throttle 100 % of the calls to bedrock, lease 60 s, left by somebody else"

    def test_the_journal_knows_of_a_fault_before_it_is_there(
        self, api: ControlApi, target: RehearsalTarget, clock: VirtualClock, journal: Journal
    ) -> None:
        heard: list[tuple[str, int]] = []
        walk(target, clock, journal, lambda event: heard.append((event.what, len(api.active))))
        assert heard == [
            ("started", 0),
            ("injecting", 0), ("injected", 1), ("cleared", 0),
            ("injecting", 0), ("injected", 1), ("cleared", 0),
            ("ended", 0),
        ]  # fmt: skip
        assert [event.what for event in journal.read()] == [what for what, _ in heard]

    def test_a_plan_touches_nothing(self) -> None:
        assert plan(EXPERIMENT) == [
            "mine: A little, then altogether",
            "at 0 s: throttle 4 % of the calls to bedrock (model sonnet), lease 40 s, for 27 s",
            "at 27 s: throttle 100 % of the calls to bedrock (model sonnet), lease 25 s, for 14 s",
            "must hold: failed_share at most 0",
            "must hold: sequence_gaps at most 0",
            "must hold: first_token_p95_ms at most 2500",
            "must fire: alarm bedrock-throttled within 35 s",
            "must help: runbook bedrock-throttled; tier T1 answers at the worst",
            "must recover: within 25 s after the last fault",
            "ends at once: failed_share above 0.5 over 10 s",
            "may run in: rehearsal",
            "touches: bedrock; 2 reads, 4 changes",
        ]


class TestWhateverHappens:
    def test_a_refused_injection_is_inconclusive(
        self, api: ControlApi, target: RehearsalTarget, clock: VirtualClock, journal: Journal
    ) -> None:
        api.broken.add("POST")
        outcome = walk(target, clock, journal)
        assert outcome.status == "inconclusive"
        assert outcome.reason is not None
        assert outcome.reason.endswith("answered POST /_concierge/faults with 500: out of order")
        assert journal.read()[-1].what == "failed"

    def test_a_garbled_injection_is_inconclusive_and_cleared(
        self, api: ControlApi, target: RehearsalTarget, clock: VirtualClock, journal: Journal
    ) -> None:
        api.garbled = True  # it is there, but nobody can tell under which name
        outcome = walk(target, clock, journal)
        assert outcome.status == "inconclusive"
        assert outcome.reason is not None
        assert "something that is no fault" in outcome.reason
        assert api.active == {}

    def test_another_fault_than_asked_is_inconclusive_and_cleared(
        self, api: ControlApi, target: RehearsalTarget, clock: VirtualClock, journal: Journal
    ) -> None:
        api.twisted = True
        outcome = walk(target, clock, journal)
        assert outcome.status == "inconclusive"
        assert api.active == {}

    def test_a_fault_that_was_gone_early_is_inconclusive(
        self, api: ControlApi, target: RehearsalTarget, clock: VirtualClock, journal: Journal
    ) -> None:
        clock.on_sleep = lambda _: api.active.clear()  # as after a restart of the stand-in
        outcome = walk(target, clock, journal)
        assert outcome.status == "inconclusive"
        assert outcome.reason is not None
        assert "gone before its stage ended" in outcome.reason
        assert outcome.stages == ()

    def test_a_target_that_cannot_be_reached_is_inconclusive(
        self, clock: VirtualClock, journal: Journal
    ) -> None:
        outcome = walk(RehearsalTarget("http://127.0.0.1:9"), clock, journal)
        assert outcome.status == "inconclusive"
        assert outcome.reason is not None
        assert "does it run?" in outcome.reason

    def test_a_stop_clears_and_is_inconclusive(
        self, api: ControlApi, target: RehearsalTarget, clock: VirtualClock, journal: Journal
    ) -> None:
        def stop(_: float) -> None:
            raise StoppedError("the experiment was stopped before its end")

        clock.on_sleep = stop
        outcome = walk(target, clock, journal)
        assert (outcome.status, api.active) == ("inconclusive", {})

    def test_an_interrupt_clears_and_goes_on_up(
        self, api: ControlApi, target: RehearsalTarget, clock: VirtualClock, journal: Journal
    ) -> None:
        def interrupt(_: float) -> None:
            raise KeyboardInterrupt

        clock.on_sleep = interrupt
        with pytest.raises(KeyboardInterrupt):
            walk(target, clock, journal)
        assert api.active == {}
        assert journal.read()[-1].text.endswith("lease 40 s, before its time")

    def test_a_listener_that_fails_leaves_no_fault(
        self, api: ControlApi, target: RehearsalTarget, clock: VirtualClock, journal: Journal
    ) -> None:
        def fails(event: Event) -> None:
            if event.what == "injected":
                raise LookupError("no timeline")

        with pytest.raises(LookupError, match="no timeline"):
            walk(target, clock, journal, fails)
        assert api.active == {}

    def test_a_fault_that_cannot_be_cleared_says_when_its_lease_ends(
        self, api: ControlApi, target: RehearsalTarget, clock: VirtualClock, journal: Journal
    ) -> None:
        clock.on_sleep = lambda _: api.broken.update({"GET", "DELETE"})
        outcome = walk(target, clock, journal)
        assert outcome.status == "inconclusive"
        assert "a fault may be left until its lease ends 10:00:40 UTC" in journal.read()[-1].text

    def test_without_a_journal_nothing_is_injected(
        self, api: ControlApi, target: RehearsalTarget, clock: VirtualClock, tmp_path: Path
    ) -> None:
        with pytest.raises(JournalError, match="choose a place that can be written"):
            walk(target, clock, Journal(tmp_path))
        assert not any("POST" in entry for entry in api.log)


class TestSweep:
    def test_says_what_it_cleared(self, api: ControlApi, target: RehearsalTarget) -> None:
        leftover = api.put(LEFTOVER)
        assert sweep(target) == (leftover,)
        assert sweep(target) == ()

    def test_makes_sure_that_it_is_gone(self, api: ControlApi, target: RehearsalTarget) -> None:
        api.put(LEFTOVER)
        api.deaf = True
        with pytest.raises(FaultError, match=r"1 faults cannot be cleared; the last lease ends 10:01:00 UTC"):
            sweep(target)


class TestThreads:
    def test_a_run_can_be_stopped_from_another_thread(
        self, api: ControlApi, target: RehearsalTarget, journal: Journal
    ) -> None:
        clock, injected, outcomes = WallClock(), threading.Event(), []

        def listen(event: Event) -> None:
            if event.what == "injected":
                injected.set()

        def walk_in_thread() -> None:
            outcomes.append(run(EXPERIMENT, target, clock=clock, on_event=listen, journal=journal))

        thread = threading.Thread(target=walk_in_thread)
        thread.start()
        assert injected.wait(timeout=10)
        clock.stop()
        thread.join(timeout=10)
        assert [outcome.reason for outcome in outcomes] == ["the experiment was stopped before its end"]
        assert api.active == {}


class TestConclusion:
    HELD = Judgement(verdict="held", findings=("failed_share stayed at most 0",))

    def test_a_completed_experiment_has_the_verdict_of_its_measures(self) -> None:
        assert conclude(Outcome(experiment="e", status="completed"), self.HELD) == self.HELD

    def test_what_was_not_broken_cannot_have_held(self) -> None:
        found = conclude(Outcome(experiment="e", status="inconclusive", reason="refused"), self.HELD)
        assert found.verdict == "inconclusive"
        assert found.findings[0] == "refused"
