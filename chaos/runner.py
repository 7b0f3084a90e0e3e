"""Runs an experiment: every stage at its time, with a lease, and all cleared whatever happens (CHAOS-2).

Whether the system held is not told by the one who broke it: `steady_state.judge` decides from what was
measured at the client. An experiment whose faults were not in place as written is inconclusive, never "held".
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

from pydantic import AwareDatetime

from chaos.faults import FaultError, Target
from chaos.journal import Event, Journal, What
from chaos.steady_state import Judgement
from contract.base import Shape
from contract.errors import InconclusiveError
from contract.faults import ActiveFault, Experiment, Fault, Probe, Stage


class StoppedError(InconclusiveError):
    """Somebody ended the experiment early."""


class LimitError(StoppedError):
    """A limit of damage was passed: more would hurt people and show nothing more."""


class Clock(Protocol):
    """Time as the runner sees it. `sleep` may raise StoppedError to end the experiment."""

    def now(self) -> datetime: ...

    def sleep(self, seconds: float) -> None: ...


class WallClock:
    """Real time that never jumps; `stop` ends the experiment from another thread."""

    def __init__(self) -> None:
        self._origin, self._started = datetime.now(UTC), time.monotonic()
        self._stopped = threading.Event()

    def now(self) -> datetime:
        return self._origin + timedelta(seconds=time.monotonic() - self._started)

    def sleep(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            raise StoppedError("the experiment was stopped before its end")

    def stop(self) -> None:
        self._stopped.set()


class Guarded:
    """A clock on which nobody sleeps for long without somebody looking whether it must end: `look` raises."""

    def __init__(self, clock: Clock, look: Callable[[], None], every_s: float = 0.5) -> None:
        self._clock, self._look, self._every_s = clock, look, every_s

    def now(self) -> datetime:
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        end = self.now() + timedelta(seconds=seconds)
        while (left := (end - self.now()).total_seconds()) > 0:
            self._look()
            self._clock.sleep(min(left, self._every_s))
        self._look()


class Ran(Shape):
    """A stage as it really was."""

    fault: ActiveFault
    started_at: AwareDatetime
    ended_at: AwareDatetime


class Outcome(Shape):
    """Whether the faults were in place as written. It says nothing about who withstood them.

    `halted`: they were, until a limit of damage ended them.
    """

    experiment: str
    status: Literal["completed", "inconclusive"]
    reason: str | None = None
    halted: bool = False
    stages: tuple[Ran, ...] = ()


def conclude(outcome: Outcome, judgement: Judgement) -> Judgement:
    """The verdict on the whole: what was not broken as written cannot have held."""
    if outcome.status == "completed":
        return judgement
    return Judgement(verdict="inconclusive", findings=(outcome.reason or "", *judgement.findings))


def plan(experiment: Experiment) -> list[str]:
    """What `run` would do, and what is expected of whom: one line each. Nothing is touched."""
    expect = experiment.expect
    return [
        f"{experiment.id}: {experiment.title}",
        *(
            f"at {stage.at_s:g} s: {_words(stage.fault)}, for {stage.for_s:g} s"
            for stage in experiment.method
        ),
        *(f"must hold: {_held(probe)}" for probe in experiment.steady_state),
        f"must fire: alarm {expect.alarm} within {expect.within_s:g} s",
        f"must help: runbook {expect.runbook}; tier {expect.tier} answers at the worst",
        f"must recover: within {expect.recovery_s:g} s after the last fault",
        *(
            f"ends at once: {stop.measure} above {stop.above:g} over {stop.over_s:g} s"
            for stop in experiment.limits.stops
        ),
        *(f"ends at once: alarm {alarm} is red" for alarm in experiment.limits.stop_alarms),
        f"may run in: {', '.join(experiment.limits.environments)}",
        f"touches: {_counted(experiment)}",
    ]


def _held(probe: Probe) -> str:
    meanwhile = f" ({probe.during:g} during)" if probe.during is not None else ""
    return f"{probe.measure} at most {probe.at_most:g}{meanwhile}"


def _counted(experiment: Experiment) -> str:
    """Reads and changes of a run that nothing disturbs: see what is there, inject, clear, look again."""
    whom = ", ".join(sorted({stage.fault.target for stage in experiment.method}))
    return f"{whom}; 2 reads, {2 * len(experiment.method)} changes"


def sweep(target: Target) -> tuple[ActiveFault, ...]:
    """Clears whatever is in place, and makes sure that it is gone."""
    left = target.active()
    if left:
        target.clear_all()
        if still := target.active():
            raise FaultError(
                f"{len(still)} faults cannot be cleared; the last lease ends {_last_lease(still)}"
            )
    return left


def run(
    experiment: Experiment,
    target: Target,
    *,
    clock: Clock,
    on_event: Callable[[Event], None],
    journal: Journal,
) -> Outcome:
    """Walks through the stages. Every event is written to the journal first, then handed to `on_event`."""
    course = _Course(experiment, target, clock, on_event, journal)
    reason, halted = "", False
    try:
        course.note("started", experiment.title)
        course.sweep("left by somebody else")
        course.walk()
    except (FaultError, StoppedError) as failure:
        reason, halted = str(failure), isinstance(failure, LimitError)
    finally:
        unclean = course.leave()
    reason = "; ".join(filter(None, (reason, unclean)))
    status: Literal["completed", "inconclusive"] = "inconclusive" if reason else "completed"
    course.note("failed" if reason else "ended", reason or "every stage was in place as written")
    return Outcome(
        experiment=experiment.id,
        status=status,
        reason=reason or None,
        halted=halted and not unclean,
        stages=tuple(course.ran),
    )


@dataclass
class _Course:
    """One run on its way."""

    experiment: Experiment
    target: Target
    clock: Clock
    on_event: Callable[[Event], None]
    journal: Journal
    ran: list[Ran] = field(default_factory=list)
    _tried: bool = False
    _active: dict[int, tuple[ActiveFault, datetime]] = field(default_factory=dict)

    def note(self, what: What, text: str, fault: ActiveFault | None = None) -> None:
        event = Event(at=self.clock.now(), experiment=self.experiment.id, what=what, text=text, fault=fault)
        self.journal.write(event)
        self.on_event(event)

    def walk(self) -> None:
        start = self.clock.now()
        for at_s, step, number, stage in sorted(_timeline(self.experiment), key=lambda entry: entry[:3]):
            wait = at_s - (self.clock.now() - start).total_seconds()
            if wait > 0:
                self.clock.sleep(wait)
            if step == _INJECT:
                self._inject(number, stage.fault)
            else:
                self._clear(number)

    def _inject(self, number: int, fault: Fault) -> None:
        # Written down before: if this process dies in between, the journal says what may be out there.
        self.note("injecting", _words(fault))
        self._tried = True
        active = self.target.inject(fault)
        self._active[number] = active, self.clock.now()
        self.note("injected", _words(fault), active)

    def _clear(self, number: int) -> None:
        fault, since = self._active[number]
        there = self.target.clear(fault.id)
        del self._active[number]
        if not there:
            raise FaultError(f"{_words(fault.fault)}: gone before its stage ended (did the target restart?)")
        self.ran.append(Ran(fault=fault, started_at=since, ended_at=self.clock.now()))
        self.note("cleared", _words(fault.fault), fault)

    def sweep(self, why: str) -> None:
        for fault in sweep(self.target):
            self.note("swept", f"{_words(fault.fault)}, {why}", fault)

    def leave(self) -> str | None:
        """Clears the rest; says so when it cannot, because then only the lease ends the fault."""
        try:
            if self._tried:
                self._end_stages()
                self.sweep("at the end")
        except FaultError as failure:
            rest = tuple(fault for fault, _ in self._active.values())
            lease = f"until its lease ends {_last_lease(rest)}" if rest else "until its lease ends"
            return f"a fault may be left {lease}: {failure}"
        return None

    def _end_stages(self) -> None:
        """What was cut short was there nevertheless."""
        for number, (fault, since) in list(self._active.items()):
            if self.target.clear(fault.id):
                del self._active[number]
                self.ran.append(Ran(fault=fault, started_at=since, ended_at=self.clock.now()))
                self.note("cleared", f"{_words(fault.fault)}, before its time", fault)


_CLEAR, _INJECT = 0, 1  # at the same instant one stage ends before the next begins


def _timeline(experiment: Experiment) -> Iterator[tuple[float, int, int, Stage]]:
    for number, stage in enumerate(experiment.method):
        yield stage.at_s, _INJECT, number, stage
        yield stage.at_s + stage.for_s, _CLEAR, number, stage


def _words(fault: Fault) -> str:
    narrowed = ", ".join(f"{key} {value}" for key, value in fault.match.items())
    whose = f"{fault.target} ({narrowed})" if narrowed else fault.target
    return f"{fault.kind} {fault.rate * 100:.4g} % of the calls to {whose}, lease {fault.lease_s:g} s"


def _last_lease(faults: tuple[ActiveFault, ...]) -> str:
    return f"{max(fault.expires_at for fault in faults):%H:%M:%S %Z}"
