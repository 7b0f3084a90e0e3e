"""One call for all who ask the same at the same time: of a crowd, one asks, and all get what it is told.

Nothing is kept once the answer is there: that is a cache's business.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class _Flight(Generic[T]):
    """A call under way, and how many wait for it."""

    __slots__ = ("task", "waiters")

    def __init__(self, task: asyncio.Task[T]) -> None:
        self.task = task
        self.waiters = 0


class Coalesce(Generic[K, T]):
    """Who is cancelled leaves the others their answer; with the last one, the call ends too."""

    def __init__(self) -> None:
        self._flights: dict[K, _Flight[T]] = {}

    def __len__(self) -> int:
        """Calls under way."""
        return len(self._flights)

    async def do(self, key: K, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` gives, or what somebody's work with this key is about to give."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.ensure_future(_run(work)))
            flight.task.add_done_callback(partial(self._land, key, flight))
        flight.waiters += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiters -= 1
            if flight.waiters == 0 and not flight.task.done():
                self._land(key, flight)  # whoever comes now must not join a call that is being given up
                flight.task.cancel()

    def _land(self, key: K, flight: _Flight[T], _: object = None) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        if flight.task.done() and not flight.task.cancelled():
            flight.task.exception()  # seen, also when everybody has gone


async def _run(work: Callable[[], Awaitable[T]]) -> T:
    return await work()
