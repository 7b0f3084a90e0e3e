"""Whole answers, said again where that is right.

    async with answers.turn(question, mode) as turn:
        if turn.answer is None and (vector := await embedded()):
            await turn.similar(vector)
        if turn.answer is not None:
            return turn.answer
        ...generate...
        await turn.keep(answer, Made(by_model=True), tags=asins, vector=vector)

Of all who ask the same at the same time one generates; the others wait in `turn` for its answer, for so
long, and then go on by themselves. If it leaves without one, another takes over. If its answer is nobody
else's, they go on by themselves, and for a while nobody waits for the next: they would wait one after the
other for nothing.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Literal, Self, TypeVar

from contract.traffic_settings import CacheSettings
from runtime.caches.question import Question
from runtime.caches.shelf import Seen, Shelf
from runtime.caches.similar import Similar
from runtime.caches.vectors import pack
from runtime.measures import Measures

MOST_REMEMBERED = 10_000  # questions whose answers are nobody else's
T = TypeVar("T")
Mode = Literal["normal", "aggressive", "off"]
How = Literal["", "exact", "similar"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """How an answer came about. Only what a model said, whole and untouched, is said again.

    `derived`: something in it is from a provider, such as a price: it is good for minutes. `lacking`:
    something could not be looked up: it is as good as can be for those who wait now, and for nobody later.
    """

    by_model: bool
    whole: bool = True
    blocked: bool = False
    corrected: bool = False
    derived: bool = False
    lacking: bool = False

    @property
    def may_be_shared(self) -> bool:
        return self.by_model and self.whole and not self.blocked and not self.corrected

    @property
    def may_be_kept(self) -> bool:
        return self.may_be_shared and not self.lacking


class Answers(Generic[T]):
    """The cache of answers; `similar` None: found by the same words only."""

    def __init__(
        self, shelf: Shelf[T], similar: Similar | None, settings: CacheSettings, measures: Measures
    ) -> None:
        self.shelf = shelf
        self.like = similar if settings.semantic else None
        self.settings = settings
        self.measures = measures
        self.under_way: dict[str, asyncio.Future[T | None]] = {}
        self._nobody_elses: dict[str, float] = {}

    def nobody_elses(self, key: str) -> bool:
        """Whether answers to this were for nobody else a moment ago."""
        return _time() < self._nobody_elses.get(key, 0.0)

    def note_nobody_elses(self, key: str) -> None:
        """For as long as somebody may hold the lease to make one."""
        now = _time()
        if len(self._nobody_elses) >= MOST_REMEMBERED:
            self._nobody_elses = {name: until for name, until in self._nobody_elses.items() if until > now}
        if len(self._nobody_elses) < MOST_REMEMBERED:
            self._nobody_elses[key] = now + self.settings.lease_s

    def turn(self, question: Question, mode: Mode = "normal") -> "Turn[T]":
        """One message's way through the cache; `mode` is the operator's control."""
        return Turn(self, question, mode)


class Turn(Generic[T]):
    """Made by `Answers.turn`. `answer`: what may be said again; None: none. `how` it was found, if stale."""

    def __init__(self, answers: Answers[T], question: Question, mode: Mode) -> None:
        self._answers = answers
        self._question = question
        self._key = question.key
        self._token = answers.shelf.token()
        self._threshold = (
            answers.settings.similar_aggressive if mode == "aggressive" else answers.settings.similar
        )
        self._off = mode == "off" or not question.may_be_kept
        self._seen: Seen[T] = Seen("down")
        self._leads: asyncio.Future[T | None] | None = None
        self._settled = True
        self._began = 0.0
        self._packed = b""  # the question's vector, once somebody has asked with it
        self.answer: T | None = None
        self.how: How = ""
        self.stale = False

    async def __aenter__(self) -> Self:
        self._began = _time()
        if not self._off:
            await self._wait_or_look()
            seconds = _time() - self._began
            self._answers.measures.cache("answers", seconds, hit=self.answer is not None, stale=self.stale)
        self._began = _time()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._set_free(None)
        if not self._settled:
            self._settled = True
            # Also when the person has left: else the others would wait for the lease to end.
            await asyncio.shield(self._answers.shelf.release(self._key, self._token))

    async def similar(self, vector: Sequence[float]) -> T | None:
        """Looks for a question that means the same; what it finds is `answer`, too."""
        like = self._answers.like
        if self._off or self.answer is not None or like is None:
            return self.answer
        began = _time()
        self._packed = _packed(vector)
        key = await like.find(self._question, self._packed, self._threshold) if self._packed else None
        if key is not None:
            seen = await self._answers.shelf.peek(key)
            if seen.value is None:
                like.forget(self._question, key)
            else:
                self._found(seen.value, "similar", stale=seen.state == "stale")
                self._set_free(seen.value)
        self._answers.measures.cache("similar", _time() - began, hit=self.answer is not None)
        return self.answer

    async def keep(
        self, answer: T, made: Made, *, tags: Sequence[str] = (), vector: Sequence[float] | None = None
    ) -> bool:
        """Puts a new answer down, if such may be kept. `tags`: the products it speaks of."""
        if self._off:
            return False
        if not made.may_be_shared:
            self._answers.note_nobody_elses(self._key)
            return False
        self._set_free(answer)
        if not made.may_be_kept:
            return False
        self._answers.measures.made("answers")
        settings, seen = self._answers.settings, self._seen
        if seen.state == "down":
            return False
        self._settled = True
        ttl, took = settings.api_s if made.derived else settings.answers_s, _time() - self._began
        await self._answers.shelf.put(
            self._key, self._token, answer, began=seen.began, took_s=took, ttl_s=ttl, tags=tags
        )
        like = self._answers.like
        if vector is not None and like is not None and (packed := self._packed or _packed(vector)):
            await like.learn(self._question, packed, ttl)
        return True

    @property
    def fallback(self) -> T | None:
        """An answer that is to be renewed: better than none, if no new one can be had."""
        return self._seen.value

    async def _wait_or_look(self) -> None:
        settings = self._answers.settings
        until = self._began + settings.wait_s
        if self._answers.nobody_elses(self._key):
            seen = await self._answers.shelf.peek(self._key)
            if seen.value is not None and seen.state == "fresh":
                self._found(seen.value, "exact", stale=False)
            return
        if settings.coalesce:
            while (other := self._answers.under_way.get(self._key)) is not None:
                if (answer := await _within(other, until - _time())) is not None:
                    self._found(answer, "exact", stale=False)
                    return
                if _time() >= until or self._answers.nobody_elses(self._key):
                    return  # by ourselves
            self._leads = asyncio.get_running_loop().create_future()
            self._answers.under_way[self._key] = self._leads
        try:
            self._seen = await self._look(until)
        except BaseException:
            self._set_free(None)
            raise
        seen = self._seen
        if seen.value is not None and (seen.state == "fresh" or not seen.mine):
            self._found(seen.value, "exact", stale=seen.state == "stale")
            self._set_free(seen.value)
        else:
            self._settled = not seen.mine or seen.state == "down"

    async def _look(self, until: float) -> Seen[T]:
        """Again and again while another task makes it."""
        shelf = self._answers.shelf
        seen = await shelf.look(self._key, self._token)
        while not seen.mine and seen.value is None and _time() < until:
            await asyncio.sleep(self._answers.settings.again_s)
            seen = await shelf.look(self._key, self._token)
        return seen

    def _found(self, answer: T, how: How, *, stale: bool) -> None:
        self.answer, self.how, self.stale = answer, how, stale

    def _set_free(self, answer: T | None) -> None:
        """Those of this task who wait for us go on: with the answer, or each by themselves."""
        leads, self._leads = self._leads, None
        if leads is not None:
            del self._answers.under_way[self._key]
            if not leads.done():
                leads.set_result(answer)


async def _within(other: "asyncio.Future[T | None]", seconds: float) -> T | None:
    done, _ = await asyncio.wait([other], timeout=max(0.0, seconds))
    return other.result() if done else None


def _packed(vector: Sequence[float]) -> bytes:
    """Nothing of a vector without a direction."""
    try:
        return pack(vector)
    except ValueError:
        return b""


def _time() -> float:
    return asyncio.get_running_loop().time()
