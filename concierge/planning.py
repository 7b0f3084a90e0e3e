"""A plan for a command that ends soon after: light to import, and nothing is collected before its end."""

import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plan import Plan


def plan_of(stack: str) -> "Plan":
    """The plan of one stack of the project around the current folder.

    A plan is a million small objects that live as long as the command: looking through them for garbage took
    a sixth of its time.
    """
    gc.disable()
    from plan import run

    return run(stack)
