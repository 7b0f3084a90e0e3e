"""What faults are asked of: a target injects one, lists what is active, and clears it.

A target that cannot do what it is asked says so with a FaultError; it never shrugs, because an experiment
whose fault was not there proves nothing.
"""

from typing import Protocol

from contract.errors import InconclusiveError
from contract.faults import ActiveFault, Fault


class FaultError(InconclusiveError):
    """The target refused, or did not answer."""


class Target(Protocol):
    """Somebody who can misbehave on request."""

    def inject(self, fault: Fault) -> ActiveFault:
        """From now on, until it is cleared or its lease runs out."""

    def active(self) -> tuple[ActiveFault, ...]:
        """Every fault that is in place."""

    def clear(self, fault_id: str) -> bool:
        """Ends one fault. False: it was not there any more."""

    def clear_all(self) -> None:
        """Ends every fault, whoever injected it."""
