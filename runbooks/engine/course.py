"""One run on its way: what it has seen, what it plans, what it has begun, and how it ends.

Making its changes is the business of `acting`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from concurrent.futures import TimeoutError as LateError
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from contract.errors import ConciergeError
from runbooks.engine.aws import AwsError
from runbooks.engine.journal import Entry, Journal, What
from runbooks.engine.lease import Lease, LeaseError
from runbooks.engine.shape import (
    Change,
    Decision,
    Finding,
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

    def still_allowed(self) -> None:
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
