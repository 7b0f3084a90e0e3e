"""How long an event takes to be played, and whether twice the events take twice the time.

    .venv/bin/python bench/sizing.py [--quick]

The floor: the same walks down the ladder with no wait and no fluid (`runtime/failover` alone). Goals: an hour
at 50,000 messages a second with 500,000 people in two minutes of one core, a time that grows as the events
do, and the same answer for the same seed.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from time import process_time

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from contract.controls import Controls
from contract.runtime_settings import Rung, RuntimeSettings
from runtime.answer.needs import Complexity
from runtime.failover.guard import Guard
from runtime.failover.ladder import Ladder
from runtime.port import Event, Prompt, Ran, Spent, Stop, Text
from runtime.route import Router
from sizing import assumptions, capacities, patch, quote, traffic
from sizing.case import Case, settings_of
from sizing.measured import Measured
from sizing.recording import known
from sizing.simulate import Simulated, simulate
from sizing.story import Flash, Loss, Story

RATE, SESSIONS = 50_000.0, 500_000.0
GOAL_S, GOAL_GROWTH = 120.0, 1.25
FLOOR_WALKS = 20_000


class _AtOnce:
    """A model that answers without waiting."""

    async def stream(
        self, rung: Rung, prompt: Prompt, recorded: Sequence[Ran] = (), so_far: str = ""
    ) -> AsyncGenerator[Event, None]:
        del rung, prompt, recorded, so_far
        yield Text("a")
        yield Text("b")
        yield Stop()
        yield Spent(1, 1)


class _Nobody:
    async def text(self, chunk: str) -> None: ...

    async def restart(self, chunk: str, reason: str) -> None: ...


async def _floor() -> float:
    """Microseconds of a walk down a healthy ladder."""
    settings, now = RuntimeSettings(), asyncio.get_running_loop().time
    guards = {
        rung.name: Guard(rung, settings.breaker, settings.limit, now, lambda _: None)
        for rung in settings.ladder
    }
    router = Router(lambda: settings.ladder, settings.routing, now, lambda _: False)
    ladder = Ladder(_AtOnce(), lambda rung: guards[rung.name], router.begun)
    began = process_time()
    for _ in range(FLOOR_WALKS):
        rungs = router.rungs("", Complexity.COMPLEX, Controls())
        await ladder.walk(rungs, Prompt(""), now() + 25, _Nobody(), lambda: "")
    return (process_time() - began) / FLOOR_WALKS * 1e6


def _story(hours: float) -> Story:
    """A flash sale after a third, the region gone after two."""
    return Story(
        rate=RATE,
        sessions=SESSIONS,
        hours=hours,
        ramp_s=min(600.0, hours * 600),
        flashes=(Flash(hours * 1_200, hours * 120, 1.2),),
        losses=(Loss("region", hours * 2_400),),
        connected_s=assumptions.usual().conversation.connected_s,
    )


def _play(hours: float, case: Case, measured: Measured) -> tuple[float, Simulated]:
    settings = case.changed(patch.changes(case.needs)).settings
    began = process_time()
    found = simulate(_story(hours), settings, case.known.granted(case.target), case.assumed, measured, seed=1)
    return process_time() - began, found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a quarter of an hour instead of an hour")
    hours = 0.25 if parser.parse_args().quick else 1.0
    assumed = assumptions.usual()
    case = Case(
        stack="prod",
        settings=settings_of("prod", {}),
        ordinary=traffic.of_day(assumed.hours, RATE * 1.2, assumed.spread),
        events=(),
        assumed=assumed,
        quotes=quote.assumed_quotes(),
        known=capacities.usual(),
        sessions=SESSIONS,
    )
    measured = Measured.of(known("calibration"))
    floor_us = asyncio.run(_floor())
    half_s, half = _play(hours / 2, case, measured)
    whole_s, whole = _play(hours, case, measured)
    again_s, again = _play(hours / 2, case, measured)
    each_us = whole_s / len(whole.seen.at) * 1e6
    growth = (whole_s / min(half_s, again_s)) / (len(whole.seen.at) / len(half.seen.at))
    same = half.seen.whole == again.seen.whole and half.answered == again.answered
    followed = len(whole.seen.at)
    print(f"{hours:g} h at {RATE:,.0f} messages/s: {whole_s:.1f} s of CPU, {followed:,} messages followed")
    print(f"a followed message {each_us:.0f} us, {each_us / floor_us:.1f}x a walk alone ({floor_us:.0f} us)")
    print(f"{whole.messages / whole_s:,.0f} messages of the event a second of one core")
    print(
        f"half of it: {half_s:.1f} s; time by events {growth:.2f} (1: linear); same seed, same answer: {same}"
    )
    held = whole_s <= GOAL_S * hours and growth <= GOAL_GROWTH and same
    print(f"goals ({GOAL_S * hours:g} s, {GOAL_GROWTH}x, same): {'held' if held else 'MISSED'}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
