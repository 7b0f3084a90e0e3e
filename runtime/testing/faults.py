"""Models that misbehave by a schedule: what goes wrong, on which rungs, when, and how often.

Everything is drawn from a seed, so that a run can be had again.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from contract.runtime_settings import Rung
from runtime.port import Event, Opened, Prompt, Ran, Spent, Stop, Text
from runtime.testing.models import in_stream, refusal

REFUSALS: dict[str, Callable[[], Exception]] = {
    "throttled": lambda: refusal("ThrottlingException", 429),
    "not ready": lambda: refusal("ModelNotReadyException", 429),
    "internal": lambda: refusal("InternalServerException", 500),
    "unavailable": lambda: refusal("ServiceUnavailableException", 503),
    "denied": lambda: refusal("AccessDeniedException", 403),
    "quota": lambda: refusal("ServiceQuotaExceededException", 400),
    "model timeout": lambda: refusal("ModelTimeoutException", 408),
    "model error": lambda: refusal("ModelErrorException", 424, original_status=500),
    "invalid": lambda: refusal("ValidationException", 400),
    "reset": ConnectionResetError,
}
IN_STREAM: dict[str, Callable[[], Exception | None]] = {
    "cut": lambda: in_stream("modelStreamErrorException"),
    "no code": lambda: in_stream(""),
    "clean end": lambda: None,
}
KINDS = (*REFUSALS, *IN_STREAM, "slow", "hangs", "stalls", "blocked")
CHUNKS = 3
FEW = 20  # calls at a time that any limit allows


@dataclass(frozen=True)
class Fault:
    """`rate` of the calls to `rungs` misbehave from `start` to `end`; flapping: in every other `period`."""

    kind: str
    rungs: frozenset[str]
    start: float
    end: float
    rate: float = 1.0
    period: float = 0.0

    def hits(self, rung: str, now: float, chance: float) -> bool:
        if rung not in self.rungs or not self.start <= now < self.end or chance >= self.rate:
            return False
        return not self.period or int((now - self.start) / self.period) % 2 == 0


@dataclass
class Call:
    """One call as the model saw it."""

    rung: str
    started: float
    ended: float | None = None
    how: Literal["running", "whole", "failed", "cancelled"] = "running"
    hit: str = ""  # the kind of fault that struck it
    so_far: str = ""  # the beginning of the answer that it was given
    tools: int = field(default=0)  # that it ran
    beside: bool = False  # another call for the same message was running

    @property
    def in_vain(self) -> bool:
        """Whether time was up, here or at the model."""
        return self.how == "cancelled" or self.hit == "model timeout"


class FaultyModels:
    """A model port. `begins` is told of every call before anything happens, and may object by raising.

    `checked`: a guardrail reads all text before it comes.
    """

    def __init__(
        self,
        random: Random,
        faults: Sequence[Fault],
        begins: Callable[[Call], object],
        *,
        checked: bool,
    ) -> None:
        self._random = random
        self._faults = faults
        self._begins = begins
        self._checked = checked
        self.running: Counter[str] = Counter()
        self.crowded: dict[str, float] = {}  # rung -> when it last had more than a few calls at a time

    async def stream(
        self, rung: Rung, prompt: Prompt, recorded: Sequence[Ran] = (), so_far: str = ""
    ) -> AsyncGenerator[Event, None]:
        loop = asyncio.get_running_loop()
        call = Call(rung.name, loop.time(), so_far=so_far)
        self._begins(call)
        self.running[rung.name] += 1
        try:
            async for event in self._events(rung, call, prompt.asked, recorded):
                yield event
            call.how = "whole"
        except Exception:
            call.how = "failed"
            raise
        finally:
            call.ended = loop.time()
            if self.running[rung.name] >= FEW:
                self.crowded[rung.name] = call.ended
            self.running[rung.name] -= 1
            if call.how == "running":
                call.how = "cancelled"

    async def _events(
        self, rung: Rung, call: Call, message: str, recorded: Sequence[Ran]
    ) -> AsyncGenerator[Event, None]:
        chance = self._random.random
        hit = next((f.kind for f in self._faults if f.hits(rung.name, call.started, chance())), "")
        call.hit = hit
        if hit in REFUSALS:
            await asyncio.sleep(0.02)
            raise REFUSALS[hit]()  # noqa: RSE102 - it makes the error
        yield Opened(self._checked)
        await asyncio.sleep(1e6 if hit == "hangs" else 0.3 + 0.4 * chance() + 12 * (hit == "slow"))
        if message.endswith("tool") and not recorded:
            call.tools += 1
            yield Ran("look-up", {"about": message}, "found")
        for number in range(CHUNKS):
            # Each chunk says whose it is, so that a mixture can be seen.
            yield Text(f" {rung.name}" if number or call.so_far else rung.name)
            if number == 1 and hit in IN_STREAM:
                if error := IN_STREAM[hit]():
                    raise error
                return
            await asyncio.sleep(1e6 if number == 1 and hit == "stalls" else 0.1 + 0.2 * chance())
        yield Stop("guardrail_intervened", self._checked) if hit == "blocked" else Stop()
        yield Spent(10, CHUNKS)


def schedule(random: Random, rungs: Sequence[Rung], lasts_s: float) -> list[Fault]:
    """One to four faults: of one rung or several, of a whole region, partial, flapping, over each other."""
    faults = []
    for _ in range(random.randint(1, 4)):
        start = random.uniform(0, lasts_s / 2)
        faults.append(
            Fault(
                kind=random.choice(KINDS),
                rungs=_struck(random, rungs),
                start=start,
                end=random.uniform(start + 5, lasts_s),
                rate=random.choice((1.0, 1.0, 0.5, 0.3, 0.1)),
                period=random.choice((0.0, 0.0, random.uniform(0.5, 8))),
            )
        )
    return faults


def _struck(random: Random, rungs: Sequence[Rung]) -> frozenset[str]:
    if random.random() < 0.3:  # a region
        region = random.choice([rung.region for rung in rungs])
        return frozenset(rung.name for rung in rungs if rung.region == region)
    return frozenset(random.sample([rung.name for rung in rungs], random.randint(1, len(rungs))))
