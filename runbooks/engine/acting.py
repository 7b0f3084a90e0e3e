"""Makes what a run has planned, looks whether it helped, and takes it back where it did not."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby

from contract.errors import ConciergeError
from runbooks.engine.aws import Aws, AwsError
from runbooks.engine.course import Course, Planned
from runbooks.engine.journal import JournalError
from runbooks.engine.lease import LeaseError
from runbooks.engine.shape import Change, DriftError, LeftAloneError, Record, Step, Verdict, Verification


def measure_and_act(course: Course) -> Record:
    try:
        before = course.runbook.verify.measure(course.world, None)
    except ConciergeError as error:
        return course.end("inconclusive", f"nothing was changed: {error}")
    if before is None:
        return course.end(
            "inconclusive", f"nothing was changed: {course.runbook.verify.what} cannot be measured"
        )
    for _, change in course.planned:
        course.note("planned", _words(change), change)
    course.note("measured", f"{course.runbook.verify.what}: {before:g}", value=before)
    return act(course, before)


def act(course: Course, before: float) -> Record:
    """Stage after stage, until it is better."""
    stages = [list(group) for _, group in groupby(course.planned, key=lambda one: one[1].stage)]
    for number, stage in enumerate(stages):
        try:
            refused = _make(course, stage)
        except (JournalError, LeaseError):
            raise  # what cannot be written down is not continued, and not taken back unseen either
        except ConciergeError as error:
            course.note("failed", str(error))
            return take_back(course, course.begun, "rolled-back", str(error))
        if refused and not course.begun:
            return course.end("nothing-to-do", "nothing was changed: declined")
        course.mitigated = course.world.clock.now()
        course.verification = _verify(course, before, last=number + 1 == len(stages))
        if course.verification.held:
            course.verified = course.world.clock.now()
            course.note("verified", _seen(course.verification))
            return course.end("applied+verified", _seen(course.verification))
        if number + 1 < len(stages) and not refused:
            course.note("not-enough", f"stage {stage[0][1].stage}: {_seen(course.verification)}")
            continue
        break
    assert course.verification is not None  # noqa: S101 - there is at least one stage
    course.note("failed", _seen(course.verification))
    verdict: Verdict = "inconclusive" if course.verification.held is None else "rolled-back"
    return take_back(course, course.begun, verdict, _seen(course.verification))


def _make(course: Course, stage: Sequence[Planned]) -> bool:
    """Makes the changes one by one; True when the operator declined one: then no further one is made."""
    for step, planned in stage:
        change = None if planned.subject in course.made else _fresh(course, step, planned)
        if change is None:
            continue
        if not course.confirm(change):
            course.note("failed", f"declined: {_words(change)}")
            return True
        course.still_allowed()
        course.note("changing", _words(change), change)
        course.begun.append((step, change))
        if _applied(course, step, change):
            course.note("changed", _words(change), change)
    return False


def _applied(course: Course, step: Step, change: Change) -> bool:
    """Telling people is worth trying; that nobody could be told stops no fix."""
    try:
        with Aws.changing():
            step.apply(course.world, change)
    except ConciergeError as error:
        if not getattr(step, "optional", False):
            raise
        course.begun.pop()
        course.note("undone", f"{change.subject}: could not be done, and is not needed: {error}", change)
        return False
    return True


def _fresh(course: Course, step: Step, planned: Change) -> Change | None:
    """The change as of now: earlier ones of this run are in it; somebody else's stop it."""
    now = {change.subject: change for change in step.plan(course.world)}.get(planned.subject)
    if now is None:
        return None  # it is so already
    if now.before != planned.before:
        raise DriftError(
            f"somebody changed {now.subject} since the plan, to {now.before}: look at it, then run again"
        )
    return now.model_copy(update={"stage": planned.stage})


def _verify(course: Course, before: float, *, last: bool) -> Verification:
    """Looks again and again until it is better or time is up: sooner while there is more to try."""
    verify, clock, pace = course.runbook.verify, course.world.clock, course.world.pace
    since, after = clock.now(), None
    within_s = verify.within_s if last else min(verify.within_s, verify.stage_s)
    deadline = since + timedelta(seconds=max(within_s, pace.verify_s))
    while True:
        try:
            seen = verify.measure(course.world, since)
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


def take_back(course: Course, begun: Sequence[Planned], verdict: Verdict, reason: str) -> Record:
    """Undoes what was begun, last first; what somebody else has changed since is left alone, and told."""
    restored, left = False, list[str]()
    for step, change in reversed(begun):
        course.note("undoing", _words(change), change)
        try:
            with Aws.changing():
                there = step.undo(course.world, change)
        except LeftAloneError as theirs:
            course.note("left-alone", str(theirs), change)
            left.append(str(theirs))
            continue
        except ConciergeError as error:
            course.note("failed", str(error))
            return course.end(
                "inconclusive", f"{reason}; and {change.subject} could not be put back: {error}"
            )
        restored = restored or there
        course.note("undone", f"{change.subject}: {'put back' if there else 'was not changed'}", change)
    if left:
        rest = ["the rest is put back"] if restored else []
        # What could not be told stays so: exit code 3 says more than 1.
        kept: Verdict = verdict if verdict == "inconclusive" else "left-alone"
        return course.end(kept, "; ".join((reason, *left, *rest)))
    return course.end(verdict, f"{reason}; {'everything is put back' if restored else 'nothing is changed'}")


def _words(change: Change) -> str:
    return f"{change.subject}: {change.before} -> {change.after}"


def _seen(found: Verification) -> str:
    after = "not seen" if found.after is None else f"{found.after:g}"
    how = {True: "better", False: "not better", None: "cannot be told"}[found.held]
    return f"{found.what}: {found.before:g} -> {after} in {found.took_s:.0f} s, {how}"
