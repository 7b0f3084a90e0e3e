"""What providers told us, for a few minutes: `await prices.get("B000000001", ask_the_provider)`.

Of all that want the same thing at the same time, one asks: in this task they share one call, among tasks the
others look again until it is there. A provider that fails leaves what it said before, for a while.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from contract.traffic_settings import CacheSettings
from runtime.caches.shelf import Seen, Shelf
from runtime.measures import Measures
from runtime.valkey import word

T = TypeVar("T")
Make = Callable[[], Awaitable[T]]
USABLE = ("fresh", "early", "stale")


class Lookups(Generic[T]):
    """One kind of thing; each has its own name on the shelf."""

    def __init__(self, shelf: Shelf[T], settings: CacheSettings, measures: Measures, ttl_s: float) -> None:
        self._shelf = shelf
        self._settings = settings
        self._measures = measures
        self._ttl_s = ttl_s
        self._under_way: dict[str, asyncio.Task[T]] = {}

    async def get(self, key: str, make: Make[T], tags: Sequence[str] = ()) -> T:
        """The value; whatever `make` raises where there is none. `tags`: what it was made from."""
        key = word(key)
        if not self._settings.coalesce:
            return await self._find(key, make, tags)
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.create_task(self._find(key, make, tags))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        return await asyncio.shield(task)  # who leaves does not take the others' answer away

    def _forget(self, key: str, done: asyncio.Task[T]) -> None:
        self._under_way.pop(key, None)
        if not done.cancelled():
            done.exception()  # everybody who waited may have left

    async def _find(self, key: str, make: Make[T], tags: Sequence[str]) -> T:
        began = _time()
        token = self._shelf.token()
        seen = await self._shelf.look(key, token)
        until = began + self._settings.wait_s
        while not seen.mine and seen.value is None and _time() < until:
            await asyncio.sleep(self._settings.again_s)
            seen = await self._shelf.look(key, token)
        serve = seen.state == "fresh" or (seen.value is not None and not seen.mine)
        self._measures.cache(
            self._shelf.name, _time() - began, hit=serve, stale=serve and seen.state == "stale"
        )
        if serve and seen.value is not None:
            return seen.value
        return await self._make(key, token, seen, make, tags)

    async def _make(self, key: str, token: str, seen: Seen[T], make: Make[T], tags: Sequence[str]) -> T:
        started = _time()
        self._measures.made(self._shelf.name)
        try:
            value = await make()
        except BaseException as error:
            await self._shelf.release(key, token)
            if isinstance(error, Exception) and seen.value is not None:
                return seen.value
            raise
        if seen.state != "down":
            took, ttl = _time() - started, self._ttl_s
            await self._shelf.put(key, token, value, began=seen.began, took_s=took, ttl_s=ttl, tags=tags)
        return value


def _time() -> float:
    return asyncio.get_running_loop().time()
