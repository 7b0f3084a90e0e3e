"""The instances behind an endpoint: slots, a queue, cold ones, and a GPU that slows down when it is full."""

import asyncio
import tomllib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from math import exp
from pathlib import Path
from random import Random

from pydantic import Field

from contract.base import Shape
from rehearsal.clock import Clock

_SPREAD = 0.25
_GIVEN_UP_S = 60.0  # SageMaker's own limit for one invocation


class Kind(Shape):
    """A row of endpoints.toml."""

    base_s: float = Field(gt=0)
    item_s: float = Field(ge=0)
    slots: int = Field(ge=1)
    queue: int = Field(ge=0)
    items: int = Field(ge=1)
    cold_s: float = Field(gt=0)


@cache
def kinds() -> Mapping[str, Kind]:
    """Kind of endpoint -> what it is like."""
    rows = tomllib.loads(Path(__file__).with_name("endpoints.toml").read_text("utf-8"))
    return {name: Kind.model_validate(row) for name, row in rows.items()}


class FullError(Exception):
    """Every slot is taken, and so is the queue."""


class TooSlowError(Exception):
    """The call would last longer than SageMaker waits."""


@dataclass
class Instance:
    """One machine. `items` it is working on; a cold one loads its model first."""

    warm: bool
    busy: int = 0
    items: int = 0


class Instances:
    """All machines of one endpoint."""

    def __init__(self, kind: Kind, clock: Clock, seed: str, count: int = 1, *, warm: bool = True) -> None:
        self.kind = kind
        self._clock, self._random = clock, Random(seed)  # noqa: S311 - repeatable, not secret
        self.machines = [Instance(warm) for _ in range(count)]
        self.waiting = 0
        self._freed = asyncio.Condition()

    def scale(self, count: int, *, warm: bool = False) -> None:
        """New machines are cold unless they had time; the last ones go first."""
        self.machines = self.machines[:count]
        self.machines += [Instance(warm=warm) for _ in range(count - len(self.machines))]

    @asynccontextmanager
    async def work(self, items: int, cold_s: float | None, times: float) -> AsyncIterator[None]:
        """Holds a slot for as long as the call takes. `cold_s`: a fault has the machine load its model."""
        machine = await self._take()
        machine.items += items
        try:
            if not machine.warm or cold_s is not None:
                machine.warm = True
                await self._clock.sleep(self.kind.cold_s if cold_s is None else cold_s)
            lasts = self._lasts(machine, items) * times
            if lasts > _GIVEN_UP_S:
                await self._clock.sleep(_GIVEN_UP_S)
                raise TooSlowError
            await self._clock.sleep(lasts)
            yield
        finally:
            machine.busy -= 1
            machine.items -= items
            async with self._freed:
                self._freed.notify()

    async def _take(self) -> Instance:
        if (free := self._free()) is None:
            if self.waiting >= self.kind.queue * len(self.machines):
                raise FullError
            self.waiting += 1
            try:
                async with self._freed:
                    await self._freed.wait_for(lambda: self._free() is not None)
                free = self._free()
            finally:
                self.waiting -= 1
        if free is None:  # somebody was quicker
            return await self._take()
        free.busy += 1
        return free

    def _free(self) -> Instance | None:
        free = [machine for machine in self.machines if machine.busy < self.kind.slots]
        return min(free, key=lambda machine: (not machine.warm, machine.busy), default=None)

    def _lasts(self, machine: Instance, items: int) -> float:
        crowded = max(1.0, machine.items / self.kind.items) ** 2
        drawn = exp(self._random.gauss(0.0, _SPREAD))
        return (self.kind.base_s + self.kind.item_s * items) * crowded * drawn
