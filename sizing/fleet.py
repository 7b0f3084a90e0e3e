"""The models of a fleet, made up: as slow as measured ones, refusing by fault or for want of capacity.

What a sampled call asks of a quota counts for all the messages that it stands for.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from contract.faults import FaultKind, Stage
from contract.runtime_settings import Rung, RuntimeSettings
from runtime.port import Event, Prompt, Ran, Spent, Stop, Text
from runtime.testing.models import refusal
from sizing.documents import SizingError
from sizing.measured import Measured
from sizing.pools import Pool

_CODES = {
    FaultKind.THROTTLE: ("throttled", "ThrottlingException", 429),
    FaultKind.BARE_THROTTLE: ("throttled", "429", 429),
    FaultKind.UNAVAILABLE: ("throttled", "ServiceUnavailableException", 503),
    FaultKind.ERROR: ("throttled", "InternalServerException", 500),
}


@dataclass(frozen=True)
class Fleet:
    """What the messages run on. `pools`: (region or none, model, on units?) -> capacity; others are endless.

    `cap`: calls to models a second, of all tasks together.
    """

    settings: RuntimeSettings
    measured: Measured
    tokens: Mapping[str, tuple[float, float]]
    pools: Mapping[tuple[str | None, str, bool], tuple[float, float | None]]
    burndown: float
    cap: float | None
    faults: Sequence[Stage]
    other_gone_at: float | None = None  # from when on the models of the other region are not there


class FleetModels:
    """The model port."""

    def __init__(
        self, fleet: Fleet, random: Random, now: Callable[[], float], weight: Callable[[], float]
    ) -> None:
        self._fleet, self._random, self._now, self._weight = fleet, random, now, weight
        self._pools = {
            key: Pool(tokens, requests, fleet.burndown if requests else 1.0, now)
            for key, (tokens, requests) in fleet.pools.items()
        }
        for rung in fleet.settings.ladder:
            if rung.model is not None and rung.model not in fleet.measured.good:
                raise SizingError(f"rung {rung.name}: nobody measured {rung.model}: record rehearsals of it")
        for stage in fleet.faults:
            if stage.fault.kind not in {*_CODES, FaultKind.SLOW}:
                raise SizingError(
                    f"fault {stage.fault.kind}: the simulator knows {', '.join([*_CODES, FaultKind.SLOW])}"
                )

    async def stream(
        self, rung: Rung, prompt: Prompt, recorded: Sequence[Ran] = (), so_far: str = ""
    ) -> AsyncGenerator[Event, None]:
        """`prompt`: the intent, in a word."""
        del recorded, so_far
        model = rung.model or ""
        measured, random = self._fleet.measured, self._random
        asked, answered = self._fleet.tokens[model]
        weight = self._weight()
        pool = self._pools.get((rung.region, model, rung.provisioned))
        spoken = measured.good[model].draw(prompt.asked, random)
        rest = max(0.0, spoken.whole_s - spoken.first_s) / spoken.rounds
        # A real answer comes in many pieces; as many as keep the patience with gaps from ending it.
        pieces = int(rest / (rung.gap_s * 0.8)) + 1
        for number in range(spoken.rounds):
            struck = self._struck(rung)
            if pool is not None and not pool.reserve(weight, asked, rung.max_tokens):
                struck = FaultKind.THROTTLE
            await self._refused(struck)
            if struck is FaultKind.SLOW:
                await asyncio.sleep(self._slow_s)
            if number == 0:
                await asyncio.sleep(spoken.first_s)
                yield Text("a")
            for _ in range(pieces):
                await asyncio.sleep(rest / pieces)
                yield Text("b")
            if pool is not None:
                pool.settle(weight, rung.max_tokens, answered)
        yield Stop()
        yield Spent(int(asked) * spoken.rounds, int(answered) * spoken.rounds)

    async def _refused(self, struck: FaultKind | None) -> None:
        """Raises what the fault makes of a call, after the time that it takes to say so."""
        if struck in _CODES:
            table, code, status = _CODES[struck]
            await asyncio.sleep(self._fleet.measured.refused[table].draw(self._random))
            raise refusal(code, status)

    def _struck(self, rung: Rung) -> FaultKind | None:
        now, model, gone_at = self._now(), rung.model, self._fleet.other_gone_at
        if rung.region is not None and gone_at is not None and now >= gone_at:
            return FaultKind.UNAVAILABLE
        for stage in self._fleet.faults:
            fault = stage.fault
            if not stage.at_s <= now < stage.at_s + stage.for_s or fault.match.get("model", model) != model:
                continue
            if self._random.random() < fault.rate:
                self._slow_s = fault.measure(30.0)
                return fault.kind
        return None
