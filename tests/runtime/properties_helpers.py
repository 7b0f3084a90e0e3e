"""What must hold of failover, each by its name: a function that raises where it does not.

The tests run them on the code as it is, and on the code with a bug planted in it: there, one must raise.
"""

from collections.abc import Callable

from runtime.testing import simulation
from tests.runtime import properties_answer_helpers as answer
from tests.runtime import properties_breaker_helpers as breaker
from tests.runtime import properties_ladder_helpers as ladder


def stories_keep_every_promise() -> None:
    """The simulation's own: one ending, numbers without a gap, no open rung called, back in time, ..."""
    for seed in range(24):
        story = simulation.tell(seed)
        assert not story.broken, f"seed {seed}: {story.broken}"


PROPERTIES: tuple[Callable[[], None], ...] = (
    *breaker.PROPERTIES,
    *ladder.PROPERTIES,
    *answer.PROPERTIES,
    stories_keep_every_promise,
)
