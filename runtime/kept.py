"""A document that is read again and again. A bad or missing one changes nothing, and is said once.

Every document is polled on its own and with jitter: one that is slow to read holds up no other, and a fleet
does not ask in step.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from runtime.telemetry import Telemetry

T = TypeVar("T")


class Kept(Generic[T]):
    """`read` fetches and checks it; `changed` hears of the value before and the new one."""

    def __init__(
        self,
        name: str,
        read: Callable[[], Awaitable[T]],
        first: T,
        telemetry: Telemetry,
        changed: Callable[[T, T], None],
    ) -> None:
        self.value = first
        self._name = name
        self._read = read
        self._telemetry = telemetry
        self._changed = changed
        self._trouble: str | None = None

    async def load(self) -> None:
        """The first read of what nothing may begin without: the error says what is wrong with it."""
        self.value = await self._read()

    async def refresh(self) -> None:
        """One read."""
        try:
            value = await self._read()
        except Exception as error:  # noqa: BLE001 - whatever is wrong, the last good document goes on
            self._complain(str(error))
            return
        if self._trouble is not None:
            self._trouble = None
            self._telemetry.log("info", f"{self._name} can be read again")
        if value != self.value:
            before, self.value = self.value, value
            self._changed(before, value)

    def _complain(self, trouble: str) -> None:
        """Once for each kind of trouble, not every few seconds."""
        if trouble != self._trouble:
            self._trouble = trouble
            said = f"{self._name} cannot be used, the last good ones stay"
            self._telemetry.log("error", said, error=trouble)


async def poll(
    refresh: Callable[[], Awaitable[None]],
    every_s: float,
    share: float,
    spread: Callable[[], float] = random.random,
) -> None:
    """Refreshes for ever, `share` of the time sooner or later; cancel it to stop. `spread` gives 0 to 1."""
    while True:
        await asyncio.sleep(every_s * (1 + share * (2 * spread() - 1)))
        await refresh()
