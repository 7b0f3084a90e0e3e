"""The messages of one task, one by one, through the runtime's own breakers, limits, router and ladder.

A fleet's tasks see the same trouble, each for itself: so one of them is followed exactly, in virtual time,
and stands for all. Only models are made up: they take as long as measured ones, refuse by fault or for want
of capacity, and what they are asked counts for all the messages that a sampled one stands for.
"""

import asyncio
import random as global_random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

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
from sizing.measured import Measured
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


class Message(NamedTuple):
    """One message of the sampled task. `who`: who answers it before the ladder, or that it is lost; else
    `hardness` says where on the ladder it begins. `weight`: messages of the fleet that it stands for."""

    at: float
    intent: Intent
    who: str
    hardness: Complexity = Complexity.COMPLEX
    late: float = 0.0
    weight: float = 1.0


def run(asking: Asking, people: People, fleet: Fleet, seed: int) -> Seen:
    """People drawn by chance. The same seed, the same answer."""
    random = Random(seed)  # noqa: S311 - repeatable, not secret
    last = len(asking.weight) - 1

    def weight(now: float) -> float:
        return float(asking.weight[min(int(now / BIN_S), last)])

    return _run(_drawn(asking, people, fleet.measured, random), fleet, weight, random, seed)


def follow(messages: Iterable[Message], fleet: Fleet, seed: int) -> Seen:
    """These messages, in the order of their times."""
    return _run(messages, fleet, lambda _: 1.0, Random(seed), seed)  # noqa: S311 - as above


def hardness(intent: Intent, *, light: bool, short: bool) -> Complexity:
    """As the runtime judges it, of a message that no fact settles but `light` ones."""
    if light:
        return Complexity.LIGHT
    needed = needs()[intent]
    if needed.premium:
        return Complexity.PREMIUM
    return Complexity.SIMPLE if short and not needed.always_complex else Complexity.COMPLEX


def _run(
    messages: Iterable[Message], fleet: Fleet, weight: Callable[[float], float], random: Random, seed: int
) -> Seen:
    """Backoff draws from the global source, which is put back."""
    state = global_random.getstate()
    global_random.seed(seed)
    try:
        return virtual.run(_Task(fleet, weight, random).play(messages))
    finally:
        global_random.setstate(state)


def _drawn(asking: Asking, people: People, measured: Measured, random: Random) -> Iterator[Message]:
    """Bin by bin, as they arrive."""
    intents, shares = list(people.intents), list(people.intents.values())
    for number, count in enumerate(asking.arrivals):
        begin, late = number * BIN_S, float(asking.late[number])
        lost, weight = float(asking.lost[number]), float(asking.weight[number])
        for intent in random.choices(intents, shares, k=int(count)):
            at = begin + random.random() * BIN_S
            if random.random() < lost:
                yield Message(at, intent, LOST, weight=weight)
                continue
            who, drawn = measured.answered[intent], random.random()
            if drawn < who.own + who.cached:
                yield Message(at, intent, OWN if drawn < who.own else CACHE, late=late, weight=weight)
                continue
            light = drawn < who.own + who.cached + who.light
            short = random.random() < people.simple.get(intent, 0.0)
            yield Message(at, intent, "", hardness(intent, light=light, short=short), late, weight)


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
    def __init__(self, fleet: Fleet, weight: Callable[[float], float], random: Random) -> None:
        self._fleet, self._weight, self._random = fleet, weight, random
        self.seen = Seen()

    async def play(self, messages: Iterable[Message]) -> Seen:
        self._loop = asyncio.get_running_loop()
        now = self._loop.time
        settings = self._fleet.settings
        port = FleetModels(self._fleet, self._random, now, lambda: self._weight(now()))
        rungs = Rungs(settings.ladder, _no_extras, self._guard)
        self._router = Router(rungs.now, settings.routing, now, _knows_nothing)
        self._ladder = Ladder(port, rungs.guard, self._observe, settings.retry, settings.hedge)
        self._cap = None if self._fleet.cap is None else Bucket(self._fleet.cap, now, 1.0)
        async with asyncio.TaskGroup() as group:
            for message in messages:
                begins = int(message.at / BIN_S) * BIN_S
                if begins > now():
                    await asyncio.sleep(begins - now())
                self._begin(group, message)
        return self.seen

    def _begin(self, group: asyncio.TaskGroup, message: Message) -> None:
        """What needs no model is only drawn."""
        if not message.who:
            group.create_task(self._asked(message))
            return
        took = 0.0
        if message.who != LOST:
            measured = self._fleet.measured
            times = measured.own if message.who == OWN else measured.cached
            took = message.late + times.draw(self._random)
        self.seen.add(message.at, message.who, took, took, message.weight)

    async def _asked(self, message: Message) -> None:
        """One message that a model answers."""
        loop, fleet, at = self._loop, self._fleet, message.at
        begins = at + message.late + fleet.measured.around.draw(self._random)
        await asyncio.sleep(begins - loop.time())
        rungs = self._router.rungs("", message.hardness, _CONTROLS)
        if self._cap is not None and not self._cap.take(message.weight):
            rungs = [rung for rung in rungs if rung.model is None]
        listener = _Nobody()
        ended = await self._ladder.walk(
            rungs, Prompt(message.intent.value), at + fleet.settings.request_s, listener, _nothing_said
        )
        first = listener.first if listener.first is not None else loop.time()
        rung = ended.rung.name if isinstance(ended, Answer) else LOST
        now = loop.time()
        self.seen.add(at, rung, first - at, now - at, message.weight, now - begins)

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
