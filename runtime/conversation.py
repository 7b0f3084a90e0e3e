"""The path of one message (RUN-1): whether it is let in, what it wants, its answer, its place in the session.

Every stage is somebody else's; here is only their order, and what becomes of a message that goes no further.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from contract.controls import Controls
from contract.frames import Ask, Confirm, Confirmed, Failure, Final, Resumed, Said, ServerFrame
from contract.intents import Intent
from contract.people import Person, guest
from contract.runtime_settings import RuntimeSettings
from runtime.answer.gather import Ahead
from runtime.answer.needs import needs
from runtime.answer.texts import language_of
from runtime.answering import CACHE, TEMPLATE, Answering
from runtime.canned import Canned
from runtime.connections import asking
from runtime.downstream import ProviderError
from runtime.experiment import variant_of
from runtime.message import Message
from runtime.outage import Outage
from runtime.parts import Parts
from runtime.reply import Code, GoneError, Reply, Send
from runtime.route import Router
from runtime.safety.watch import Watch
from runtime.sessions.memory import Kept, Memory
from runtime.sessions.sessions import Said as Turn
from runtime.sessions.table import NotTheirsError
from runtime.telemetry import Telemetry, request
from runtime.tracing import times
from runtime.understand.intent import Understand, Understanding

__all__ = ["Code", "Conversation", "GoneError", "Send"]

CLOSED_RETRY_S = 300.0
INTERNAL = "Something went wrong on our side. Please try again."
TOO_MANY = "Too many messages. Please wait a moment."
BUSY = "Very many people are asking right now. Please try again shortly."
WITHHELD = "[withheld]"
NOT_YOURS = "session_id: not a session of yours; leave it out to begin a new one"


class Conversation:
    """Answers messages, any number at a time."""

    def __init__(
        self,
        *,
        settings: RuntimeSettings,
        router: Router,
        answering: Answering,
        controls: Callable[[], Controls],
        canned: Canned,
        telemetry: Telemetry,
        outage: Outage,
        parts: Parts,
        watch: Watch,
    ) -> None:
        self._settings = settings
        # Measured by themselves: what no model was asked for is quick, the best model slow, and either would
        # hide how the others do.
        self._by_themselves = {TEMPLATE, CACHE, *(rung.name for rung in settings.ladder if rung.premium)}
        self._router = router
        self._answering = answering
        self._controls = controls
        self._canned = canned
        self._telemetry = telemetry
        self._outage = outage
        self._parts = parts
        self._understand = Understand(parts.classify, canned, settings.understanding.enough)
        self._watch = watch
        self._under_way: set[asyncio.Task[None]] = set()

    async def answer(
        self,
        ask: Ask,
        session_id: str,
        send: Send,
        person: Person | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ServerFrame:
        """Sends every frame of one request and returns the last; GoneError when `send` finds nobody.

        `headers`: those of a request that carries one message, for its trace.
        """
        whose = person or guest(session_id)
        ask, originals = self._watch.without_pii(ask)
        stages = self._parts.stages
        with stages.message(ask.request_id, headers) if stages else request(ask.request_id), asking(whose.id):
            reply = Reply(ask.request_id, send)
            try:
                await reply.start(session_id)
                ending = await self._ending(ask, session_id, whose, reply)
                await send(ending)
            except (asyncio.CancelledError, GoneError):
                self._telemetry.log("info", "the client is gone, generation stopped")
                raise
            self._measure(ending, reply)
            if self._parts.trial is not None and isinstance(ending, Final):
                self._parts.trial.answered(whose, ending)
            if originals and isinstance(ending, Final) and self._parts.vault is not None and whose.signed_in:
                self._later(self._parts.vault.keep(whose.id, session_id, ask.request_id, originals))
            return ending

    async def settle(self, within_s: float) -> None:
        """Waits for what is still being written down."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=within_s)

    # -- sessions -----------------------------------------------------------------------------------------

    async def resume(self, session_id: str, person: Person) -> Resumed | None:
        """What was said last in a session of this person; None when there is none, or it cannot be read."""
        memory = await self._theirs(session_id, person)
        if memory is None:
            return None
        turns = tuple(
            Said(request_id=turn.request_id, asked=turn.asked, answered=turn.answered)
            for turn in memory.turns
        )
        return Resumed(session_id=session_id, turns=turns)

    async def ending(self, session_id: str, person: Person, request_id: str) -> Final | None:
        """The final frame of an earlier request, as it was kept."""
        memory = await self._theirs(session_id, person)
        turns = memory.turns if memory else ()
        turn = next((turn for turn in turns if turn.request_id == request_id and turn.ending), None)
        return Final.model_validate({**json.loads(turn.ending), "text": turn.answered}) if turn else None

    async def export(self, session_id: str, person: Person) -> Mapping[str, Any] | None:
        """Everything there is of a session; ProviderError where its store does not answer."""
        if self._parts.sessions is None:
            return None
        turns = await self._parts.sessions.export(session_id, person.owner)
        if turns is None:
            return None
        said = [
            {
                "request_id": turn.request_id,
                "at": turn.at.isoformat(),
                "asked": turn.asked,
                "answered": turn.answered,
                "intent": turn.intent,
            }
            for turn in turns
        ]
        return {"session_id": session_id, "turns": said}

    async def forget(self, session_id: str, person: Person) -> bool:
        """Whether it was there; it is not any more. ProviderError where its store does not answer."""
        if self._parts.sessions is None:
            return False
        return await self._parts.sessions.delete(session_id, person.owner)

    async def _theirs(self, session_id: str, person: Person) -> Memory | None:
        if self._parts.sessions is None:
            return None
        try:
            memory = await self._parts.sessions.open(session_id, person.owner)
        except (NotTheirsError, ProviderError):
            return None
        return memory if memory.turns or memory.summary else None

    def confirm(self, person: Person, session_id: str, frame: Confirm) -> Confirmed | None:
        """The word for a yes; None where nothing can be paid, or by nobody who is known."""
        if self._parts.crew is None or not person.signed_in:
            return None
        return self._parts.crew.confirm(person, session_id, frame.request_id, frame.proposal)

    # -- one message --------------------------------------------------------------------------------------

    async def _ending(self, ask: Ask, session_id: str, person: Person, reply: Reply) -> Final | Failure:
        try:
            if self._parts.shedding is None:
                return await self._admitted(ask, session_id, person, reply)
            with self._parts.shedding.message():
                return await self._admitted(ask, session_id, person, reply)
        except GoneError:
            raise
        except Exception as bug:  # noqa: BLE001 - the person gets an ending, we get the reason
            self._telemetry.log("error", "a message failed inside the runtime", error=repr(bug))
            return reply.failure("internal", INTERNAL)

    async def _admitted(self, ask: Ask, session_id: str, person: Person, reply: Reply) -> Final | Failure:
        """Whether it is answered at all."""
        controls = self._controls()
        let_in = self._outage.lets_in(session_id, resumed=ask.session_id is not None)
        if banner := self._banner(controls):
            await reply.banner(banner)
        if self._router.closed(controls) or not let_in:
            return reply.failure("closed", self._canned.closed, CLOSED_RETRY_S)
        models = True
        if self._parts.limits is not None:
            with self._parts.stage("limits"):
                verdict = await self._parts.limits.admit(person)
            if not verdict.allowed:
                return reply.failure("too_many_requests", TOO_MANY, verdict.retry_after_s)
            models = verdict.models
        return await self._let_in(ask, session_id, person, controls, reply, models=models)

    async def _let_in(
        self,
        ask: Ask,
        session_id: str,
        person: Person,
        controls: Controls,
        reply: Reply,
        *,
        models: bool,
    ) -> Final | Failure:
        """Facts are looked for before it is known whether they are needed, and dropped if not (RUN-1)."""
        language = language_of(ask.text, ask.context_hints.get("locale", ""))
        if self._watch.refuses(ask):
            return await self._no_orders(ask, session_id, person, language, reply)
        certain = self._confirmed(ask) or self._understand.at_once(ask.text)
        ahead = self._ahead(ask.text, language, certain)
        try:
            memory = await self._memory(session_id, person)
            understood = certain or await self._understood(ask.text, memory)
            if self._parts.shedding is not None:
                verdict = self._parts.shedding.admit(understood.intent)
                if not verdict.allowed:
                    return reply.failure("too_many_requests", BUSY, verdict.retry_after_s)
            variant = variant_of(self._settings.experiment, person)
            message = Message(ask, person, memory, understood, language, variant, controls, session_id)
            ending = await self._answering.answer(message, reply, ahead, models=models)
        except NotTheirsError:
            return reply.failure("bad_request", NOT_YOURS)
        finally:
            if ahead is not None:
                ahead.cancel()
        if isinstance(ending, Final) and memory is not None:
            self._later(self._keep(ask.request_id, message.text, message.intent, memory, ending))
        return ending

    def _confirmed(self, ask: Ask) -> Understanding | None:
        """A message that comes with the customer's own yes is about what that is for."""
        crew = self._parts.crew
        return crew.confirmed(ask.confirmation) if crew is not None and ask.confirmation else None

    async def _no_orders(
        self, ask: Ask, session_id: str, person: Person, language: str, reply: Reply
    ) -> Final | Failure:
        """In our words; no model, no search and no later turn ever sees what was said (RUN-12)."""
        try:
            memory = await self._memory(session_id, person)
        except NotTheirsError:
            return reply.failure("bad_request", NOT_YOURS)
        ending = await self._answering.refuse(language, reply)
        if memory is not None:
            self._later(self._keep(ask.request_id, WITHHELD, Intent.GENERAL, memory, ending))
        return ending

    def _ahead(self, text: str, language: str, certain: Understanding | None) -> Ahead | None:
        if self._parts.gather is None:
            return None
        if certain is not None and (certain.chitchat or not needs()[certain.intent].passages):
            return None
        return self._parts.gather.ahead(text, language)

    async def _memory(self, session_id: str, person: Person) -> Memory | None:
        if self._parts.sessions is None:
            return None
        with self._parts.stage("session"):
            memory = await self._parts.sessions.open(session_id, person.owner)
        if self._parts.measures is not None and not memory.turns:
            self._parts.measures.session(resumed=memory.kept is not Kept.NEW)
        return memory

    async def _understood(self, text: str, memory: Memory | None) -> Understanding:
        before = memory.turns[-1].intent if memory and memory.turns else ""
        with self._parts.stage("intent"):
            return await self._understand.understand(text, Intent(before) if before else None)

    # -- afterwards ---------------------------------------------------------------------------------------

    async def _keep(self, request_id: str, asked: str, intent: Intent, memory: Memory, ending: Final) -> None:
        if self._parts.sessions is None:
            return
        said = Turn(
            request_id,
            asked,
            ending.text,
            intent.value,
            tuple(card.asin for card in ending.cards),
            ending.model_dump_json(exclude={"text"}),
        )
        try:
            await self._parts.sessions.append(memory, said)
        except NotTheirsError:
            self._telemetry.log("warning", "a session became somebody else's meanwhile")

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        """What nobody waits for, but a server that ends."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def _banner(self, controls: Controls) -> str:
        """The operator's words go before our own."""
        if controls.banner is not None and controls.banner.value:
            return controls.banner.value
        return self._canned.banner if self._outage.closed else ""

    def _measure(self, ending: Final | Failure, reply: Reply) -> None:
        if not isinstance(ending, Final):
            if ending.code != "too_many_requests":  # counted where it was decided, and no fault of ours
                self._telemetry.metrics({"Failed": 1}, {})
            return
        now = asyncio.get_running_loop().time()
        first_text_at = reply.arrived if reply.first_text_at is None else reply.first_text_at
        values = {
            "Messages": 1,
            "Failed": 0,
            "FirstToken": round((first_text_at - reply.arrived) * 1_000, 3),
            "EndToEnd": round((now - reply.arrived) * 1_000, 3),
            "CostUsd": round(ending.usage.usd, 9),
        }
        who = ending.rung if ending.rung in self._by_themselves else ending.tier.value
        intent = ending.about.intent
        self._telemetry.metrics(
            values, {"Tier": who}, rung=ending.rung, intent=intent and intent.value, stages=times()
        )
