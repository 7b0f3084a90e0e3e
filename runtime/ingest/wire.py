"""Requests to the search domain as ingest makes them: signed, patient, and with one error when patience ends.

A person who asks waits a quarter of a second; a document may wait minutes. So nothing here has a breaker.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import aiohttp
from pydantic_core import from_json

from contract.errors import InconclusiveError, WrongUseError
from contract.ingest_settings import IngestSettings
from runtime.signing import Signer

T = TypeVar("T")
FIRST_WAIT_S = 0.1
_BUSY = frozenset({429, 502, 503, 504})
_LINES, _JSON = "application/x-ndjson", "application/json"


class IndexAwayError(InconclusiveError):
    """The index does not answer, or is too busy, for longer than anybody waits."""


class IndexRefusedError(WrongUseError):
    """The index will not have it, however often it is asked."""


class BusyError(Exception):
    """Not now; later perhaps."""


class Wire:
    """`signer`: None where nobody checks signatures."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, signer: Signer | None, settings: IngestSettings
    ) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._signer = signer
        self._settings = settings

    async def ask(
        self, method: str, path: str, body: bytes = b"", *, lines: bool = False
    ) -> Mapping[str, Any]:
        """What it answers; asked again while it is away or busy. `lines`: the body is one of `_bulk`."""
        return await patiently(lambda: self.once(method, path, body, lines=lines), self._settings)

    async def once(
        self, method: str, path: str, body: bytes = b"", *, lines: bool = False
    ) -> Mapping[str, Any]:
        """One try; BusyError says that another may do."""
        url = f"{self._url}{path}"
        headers: Mapping[str, str] = {"Content-Type": _LINES if lines else _JSON}
        if self._signer is not None:
            headers = await self._signer.sign(method, url, body, headers)
        try:
            async with (
                asyncio.timeout(self._settings.write_s),
                self._session.request(method, url, data=body, headers=headers) as response,
            ):
                status, said = response.status, await response.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as lost:
            raise BusyError(f"search at {self._url}: {type(lost).__name__}: {lost}".rstrip(": ")) from lost
        if status in _BUSY:
            raise BusyError(f"search at {self._url}: status {status}: {_reason(said)}")
        if status >= 400:
            raise IndexRefusedError(
                f"search at {self._url} refused {method} {path}: {status}: {_reason(said)}"
            )
        try:
            found: Mapping[str, Any] = from_json(said)
        except ValueError as broken:
            raise BusyError(f"search at {self._url}: an answer that is no JSON") from broken
        return found


async def patiently(work: Callable[[], Awaitable[T]], settings: IngestSettings) -> T:
    """Asks until it is answered or patience ends; waits grow, and no two askers wait alike."""
    from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

    retrying = AsyncRetrying(
        retry=retry_if_exception_type(BusyError),
        stop=stop_after_delay(settings.patience_s),
        wait=wait_random_exponential(multiplier=FIRST_WAIT_S, max=settings.longest_wait_s),
        sleep=asyncio.sleep,
        reraise=True,
    )

    async def once() -> T:
        return await work()

    try:
        return await retrying(once)
    except BusyError as busy:
        raise IndexAwayError(
            f"{busy}; given up after {settings.patience_s:g} s: run it again, what is done stays done"
        ) from busy


def _reason(said: bytes) -> str:
    try:
        error = from_json(said)["error"]
        return str(error["reason"] if isinstance(error, dict) else error)[:300]
    except (ValueError, KeyError, TypeError):
        return said[:200].decode(errors="replace").strip() or "no reason given"
