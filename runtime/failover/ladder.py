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

from contract.models import models
from contract.outcomes import Outcome
from contract.runtime_settings import HedgeSettings, RetrySettings, Rung
from runtime.failover import race
from runtime.failover.budget import Budget
from runtime.failover.call import Attempt, Call, Ended
from runtime.failover.classify import Verdict
from runtime.failover.guard import Guard
from runtime.failover.page import Listener, Page
from runtime.port import UNBILLED, ModelPort, Prompt, Ran, Spent

__all__ = ["Answer", "Attempt", "Ladder", "Listener", "Observe", "Refusal"]


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
        observe: Observe,
        retry: RetrySettings | None = None,
        hedge: HedgeSettings | None = None,
    ) -> None:
        self._port = port
        self._guard = guard
        self._observe = observe
        self._retry = retry or RetrySettings()
        self._retries = Budget(self._retry.budget)
        self._hedge = hedge or HedgeSettings()
        self._hedges = Budget(self._hedge.budget)

    async def walk(
        self,
        rungs: Sequence[Rung],
        prompt: Prompt,
        deadline: float,
        listener: Listener,
        without_model: Callable[[], str],
    ) -> Answer | Refusal:
        """Tries the rungs in order; `deadline` is loop time. The last rung must need no model.

        `without_model`: what is said on a rung that needs none.
        """
        self._retries.earn()
        self._hedges.earn()
        turn = _Turn(prompt, deadline, Page(listener), deque(rungs))
        while turn.left:
            rung = turn.left.popleft()
            if rung.model is None:
                await turn.page.write(without_model())
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
        if self._hedge.after_s is None or not turn.left or turn.left[0].model is None:
            return await _finish(call, await race.first(call), turn)
        won = await race.race(call, lambda: self._begin_beside(turn), self._hedge.after_s)
        turn.recorded += won.recorded
        return await _finish(won.call, won.verdict, turn)

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
        events = self._port.stream(rung, turn.prompt, turn.recorded, so_far)
        return Call(rung, events, through, turn.deadline, tell, so_far)

    def _begin_beside(self, turn: "_Turn") -> Call | None:
        """The next rung's call, which is not tried again afterwards."""
        if not self._hedges.spend():
            return None
        return self._begin(turn.left.popleft(), turn)


@dataclass(slots=True)
class _Turn:
    """One message on its way down: the rungs left, and what tools already did for it."""

    prompt: Prompt
    deadline: float
    page: Page
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


def _time() -> float:
    return asyncio.get_running_loop().time()
