"""Why there is no artifact."""

from contract.errors import ConciergeError, InconclusiveError, WrongUseError


class RefusedError(ConciergeError):
    """It could be built, and would not be good: one line for each reason."""


class ArgumentError(WrongUseError):
    """It cannot be built from what was given."""


class UnreachableError(InconclusiveError):
    """An index or a registry did not answer: nothing is known."""
