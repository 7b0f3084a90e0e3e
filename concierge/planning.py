"""A plan for a command that ends soon after: light to import, and nothing is collected before its end.

A plan is a million small objects that live as long as the command: looking through them for garbage took a
sixth of its time.
"""

import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plan import Plan


def plan_of(stack: str) -> "Plan":
    """The plan of one stack of the project around the current folder."""
    gc.disable()
    from plan import run

    return run(stack)


def known_plan_of(stack: str) -> "Plan":
    """The same for who only looks: the one made last, if nothing that it is made from has changed."""
    gc.disable()
    from rehearsal import plans
    from stacks import stackfile

    return plans.kept(stack, stackfile.root_of() / "build")
