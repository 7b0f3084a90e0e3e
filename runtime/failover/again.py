"""Another try on the same rung, paced by tenacity on the loop's own time. Imported with the first retry only.

Exponential backoff with full jitter, so that a fleet does not come back in step (RUN-7).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_result,
    stop_after_attempt,
    wait_random_exponential,
)

from contract.runtime_settings import RetrySettings

T = TypeVar("T")
TRIES = 2  # the one that was made, and one more


async def again(settings: RetrySettings, made: T, attempt: Callable[[], Awaitable[T]]) -> T:
    """The result of one more attempt after `made`, whatever it is, and after a wait."""
    results: list[T] = []

    async def next_one() -> T:
        results.append(await attempt() if results else made)
        return results[-1]

    def last(_: RetryCallState) -> T:
        return results[-1]

    retrying = AsyncRetrying(
        retry=retry_if_result(lambda result: result is made),
        stop=stop_after_attempt(TRIES),
        wait=wait_random_exponential(multiplier=settings.first_s, max=settings.longest_s),
        sleep=asyncio.sleep,
        retry_error_callback=last,
    )
    return await retrying(next_one)
