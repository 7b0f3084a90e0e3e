"""The walk down the rungs until somebody answers (design: failover).

Before the first text a step is invisible; after it the next rung's text replaces what was shown. No attempt
outlasts its rung's limits or the request's own deadline. The last rung needs no model and always answers.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

from contract.outcomes import Outcome
from contract.runtime_settings import Rung
from runtime.canned import Canned
from runtime.failover import classify
from runtime.failover.breaker import Breaker, Permit
from runtime.port import UNBILLED, Event, ModelPort, Spent, Stop, Text

TRAILER_S = 1.0  # how long a whole answer waits for its bill


class Listener(Protocol):
    """Who hears the answer while it comes."""

    async def text(self, chunk: str) -> None:
        """More text."""

    async def restart(self, chunk: str, reason: str) -> None:
        """Forget the text so far; `chunk` begins another."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One finished call to a model. Not counted: the request ran out of time, the rung is not at fault."""

    rung: Rung
    outcome: Outcome
    counted: bool
    seconds: float
    error: str = ""

    @property
    def failed(self) -> bool:
        """Whether it counts against the rung."""
        return self.counted and self.outcome.counts_as_failure


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole text, and whose it is."""

    rung: Rung
    text: str
    spent: Spent = UNBILLED
    from_knowledge_base: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """No rung may answer this message: it is invalid or blocked.

    `text` is what the guardrail let through or said instead; none where something unchecked may be in it.
    """

    rung: Rung
    outcome: Outcome
    text: str = ""
    spent: Spent = UNBILLED


# Told that a call begins, gives whom to tell what it came to; None: it was given up, and tells nothing.
Observe = Callable[[Rung], Callable[[Attempt | None], None]]


class Ladder:
    """`observe` hears of every call to a model. `breaker` gives a rung's own, None for one that is gone."""

    def __init__(
        self,
        port: ModelPort,
        breaker: Callable[[Rung], Breaker | None],
        canned: Canned,
        observe: Observe,
    ) -> None:
        self._port = port
        self._breaker = breaker
        self._canned = canned
        self._observe = observe

    async def walk(
        self, rungs: Sequence[Rung], message: str, deadline: float, listener: Listener
    ) -> Answer | Refusal:
        """Tries the rungs in order; `deadline` is loop time. The last rung must need no model."""
        page = _Page(listener)
        for rung in rungs:
            if rung.model is None:
                await page.write(self._canned.reply(message))
                return Answer(rung, page.text, from_knowledge_base=True)
            call = _Call(rung, _time(), deadline)
            outcome = await self._try(call, message, page)
            if outcome is None:
                continue
            if outcome is Outcome.OK:
                return Answer(rung, page.text, call.spent)
            if not outcome.steps_down:
                return Refusal(rung, outcome, page.text if call.checked else "", call.spent)
            page.withdraw(outcome)
        raise LookupError("the last rung of a ladder must need no model")

    async def _try(self, call: "_Call", message: str, page: "_Page") -> Outcome | None:
        """One call, counted and reported; None where there was none: no permit, or no time left."""
        breaker = self._breaker(call.rung) if call.started < call.deadline else None
        permit = breaker.admit() if breaker else None
        if permit is None:
            return None
        ended = self._observe(call.rung)
        try:
            async with aclosing(self._port.stream(call.rung, message)) as events:
                outcome = await _listen(call, permit, events, page)
        except BaseException:  # the client is gone, or we have a bug: the rung did nothing wrong
            permit.release()
            ended(None)
            raise
        if call.ran_out:
            permit.release()
        else:
            permit.settle(outcome)
        seconds = _time() - call.started
        ended(Attempt(call.rung, outcome, not call.ran_out, seconds, call.error))
        return outcome


async def _listen(
    call: "_Call", permit: Permit, events: AsyncGenerator[Event, None], page: "_Page"
) -> Outcome:
    """Passes text on until the stream ends, one way or another."""
    while True:
        try:
            async with asyncio.timeout_at(call.patience()):
                event = await anext(events, None)
        except Exception as error:  # noqa: BLE001 - every error has a class, the unknown ones too
            return call.failed(error)
        match event:
            case None:
                return call.ended()
            case Text(text) if text:
                permit.alive()
                call.text_at = _time()
                await page.write(text)
            case Stop(reason, checked):
                call.stop, call.checked = reason, checked
            case Spent():
                call.spent = event


@dataclass(slots=True)
class _Call:
    """What is known of one call while it lasts."""

    rung: Rung
    started: float
    deadline: float
    text_at: float | None = None
    stop: str | None = None
    checked: bool = False
    spent: Spent = UNBILLED
    error: str = ""
    ran_out: bool = False
    _own_limit: float = field(default=float("inf"))

    def patience(self) -> float:
        """Until when to wait for the next event."""
        limit = self.started + self.rung.total_s
        if self.stop is not None:
            limit = _time() + TRAILER_S
        elif self.text_at is None:
            limit = min(limit, self.started + self.rung.first_token_s)
        else:
            limit = min(limit, _time() + self.rung.gap_s)
        self._own_limit = limit
        return min(limit, self.deadline)

    def failed(self, error: Exception) -> Outcome:
        if self.stop is not None:
            return self.ended()  # the answer is whole; only its bill got lost
        self.error = f"{type(error).__name__}: {error}"
        out_of_time = _time() >= self.deadline and self.deadline < self._own_limit
        self.ran_out = out_of_time and isinstance(error, TimeoutError)
        return classify.of_error(error)

    def ended(self) -> Outcome:
        """A stream without a stop was cut, however clean its end; an answer without a word is none."""
        outcome = Outcome.CUT if self.stop is None else classify.of_stop(self.stop)
        return Outcome.CUT if outcome is Outcome.OK and self.text_at is None else outcome


class _Page:
    """What the person has in front of them."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._chunks: list[str] = []
        self._stale: str | None = None

    @property
    def text(self) -> str:
        return "".join(self._chunks)

    def withdraw(self, outcome: Outcome) -> None:
        """What is shown stays until there is something to replace it with."""
        if self._chunks:
            self._stale = outcome.value
            self._chunks.clear()

    async def write(self, chunk: str) -> None:
        chunk = _whole_characters(chunk)
        self._chunks.append(chunk)
        reason, self._stale = self._stale, None
        if reason is None:
            await self._listener.text(chunk)
        else:
            await self._listener.restart(chunk, reason)


def _whole_characters(chunk: str) -> str:
    """No frame can carry half a character (a lone surrogate): a replacement sign stands for it."""
    return chunk.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _time() -> float:
    return asyncio.get_running_loop().time()
