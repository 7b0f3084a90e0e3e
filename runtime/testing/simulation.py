"""Failover under random faults and random traffic, in virtual time, held to what must never break.

One seed is one story: faults come over each other for a while, people keep asking, some leave, an operator
may force a tier, units come and go. Then the faults end, and the best rung must come back. A broken promise
is told with the story's timeline.
"""

import asyncio
import random as global_random
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from random import Random
from typing import Any

from contract.controls import Control, Controls
from contract.frames import ENDINGS, Ask, Final, ServerFrame
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
from runtime.canned import canned
from runtime.conversation import GoneError
from runtime.telemetry import Telemetry
from runtime.testing import loop
from runtime.testing.faults import FEW, Call, FaultyModels, schedule
from runtime.testing.ladders import whole

LADDER = whole()
UNITS = "units"  # of an event, which come and go
MODELS = [rung for rung in LADDER if rung.model is not None]
STRUCK = [*MODELS, MODELS[0].model_copy(update={"name": UNITS})]
TIERS = {rung.name: rung.tier for rung in STRUCK}
PLACES = {rung.name: (rung.model, rung.region) for rung in STRUCK}
ORDER = list(Tier)
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


class BrokenError(BaseException):
    """A promise was broken."""


@dataclass
class Asked:
    """One message, and all that came of it."""

    number: int
    text: str
    arrived: float
    forced: Tier | None
    frames: list[ServerFrame] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    ended: float = 0.0
    gone: float | None = None

    @property
    def final(self) -> ServerFrame | None:
        return self.frames[-1] if self.frames and self.frames[-1].type in ENDINGS else None

    @property
    def shown(self) -> str:
        """What the person has in front of them."""
        text = ""
        for frame in self.frames:
            if frame.type == "correction":
                text = frame.text
            elif frame.type == "delta":
                text += frame.text
        return text

    def is_mixed(self) -> bool:
        """Whether the text changed hands without a correction that says so."""
        owner = ""
        for frame in self.frames:
            if frame.type in {"delta", "correction"} and (words := frame.text.split()):
                if frame.type == "delta" and owner not in {"", words[0]}:
                    return True
                owner = words[-1]
        return False


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

    def __init__(self, simulation: "_Simulation") -> None:
        super().__init__("simulation", lambda: EPOCH, lambda _: None)
        self._simulation = simulation

    def log(self, level: str, message: str, **fields: Any) -> None:
        del level
        if message == "a breaker changed":
            self._simulation.breaker_changed(fields["rung"], str(fields["after"]), str(fields["why"]))
        elif message == "a message failed inside the runtime":
            raise self._simulation.broke(f"{message}: {fields['error']}")

    def metrics(self, values: Any, dimensions: Any, **properties: Any) -> None:
        pass


