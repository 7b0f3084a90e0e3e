"""Which generation of the index a search reads, and whose vectors it holds (VEC-2, VEC-5).

Usually the alias says it. While the index is rebuilt, a share of the searches reads the new generation: the
same question always the same one, so that nobody sees two answers in turn.
"""

import asyncio
from collections.abc import Awaitable, Callable
from zlib import crc32

from contract import search
from contract.cutover import Cutover
from runtime.downstream import ProviderError

FRESH_S, AGAIN_S = 300.0, 5.0  # after so long it is asked again whose vectors an index holds, or who knows
_ALL = 2**32


def read_by(words: str, cutover: Cutover | None) -> str:
    """The index that this question is asked."""
    if cutover is None:
        return search.index().name
    return cutover.to if crc32(words.encode()) < cutover.share * _ALL else cutover.origin


class Held:
    """Whose vectors an index holds: `ask` tells it. While nobody can tell, they are taken to fit."""

    def __init__(self, ask: Callable[[str], Awaitable[frozenset[str]]]) -> None:
        self._ask = ask
        self._known: dict[str, frozenset[str]] = {}
        self._until: dict[str, float] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}

    async def holds(self, index: str, embedder: str) -> bool:
        """Waits for the first answer; afterwards nobody waits while it is asked again."""
        if asyncio.get_running_loop().time() >= self._until.get(index, 0.0):
            asked = self._asked(index)
            if index not in self._known:
                await asyncio.shield(asked)
        return self._known[index] <= {embedder}

    def _asked(self, index: str) -> "asyncio.Task[None]":
        if index not in self._asking:
            task = self._asking[index] = asyncio.create_task(self._learn(index))
            task.add_done_callback(lambda _: self._asking.pop(index))
        return self._asking[index]

    async def _learn(self, index: str) -> None:
        now = asyncio.get_running_loop().time
        try:
            self._known[index] = await self._ask(index)
            self._until[index] = now() + FRESH_S
        except ProviderError:
            self._known.setdefault(index, frozenset())
            self._until[index] = now() + AGAIN_S
