"""One run on its way: what it has seen, what it plans, what it has begun, and how it ends."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from concurrent.futures import TimeoutError as LateError
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import uuid4

from contract.errors import ConciergeError
from runbooks.engine.aws import Aws, AwsError
from runbooks.engine.journal import Entry, Journal, JournalError, What
from runbooks.engine.lease import Lease, LeaseError
from runbooks.engine.shape import (
    Change,
    Decision,
    DriftError,
    Finding,
    LeftAloneError,
    Record,
    Runbook,
    Step,
    Times,
    Verdict,
    Verification,
)
from runbooks.engine.world import World

Listener = Callable[[Entry], None]
Planned = tuple[Step, Change]


@dataclass
class Course:
    """One run. `glass`: until when guards are skipped."""

    runbook: Runbook
    world: World
    journal: Journal
    on_event: Listener
    confirm: Callable[[Change], bool]
    name: str = field(default_factory=lambda: uuid4().hex[:12])
    glass: datetime | None = None
    findings: Mapping[str, Finding] = field(default_factory=dict)
    decision: Decision | None = None
    planned: list[Planned] = field(default_factory=list)
    begun: list[Planned] = field(default_factory=list)
    made: set[str] = field(default_factory=set)  # subjects a stopped run has finished with
    verification: Verification | None = None
    lease: Lease | None = None

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.started_at = self.world.clock.now()
        self.first_finding: datetime | None = None
        self.mitigated: datetime | None = None
        self.verified: datetime | None = None

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

    def note(self, what: What, text: str, change: Change | None = None, **more: Any) -> None:
        entry = Entry(**self.origin, at=self.world.clock.now(), what=what, text=text, change=change, **more)
        self.journal.write(entry)
        self.on_event(entry)

    def guarded(self, walk: Callable[[], Record]) -> Record:
        """However it is stopped, the journal says that it was."""
        try:
            return walk()
        except BaseException as error:
            self.note("interrupted", f"{type(error).__name__}: changes that were begun may be in place")
            raise

    # --- guards ---------------------------------------------------------------------------------------

    def break_glass(self, reason: str, lasts: timedelta) -> None:
        """Louder: in the journal, and to the topic that pages people, if it can be reached."""
        self.glass = self.world.clock.now() + lasts
        who, until = self.world.operator, f"{self.glass:%H:%M} UTC"
        text = f"{who} skips the guards of {self.runbook.id} until {until}: {reason}"
        told = "people are told"
        if topic := self.world.all("topics").get("page"):
            try:
                self.world.aws.bookkeeping(
                    "sns", "publish", TopicArn=topic, Subject="Break glass", Message=text
                )
            except AwsError as error:
                told = f"nobody could be told: {error}"
        self.note("break-glass", f"{text} ({told})")

    def leased(self, work: Callable[[], Record]) -> Record:
        """Work that nobody else does at the same time."""
        self.lease = Lease(self.world, self.runbook.id, self.name)
        try:
            self.lease.take()
        except LeaseError as held:
            if not self.glass:
                raise
            self.note("break-glass", f"without a lease: {held}")
            self.lease = None
        try:
            return work()
        finally:
            if self.lease is not None:
                self.lease.end()

    def _still_allowed(self) -> None:
        if self.lease is not None:
            self.lease.check()
        if self.glass and self.world.clock.now() > self.glass:
            raise ConciergeError("the half hour without guards is over: run it again if it is still needed")

    # --- looking --------------------------------------------------------------------------------------

    def diagnose(self) -> None:
        """All checks at once; each is told as it comes; one that fails or takes too long says so."""
        limit_s = self.world.pace.check_s
        checks = self.runbook.diagnose
        pool = ThreadPoolExecutor(max_workers=len(checks), thread_name_prefix=self.runbook.id)
        asked = {pool.submit(check, self.world): name for name, check in checks.items()}
        found: dict[str, Finding] = {}
        try:
            for future in as_completed(asked, timeout=limit_s):
                found[asked[future]] = self._told(asked[future], _finding(asked[future], future))
        except LateError:
            pass
        pool.shutdown(wait=False, cancel_futures=True)
        for name in checks:
            if name not in found:
                late = Finding(what=f"{name} could not be seen within {limit_s:g} s", cause=None)
                found[name] = self._told(name, late)
        self.findings = {name: found[name] for name in checks}
        self.world = self.world.seeing(self.findings)

    def _told(self, name: str, finding: Finding) -> Finding:
        self.first_finding = self.first_finding or self.world.clock.now()
        self.note("found", f"{name}: {finding.what}", check=name, finding=finding)
        return finding

    def decide(self) -> Decision:
        self.decision = self.runbook.decide(self.findings)
        self.note("decided", f"{self.decision.course}: {self.decision.why}")
        return self.decision

    # --- planning -------------------------------------------------------------------------------------

    def plan(self) -> None:
        """The first stage must be possible; a later one that is not is left out, and told."""
        for number, stage in enumerate(self.runbook.stages, 1):
            try:
                self.planned += list(self._stage(number, stage))
            except ConciergeError as error:
                if number == 1:
                    raise
                self.note("failed", f"stage {number} is left out: {error}")

    def _stage(self, number: int, stage: Sequence[Step]) -> Iterator[Planned]:
        chosen = self.decision.steps if self.decision else None
        for step in stage:
            if chosen is not None and step.name not in chosen:
                continue
            try:
                if not self.glass and (reason := step.precondition(self.world)):
                    raise ConciergeError(f"{step.name}: {reason}")
                changes = step.plan(self.world)
            except ConciergeError as error:
                if not getattr(step, "optional", False):
                    raise
                self.note("failed", f"{step.name} is left out: {error}")
                continue
            for change in changes:
                yield step, change.model_copy(update={"stage": number})

    def take_name(self, run: str) -> None:
        """Entries belong to the run that they continue or end; what it found is still what it is about."""
        self.name = run
        self.findings = self.journal.findings(run)
        self.world = self.world.seeing(self.findings)

    def continue_from(self, entries: Sequence[Entry]) -> None:
        """What a stopped run had planned, under its own name."""
        self.take_name(entries[0].run)
        steps = self.runbook.steps
        self.planned = [
            (steps[entry.change.step], entry.change)
            for entry in entries
            if entry.what == "planned" and entry.change
        ]
        made = {
            (e.change.step, e.change.subject): e.change for e in entries if e.what == "changing" and e.change
        }
        self.begun = [(steps[change.step], change) for change in made.values()]
        self.made = {entry.change.subject for entry in entries if entry.what == "changed" and entry.change}

    # --- acting ---------------------------------------------------------------------------------------

    def measure_and_act(self) -> Record:
        try:
            before = self.runbook.verify.measure(self.world, None)
        except ConciergeError as error:
            return self.end("inconclusive", f"nothing was changed: {error}")
        if before is None:
            return self.end(
                "inconclusive", f"nothing was changed: {self.runbook.verify.what} cannot be measured"
            )
        for _, change in self.planned:
            self.note("planned", _words(change), change)
        self.note("measured", f"{self.runbook.verify.what}: {before:g}", value=before)
        return self.act(before)

    def act(self, before: float) -> Record:
        """Stage after stage, until it is better."""
        stages = [list(group) for _, group in groupby(self.planned, key=lambda one: one[1].stage)]
        for number, stage in enumerate(stages):
            try:
                refused = self._make(stage)
            except (JournalError, LeaseError):
                raise  # what cannot be written down is not continued, and not taken back unseen either
            except ConciergeError as error:
                self.note("failed", str(error))
                return self.take_back(self.begun, "rolled-back", str(error))
            if refused and not self.begun:
                return self.end("nothing-to-do", "nothing was changed: declined")
            self.mitigated = self.world.clock.now()
            self.verification = self.verify(before, last=number + 1 == len(stages))
            if self.verification.held:
                self.verified = self.world.clock.now()
                self.note("verified", _seen(self.verification))
                return self.end("applied+verified", _seen(self.verification))
            if number + 1 < len(stages) and not refused:
                self.note("not-enough", f"stage {stage[0][1].stage}: {_seen(self.verification)}")
                continue
            break
        assert self.verification is not None  # noqa: S101 - there is at least one stage
        self.note("failed", _seen(self.verification))
        verdict: Verdict = "inconclusive" if self.verification.held is None else "rolled-back"
        return self.take_back(self.begun, verdict, _seen(self.verification))

    def _make(self, stage: Sequence[Planned]) -> bool:
        """Makes the changes one by one; True when the operator declined one: then no further one is made."""
        for step, planned in stage:
            change = None if planned.subject in self.made else self._fresh(step, planned)
            if change is None:
                continue
            if not self.confirm(change):
                self.note("failed", f"declined: {_words(change)}")
                return True
            self._still_allowed()
            self.note("changing", _words(change), change)
            self.begun.append((step, change))
            if self._applied(step, change):
                self.note("changed", _words(change), change)
        return False

    def _applied(self, step: Step, change: Change) -> bool:
        """Telling people is worth trying; that nobody could be told stops no fix."""
        try:
            with Aws.changing():
                step.apply(self.world, change)
        except ConciergeError as error:
            if not getattr(step, "optional", False):
                raise
            self.begun.pop()
            self.note("undone", f"{change.subject}: could not be done, and is not needed: {error}", change)
            return False
        return True

    def _fresh(self, step: Step, planned: Change) -> Change | None:
        """The change as of now: earlier ones of this run are in it; somebody else's stop it."""
        now = {change.subject: change for change in step.plan(self.world)}.get(planned.subject)
        if now is None:
            return None  # it is so already
        if now.before != planned.before:
            raise DriftError(
                f"somebody changed {now.subject} since the plan, to {now.before}: look at it, then run again"
            )
        return now.model_copy(update={"stage": planned.stage})

    def verify(self, before: float, *, last: bool) -> Verification:
        """Looks again and again until it is better or time is up: sooner while there is more to try."""
        verify, clock, pace = self.runbook.verify, self.world.clock, self.world.pace
        since, after = clock.now(), None
        within_s = verify.within_s if last else min(verify.within_s, verify.stage_s)
        deadline = since + timedelta(seconds=max(within_s, pace.verify_s))
        while True:
            try:
                seen = verify.measure(self.world, since)
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

    def take_back(self, begun: Sequence[Planned], verdict: Verdict, reason: str) -> Record:
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
        kept = dict.fromkeys(change.keep for _, change in self.planned if change.keep)
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
            keep=self.runbook.keep or "; ".join(kept) or None,
            times=Times(
                finding_s=self._after(self.first_finding),
                mitigated_s=self._after(self.mitigated),
                verified_s=self._after(self.verified),
            ),
        )

    def _after(self, at: datetime | None) -> float | None:
        return None if at is None else (at - self.started_at).total_seconds()


def _finding(name: str, future: "Future[Finding]") -> Finding:
    if (error := future.exception()) is not None:
        return Finding(what=f"{name} could not be seen: {error}", cause=None)
    return future.result()


def _words(change: Change) -> str:
    return f"{change.subject}: {change.before} -> {change.after}"


def _seen(found: Verification) -> str:
    after = "not seen" if found.after is None else f"{found.after:g}"
    how = {True: "better", False: "not better", None: "cannot be told"}[found.held]
    return f"{found.what}: {found.before:g} -> {after} in {found.took_s:.0f} s, {how}"
