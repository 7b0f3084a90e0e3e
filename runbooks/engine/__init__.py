"""What every runbook shares: its shape, the world it acts on, and the engine that does nothing unasked.

record = run(runbook, world, apply=False, why="", journal=Journal(path))    plans; changes nothing
record = run(runbook, world, apply=True, why="...", journal=journal)        applies, verifies, or takes back
record = undo(runbook, world, why="...", journal=journal)                   puts back what was before
"""

from runbooks.engine.aws import Aws, AwsError
from runbooks.engine.journal import Entry, Journal, JournalError
from runbooks.engine.run import run, undo
from runbooks.engine.shape import (
    Call,
    Change,
    Decision,
    Finding,
    LeftAloneError,
    Record,
    Runbook,
    Step,
    Verification,
    Verify,
)
from runbooks.engine.world import Clock, Pace, World

__all__ = [
    "Aws",
    "AwsError",
    "Call",
    "Change",
    "Clock",
    "Decision",
    "Entry",
    "Finding",
    "Journal",
    "JournalError",
    "LeftAloneError",
    "Pace",
    "Record",
    "Runbook",
    "Step",
    "Verification",
    "Verify",
    "World",
    "run",
    "undo",
]
