"""Two calls side by side (a hedge): one keeps silent, so another is asked, and who speaks first answers."""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from runtime.failover.call import Call
from runtime.failover.classify import Verdict
from runtime.port import Ran


class Won(NamedTuple):
    """The call that goes on, what it came to without a text, and the tools that the others ran."""

    call: Call
    verdict: Verdict | None
    recorded: list[Ran]


async def first(call: Call) -> Verdict | None:
    """A call alone: its first text, or what it came to without one."""
    try:
        return await call.first()
    except BaseException:
        await call.conclude(None)
        raise


async def race(call: Call, beside: Callable[[], Call | None], after_s: float) -> Won:
    """After so long a silence another begins. If none speaks, the last one's failure counts."""
    running = {asyncio.create_task(call.first()): call}
    recorded: list[Ran] = []
    try:
        done, _ = await asyncio.wait(running, timeout=after_s)
        if not done and (other := beside()):
            running[asyncio.create_task(other.first())] = other
        while True:
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            task = done.pop()
            verdict = task.result()
            if verdict is None or not verdict.outcome.steps_down or len(running) == 1:
                break
            await (failed := running.pop(task)).conclude(verdict)
            recorded += failed.recorded
    except BaseException:
        await _give_up(running)
        raise
    winner = running.pop(task)
    try:
        await _give_up(running)
    except BaseException:
        await winner.conclude(None)
        raise
    for loser in running.values():
        recorded += loser.recorded
    return Won(winner, verdict, recorded)


async def _give_up(running: dict[asyncio.Task[Verdict | None], Call]) -> None:
    """Ends calls that nobody needs any more, upstream too."""
    for task in running:
        task.cancel()
    try:
        await asyncio.gather(*running, return_exceptions=True)
    finally:
        for call in running.values():
            await call.conclude(None)
