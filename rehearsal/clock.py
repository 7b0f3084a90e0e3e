"""How time passes for a stand-in: everything it waits for is divided by one speed."""

import asyncio
import time


class Clock:
    """`now` is in seconds of the story, which run `speed` times as fast as ours."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed

    def now(self) -> float:
        return time.monotonic() * self.speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)

    async def until(self, since: float, seconds: float) -> None:
        """Waits for a moment counted from an earlier one, so that small delays do not add up."""
        left_s = (since + seconds - self.now()) / self.speed
        if left_s > 0:
            await asyncio.sleep(left_s)
