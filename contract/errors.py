"""Errors that are meant for a person: one line that says what and how to fix it, and an exit code.

Every room derives its own from these; the command line prints them and knows nothing else about them.
"""

from typing import ClassVar

DONE, FAILED, WRONG_USE, INCONCLUSIVE = 0, 1, 2, 3
EXIT_CODES = {
    DONE: "done",
    FAILED: "a check or gate failed",
    WRONG_USE: "wrong use: arguments, settings or files",
    INCONCLUSIVE: "inconclusive: it could not be told",
}


class ConciergeError(Exception):
    """What was asked for was looked at, and failed."""

    exit_code: ClassVar[int] = FAILED


class WrongUseError(ConciergeError):
    """What was asked for cannot be understood or used: a bad argument, setting or file."""

    exit_code = WRONG_USE


class InconclusiveError(ConciergeError):
    """Nothing was shown either way: something needed was missing, too slow, or broken."""

    exit_code = INCONCLUSIVE
