"""The walk down the rungs until somebody answers (design: failover).

Before the first text a step is invisible. After it the next rung goes on from what was shown, if a guardrail
had read that and its model can; else its own text replaces it. The person is told either way. No attempt
outlasts its rung's limits or the request's own deadline. The last rung needs no model and always answers.
Two things may call a model more often than once a rung: a retry where the error passes by itself, and a hedge
where the first rung keeps silent. Both are paid from a budget.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from contract.models import models
from contract.outcomes import Outcome
from contract.runtime_settings import HedgeSettings, RetrySettings, Rung
from runtime.canned import Canned
from runtime.failover.budget import Budget
from runtime.failover.call import Attempt, Call, Ended
from runtime.failover.classify import Verdict
from runtime.failover.guard import Guard
from runtime.port import UNBILLED, ModelPort, Ran, Spent

__all__ = ["Answer", "Attempt", "Ladder", "Listener", "Observe", "Refusal"]


class Listener(Protocol):
    """Who hears the answer while it comes."""

    async def text(self, chunk: str) -> None:
        """More text."""

    async def restart(self, chunk: str, reason: str) -> None:
        """Forget the text so far; `chunk` takes its place, and may begin with it."""


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


WAITED_IN_VAIN = frozenset({Outcome.TIMEOUT, Outcome.SLOW})

# Told that a call begins, gives whom to tell what it came to; None: it was given up, and tells nothing.
Observe = Callable[[Rung], Ended]


class Ladder:
    """`observe` hears of every call to a model. `guard` gives a rung's own, None for one that is gone."""

    def __init__(
        self,
        port: ModelPort,
        guard: Callable[[Rung], Guard | None],
        canned: Canned,
        observe: Observe,
        retry: RetrySettings | None = None,
        hedge: HedgeSettings | None = None,
    ) -> None:
        self._port = port
        self._guard = guard
        self._canned = canned
        self._observe = observe
        self._retry = retry or RetrySettings()
        self._retries = Budget(self._retry.budget)
        self._hedge = hedge or HedgeSettings()
        self._hedges = Budget(self._hedge.budget)

    async def walk(
        self, rungs: Sequence[Rung], message: str, deadline: float, listener: Listener
    ) -> Answer | Refusal:
        """Tries the rungs in order; `deadline` is loop time. The last rung must need no model."""
        self._retries.earn()
        self._hedges.earn()
        turn = _Turn(message, deadline, _Page(listener), deque(rungs))
        while turn.left:
            rung = turn.left.popleft()
            if rung.model is None:
                await turn.page.write(self._canned.reply(message))
                return Answer(rung, turn.page.text, from_knowledge_base=True)
            ended = await self._try(rung, turn)
            if ended is not None and ended.verdict.again and not ended.call.text:
                ended = await self._try_again(rung, turn, ended)
            if ended is None:
                continue
            call, outcome = ended.call, ended.verdict.outcome
            if outcome is Outcome.OK:
                return Answer(call.rung, turn.page.text, call.spent)
            if not outcome.steps_down:
                checked = call.stop is not None and call.stop.checked
                return Refusal(call.rung, outcome, turn.page.text if checked else "", call.spent)
            turn.page.withdraw(outcome, checked=call.checked)
            if outcome in WAITED_IN_VAIN:
                turn.pass_over(call.rung)
        raise LookupError("the last rung of a ladder must need no model")

    async def _try(self, rung: Rung, turn: "_Turn") -> "_Ended | None":
        """One rung, and another beside it when that is allowed and the first keeps silent."""
        call = self._begin(rung, turn)
        if call is None:
            return None
        if self._hedge.after_s is not None and turn.left and turn.left[0].model is not None:
            return await self._race(call, turn, self._hedge.after_s)
        return await _finish(call, await _first(call), turn)

    async def _try_again(self, rung: Rung, turn: "_Turn", made: "_Ended") -> "_Ended":
        """The same rung once more, if there is time and the budget has a call left."""
        if _time() + self._retry.first_s >= turn.deadline or not self._retries.spend():
            return made
        from runtime.failover.again import again  # a healthy day never needs it

        async def attempt() -> _Ended:
            return await self._try(rung, turn) or made

        return await again(self._retry, made, attempt)

    def _begin(self, rung: Rung, turn: "_Turn") -> Call | None:
        """The call, counted as begun; None where there is none: no permit, or no time left."""
        if _time() >= turn.deadline:
            return None
        guard = self._guard(rung)
        last = not turn.left or turn.left[0].model is None
        through = guard.admit(last=last) if guard is not None else None
        if through is None:
            return None
        tell = self._observe(rung)
        so_far = turn.page.kept if models()[rung.model or ""].prefill else ""
        events = self._port.stream(rung, turn.message, turn.recorded, so_far)
        return Call(rung, events, through, turn.deadline, tell, so_far)

    async def _race(self, call: Call, turn: "_Turn", after_s: float) -> "_Ended":
        """Who speaks first answers, the other is given up; if none does, the last one's failure counts."""
        running = {asyncio.create_task(call.first()): call}
        try:
            done, _ = await asyncio.wait(running, timeout=after_s)
            if not done and (other := self._begin_beside(turn)):
                running[asyncio.create_task(other.first())] = other
            while True:
                done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                task = done.pop()
                verdict = task.result()
                if verdict is None or not verdict.outcome.steps_down or len(running) == 1:
                    break
                await (failed := running.pop(task)).conclude(verdict)
                turn.recorded += failed.recorded
        except BaseException:
            await _give_up(running)
            raise
        call = running.pop(task)
        try:
            await _give_up(running)
        except BaseException:
            await call.conclude(None)
            raise
        for other in running.values():
            turn.recorded += other.recorded
        return await _finish(call, verdict, turn)

    def _begin_beside(self, turn: "_Turn") -> Call | None:
        """The next rung's call, which is not tried again afterwards."""
        if not self._hedges.spend():
            return None
        return self._begin(turn.left.popleft(), turn)