class _Simulation:
    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random = Random(seed)  # noqa: S311 - repeatable, not secret
        chance = self._random.random
        self._faults = schedule(self._random, STRUCK, FAULTS_S)
        tight = BudgetSettings(share=0.02, most=1)
        self._settings = RuntimeSettings(
            ladder=LADDER,
            retry=RetrySettings(budget=tight) if chance() < 0.5 else RetrySettings(),
            hedge=HedgeSettings(after_s=2.0) if chance() < 0.3 else HedgeSettings(),
            routing=RoutingSettings(trickle_share=0),
        )
        self._rate = self._random.choice((1.0, 2.0, 4.0, 8.0))
        self._forces = self._random.choice((Tier.T1, Tier.STANDBY, Tier.T2)) if chance() < 0.2 else None
        self._extras: Sequence[ExtraRung] = [_units()] if chance() < 0.5 else ()
        self._checked = chance() < 0.5
        self._controls = Controls()
        self._asked: list[Asked] = []
        self._open: dict[str, float] = {}  # breaker that is open -> since when
        self._half: set[str] = set()
        self._trouble: dict[str, float] = {}  # rung -> the last change of its breaker
        self._broken = ""
        self._retries = self._hedges = self._calls = 0
        self._timeline: list[tuple[float, str]] = [(f.start, f"begins {f}") for f in self._faults]

    async def play(self) -> Story:
        self._loop = asyncio.get_running_loop()
        self._models = FaultyModels(self._random, self._faults, self._call_begins, checked=self._checked)
        self._conversation = assemble(
            self._settings,
            port=self._models,
            controls=lambda: self._controls,
            price=lambda _: (0.0, 0.0),
            telemetry=_Watchful(self),
            extras=lambda: self._extras,
        )
        back = 0.0
        try:
            async with asyncio.TaskGroup() as people:
                await self._troubled(people)
                back = await self._better(people)
            self._whole()
        except* BrokenError:
            pass  # `broke` has kept it
        tiers: dict[str, int] = {}
        for asked in self._asked:
            who = asked.final.tier.value if isinstance(asked.final, Final) else "gone"
            tiers[who] = tiers.get(who, 0) + 1
        lines = (
            [f"{at:8.3f} {said}" for at, said in sorted(self._timeline, key=itemgetter(0))]
            if self._broken
            else []
        )
        gone_on = sum(call.so_far != "" for asked in self._asked for call in asked.calls)
        return Story(
            self._seed, len(self._asked), self._calls, back, tiers, gone_on, self._broken, tuple(lines)
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
            if self._last_are_best() and MODELS[0].name not in self._half:
                return self._loop.time() - began
        raise self.broke(f"not back on {Tier.T0} within {BACK_S:g} s after the last fault")

    def _last_are_best(self) -> bool:
        best = 0
        for asked in reversed(self._asked):
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
            self._note(f"an operator forces {tier}")
            until = EPOCH + timedelta(days=1)
            self._controls = Controls()
            if tier is not None:
                control: Control[Tier] = Control(value=tier, who="on-call", why="simulated", expires_at=until)
                self._controls = Controls(forced_tier=control)

    def _ask(self, people: asyncio.TaskGroup, *, may_leave: bool = True) -> None:
        turned = self._controls.forced_tier
        text = self._random.choice(QUESTIONS)
        asked = Asked(len(self._asked), text, self._loop.time(), turned.value if turned else None)
        self._asked.append(asked)
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
            self._judge(asked)

    def broke(self, why: str) -> BrokenError:
        """The first broken promise is the one that counts; what follows is its fallout."""
        self._broken = self._broken or why
        self._note(f"BROKEN: {why}")
        return BrokenError(why)

    # -- what is watched ----------------------------------------------------------------------------------

    def breaker_changed(self, rung: str, after: str, why: str) -> None:
        self._note(f"the breaker of {rung} is {after}: {why}")
        self._trouble[rung] = self._loop.time()
        self._open.pop(rung, None)
        self._half.discard(rung)
        if after == "open":
            self._open[rung] = self._loop.time()
        elif after == "half-open":
            self._half.add(rung)
        if rung == UNITS and not self._extras:
            self._open.pop(rung, None)

    def _call_begins(self, call: Call) -> None:
        asked = _asking.get()
        self._calls += 1
        self._note(f"request {asked.number} calls {call.rung}")
        if call.rung in self._open:
            raise self.broke(f"request {asked.number} called {call.rung}, whose breaker is open")
        if asked.forced is not None and ORDER.index(TIERS[call.rung]) < ORDER.index(asked.forced):
            raise self.broke(f"request {asked.number} called {call.rung} against the operator")
        if call.so_far and (not self._checked or call.so_far != asked.shown):
            raise self.broke(f"request {asked.number} goes on from what was not shown, or not checked")
        call.beside = any(other.ended is None for other in asked.calls)
        self._hedges += call.beside
        self._retries += any(other.rung == call.rung for other in asked.calls)
        retry, hedge = self._settings.retry.budget, self._settings.hedge.budget
        if self._retries > self._allowed(retry) or self._hedges > self._allowed(hedge):
            raise self.broke(f"request {asked.number} made an extra call that the budget did not have")
        asked.calls.append(call)

    def _allowed(self, budget: BudgetSettings) -> float:
        return budget.most + budget.share * len(self._asked) + 1e-6

    def _judge(self, asked: Asked) -> None:
        """Once a request is over."""
        ending = asked.final
        self._note(f"request {asked.number} ends: {ending and ending.type}, gone {asked.gone}")
        if self._broken:
            return
        if any(call.ended is None or call.ended > asked.ended for call in asked.calls):
            raise self.broke(f"request {asked.number} is over, and a model still works for it")
        if asked.gone is not None and ending is None:
            return
        self._judge_frames(asked)
        if asked.ended > asked.arrived + self._settings.request_s + 1e-6:
            raise self.broke(f"request {asked.number} outlived its deadline")
        if sum(call.tools for call in asked.calls if not call.beside) > 1 and not _hedged(asked):
            raise self.broke(f"request {asked.number} ran a tool again after a step")
        if isinstance(ending, Final):
            self._judge_final(asked, ending)

    def _judge_frames(self, asked: Asked) -> None:
        frames = asked.frames
        if [frame.sequence_number for frame in frames] != list(range(len(frames))):
            raise self.broke(f"request {asked.number}: the sequence numbers have a gap")
        if sum(frame.type in ENDINGS for frame in frames) != 1 or frames[-1].type not in ENDINGS:
            raise self.broke(f"request {asked.number}: not exactly one ending, at the end")

    def _judge_final(self, asked: Asked, ending: Final) -> None:
        shown = asked.shown
        if shown != ending.text or not shown:
            raise self.broke(f"request {asked.number}: what is shown is not what the final frame says")
        if ending.from_knowledge_base != (ending.tier is Tier.T2):
            raise self.broke(f"request {asked.number}: an answer without a model is not marked as such")
        if ending.tier is Tier.T2:
            self._judge_canned(asked, ending)
        elif asked.is_mixed() or not any(_is_all_of(shown, call, ending.rung) for call in asked.calls):
            raise self.broke(f"request {asked.number}: texts of several models are mixed")

    def _judge_canned(self, asked: Asked, ending: Final) -> None:
        """Only as the last resort, and the right one of the answers."""
        known = (answer.text for answer in canned().answers if asked.text in answer.asks)
        if ending.text != next(known, canned().unavailable):
            raise self.broke(f"request {asked.number}: a canned answer to another question")
        if asked.forced is Tier.T2 or asked.ended >= asked.arrived + self._settings.request_s:
            return
        simple = len(asked.text.split()) <= self._settings.routing.simple_words
        first = asked.forced or (Tier.T1 if simple else Tier.T0)
        due = {rung.name for rung in MODELS if ORDER.index(rung.tier) >= ORDER.index(first)}
        shut = {name for name in due if self._trouble.get(name, -1.0) >= asked.arrived}
        shut |= {name for name in due if self._models.crowded.get(name, -1.0) >= asked.arrived}
        shut |= {name for name in due if self._models.running[name] >= FEW}
        waited = {PLACES[call.rung] for call in asked.calls if call.how == "cancelled"}
        shut |= {name for name in due if PLACES[name] in waited}
        if unasked := due - {call.rung for call in asked.calls} - self._open.keys() - self._half - shut:
            raise self.broke(f"request {asked.number}: a canned answer though {unasked} was not asked")

    def _whole(self) -> None:
        """When everybody has gone home."""
        if running := +self._models.running:
            raise self.broke(f"calls still run on {', '.join(running)}")

    def _note(self, said: str) -> None:
        self._timeline.append((self._loop.time(), said))


def _is_all_of(shown: str, call: Call, rung: str) -> bool:
    """Whether the rung said all of it but what it was given to go on from."""
    own = shown.removeprefix(call.so_far)
    return call.rung == rung and shown.startswith(call.so_far) and set(own.split()) == {rung}


def _hedged(asked: Asked) -> bool:
    """Two calls side by side cannot know of each other's tools."""
    return any(call.beside for call in asked.calls)


def _units() -> ExtraRung:
    until = EPOCH + timedelta(days=1)
    return ExtraRung(
        name=UNITS, model="sonnet", arn="arn:x", units=1, who="event", why="simulated", expires_at=until
    )
