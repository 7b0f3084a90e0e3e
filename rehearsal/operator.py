"""The on-call engineer of a game day: runs the runbook an alarm links, and takes its changes back afterwards.

Works as a person would: from the alarm's message to the runbook, its plan first, then with `apply`. A thread
of its own, so that the story goes on meanwhile.
"""

import threading
from collections.abc import Callable, Collection
from pathlib import Path

import runbooks
from contract.errors import ConciergeError, InconclusiveError
from rehearsal.evidence import RunbookRun
from runbooks import engine
from runbooks.engine.journal import Entry

OPERATOR = "rehearsal"
TRIES, AGAIN_S = 5, 20.0  # of a runbook that could not see enough yet


class Operator:
    """Takes alarms while the story runs; `finish` waits for what is under way and undoes what was done."""

    def __init__(
        self,
        world: engine.World,
        journal: Path,
        tell: Callable[[str, str], None],
        ask: Callable[[str, str], bool] = lambda runbook, alarm: True,  # noqa: ARG005 - nobody is asked
        without: Collection[str] = (),
        keep: Collection[str] = (),
    ) -> None:
        """`ask`: whether this runbook may be applied for this alarm; `without`: runbooks that are not there;
        `keep`: what these changed stays."""
        self._world, self._ask, self._without, self._keep = world, ask, frozenset(without), frozenset(keep)
        self._journal = engine.Journal(journal)
        self._tell = tell
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._off_duty = False
        self._taken: set[str] = set()
        self._records: dict[str, engine.Record] = {}
        self._failures: dict[str, str] = {}
        self._undone: set[str] = set()
        self._alarms: dict[str, str] = {}

    def take(self, runbook: str, alarm: str) -> None:
        """Starts the runbook of an alarm; a second alarm for the same incident changes nothing."""
        with self._lock:
            if self._off_duty or runbook in self._taken:
                return
            self._taken.add(runbook)
            self._alarms[runbook] = alarm
            thread = threading.Thread(target=self._handle, args=(runbook, alarm), name=runbook, daemon=True)
            self._threads.append(thread)
            thread.start()

    def finish(self) -> list[RunbookRun]:
        """Everything that was done, after taking it back. Alarms that come later find nobody."""
        with self._lock:
            self._off_duty = True
        for thread in self._threads:
            thread.join()
        for runbook, record in self._records.items():
            if runbook not in self._keep and (
                record.verdict == "applied+verified" or runbook in self._failures
            ):
                self._guarded(runbook, self._undo)
        return [self._told(runbook) for runbook in sorted(self._taken)]

    def so_far(self) -> list[RunbookRun]:
        """What has been done up to now; nothing is waited for, nor taken back."""
        return [self._told(runbook) for runbook in sorted({*self._records, *self._failures})]

    def leave(self) -> None:
        """The day ends early: takes no more alarms, and does not tell that the stand-ins are gone."""
        with self._lock:
            self._off_duty = True
        self._tell = lambda *_: None

    def _told(self, runbook: str) -> RunbookRun:
        undone, alarm = runbook in self._undone, self._alarms[runbook]
        record = self._records.get(runbook)
        changes = tuple(f"{c.subject}: {c.before} -> {c.after}" for c in record.changes) if record else ()
        since = record.started_at.timestamp() if record else None
        mitigated = record.times.mitigated_s if record else None
        return RunbookRun(
            id=runbook,
            verdict="failed" if record is None or runbook in self._failures else record.verdict,
            note=self._failures.get(runbook, record.note if record else ""),
            undone=undone,
            alarm=alarm,
            changes=changes,
            mitigated_at=None if since is None or mitigated is None else since + mitigated,
            ended_at=record.ended_at.timestamp() if record else None,
        )

    def _handle(self, runbook: str, alarm: str) -> None:
        self._guarded(runbook, lambda name: self._answer(name, alarm))

    def _guarded(self, runbook: str, work: Callable[[str], None]) -> None:
        """Whatever goes wrong with a runbook is told, and is the verdict's business."""
        try:
            work(runbook)
        except Exception as failure:  # noqa: BLE001 - a thread's error would be lost
            known = isinstance(failure, ConciergeError)
            self._failures[runbook] = str(failure) if known else f"{type(failure).__name__}: {failure}"
            self._tell("runbook", f"{runbook} failed: {self._failures[runbook]}")

    def _answer(self, runbook: str, alarm: str) -> None:
        if runbook in self._without:
            raise InconclusiveError(f"there is no runbook {runbook}: it was taken away for this run")
        script = runbooks.load(runbook)
        for last in (*(False,) * (TRIES - 1), True):
            planned = self._run(script, apply=False, why="")
            if planned.verdict != "inconclusive" or last:
                break
            self._world.clock.sleep(AGAIN_S)
        if planned.verdict == "planned":
            if self._ask(runbook, alarm):
                self._run(script, apply=True, why=f"alarm {alarm}")
            else:
                self._tell("runbook", f"{runbook}: not applied: nobody said yes")

    def _run(self, script: engine.Runbook, *, apply: bool, why: str) -> engine.Record:
        record = engine.run(
            script, self._world, apply=apply, why=why, journal=self._journal, on_event=self._on_event
        )
        self._records[script.id] = record
        return record

    def _undo(self, runbook: str) -> None:
        record = engine.undo(
            runbooks.load(runbook),
            self._world,
            why="the incident is over",
            journal=self._journal,
            on_event=self._on_event,
        )
        if record.verdict == "undone":
            self._undone.add(runbook)

    def _on_event(self, entry: Entry) -> None:
        if entry.what in {"found", "decided", "changed", "verified", "failed", "undone", "ended"}:
            self._tell("runbook", f"{entry.what}: {entry.text}")
