"""How many bulk requests go at a time: at once fewer when the index pushes back, slowly more when not.

Whoever reads documents waits here with what it has read, so nothing piles up in memory (back-pressure).
"""

import asyncio
from types import TracebackType

LESS = 0.5


class Pressure:
    """Between one and `most`. Use it as `async with pressure:`, and tell it what came of that."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._allowed = float(most)
        self._running = 0
        self._room = asyncio.Condition()

    @property
    def allowed(self) -> int:
        return max(1, int(self._allowed))

    async def __aenter__(self) -> None:
        async with self._room:
            await self._room.wait_for(lambda: self._running < self.allowed)
            self._running += 1

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async with self._room:
            self._running -= 1
            self._room.notify_all()

    def eased(self) -> None:
        """One was taken: a whole round of them makes room for one more."""
        self._allowed = min(float(self._most), self._allowed + 1 / self._allowed)

    def pushed(self) -> None:
        """One was refused for want of room."""
        self._allowed = max(1.0, self._allowed * LESS)