@dataclass(slots=True)
class _Turn:
    """One message on its way down: the rungs left, and what tools already did for it."""

    message: str
    deadline: float
    page: "_Page"
    left: deque[Rung]
    recorded: list[Ran] = field(default_factory=list)

    def pass_over(self, rung: Rung) -> None:
        """Other ways to the same model in the same region: they would most likely take as long again."""
        here = (rung.model, rung.region)
        self.left = deque(other for other in self.left if (other.model, other.region) != here)


@dataclass(frozen=True, slots=True)
class _Ended:
    """A call and what it came to."""

    call: Call
    verdict: Verdict


async def _first(call: Call) -> Verdict | None:
    try:
        return await call.first()
    except BaseException:
        await call.conclude(None)
        raise


async def _finish(call: Call, verdict: Verdict | None, turn: _Turn) -> _Ended:
    """The rest of a call that spoke, and its end. Cancelled, the rung did nothing wrong."""
    try:
        if verdict is None:
            turn.page.go_on(call.so_far)
            verdict = await call.rest(turn.page.write)
        elif verdict.outcome is Outcome.OK:  # the answer was whole, only its end had got lost
            turn.page.go_on(call.so_far)
            await turn.page.write("")
    except BaseException:
        await call.conclude(None)
        raise
    await call.conclude(verdict)
    turn.recorded += call.recorded
    return _Ended(call, verdict)


async def _give_up(running: dict[asyncio.Task[Verdict | None], Call]) -> None:
    """Ends calls that nobody needs any more, upstream too."""
    for task in running:
        task.cancel()
    try:
        await asyncio.gather(*running, return_exceptions=True)
    finally:
        for call in running.values():
            await call.conclude(None)


class _Page:
    """What the person has in front of them."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._chunks: list[str] = []
        self._stale: str | None = None
        self.kept = ""  # of what was withdrawn, that another rung may go on from

    @property
    def text(self) -> str:
        return "".join(self._chunks)

    def withdraw(self, outcome: Outcome, *, checked: bool) -> None:
        """What is shown stays until there is something to replace it with."""
        if self._chunks:
            self._stale = outcome.value
            self.kept = self.text.rstrip() if checked else ""  # models refuse to go on from white space
            self._chunks.clear()

    def go_on(self, so_far: str) -> None:
        """What comes next follows this."""
        if so_far:
            self._chunks.append(so_far)

    async def write(self, chunk: str) -> None:
        chunk = _whole_characters(chunk)
        self._chunks.append(chunk)
        reason, self._stale = self._stale, None
        if reason is None:
            await self._listener.text(chunk)
        else:
            await self._listener.restart(self.text, reason)


def _whole_characters(chunk: str) -> str:
    """No frame can carry half a character (a lone surrogate): a replacement sign stands for it."""
    return chunk if chunk.isascii() else _mended(chunk)


def _mended(chunk: str) -> str:
    return chunk.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _time() -> float:
    return asyncio.get_running_loop().time()
