"""Tasks with caches over one Valkey in this process, in virtual time."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

from contract.traffic_settings import CacheSettings
from runtime.caches import Answers, Codec, Lookups, Shelf, Similar
from runtime.measures import Measures
from runtime.telemetry import Telemetry
from runtime.testing import loop
from runtime.testing.desk import wall
from runtime.valkey import Nowhere, Store
from tests.runtime.valkey_helpers import MemoryValkey, on_the_loops_time

TEXT = Codec[str](1, str.encode, bytes.decode)


class Task:
    """One task's caches, and what it counted."""

    def __init__(
        self, store: Store, settings: CacheSettings, seed: int = 1, codec: Codec[str] = TEXT
    ) -> None:
        self.store = store
        self.lines: list[dict[str, Any]] = []
        self.telemetry = Telemetry("test", wall, lambda line: self.lines.append(json.loads(line)))
        measures = Measures(self.telemetry)
        chance = random.Random(seed).random
        self.prices = Lookups(
            Shelf("prices", store, codec, settings, chance), settings, measures, settings.api_s
        )
        shelf = Shelf("answers", store, codec, settings, chance)
        self.answers = Answers(shelf, Similar("answers", store, settings), settings, measures)

    def counted(self, metric: str) -> float:
        self.telemetry.flush()
        return sum(sum(line[metric]) for line in self.lines if metric in line)


def played(
    scene: Callable[..., Awaitable[Any]], settings: CacheSettings | None = None, tasks: int = 1, seed: int = 1
) -> Any:
    """`scene(server, task, ...)`; its result."""

    async def main() -> Any:
        server = MemoryValkey()
        async with AsyncExitStack() as stack:
            stores = [await stack.enter_async_context(server.client()) for _ in range(tasks)]
            made = [
                Task(store, settings or CacheSettings(), 100 * seed + number)
                for number, store in enumerate(stores)
            ]
            return await scene(server, *made)

    with on_the_loops_time():
        return loop.run(main())


def without_valkey(scene: Callable[[Task], Awaitable[Any]], settings: CacheSettings | None = None) -> Any:
    async def main() -> Any:
        return await scene(Task(Nowhere(), settings or CacheSettings()))

    return loop.run(main())


class Provider:
    """Answers after `seconds`, counts how often, and may fail."""

    def __init__(self, seconds: float = 0.2) -> None:
        self.seconds = seconds
        self.asked: list[float] = []
        self.fails = False

    async def __call__(self) -> str:
        self.asked.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.seconds)
        if self.fails:
            raise ConnectionError("pricing is down")
        return f"price {len(self.asked)}"
