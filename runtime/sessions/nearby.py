"""Sessions that this process has seen a moment ago (DATA-2): what keeps a crowd off the table, without DAX.

Lives differ a little, so that those who came together do not come back together. What is past its life is
kept for one purpose: the store may be down, and then it is better than nothing.
"""

import random
from collections import OrderedDict
from collections.abc import Callable

from runtime.sessions.memory import Memory


class Nearby:
    """The last `most` sessions by use. `now`: the loop's time; `spread` gives 0 to 1."""

    def __init__(
        self,
        life_s: float,
        jitter: float,
        most: int,
        now: Callable[[], float],
        spread: Callable[[], float] = random.random,
    ) -> None:
        self._life_s = life_s
        self._jitter = jitter
        self._most = most
        self._now = now
        self._spread = spread
        self._kept: OrderedDict[str, tuple[float, Memory]] = OrderedDict()

    def fresh(self, session_id: str) -> Memory | None:
        """What was seen a moment ago."""
        kept = self._kept.get(session_id)
        if kept is None or kept[0] <= self._now():
            return None
        self._kept.move_to_end(session_id)
        return kept[1]

    def last(self, session_id: str) -> Memory | None:
        """What was seen at all."""
        kept = self._kept.get(session_id)
        return kept[1] if kept else None

    def keep(self, memory: Memory) -> None:
        life_s = self._life_s * (1 + self._jitter * (2 * self._spread() - 1))
        self._kept[memory.session_id] = self._now() + life_s, memory
        self._kept.move_to_end(memory.session_id)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def forget(self, session_id: str) -> None:
        self._kept.pop(session_id, None)
