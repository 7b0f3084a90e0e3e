"""A bug to plant in failover: one slip a person could make, patched into the real classes."""

from collections.abc import Callable
from typing import Any, NamedTuple

from pytest import MonkeyPatch

Patch = Callable[[MonkeyPatch], None]


class Mutant(NamedTuple):
    """A bug, by what it does, and the property that kills it."""

    name: str
    killed_by: Callable[[], None]
    plant: Patch


def replaced(owner: Any, name: str, make: Callable[[Any], Any]) -> Patch:
    """`make` gets the original and gives what takes its place."""

    def plant(patch: MonkeyPatch) -> None:
        original = owner.__dict__[name] if isinstance(owner, type) else getattr(owner, name)
        patch.setattr(owner, name, make(original))

    return plant
