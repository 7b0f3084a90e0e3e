"""An event loop whose clock jumps: waiting costs nothing, an hour takes as long as its events.

For code on in-memory ports. Real sockets do not belong on it: they answer in real time, which never comes.
"""

import asyncio
import selectors
import signal
import threading
from collections.abc import Coroutine
from types import FrameType
from typing import Any, Self, TypeVar

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


class _Interrupt:
    """Ctrl-C while a loop runs: ends its work as a cancellation does, between two steps and never within one.

    Raised just anywhere it would lose steps that were due, and whoever waits for them would wait for ever.
    """

    def __init__(self) -> None:
        self._before = signal.getsignal(signal.SIGINT)
        self._heard = self._came = self._pending = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None

    def __enter__(self) -> Self:
        """Other threads hear no signals, and a handler that is not Python's stays."""
        self._heard = callable(self._before) and threading.current_thread() is threading.main_thread()
        if self._heard:
            signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        """Whatever became of the work: as if it came only now."""
        if self._heard:
            signal.signal(signal.SIGINT, self._before)
        if self._came:
            self._told(signal.SIGINT, None)
            raise KeyboardInterrupt

    async def guarding(self, main: Coroutine[Any, Any, T]) -> T:
        """The work that it ends."""
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        try:
            if self._came:
                raise asyncio.CancelledError
            return await main
        finally:
            main.close()
            self._loop = None

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._pending:  # the step that it waits for does not end
            self._told(number, frame)
        self._came = True
        if self._loop is not None:
            self._pending = True
            self._loop.call_soon(self._cancel)

    def _cancel(self) -> None:
        self._pending = False
        if self._task is not None:
            self._task.cancel()

    def _told(self, number: int, frame: FrameType | None) -> None:
        if callable(self._before):
            self._before(number, frame)


def run(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` in virtual time."""
    with _Interrupt() as interrupt, asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(interrupt.guarding(main))
