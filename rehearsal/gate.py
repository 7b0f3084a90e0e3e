"""A gate: one thing that had to hold, and what was measured."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gate:
    """`held` is None when it could not be told.

    A `premise` is what all others rest on: without it nothing was shown, whatever they say.
    """

    name: str
    held: bool | None
    measured: str
    premise: bool = False
