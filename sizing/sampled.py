"""The messages of one task, one by one, through the runtime's own breakers, limits, router and ladder.

A fleet's tasks see the same trouble, each for itself: so one of them is followed exactly, in virtual time,
and stands for all. Only models are made up: they take as long as measured ones, refuse by fault or for want
of capacity, and what they are asked counts for all the messages that a sampled one stands for.
"""

import asyncio
import random as global_random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np

from contract.controls import Controls
from contract.intents import Intent
from contract.rungs import ExtraRung
from contract.runtime_settings import Rung
from runtime.answer.needs import Complexity, needs
from runtime.failover.guard import Guard
from runtime.failover.ladder import Answer, Attempt, Ladder
from runtime.port import Prompt
from runtime.route import Router
from runtime.rungs import Rungs
from runtime.testing import loop as virtual
from sizing.fleet import Fleet, FleetModels
from sizing.pools import Bucket
from sizing.recording import CACHE, OWN
from sizing.traffic import Floats

BIN_S = 0.1
LOST = "no answer"  # as a rung: the message was turned away or failed


@dataclass(frozen=True)
class Asking:
    """What comes to one task, bin by bin. `weight`: messages of the fleet that a sampled one stands for.

    `lost`: the share that never reaches a model, whatever it is; `late`: seconds that everything waits.
    """

    arrivals: np.ndarray[tuple[int], np.dtype[np.int64]]
    weight: Floats
    lost: Floats
    late: Floats


@dataclass(frozen=True)
class People:
    """Who asks for what: intent -> share; and of those without own words or cache, how many are simple."""

    intents: Mapping[Intent, float]
    simple: Mapping[Intent, float]


@dataclass
class Seen:
    """What became of the sampled messages, in the order in which they ended."""

    at: list[float] = field(default_factory=list)
    rung: list[str] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    ladder: list[float] = field(default_factory=list)
    weight: list[float] = field(default_factory=list)
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    opened: list[tuple[float, str, str]] = field(default_factory=list)

    def add(
        self, at: float, rung: str, first: float, whole: float, weight: float, ladder: float = 0.0
    ) -> None:
        """One message. `ladder`: seconds of it that models and their errors took."""
        self.ladder.append(ladder)
        self.at.append(at)
        self.rung.append(rung)
        self.first.append(first)
        self.whole.append(whole)
        self.weight.append(weight)


def run(asking: Asking, people: People, fleet: Fleet, seed: int) -> Seen:
    """The same seed, the same answer. Backoff draws from the global source, which is put back."""
    state = global_random.getstate()
    global_random.seed(seed)
    try:
        return virtual.run(_Task(asking, people, fleet, seed).play())
    finally:
        global_random.setstate(state)


class _Nobody:
    """Hears an answer, and when it began."""

    __slots__ = ("first",)

    def __init__(self) -> None:
        self.first: float | None = None

    async def text(self, chunk: str) -> None:
        del chunk
        if self.first is None:
            self.first = asyncio.get_running_loop().time()

    async def restart(self, chunk: str, reason: str) -> None:
        del reason
        await self.text(chunk)


class _Task:
    def __init__(self, asking: Asking, people: People, fleet: Fleet, seed: int) -> None:
        self._asking, self._people, self._fleet = asking, people, fleet
        self._random = Random(seed)  # noqa: S311 - repeatable, not secret
        self._intents = list(people.intents)
        self._shares = list(people.intents.values())
        self.seen = Seen()

    async def play(self) -> Seen:
        self._loop = asyncio.get_running_loop()
        now = self._loop.time
        settings = self._fleet.settings
        port = FleetModels(self._fleet, self._random, now, self._weight)
        rungs = Rungs(settings.ladder, _no_extras, self._guard)
        self._router = Router(rungs.now, settings.routing, now, _knows_nothing)
        self._ladder = Ladder(port, rungs.guard, self._observe, settings.retry, settings.hedge)
        self._cap = None if self._fleet.cap is None else Bucket(self._fleet.cap, now, 1.0)
        async with asyncio.TaskGroup() as group:
            for number, count in enumerate(self._asking.arrivals):
                if count:
                    wait = number * BIN_S - now()
                    if wait > 0:
                        await asyncio.sleep(wait)
                    self._bin(group, number, int(count))
        return self.seen

    def _weight(self) -> float:
        number = min(int(self._loop.time() / BIN_S), len(self._asking.weight) - 1)
        return float(self._asking.weight[number])

    def _bin(self, group: asyncio.TaskGroup, number: int, count: int) -> None:
        """All that arrives in a tenth of a second. What needs no model is only drawn."""
        measured, random = self._fleet.measured, self._random
        begin, late = number * BIN_S, float(self._asking.late[number])
        lost, weight = float(self._asking.lost[number]), float(self._asking.weight[number])
        for intent in random.choices(self._intents, self._shares, k=count):
            at = begin + random.random() * BIN_S
            if random.random() < lost:
                self.seen.add(at, LOST, 0.0, 0.0, weight)
                continue
            who, drawn = measured.answered[intent], random.random()
            if drawn < who.own:
                took = late + measured.own.draw(random)
                self.seen.add(at, OWN, took, took, weight)
            elif drawn < who.own + who.cached:
                took = late + measured.cached.draw(random)
                self.seen.add(at, CACHE, took, took, weight)
            else:
                light = drawn < who.own + who.cached + who.light
                group.create_task(self._asked(at, intent, late, weight, light=light))

    async def _asked(self, at: float, intent: Intent, late: float, weight: float, *, light: bool) -> None:
        """One message that a model answers."""
        loop, fleet = self._loop, self._fleet
        begins = at + late + fleet.measured.around.draw(self._random)
        await asyncio.sleep(begins - loop.time())
        rungs = self._router.rungs("", self._complexity(intent, light=light), _CONTROLS)
        if self._cap is not None and not self._cap.take(weight):
            rungs = [rung for rung in rungs if rung.model is None]
        listener = _Nobody()
        ended = await self._ladder.walk(
            rungs, Prompt(intent.value), at + fleet.settings.request_s, listener, _nothing_said
        )
        first = listener.first if listener.first is not None else loop.time()
        rung = ended.rung.name if isinstance(ended, Answer) else LOST
        now = loop.time()
        self.seen.add(at, rung, first - at, now - at, weight, now - begins)

    def _complexity(self, intent: Intent, *, light: bool) -> Complexity:
        if light:
            return Complexity.LIGHT
        needed = needs()[intent]
        if needed.premium:
            return Complexity.PREMIUM
        if needed.always_complex or self._random.random() >= self._people.simple.get(intent, 0.0):
            return Complexity.COMPLEX
        return Complexity.SIMPLE

    def _guard(self, rung: Rung) -> Guard:
        settings = self._fleet.settings
        return Guard(
            rung,
            settings.breaker,
            settings.limit,
            self._loop.time,
            lambda change: self.seen.opened.append((self._loop.time(), rung.name, change.after.value)),
        )

    def _observe(self, rung: Rung) -> Callable[[Attempt | None], None]:
        counted = self._router.begun(rung)

        def ended(attempt: Attempt | None) -> None:
            counted(attempt)
            if attempt is not None:
                self.seen.calls[rung.name, attempt.outcome.value] += 1

        return ended


_CONTROLS = Controls()


def _no_extras() -> Sequence[ExtraRung]:
    return ()


def _knows_nothing(_: str) -> bool:
    return False


def _nothing_said() -> str:
    return "canned"
