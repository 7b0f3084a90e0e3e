"""Failover under random faults and random traffic, in virtual time, held to what must never break.

One seed is one story: faults come over each other for a while, people keep asking, some leave, an operator
may force a tier, units come and go. Then the faults end, and the best rung must come back. A broken promise
is told with the story's timeline.
"""

import asyncio
import random as global_random
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from random import Random
from typing import Any

from contract.controls import Control, Controls
from contract.frames import Ask, Final, ServerFrame
from contract.rungs import ExtraRung
from contract.runtime_settings import (
    BudgetSettings,
    HedgeSettings,
    RetrySettings,
    RoutingSettings,
    RuntimeSettings,
)
from contract.tiers import Tier
from runtime.assemble import assemble
from runtime.reply import GoneError
from runtime.telemetry import Telemetry
from runtime.testing import loop
from runtime.testing.faults import FaultyModels, schedule
from runtime.testing.promises import LADDER, MODELS, STRUCK, UNITS, Asked, BrokenError, Promises

QUESTIONS = (
    "Where is my order?",
    "Which lamp?",
    "Look it up with a tool",
    "Which of these two tents is better for four people in heavy rain?",
    "Compare for me the last two kettles that I looked at, with a tool",
)
FAULTS_S = 40.0  # the last fault ends before
BACK_S = 60.0  # after it, everybody is back on the best rung within
BACK_RATE = 3.0  # messages a second meanwhile
PROOF = 10  # answers of the best rung in a row that are proof of it
EPOCH = datetime(2030, 7, 15, tzinfo=UTC)


@dataclass(frozen=True)
class Story:
    """What came of one seed. `broken`: nothing, or the first promise that was."""

    seed: int
    requests: int
    calls: int
    back_s: float
    tiers: dict[str, int]
    gone_on: int = 0  # calls that went on from the beginning of an answer
    broken: str = ""
    timeline: tuple[str, ...] = ()


_asking: ContextVar[Asked] = ContextVar("asking")


def tell(seed: int) -> Story:
    """Plays one seed. Backoff draws from the global source, so that is seeded too, and put back."""
    state = global_random.getstate()
    global_random.seed(seed)
    try:
        return loop.run(_Simulation(seed).play())
    finally:
        global_random.setstate(state)


class _Watchful(Telemetry):
    """Writes nothing; hears of breakers."""

    def __init__(self, promises: Promises) -> None:
        super().__init__("simulation", lambda: EPOCH, lambda _: None)
        self._promises = promises

    def log(self, level: str, message: str, **fields: Any) -> None:
        del level
        if message == "a breaker changed":
            self._promises.breaker_changed(fields["rung"], str(fields["after"]), str(fields["why"]))
        elif message == "a message failed inside the runtime":
            raise self._promises.broke(f"{message}: {fields['error']}")

    def metrics(self, values: Any, dimensions: Any, **properties: Any) -> None:
        """Nobody looks."""


