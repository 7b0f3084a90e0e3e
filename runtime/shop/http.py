"""Asking one service over HTTP: what statuses and broken connections mean. The questions stand elsewhere."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

import aiohttp

from runtime.connections import Headers
from runtime.downstream import Downstream, ProviderError, Why
from runtime.shop.answers import read

T = TypeVar("T")
KEY = "Idempotency-Key"
MOST_BYTES = 2 * 1024 * 1024
NOT_FOUND = 404
_STATUSES = {408: Why.TIMEOUT, 429: Why.THROTTLED, 504: Why.TIMEOUT}
# A no that has a reason in its body, as `{"error": {"code": "..."}}`.
_DECLINES = frozenset({402, 409})
# Of these it is known that nothing was done, or that it may be done again under the same key.
_PASSING = frozenset({503})


class Service:
    """One provider at one place. `headers` gives those of each call: trace, request id, customer."""

    def __init__(self, at: Downstream, session: aiohttp.ClientSession, url: str, headers: Headers) -> None:
        self._at = at
        self._session = session
        self._url = url.rstrip("/")
        self._headers = headers

    async def get(self, kind: type[T], path: str, query: Mapping[str, str] | None = None) -> T | None:
        """The answer, or None where the service knows nothing of what was asked for."""
        return await self._at.ask(lambda: self._once(kind, "GET", path, query, None, {}))

    async def ask(self, kind: type[T], path: str, body: Mapping[str, Any]) -> T | None:
        """A read whose question is too long for a path."""
        return await self._at.ask(lambda: self._once(kind, "POST", path, None, body, {}))

    async def write(self, kind: type[T], path: str, body: Mapping[str, Any], key: str) -> T | None:
        """A change, once for each key however often it is sent."""
        if not key:
            raise ValueError("a write needs an idempotency key")
        return await self._at.ask(lambda: self._once(kind, "POST", path, None, body, {KEY: key}))

    def broken(self, detail: str) -> ProviderError:
        """An answer that its contract does not have."""
        return self._at.error(Why.BROKEN, detail)

    async def _once(
        self,
        kind: type[T],
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        more: Mapping[str, str],
    ) -> T | None:
        headers = {**self._headers(), **more}
        try:
            async with self._session.request(
                method, self._url + path, params=query, json=body, headers=headers, allow_redirects=False
            ) as response:
                status, said = response.status, await self._whole(response)
        except aiohttp.ClientPayloadError as cut:
            raise self._at.error(Why.UNAVAILABLE, "the answer was cut", passing=True) from cut
        except (aiohttp.ClientConnectionError, OSError) as lost:
            raise self._at.error(Why.UNAVAILABLE, _said(lost), passing=True) from lost
        except aiohttp.ClientError as wrong:
            raise self._at.error(Why.BROKEN, _said(wrong)) from wrong
        if status == NOT_FOUND:
            return None
        if status in _DECLINES:
            raise self._at.error(Why.DECLINED, _code(said))
        if not 200 <= status < 300:
            raise self._refused(status)
        try:
            return read(kind, said)
        except ValueError as wrong:
            raise self._at.error(Why.BROKEN, str(wrong)) from None

    async def _whole(self, response: aiohttp.ClientResponse) -> bytes:
        if (response.content_length or 0) > MOST_BYTES:
            raise self._at.error(Why.BROKEN, f"an answer of {response.content_length} bytes")
        return await response.read()

    def _refused(self, status: int) -> ProviderError:
        usual = Why.UNAVAILABLE if status >= 500 else Why.REFUSED if status >= 400 else Why.BROKEN
        return self._at.error(_STATUSES.get(status, usual), f"status {status}", passing=status in _PASSING)


def _code(body: bytes) -> str:
    """Why it was declined, in the service's own word."""
    try:
        return str(json.loads(body)["error"]["code"])
    except (ValueError, LookupError, TypeError):
        return "declined"


def _said(error: BaseException) -> str:
    return type(error).__name__
