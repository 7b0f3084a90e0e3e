"""The engine's doors: run, resume, undo. It looks and plans; it acts, verifies, takes back when told.

Every step of the way is an entry of the journal, then of `on_event`. It keeps no state between runs; several
may run in threads of one process.
"""

from collections.abc import Callable
from datetime import timedelta

from contract.errors import ConciergeError, WrongUseError
from runbooks.engine.acting import act, measure_and_act, take_back
from runbooks.engine.course import Course, Listener
from runbooks.engine.journal import Journal
from runbooks.engine.lease import LeaseError
from runbooks.engine.shape import Change, Decision, Record, Runbook, Verdict
from runbooks.engine.world import World

GLASS_MINUTES = 30


def _nobody(_: object) -> None:
    """Who listens when nobody listens."""


def _yes(_: Change) -> bool:
    """For automation."""
    return True


def run(
    runbook: Runbook,
    world: World,
    *,
    apply: bool,
    why: str,
    journal: Journal,
    on_event: Listener = _nobody,
    confirm: Callable[[Change], bool] = _yes,
    break_glass: str | None = None,
) -> Record:
    """What was seen and decided, and the exact changes: made only with `apply`, and then for a reason.

    `confirm` is asked before each change. `break_glass` is why guards are skipped: another's lease, a
    decision to leave it alone, a precondition; for half an hour, and people are told.
    """
    if apply and not why.strip():
        raise WrongUseError(f"{runbook.id}: say why; a change is recorded together with its reason")
    if break_glass is not None and not (apply and break_glass.strip()):
        raise WrongUseError(f"{runbook.id}: --break-glass goes with --apply and needs a reason")
    for name, meaning in runbook.about.inputs:
        if not meaning.startswith("optional"):
            world.given(name, meaning)
    course = Course(runbook, world.for_run(why, runbook.calls), journal, on_event, confirm)
    if apply and (stopped := journal.unfinished(runbook.id, world.environment, world.here.region)):
        raise WrongUseError(
            f"run {stopped[0].run} of {runbook.id} by {stopped[0].who} has no end: "
            "--resume it, or --undo it first"
        )
    course.note("started", "apply" if apply else "plan only")
    if break_glass is not None:
        course.break_glass(break_glass, timedelta(minutes=GLASS_MINUTES))
    return course.guarded(lambda: _walk(course, apply))


def resume(
    runbook: Runbook,
    world: World,
    *,
    why: str,
    journal: Journal,
    on_event: Listener = _nobody,
    confirm: Callable[[Change], bool] = _yes,
) -> Record:
    """Goes on with a run that was stopped: what was made stays, what was not is made, then it is verified."""
    entries = journal.unfinished(runbook.id, world.environment, world.here.region)
    course = Course(runbook, world.for_run(why, runbook.calls), journal, on_event, confirm)
    if not entries:
        return course.end("nothing-to-do", "no run of this runbook was stopped here")
    course.continue_from(entries)
    course.note("resumed", f"run of {entries[0].who}, begun {entries[0].at:%H:%M} UTC: {entries[0].why}")
    before = next((entry.value for entry in entries if entry.what == "measured"), None)
    if before is None:
        return course.end("inconclusive", "it was stopped before anything was changed: run it again")
    return course.guarded(lambda: course.leased(lambda: act(course, float(before))))


def undo(
    runbook: Runbook, world: World, *, why: str, journal: Journal, on_event: Listener = _nobody
) -> Record:
    """Takes back what the last run of this runbook left in place here; the journal knows what that is."""
    entries = journal.in_place(runbook.id, world.environment, world.here.region)
    course = Course(runbook, world.for_run(why, runbook.calls), journal, on_event, _yes)
    stopped = journal.unfinished(runbook.id, world.environment, world.here.region)
    if not entries:
        if stopped:
            course.name = stopped[0].run  # its end: nothing of it was made
        return course.end("nothing-to-do", "nothing of this runbook is in place")
    course.take_name(entries[0].run)
    steps = runbook.steps
    course.planned = [(steps[e.change.step], e.change) for e in reversed(entries) if e.change]
    try:
        return course.leased(lambda: take_back(course, course.planned, "undone", "as asked"))
    except LeaseError as held:
        return course.end("inconclusive", f"nothing was put back: {held}")


def _walk(course: Course, apply: bool) -> Record:
    course.diagnose()
    decision = course.decide()
    if decision.course != "act" and not course.glass:
        return course.end(_passive(decision), decision.why)
    try:
        course.plan()
    except ConciergeError as error:
        return course.end("inconclusive", f"nothing was changed: {error}")
    if not course.planned:
        return course.end("nothing-to-do", "it is already so")
    if not apply:
        return course.end("planned", "nothing was changed")
    try:
        return course.leased(lambda: measure_and_act(course))
    except LeaseError as held:
        if course.begun:
            raise
        return course.end("inconclusive", f"nothing was changed: {held}")


def _passive(decision: Decision) -> Verdict:
    return "inconclusive" if decision.course == "unclear" else "nothing-to-do"
