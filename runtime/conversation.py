"""The path of one message (RUN-1): limits, what it wants, facts, cache or ladder, frames.

Every stage is somebody else's; here is only their order, and what becomes of a message that goes no further.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from contract.controls import Controls
from contract.frames import (
    About,
    Ask,
    Failure,
    Final,
    Resumed,
    ServerFrame,
    Usage,
    decode_server,
    encode,
)
from contract.intents import Intent
from contract.outcomes import Outcome
from contract.people import Person, guest
from contract.runtime_settings import Rung, RuntimeSettings
from contract.tiers import Tier
from runtime.answer import beside
from runtime.answer.facts import Facts, told
from runtime.answer.needs import complexity, needs
from runtime.answer.plain import plain
from runtime.answer.texts import Wording, language_of, wording
from runtime.canned import Canned
from runtime.experiment import variant_of
from runtime.failover.ladder import Answer, Ladder, Refusal
from runtime.outage import Outage
from runtime.parts import Asked, Before, NotYoursError, Parts, Shelved, Turn
from runtime.port import Prompt
from runtime.prices import Price
from runtime.prompts import prompts
from runtime.reply import Code, GoneError, Reply, Send
from runtime.route import Router
from runtime.telemetry import Telemetry, request
from runtime.understand.intent import Understand, Understanding

__all__ = ["Code", "Conversation", "GoneError", "Send"]

CLOSED_RETRY_S = 300.0
INTERNAL = "Something went wrong on our side. Please try again."
TOO_MANY = "Too many messages. Please wait a moment."
BUSY = "Very many people are asking right now. Please try again shortly."
NOT_YOURS = "session_id: not a session of yours; leave it out to begin a new one"
TEMPLATE, CACHE = "template", "cache"  # rungs of answers that no model gave for this message


@dataclass(frozen=True, slots=True)
class _Message:
    """One message on its way."""

    ask: Ask
    person: Person
    before: Before
    understood: Understanding
    language: str
    variant: str
    controls: Controls

    @property
    def text(self) -> str:
        return self.ask.text

    @property
    def intent(self) -> Intent:
        return self.understood.intent

    @property
    def words(self) -> Wording:
        return wording(self.language)

    @property
    def asked(self) -> Asked:
        return Asked(self.text, self.understood, self.language, self.variant)

    @property
    def cache_mode(self) -> str:
        turned = self.controls.cache_mode
        return "normal" if turned is None else turned.value


class Conversation:
    """Answers messages, any number at a time."""

    def __init__(
        self,
        *,
        settings: RuntimeSettings,
        router: Router,
        ladder: Ladder,
        controls: Callable[[], Controls],
        canned: Canned,
        price: Price,
        telemetry: Telemetry,
        outage: Outage,
        parts: Parts,
    ) -> None:
        self._settings = settings
        self._router = router
        self._ladder = ladder
        self._controls = controls
        self._canned = canned
        self._price = price
        self._telemetry = telemetry
        self._outage = outage
        self._parts = parts
        self._understand = Understand(parts.classify, canned, settings.understanding.enough)
        # Our own words are no step down: they are the best there is for what they answer.
        self._own_rung = Rung(name=TEMPLATE, tier=Tier.T0)
        self._under_way: set[asyncio.Task[None]] = set()

    async def answer(
        self, ask: Ask, session_id: str, send: Send, person: Person | None = None
    ) -> ServerFrame:
        """Sends every frame of one request and returns the last; GoneError when `send` finds nobody."""
        whose = person or guest(session_id)
        with request(ask.request_id):
            reply = Reply(ask.request_id, send)
            try:
                await reply.start(session_id)
                ending = await self._ending(ask, session_id, whose, reply)
                await send(ending)
            except (asyncio.CancelledError, GoneError):
                self._telemetry.log("info", "the client is gone, generation stopped")
                raise
            self._measure(ending, reply)
            return ending

    async def settle(self, within_s: float) -> None:
        """Waits for what is still being written down."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=within_s)

    # -- sessions --------------------------------------------------------------------------------------------

    async def resume(self, session_id: str, person: Person) -> Resumed | None:
        """What was said last in a session of this person; None when there is none, or it cannot be read."""
        memory = self._parts.memory
        return await memory.resume(session_id, person) if memory else None

    async def ending(self, session_id: str, person: Person, request_id: str) -> ServerFrame | None:
        """The final frame of an earlier request."""
        memory = self._parts.memory
        kept = await memory.ending(session_id, person, request_id) if memory else None
        frame = decode_server(kept) if kept else None
        return frame if isinstance(frame, Final) else None

    async def export(self, session_id: str, person: Person) -> Mapping[str, Any] | None:
        """Everything there is of a session."""
        memory = self._parts.memory
        return await memory.export(session_id, person) if memory else None

    async def forget(self, session_id: str, person: Person) -> bool:
        """Whether it was there; it is not any more."""
        memory = self._parts.memory
        return await memory.forget(session_id, person) if memory else False

    # -- one message -----------------------------------------------------------------------------------------

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
        return await self._understood(ask, session_id, person, controls, reply, models=models)

    async def _understood(
        self,
        ask: Ask,
        session_id: str,
        person: Person,
        controls: Controls,
        reply: Reply,
        *,
        models: bool,
    ) -> Final | Failure:
        """What it wants; facts may be looked for before that is known."""
        language = language_of(ask.text, ask.context_hints.get("locale", ""))
        certain = self._understand.at_once(ask.text)
        gather = self._parts.gather
        wanted = certain is None or (needs()[certain.intent].passages and not certain.chitchat)
        ahead = gather.ahead(ask.text, language) if gather is not None and wanted else None
        try:
            before = await self._before(session_id, person)
            with self._parts.stage("intent"):
                understood = certain or await self._understand.understand(ask.text, before.intent)
            message = _Message(
                ask,
                person,
                before,
                understood,
                language,
                variant_of(self._settings.experiment, person),
                controls,
            )
            if self._parts.shedding is not None:
                verdict = self._parts.shedding.admit(understood.intent)
                if not verdict.allowed:
                    return reply.failure("too_many_requests", BUSY, verdict.retry_after_s)
            ending = await self._routed(message, reply, ahead, models=models)
        except NotYoursError:
            return reply.failure("bad_request", NOT_YOURS)
        finally:
            if ahead is not None:
                ahead.cancel()
        self._keep(session_id, message, ending)
        return ending

    async def _before(self, session_id: str, person: Person) -> Before:
        if self._parts.memory is None:
            return Before(known=False)
        with self._parts.stage("session"):
            return await self._parts.memory.before(session_id, person)

    async def _routed(self, message: _Message, reply: Reply, ahead: Any, *, models: bool) -> Final | Failure:
        """Our own words, a cache, or a model."""
        if (ready := await self._ready(message, reply)) is not None:
            return ready
        shared = needs()[message.intent].cached and not message.before.turns
        if shared and (found := await self._shelved(message, reply)) is not None:
            return found
        facts = Facts()
        if self._parts.gather is not None:
            with self._parts.stage("facts"):
                facts = await self._parts.gather.facts(
                    message.text, message.understood, message.person, message.ask.context_hints, ahead
                )
        return await self._generated(message, facts, reply, models=models, shared=shared)

    async def _ready(self, message: _Message, reply: Reply) -> Final | None:
        """What needs neither facts nor a model."""
        words, understood = message.words, message.understood
        if understood.options:
            buttons = beside.meanings(understood.options, words)
            text = "\n".join([words.ask_back, *(f"- {button.label}" for button in buttons)])
            return await self._own(message, text, reply, (*buttons, beside.human(words)), clarifies=True)
        if understood.chitchat:
            return await self._own(message, str(getattr(words, understood.chitchat)), reply)
        if message.intent is Intent.ESCALATION:
            return await self._own(message, words.human, reply, (beside.human(words),))
        return None

    async def _own(
        self, message: _Message, text: str, reply: Reply, actions: Any = (), *, clarifies: bool = False
    ) -> Final:
        await reply.text(text)
        about = self._about(message, Facts(), clarifies=clarifies)
        return reply.final(self._own_rung, text, actions=actions, about=about)

    async def _shelved(self, message: _Message, reply: Reply) -> Final | None:
        """An answer that was given before."""
        if self._parts.shelf is None:
            return None
        with self._parts.stage("cache"):
            found = await self._parts.shelf.find(message.asked, message.cache_mode)
        if found is None:
            return None
        kept, how = found
        await reply.text(kept.text)
        about = self._about(message, Facts()).model_copy(update={"cached": how, "sources": kept.sources})
        return reply.final(
            self._own_rung.model_copy(update={"name": CACHE, "tier": kept.tier}),
            kept.text,
            cards=kept.cards,
            actions=kept.actions,
            about=about,
        )

    async def _generated(
        self, message: _Message, facts: Facts, reply: Reply, *, models: bool, shared: bool
    ) -> Final | Failure:
        """By the ladder; without a model, from the facts alone."""
        hardness = complexity(
            message.understood,
            message.text,
            self._settings.routing.simple_words,
            settled=facts.settled,
        )
        rungs = self._router.rungs(message.text, hardness, message.controls)
        if not models:
            rungs = [rung for rung in rungs if rung.model is None]
        prompt = Prompt(
            asked=message.text,
            facts=told(facts, prompts().facts),
            history=self._history(message.before),
            variant=message.variant,
        )
        deadline = reply.arrived + self._settings.request_s
        with self._parts.stage("generate"):
            result = await self._ladder.walk(
                rungs, prompt, deadline, reply, lambda: self._without_model(message, facts)
            )
        if isinstance(result, Refusal):
            return await self._refuse(message, result, reply)
        self._outage.answered(by_model=result.rung.model is not None, asked=rungs[0].model is not None)
        return self._whole(message, facts, result, reply, shared=shared)

    def _whole(self, message: _Message, facts: Facts, answer: Answer, reply: Reply, *, shared: bool) -> Final:
        """The final frame, and the answer on the shelf where it may serve others."""
        cards = beside.cards(message.intent, facts)
        actions = beside.actions(message.intent, facts, message.words) if self._parts.gather else []
        final = reply.final(
            answer.rung,
            answer.text,
            usage=self._usage(answer),
            from_knowledge_base=answer.from_knowledge_base,
            cards=cards,
            actions=actions,
            about=self._about(message, facts),
        )
        whole = answer.rung.model is not None and not reply.changes and not facts.missing
        if shared and whole and not facts.personal and self._parts.shelf is not None:
            kept = Shelved(
                tier=answer.rung.tier,
                text=answer.text,
                cards=final.cards,
                actions=final.actions,
                sources=facts.sources,
            )
            asins = tuple(product.asin for product in facts.products)
            self._later(self._parts.shelf.put(message.asked, kept, asins, message.cache_mode))
        return final

    def _without_model(self, message: _Message, facts: Facts) -> str:
        """What people ask most, else what the facts say, else an honest word and a human."""
        said = plain(message.intent, facts, message.words, message.language)
        if said and (facts.settled or not self._canned.knows(message.text)):
            return said
        return self._canned.reply(message.text)

    async def _refuse(self, message: _Message, refusal: Refusal, reply: Reply) -> Final | Failure:
        if refusal.outcome is not Outcome.BLOCKED:
            return reply.failure("bad_request", self._canned.invalid)
        text = refusal.text or self._canned.blocked
        if not refusal.text:
            if reply.first_text_at is None:
                await reply.text(text)
            else:  # what slipped out before the verdict is withdrawn
                await reply.restart(text, refusal.outcome.value)
        blocked = Answer(refusal.rung, text, refusal.spent)
        return reply.final(
            refusal.rung, text, usage=self._usage(blocked), about=self._about(message, Facts())
        )

    # -- what is told beside ---------------------------------------------------------------------------------

    def _banner(self, controls: Controls) -> str:
        """The operator's words go before our own."""
        if controls.banner is not None and controls.banner.value:
            return controls.banner.value
        return self._canned.banner if self._outage.closed else ""

    def _about(self, message: _Message, facts: Facts, *, clarifies: bool = False) -> About:
        missing = facts.missing
        if self._parts.memory is not None and not message.before.known:
            missing = (*missing, "sessions")
        return About(
            intent=message.intent,
            clarifies=clarifies,
            variant=message.variant or None,
            sources=facts.sources,
            missing=missing,
        )

    def _history(self, before: Before) -> tuple[tuple[str, str], ...]:
        """The turns before; a summary of older ones goes first, as a turn of its own."""
        if not before.summary:
            return before.turns
        return (("What did we talk about before?", before.summary), *before.turns)

    def _usage(self, answer: Answer) -> Usage:
        if answer.rung.model is None:
            return Usage()
        asked, answered = answer.spent.input_tokens, answer.spent.output_tokens
        per_input, per_output = self._price(answer.rung)
        usd = asked * per_input + answered * per_output
        return Usage(input_tokens=asked, output_tokens=answered, usd=usd)

    def _keep(self, session_id: str, message: _Message, ending: Final | Failure) -> None:
        if self._parts.memory is None or not isinstance(ending, Final):
            return
        turn = Turn(message.ask.request_id, message.text, ending.text, message.intent, encode(ending))
        self._later(self._parts.memory.keep(session_id, message.person, turn))

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        """What nobody waits for, but a server that ends."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

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
        # What no model was asked for is quick, and would make the models look it too.
        who = ending.rung if ending.rung in {TEMPLATE, CACHE} else ending.tier.value
        self._telemetry.metrics(values, {"Tier": who}, rung=ending.rung)
