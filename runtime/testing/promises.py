"""What a simulated story must never break, watched from outside: by the frames people get and the calls made.

The faults are known, so it is known too what may come of them. Which story is played is told elsewhere.
"""

import asyncio
from dataclasses import dataclass, field

from contract.frames import ENDINGS, Failure, Final, ServerFrame
from contract.runtime_settings import BudgetSettings, RuntimeSettings
from contract.tiers import Tier
from runtime.canned import canned
from runtime.testing.faults import FEW, Call, FaultyModels
from runtime.testing.ladders import whole

LADDER = whole()
UNITS = "units"  # of an event, which come and go
MODELS = [rung for rung in LADDER if rung.model is not None]
STRUCK = [*MODELS, MODELS[0].model_copy(update={"name": UNITS})]
TIERS = {rung.name: rung.tier for rung in STRUCK}
PLACES = {rung.name: (rung.model, rung.region) for rung in STRUCK}


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


class Promises:
    """Raises BrokenError at the first that is broken; `timeline` keeps all that happened until then.

    `checked`: a guardrail reads all text before it comes, so that another rung may go on from it.
    """

    def __init__(self, settings: RuntimeSettings, *, checked: bool) -> None:
        self._settings = settings
        self._checked = checked
        self._time = asyncio.get_running_loop().time
        self._open: set[str] = set()  # rungs whose breaker is open
        self._changed: dict[str, float] = {}  # rung -> the last change of its breaker
        self._retries = self._hedges = 0
        self.half: set[str] = set()
        self.asked: list[Asked] = []
        self.calls = 0
        self.broken = ""
        self.timeline: list[tuple[float, str]] = []

    def broke(self, why: str) -> BrokenError:
        """The first broken promise is the one that counts; what follows is its fallout."""
        self.broken = self.broken or why
        self.note(f"BROKEN: {why}")
        return BrokenError(why)

    def note(self, said: str) -> None:
        self.timeline.append((self._time(), said))

    def breaker_changed(self, rung: str, after: str, why: str) -> None:
        self.note(f"the breaker of {rung} is {after}: {why}")
        self._changed[rung] = self._time()
        self._open.discard(rung)
        self.half.discard(rung)
        if after == "open":
            self._open.add(rung)
        elif after == "half-open":
            self.half.add(rung)

    def call_begins(self, asked: Asked, call: Call) -> None:
        self.calls += 1
        self.note(f"request {asked.number} calls {call.rung}")
        if call.rung in self._open:
            raise self.broke(f"request {asked.number} called {call.rung}, whose breaker is open")
        if asked.forced is not None and asked.forced.is_below(TIERS[call.rung]):
            raise self.broke(f"request {asked.number} called {call.rung} against the operator")
        # What the output checks still held back was written too: the text goes on after it.
        if call.so_far and (not self._checked or not call.so_far.startswith(asked.shown.rstrip())):
            raise self.broke(f"request {asked.number} goes on from what was not shown, or not checked")
        call.beside = any(other.ended is None for other in asked.calls)
        self._hedges += call.beside
        self._retries += any(other.rung == call.rung for other in asked.calls)
        retry, hedge = self._settings.retry.budget, self._settings.hedge.budget
        if self._retries > self._allowed(retry) or self._hedges > self._allowed(hedge):
            raise self.broke(f"request {asked.number} made an extra call that the budget did not have")
        asked.calls.append(call)

    def _allowed(self, budget: BudgetSettings) -> float:
        return budget.most + budget.share * len(self.asked) + 1e-6

    def judge(self, asked: Asked, models: FaultyModels) -> None:
        """Once a request is over."""
        ending = asked.final
        self.note(f"request {asked.number} ends: {ending and ending.type}, gone {asked.gone}")
        if self.broken:
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
            self._judge_final(asked, ending, models)
        elif isinstance(ending, Failure) and not _was_hit(asked, "invalid"):
            raise self.broke(f"request {asked.number}: no answer, {ending.code}")

    def _judge_frames(self, asked: Asked) -> None:
        frames = asked.frames
        if [frame.sequence_number for frame in frames] != list(range(len(frames))):
            raise self.broke(f"request {asked.number}: the sequence numbers have a gap")
        if sum(frame.type in ENDINGS for frame in frames) != 1 or frames[-1].type not in ENDINGS:
            raise self.broke(f"request {asked.number}: not exactly one ending, at the end")

    def _judge_final(self, asked: Asked, ending: Final, models: FaultyModels) -> None:
        shown = asked.shown
        if shown != ending.text or not shown:
            raise self.broke(f"request {asked.number}: what is shown is not what the final frame says")
        if ending.from_knowledge_base != (ending.tier is Tier.T2):
            raise self.broke(f"request {asked.number}: an answer without a model is not marked as such")
        if ending.tier is Tier.T2:
            self._judge_canned(asked, ending, models)
        elif ending.text == canned().blocked:
            if not _was_hit(asked, "blocked"):
                raise self.broke(f"request {asked.number}: an answer was withdrawn that nobody blocked")
        elif asked.is_mixed() or not any(_is_all_of(shown, call, ending.rung) for call in asked.calls):
            raise self.broke(f"request {asked.number}: texts of several models are mixed")

    def _judge_canned(self, asked: Asked, ending: Final, models: FaultyModels) -> None:
        """Only as the last resort, and the right one of the answers."""
        known = (answer.text for answer in canned().answers if asked.text in answer.asks)
        if ending.text != next(known, canned().unavailable):
            raise self.broke(f"request {asked.number}: a canned answer to another question")
        if asked.forced is Tier.T2 or asked.ended >= asked.arrived + self._settings.request_s:
            return
        simple = len(asked.text.split()) <= self._settings.routing.simple_words
        first = asked.forced or (Tier.T1 if simple else Tier.T0)
        due = {rung.name for rung in MODELS if not first.is_below(rung.tier)}
        shut = {name for name in due if self._changed.get(name, -1.0) >= asked.arrived}
        shut |= {name for name in due if models.crowded.get(name, -1.0) >= asked.arrived}
        shut |= {name for name in due if models.running[name] >= FEW}
        waited = {PLACES[call.rung] for call in asked.calls if call.in_vain}
        shut |= {name for name in due if PLACES[name] in waited}
        if unasked := due - {call.rung for call in asked.calls} - self._open - self.half - shut:
            raise self.broke(f"request {asked.number}: a canned answer though {unasked} was not asked")

    def all_is_quiet(self, models: FaultyModels) -> None:
        """When everybody has gone home."""
        if running := +models.running:
            raise self.broke(f"calls still run on {', '.join(running)}")


def _is_all_of(shown: str, call: Call, rung: str) -> bool:
    """Whether the rung said all of it but what it was given to go on from."""
    own = shown.removeprefix(call.so_far)
    return call.rung == rung and shown.startswith(call.so_far) and set(own.split()) == {rung}


def _hedged(asked: Asked) -> bool:
    """Two calls side by side cannot know of each other's tools."""
    return any(call.beside for call in asked.calls)


def _was_hit(asked: Asked, kind: str) -> bool:
    return any(call.hit == kind for call in asked.calls)