class _Simulation:
    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random = Random(seed)  # noqa: S311 - repeatable, not secret
        chance = self._random.random
        self._faults = schedule(self._random, STRUCK, FAULTS_S)
        tight = BudgetSettings(share=0.02, most=1)
        self._settings = RuntimeSettings(
            ladder=LADDER,
            request_s=self._random.choice((25.0, 12.0)),
            retry=RetrySettings(budget=tight) if chance() < 0.5 else RetrySettings(),
            hedge=HedgeSettings(after_s=2.0) if chance() < 0.3 else HedgeSettings(),
            routing=RoutingSettings(trickle_share=0),
        )
        self._rate = self._random.choice((1.0, 2.0, 4.0, 8.0))
        self._forces = self._random.choice((Tier.T1, Tier.STANDBY, Tier.T2)) if chance() < 0.2 else None
        self._extras: Sequence[ExtraRung] = [_units()] if chance() < 0.5 else ()
        self._checked = chance() < 0.5
        self._controls = Controls()

    async def play(self) -> Story:
        self._loop = asyncio.get_running_loop()
        self._promises = Promises(self._settings, checked=self._checked)
        self._promises.timeline += [(fault.start, f"begins {fault}") for fault in self._faults]
        self._models = FaultyModels(
            self._random,
            self._faults,
            lambda call: self._promises.call_begins(_asking.get(), call),
            checked=self._checked,
        )
        self._conversation = assemble(
            self._settings,
            port=self._models,
            controls=lambda: self._controls,
            price=lambda _: (0.0, 0.0),
            telemetry=_Watchful(self._promises),
            extras=lambda: self._extras,
        )
        back = 0.0
        try:
            async with asyncio.TaskGroup() as people:
                await self._troubled(people)
                back = await self._better(people)
            self._promises.all_is_quiet(self._models)
        except* BrokenError:
            pass  # `broke` has kept it
        return self._told(back)

    def _told(self, back: float) -> Story:
        promises = self._promises
        tiers: dict[str, int] = {}
        for asked in promises.asked:
            other = "gone" if asked.final is None else "refused"
            who = asked.final.tier.value if isinstance(asked.final, Final) else other
            tiers[who] = tiers.get(who, 0) + 1
        lines = (
            [f"{at:8.3f} {said}" for at, said in sorted(promises.timeline, key=itemgetter(0))]
            if promises.broken
            else []
        )
        gone_on = sum(call.so_far != "" for asked in promises.asked for call in asked.calls)
        return Story(
            self._seed,
            len(promises.asked),
            promises.calls,
            back,
            tiers,
            gone_on,
            promises.broken,
            tuple(lines),
        )

    # -- the story -----------------------------------------------------------------------------------------

    async def _troubled(self, people: asyncio.TaskGroup) -> None:
        """Until the last fault has ended. An operator and the owner of units do what they do."""
        until = max(fault.end for fault in self._faults)
        turns = sorted(self._random.uniform(0, until) for _ in range(2))
        units_at = self._random.uniform(0, until)
        while (now := self._loop.time()) < until:
            inside = turns[0] <= now < turns[1]
            self._turn(self._forces if inside else None)
            if now >= units_at:
                self._extras = ()
            self._ask(people)
            await asyncio.sleep(self._random.expovariate(self._rate))
        self._turn(None)
        self._extras = ()

    async def _better(self, people: asyncio.TaskGroup) -> float:
        """How long it takes until everybody is back."""
        began = self._loop.time()
        while self._loop.time() < began + BACK_S:
            self._ask(people, may_leave=False)
            await asyncio.sleep(1 / BACK_RATE)
            if self._last_are_best() and MODELS[0].name not in self._promises.half:
                return self._loop.time() - began
        raise self._promises.broke(f"not back on {Tier.T0} within {BACK_S:g} s after the last fault")

    def _last_are_best(self) -> bool:
        best = 0
        for asked in reversed(self._promises.asked):
            if (final := asked.final) is not None:
                if not isinstance(final, Final) or final.tier is not Tier.T0:
                    return False
                best += 1
                if best == PROOF:
                    return True
        return False

    def _turn(self, tier: Tier | None) -> None:
        turned = self._controls.forced_tier
        if tier is not (turned.value if turned else None):
            self._promises.note(f"an operator forces {tier}")
            until = EPOCH + timedelta(days=1)
            self._controls = Controls()
            if tier is not None:
                control: Control[Tier] = Control(value=tier, who="on-call", why="simulated", expires_at=until)
                self._controls = Controls(forced_tier=control)

    def _ask(self, people: asyncio.TaskGroup, *, may_leave: bool = True) -> None:
        turned = self._controls.forced_tier
        text = self._random.choice(QUESTIONS)
        asked = Asked(len(self._promises.asked), text, self._loop.time(), turned.value if turned else None)
        self._promises.asked.append(asked)
        task = people.create_task(self._answer(asked))
        if may_leave and self._random.random() < 0.05:
            self._loop.call_later(self._random.uniform(0, 4), self._leave, asked, task)

    def _leave(self, asked: Asked, task: asyncio.Task[None]) -> None:
        if not task.done():
            asked.gone = self._loop.time()
            if self._random.random() < 0.5:
                task.cancel()  # the server saw the connection go; else it learns when it next sends

    async def _answer(self, asked: Asked) -> None:
        _asking.set(asked)

        async def send(frame: ServerFrame) -> None:
            if asked.gone is not None:
                raise GoneError
            asked.frames.append(frame)

        try:
            ask = Ask(request_id=f"r{asked.number}", text=asked.text)
            await self._conversation.answer(ask, f"s{asked.number}", send)
        except GoneError:
            pass
        finally:
            asked.ended = self._loop.time()
            self._promises.judge(asked, self._models)


def _units() -> ExtraRung:
    until = EPOCH + timedelta(days=1)
    return ExtraRung(
        name=UNITS, model="sonnet", arn="arn:x", units=1, who="event", why="simulated", expires_at=until
    )
