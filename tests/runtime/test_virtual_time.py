"""The event loop whose clock jumps."""

import asyncio
from typing import Any

import pytest

from runtime.testing import loop


def test_an_hour_passes_at_once_and_exactly():
    async def main() -> Any:
        await asyncio.sleep(0.1)
        await asyncio.sleep(0.2)
        await asyncio.sleep(3_599.7)
        return asyncio.get_running_loop().time()

    assert loop.run(main()) == 3_600.0


def test_things_happen_in_the_order_of_their_time():
    async def main() -> Any:
        seen = []

        async def at(seconds: float) -> None:
            await asyncio.sleep(seconds)
            seen.append((seconds, asyncio.get_running_loop().time()))

        async with asyncio.TaskGroup() as group:
            for seconds in (3, 1, 2):
                group.create_task(at(seconds))
        return seen

    assert loop.run(main()) == [(1, 1), (2, 2), (3, 3)]


def test_timeouts_strike_on_time():
    async def main() -> Any:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.5):
                await asyncio.sleep(1e9)
        return asyncio.get_running_loop().time()

    assert loop.run(main()) == 2.5


def test_waiting_for_nothing_is_an_error_instead_of_a_hang():
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(loop.StuckError):
        loop.run(main())
