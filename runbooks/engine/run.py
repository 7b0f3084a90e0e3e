"""The engine: diagnose, decide, plan; and only when told: apply, verify, or take everything back.

Every step of the way is an entry of the journal, then of `on_event`. It keeps no state between runs; several
may run in threads of one process.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from contract.errors import ConciergeError, WrongUseError
from runbooks.engine.aws import Aws, AwsError
from runbooks.engine.journal import Entry, Journal, JournalError, What
from runbooks.engine.shape import (
    Change,
    Decision,
    Finding,
    LeftAloneError,
    Record,
    Runbook,
    Step,
    Verdict,
    Verification,
)
from runbooks.engine.world import World

Listener = Callable[[Entry], None]


def _nobody(_: Entry) -> None:
    """Who listens when nobody listens."""


def run(
    runbook: Runbook,
    world: World,
    *,
    apply: bool,
    why: str,
    journal: Journal,
    on_event: Listener = _nobody,
) -> Record:
    """What was seen and decided, and the exact changes: made only with `apply`, and then for a reason."""
    if apply and not why.strip():
        raise WrongUseError(f"{runbook.id}: say why; a change is recorded together with its reason")
    course = _Course(runbook, world.for_run(why), journal, on_event)
    course.note("started", "apply" if apply else "plan only")
    try:
        return _walk(course, apply)
    except BaseException as error:
        course.note("interrupted", f"{type(error).__name__}: changes that were begun may be in place")
        raise


def undo(
    runbook: Runbook, world: World, *, why: str, journal: Journal, on_event: Listener = _nobody
) -> Record:
    """Takes back what the last run of this runbook left in place here; the journal knows what that is."""
    entries = journal.in_place(runbook.id, world.environment, world.here.region)
    course = _Course(runbook, world.for_run(why), journal, on_event)
    if not entries:
        return course.end("nothing-to-do", "nothing of this runbook is in place")
    course.name = entries[0].run  # its entries belong to the run that they end
    steps = {step.name: step for step in runbook.mitigate}
    course.planned = [(steps[e.change.step], e.change) for e in reversed(entries) if e.change]
    return course.take_back(course.planned, "undone", "as asked")


def _walk(course: "_Course", apply: bool) -> Record:
    course.diagnose()
    decision = course.decide()
    if decision.course != "act":
        verdict: Verdict = "inconclusive" if decision.course == "unclear" else "nothing-to-do"
        return course.end(verdict, decision.why)
    try:
        course.plan()
        before = course.measure(None) if apply and course.planned else None
    except ConciergeError as error:
        return course.end("inconclusive", f"nothing was changed: {error}")
    if not course.planned:
        return course.end("nothing-to-do", "it is already so")
    if not apply:
        return course.end("planned", "nothing was changed")
    if before is None:
        return course.end("inconclusive", f"nothing was changed: {course.blind}")
    return course.act(before)


@dataclass
class _Course:
    """One run on its way."""

    runbook: Runbook
    world: World
    journal: Journal
    on_event: Listener
    name: str = field(default_factory=lambda: uuid4().hex[:12])
    findings: Mapping[str, Finding] = field(default_factory=dict)
    decision: Decision | None = None
    planned: list[tuple[Step, Change]] = field(default_factory=list)
    verification: Verification | None = None

    def __post_init__(self) -> None:
        self.started_at = self.world.clock.now()

    @property
    def origin(self) -> dict[str, Any]:
        return {
            "run": self.name,
            "runbook": self.runbook.id,
            "environment": self.world.environment,
            "region": self.world.here.region,
            "who": self.world.operator,
            "why": self.world.why,
        }

    @property
    def blind(self) -> str:
        return f"{self.runbook.verify.what} cannot be measured"

    def note(self, what: What, text: str, change: Change | None = None) -> None:
        entry = Entry(**self.origin, at=self.world.clock.now(), what=what, text=text, change=change)
        self.journal.write(entry)
        self.on_event(entry)

    def diagnose(self) -> None:
        """All checks at once; one that fails or takes too long has seen nothing, and says so."""
        pool = ThreadPoolExecutor(max_workers=len(self.runbook.diagnose), thread_name_prefix=self.runbook.id)
        asked = {name: pool.submit(check, self.world) for name, check in self.runbook.diagnose.items()}
        wait(asked.values(), timeout=self.world.pace.check_s)
        pool.shutdown(wait=False, cancel_futures=True)
        self.findings = {
            name: _finding(name, future, self.world.pace.check_s) for name, future in asked.items()
        }
        for name, finding in self.findings.items():
            self.note("found", f"{name}: {finding.what}")

    def decide(self) -> Decision:
        self.decision = self.runbook.decide(self.findings)
        self.note("decided", f"{self.decision.course}: {self.decision.why}")
        return self.decision

    def plan(self) -> None:
        for step in self.runbook.mitigate:
            if reason := step.precondition(self.world):
                raise ConciergeError(f"{step.name}: {reason}")
            self.planned += [(step, change) for change in step.plan(self.world)]

    def act(self, before: float) -> Record:
        begun: list[tuple[Step, Change]] = []
        try:
            for step, change in self.planned:
                self.note("changing", _words(change), change)
                begun.append((step, change))
                with Aws.changing():
                    step.apply(self.world, change)
                self.note("changed", _words(change), change)
        except JournalError:
            raise  # what cannot be written down is not continued, and not taken back unseen either
        except ConciergeError as error:
            self.note("failed", str(error))
            return self.take_back(begun, "rolled-back", str(error))
        self.verification = self.verify(before)
        if self.verification.held:
            self.note("verified", _seen(self.verification))
            return self.end("applied+verified", _seen(self.verification))
        self.note("failed", _seen(self.verification))
        verdict: Verdict = "inconclusive" if self.verification.held is None else "rolled-back"
        return self.take_back(begun, verdict, _seen(self.verification))

    def measure(self, since: datetime | None) -> float | None:
        return self.runbook.verify.measure(self.world, since)

    def verify(self, before: float) -> Verification:
        """Looks again and again until it is better or time is up."""
        verify, clock, pace = self.runbook.verify, self.world.clock, self.world.pace
        since, after = clock.now(), None
        deadline = since + timedelta(seconds=pace.verify_s or verify.within_s)
        while True:
            try:
                seen = self.measure(since)
            except AwsError:
                seen = None  # the next look may succeed
            after = after if seen is None else seen
            better = seen is not None and verify.better(before, seen)
            if better or clock.now() + timedelta(seconds=pace.poll_s) > deadline:
                return Verification(
                    what=verify.what,
                    before=before,
                    after=after,
                    held=None if after is None else better,
                    took_s=(clock.now() - since).total_seconds(),
                )
            clock.sleep(pace.poll_s)

    def take_back(self, begun: Sequence[tuple[Step, Change]], verdict: Verdict, reason: str) -> Record:
        """Undoes what was begun, last first; what somebody else has changed since is left alone, and told."""
        restored, left = False, list[str]()
        for step, change in reversed(begun):
            self.note("undoing", _words(change), change)
            try:
                with Aws.changing():
                    there = step.undo(self.world, change)
            except LeftAloneError as theirs:
                self.note("left-alone", str(theirs), change)
                left.append(str(theirs))
                continue
            except ConciergeError as error:
                self.note("failed", str(error))
                return self.end(
                    "inconclusive", f"{reason}; and {change.subject} could not be put back: {error}"
                )
            restored = restored or there
            self.note("undone", f"{change.subject}: {'put back' if there else 'was not changed'}", change)
        if left:
            rest = ["the rest is put back"] if restored else []
            # What could not be told stays so: exit code 3 says more than 1.
            kept: Verdict = verdict if verdict == "inconclusive" else "left-alone"
            return self.end(kept, "; ".join((reason, *left, *rest)))
        return self.end(
            verdict, f"{reason}; {'everything is put back' if restored else 'nothing is changed'}"
        )

    def end(self, verdict: Verdict, note: str) -> Record:
        self.note("ended", f"{verdict}: {note}")
        return Record(
            **self.origin,
            started_at=self.started_at,
            ended_at=self.world.clock.now(),
            findings=self.findings,
            decision=self.decision,
            changes=tuple(change for _, change in self.planned),
            verification=self.verification,
            verdict=verdict,
            note=note,
            reads=self.world.aws.tally.reads,
            writes=self.world.aws.tally.writes,
            keep=self.runbook.keep,
        )


def _finding(name: str, future: "Future[Finding]", limit_s: float) -> Finding:
    if not future.done():
        return Finding(what=f"{name} could not be seen within {limit_s:g} s", cause=None)
    if (error := future.exception()) is not None:
        return Finding(what=f"{name} could not be seen: {error}", cause=None)
    return future.result()


def _words(change: Change) -> str:
    return f"{change.subject}: {change.before} -> {change.after}"


def _seen(found: Verification) -> str:
    after = "not seen" if found.after is None else f"{found.after:g}"
    how = {True: "better", False: "not better", None: "cannot be told"}[found.held]
    return f"{found.what}: {found.before:g} -> {after} in {found.took_s:.0f} s, {how}"
