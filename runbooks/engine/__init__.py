"""What every runbook shares: its shape, the world it acts on, and the engine that does nothing unasked.

record = run(runbook, world, apply=False, why="", journal=Journal(path))    plans; changes nothing
record = run(runbook, world, apply=True, why="...", journal=journal)        applies, verifies, or takes back
record = resume(runbook, world, why="...", journal=journal)                 goes on with a stopped run
record = undo(runbook, world, why="...", journal=journal)                   puts back what was before
"""

from runbooks.engine import search
from runbooks.engine.alarms import Alarmed, suggestions
from runbooks.engine.aws import Aws, AwsError
from runbooks.engine.decide import Blame
from runbooks.engine.journal import Entry, Journal, JournalError
from runbooks.engine.lease import LeaseError
from runbooks.engine.run import resume, run, undo
from runbooks.engine.shape import (
    About,
    Call,
    Change,
    Decision,
    DriftError,
    Finding,
    LeftAloneError,
    Record,
    Runbook,
    Step,
    Verification,
    Verify,
    calling,
)
from runbooks.engine.steps import Once, Switch
from runbooks.engine.watch import Watch
from runbooks.engine.world import Clock, Pace, World

__all__ = [
    "About",
    "Alarmed",
    "Aws",
    "AwsError",
    "Blame",
    "Call",
    "Change",
    "Clock",
    "Decision",
    "DriftError",
    "Entry",
    "Finding",
    "Journal",
    "JournalError",
    "LeaseError",
    "LeftAloneError",
    "Once",
    "Pace",
    "Record",
    "Runbook",
    "Step",
    "Switch",
    "Verification",
    "Verify",
    "Watch",
    "World",
    "calling",
    "resume",
    "run",
    "search",
    "suggestions",
    "undo",
]
