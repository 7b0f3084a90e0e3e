"""The path of one message: route, ladder, frames. Numbers without a gap, and exactly one ending (RUN-2)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

from contract.controls import Controls
from contract.frames import Ask, Banner, Correction, Delta, Failure, Final, ServerFrame, Start, Usage
from contract.outcomes import Outcome
from contract.tiers import Tier
from runtime.canned import Canned
from runtime.failover.ladder import Answer, Ladder, Refusal
from runtime.outage import Outage
from runtime.prices import Price
from runtime.route import Router
from runtime.telemetry import Telemetry, request

Send = Callable[[ServerFrame], Awaitable[None]]
Code = Literal["bad_request", "too_many_requests", "closed", "internal"]
CLOSED_RETRY_S = 300.0
INTERNAL = "Something went wrong on our side. Please try again."


class GoneError(Exception):
    """The client is gone: nobody is left to answer."""


class Conversation:
    """Answers messages, any number at a time."""

    def __init__(
        self,
        *,
        router: Router,
        ladder: Ladder,
        controls: Callable[[], Controls],
        canned: Canned,
        price: Price,
        telemetry: Telemetry,
        outage: Outage,
        request_s: float,
    ) -> None:
        self._router = router
        self._ladder = ladder
        self._controls = controls
        self._canned = canned
        self._price = price
        self._telemetry = telemetry
        self._outage = outage
        self._request_s = request_s

    async def answer(self, ask: Ask, session_id: str, send: Send) -> ServerFrame:
        """Sends every frame of one request and returns the last; GoneError when `send` finds nobody."""
        with request(ask.request_id):
            reply = _Reply(ask.request_id, send)
            try:
                await reply.start(session_id)
                ending = await self._ending(ask, session_id, reply)
                await send(ending)
            except (asyncio.CancelledError, GoneError):
                self._telemetry.log("info", "the client is gone, generation stopped")
                raise
            self._measure(ending, reply)
            return ending

    async def _ending(self, ask: Ask, session_id: str, reply: "_Reply") -> Final | Failure:
        try:
            return await self._generate(ask, session_id, reply)
        except GoneError:
            raise
        except Exception as bug:  # noqa: BLE001 - the person gets an ending, we get the reason
            self._telemetry.log("error", "a message failed inside the runtime", error=repr(bug))
            return reply.failure("internal", INTERNAL)

    async def _generate(self, ask: Ask, session_id: str, reply: "_Reply") -> Final | Failure:
        controls = self._controls()
        let_in = self._outage.lets_in(session_id, resumed=ask.session_id is not None)
        if banner := self._banner(controls):
            await reply.banner(banner)
        rungs = self._router.rungs(ask.text, controls)
        if not rungs or rungs[0].tier is Tier.T3 or not let_in:
            return reply.failure("closed", self._canned.closed, CLOSED_RETRY_S)
        deadline = reply.arrived + self._request_s
        result = await self._ladder.walk(rungs, ask.text, deadline, reply)
        if isinstance(result, Refusal):
            return await self._refuse(result, reply)
        self._outage.answered(by_model=result.rung.model is not None, asked=rungs[0].model is not None)
        return reply.final(result, self._usage(result))

    def _banner(self, controls: Controls) -> str:
        """The operator's words go before our own."""
        if controls.banner is not None and controls.banner.value:
            return controls.banner.value
        return self._canned.banner if self._outage.closed else ""

    async def _refuse(self, refusal: Refusal, reply: "_Reply") -> Final | Failure:
        if refusal.outcome is not Outcome.BLOCKED:
            return reply.failure("bad_request", self._canned.invalid)
        text = refusal.text or self._canned.blocked
        if not refusal.text:
            if reply.first_text_at is None:
                await reply.text(text)
            else:  # what slipped out before the verdict is withdrawn
                await reply.restart(text, refusal.outcome.value)
        blocked = Answer(refusal.rung, text, refusal.spent)
        return reply.final(blocked, self._usage(blocked))

    def _usage(self, answer: Answer) -> Usage:
        if answer.rung.model is None:
            return Usage()
        asked, answered = answer.spent.input_tokens, answer.spent.output_tokens
        per_input, per_output = self._price(answer.rung)
        usd = asked * per_input + answered * per_output
        return Usage(input_tokens=asked, output_tokens=answered, usd=usd)

    def _measure(self, ending: Final | Failure, reply: "_Reply") -> None:
        if not isinstance(ending, Final):
            self._telemetry.metrics({"Failed": 1}, {})
            return
        first_text_at = reply.arrived if reply.first_text_at is None else reply.first_text_at
        values = {
            "Messages": 1,
            "Failed": 0,
            "FirstToken": round((first_text_at - reply.arrived) * 1_000, 3),
            "EndToEnd": round((_time() - reply.arrived) * 1_000, 3),
            "CostUsd": round(ending.usage.usd, 9),
        }
        self._telemetry.metrics(values, {"Tier": ending.tier.value}, rung=ending.rung)


class _Reply:
    """The frames of one request on their way out; hears the ladder's text."""

    def __init__(self, request_id: str, send: Send) -> None:
        self.arrived = _time()
        self.first_text_at: float | None = None
        self._id = request_id
        self._send = send
        self._count = 0

    def _number(self) -> int:
        """The next frame's; every frame that takes one is sent."""
        self._count += 1
        return self._count - 1

    async def start(self, session_id: str) -> None:
        await self._send(Start(request_id=self._id, sequence_number=self._number(), session_id=session_id))

    async def banner(self, text: str) -> None:
        """Once an answer, right after its start: a client shows it until an answer comes without one."""
        await self._send(Banner(request_id=self._id, sequence_number=self._number(), text=text))

    async def text(self, chunk: str) -> None:
        await self._send(Delta(request_id=self._id, sequence_number=self._number(), text=chunk))
        if self.first_text_at is None:
            self.first_text_at = _time()

    async def restart(self, chunk: str, reason: str) -> None:
        number = self._number()
        await self._send(Correction(request_id=self._id, sequence_number=number, text=chunk, reason=reason))

    def final(self, answer: Answer, usage: Usage) -> Final:
        return Final(
            request_id=self._id,
            sequence_number=self._number(),
            text=answer.text,
            tier=answer.rung.tier,
            rung=answer.rung.name,
            from_knowledge_base=answer.from_knowledge_base,
            usage=usage,
        )

    def failure(self, code: Code, message: str, retry_after_s: float | None = None) -> Failure:
        return Failure(
            request_id=self._id,
            sequence_number=self._number(),
            code=code,
            message=message,
            retry_after_s=retry_after_s,
        )


def _time() -> float:
    return asyncio.get_running_loop().time()
