"""An event loop whose clock jumps: waiting costs nothing, an hour takes as long as its events.

For code on in-memory ports. Real sockets do not belong on it: they answer in real time, which never comes.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class StuckError(Exception):
    """Everything waits, and nothing is due: it would wait for ever."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Starts at second 0."""

    def __init__(self) -> None:
        self._at = 0.0
        super().__init__(_Jump(self))

    def time(self) -> float:
        return self._at

    def jump(self, seconds: float) -> None:
        """Moves the clock; to the nanosecond, so that sums of delays come out even."""
        self._at = round(self._at + seconds, 9)


class _Jump(selectors.DefaultSelector):
    """Instead of sleeping until the next timer is due, makes it due. Asks the system only if none is."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            if ready := super().select(0):
                return ready
            raise StuckError("every task waits for something that nothing will bring about")
        if timeout > 0:
            self._loop.jump(timeout)
        return []


def run(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
