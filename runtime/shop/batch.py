"""Lookups that come together are sent together: one call for what one turn of the loop asked (LOAD-2).

Thirty thousand lookups a second are mostly the same few hundred products; who waits for one that is already
under way waits with the others.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Batch(Generic[T]):
    """`fetch` gets up to `most` keys and gives what it found: of each a value, or what is wrong with it.

    Its own error is the error of all who asked. Who is cancelled leaves the others their answer.
    """

    def __init__(
        self, fetch: Callable[[Sequence[str]], Awaitable[Mapping[str, T | Exception]]], most: int
    ) -> None:
        self._fetch = fetch
        self._most = most
        self._waiting: dict[str, asyncio.Future[T | None]] = {}  # to be sent when this turn ends
        self._sent: dict[str, asyncio.Future[T | None]] = {}
        self._calls: set[asyncio.Task[None]] = set()

    async def get(self, key: str) -> T | None:
        """What there is of it."""
        return await asyncio.shield(self._future(key))

    async def get_all(self, keys: Sequence[str]) -> Sequence[T | None]:
        """What there is of each."""
        futures = [self._future(key) for key in keys]
        if futures:
            await asyncio.wait(futures)  # unlike gather, it leaves them alone when it is cancelled
        return [future.result() for future in futures]

    def _future(self, key: str) -> asyncio.Future[T | None]:
        future = self._sent.get(key) or self._waiting.get(key)
        if future is None:
            loop = asyncio.get_running_loop()
            if not self._waiting:
                loop.call_soon(self._send)
            future = self._waiting[key] = loop.create_future()
        return future

    def _send(self) -> None:
        asked, self._waiting = self._waiting, {}
        self._sent |= asked
        keys = list(asked)
        for start in range(0, len(keys), self._most):
            call = asyncio.ensure_future(self._call(keys[start : start + self._most]))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)

    async def _call(self, keys: Sequence[str]) -> None:
        found: Mapping[str, T | Exception] = {}
        failed: Exception | None = None
        try:
            found = await self._fetch(keys)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who asked must hear it
            failed = error
        finally:  # also when the loop ends and takes the call with it
            for key in keys:
                _settle(self._sent.pop(key), failed or found.get(key))


def _settle(future: asyncio.Future[T | None], came: T | Exception | None) -> None:
    if isinstance(came, Exception):
        future.set_exception(came)
        future.exception()  # seen, also when everybody has gone
    else:
        future.set_result(came)
