"""How a message that was let in and understood is answered: our own words, a cache, or the ladder (RUN-4)."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from contract.frames import About, Action, Card, Failure, Final, Usage
from contract.intents import Intent
from contract.outcomes import Outcome
from contract.runtime_settings import Rung, RuntimeSettings
from contract.tiers import Tier
from runtime.agents.errand import Errand
from runtime.agents.specialists import of_intent
from runtime.answer import beside
from runtime.answer.facts import Facts, told
from runtime.answer.gather import Ahead
from runtime.answer.needs import complexity
from runtime.answer.plain import plain
from runtime.answer.texts import wording
from runtime.caches import Made, Turn
from runtime.canned import Canned
from runtime.failover.ladder import Answer, Ladder, Refusal
from runtime.message import Message
from runtime.outage import Outage
from runtime.parts import Parts, Shelved
from runtime.port import Prompt
from runtime.prices import Price
from runtime.prompts import prompts
from runtime.reply import Reply
from runtime.route import Router
from runtime.safety.output.context import Goods, context_of, goods_of
from runtime.safety.output.money import amounts
from runtime.safety.output.stream import Stream
from runtime.safety.watch import Watch, own_instructions
from runtime.tools.tool import Caller

DOCUMENTS = "documents"  # tag of answers that quote some: whoever changes those invalidates it
TEMPLATE, CACHE = "template", "cache"  # rungs of answers that no model gave for this message
# Our own words are no step down: they are the best there is for what they answer.
OWN = Rung(name=TEMPLATE, tier=Tier.T0)


class Answering:
    """Answers one message after another; holds nothing of any."""

    def __init__(
        self,
        *,
        settings: RuntimeSettings,
        router: Router,
        ladder: Ladder,
        canned: Canned,
        price: Price,
        outage: Outage,
        parts: Parts,
        watch: Watch,
    ) -> None:
        self._settings = settings
        self._router = router
        self._ladder = ladder
        self._canned = canned
        self._price = price
        self._outage = outage
        self._parts = parts
        self._watch = watch

    async def answer(
        self, message: Message, reply: Reply, ahead: Ahead | None, *, models: bool
    ) -> Final | Failure:
        """`ahead`: what is already looked for. `models`: whether one may be called for it."""
        if (ready := await self._ready(message, reply)) is not None:
            return ready
        question = message.question
        if question is None or self._parts.answers is None:
            facts = await self._facts(message, ahead)
            return await self._generated(message, reply, ahead, None, facts, models=models)
        async with self._parts.answers.turn(question, message.cache_mode) as turn:
            if (found := await self._found(message, reply, turn)) is not None:
                return found
            # Facts are looked up beside the look for a similar question: most have none.
            looking = asyncio.create_task(self._facts(message, ahead))
            try:
                if (found := await self._similar(message, reply, ahead, turn)) is not None:
                    return found
                return await self._generated(message, reply, ahead, turn, await looking, models=models)
            finally:
                looking.cancel()

    async def refuse(self, language: str, reply: Reply) -> Final:
        """To a message that tries to give orders: what was meant is nobody's business."""
        words = wording(language)
        await reply.text(words.refused)
        about = About(intent=Intent.GENERAL)
        return reply.final(OWN, words.refused, actions=(beside.human(words),), about=about)

    # -- our own words ------------------------------------------------------------------------------------

    async def _ready(self, message: Message, reply: Reply) -> Final | None:
        """What needs neither facts nor a model."""
        words, understood = message.words, message.understood
        if understood.options:
            buttons = beside.meanings(understood.options, words)
            text = "\n".join([words.ask_back, *(f"- {button.label}" for button in buttons)])
            return await self._own(message, text, reply, (*buttons, beside.human(words)), clarifies=True)
        if understood.chitchat:
            return await self._own(message, words.chitchat(understood.chitchat), reply)
        if message.intent is Intent.ESCALATION:
            return await self._own(message, words.human, reply, (beside.human(words),))
        return None

    async def _own(
        self,
        message: Message,
        text: str,
        reply: Reply,
        actions: Sequence[Action] = (),
        *,
        clarifies: bool = False,
    ) -> Final:
        await reply.text(text)
        about = self._about(message, Facts(), clarifies=clarifies)
        return reply.final(OWN, text, actions=actions, about=about)

    # -- the cache ----------------------------------------------------------------------------------------

    async def _similar(
        self, message: Message, reply: Reply, ahead: Ahead | None, turn: Turn[Shelved]
    ) -> Final | None:
        """The answer to a question that means the same."""
        if turn.answer is not None or ahead is None or not (vector := await ahead.vector()):
            return None
        await turn.similar(vector)
        return await self._found(message, reply, turn)

    async def _found(self, message: Message, reply: Reply, turn: Turn[Shelved]) -> Final | None:
        """An answer that was given before, as long as its prices still are what they were (RUN-11)."""
        with self._parts.stage("cache"):
            kept = turn.answer
            if kept is None or not await self._still_true(kept):
                return None
        await reply.text(kept.text)
        about = self._about(message, Facts()).model_copy(
            update={"cached": "semantic" if turn.how == "similar" else "exact", "sources": kept.sources}
        )
        return reply.final(
            OWN.model_copy(update={"name": CACHE, "tier": kept.tier}),
            kept.text,
            cards=kept.cards,
            actions=kept.actions,
            about=about,
        )

    async def _still_true(self, kept: Shelved) -> bool:
        priced = {card.asin: card.price_cents for card in kept.cards if card.price_cents is not None}
        return not priced or (self._parts.gather is not None and await self._parts.gather.prices_are(priced))

    # -- the ladder ---------------------------------------------------------------------------------------

    async def _generated(
        self,
        message: Message,
        reply: Reply,
        ahead: Ahead | None,
        turn: Turn[Shelved] | None,
        facts: Facts,
        *,
        models: bool,
    ) -> Final | Failure:
        """By a model; where none speaks, from the facts alone."""
        hardness = complexity(
            message.understood, message.text, self._settings.routing.simple_words, settled=facts.settled
        )
        rungs = self._router.rungs(message.text, hardness, message.controls)
        if not models:
            rungs = [rung for rung in rungs if rung.model is None]
        deadline = reply.arrived + self._settings.request_s
        stream = self._checked(message, facts, reply)
        errand = self._errand(message, stream)
        facts_told = told(facts, prompts().facts)
        prompt = Prompt(message.text, facts_told, message.history, message.variant, errand)
        with self._parts.stage("generate"):
            result = await self._ladder.walk(
                rungs, prompt, deadline, stream, lambda: self._without_model(message, facts)
            )
        if isinstance(result, Refusal):
            return await self._refuse(message, result, reply, stream)
        self._outage.answered(by_model=result.rung.model is not None, asked=rungs[0].model is not None)
        if self._parts.measures is not None:
            self._parts.measures.answered(result.rung.tier, rungs[0].tier)
        with self._parts.stage("output"):
            whole = await stream.finish(result.text)
        self._watch.changed(whole)
        final = self._whole(message, facts, replace(result, text=whole.text), reply, errand)
        if turn is not None and not (errand is not None and errand.used):
            await self._shelve(turn, final, facts, result, ahead)
        return final

    async def _facts(self, message: Message, ahead: Ahead | None) -> Facts:
        if self._parts.gather is None:
            return Facts()
        with self._parts.stage("facts"):
            facts = await self._parts.gather.facts(
                message.text,
                message.understood,
                message.person,
                message.ask.context_hints,
                ahead,
                self._meant(message),
            )
            return self._watch.only_data(facts)

    def _meant(self, message: Message) -> Sequence[str]:
        """To an agent, what was shown last is what is spoken of, unless something else is named."""
        if self._parts.crew is None or message.intent not in of_intent() or message.understood.entities.asins:
            return ()
        return message.shown

    def _errand(self, message: Message, stream: Stream) -> Errand | None:
        """What agents may do for it; None where it is answered from facts."""
        if self._parts.crew is None:
            return None
        caller = Caller(message.person, message.session_id, word=message.ask.confirmation or "")
        return self._parts.crew.errand(
            message.intent, caller, message.ask.request_id, message.words, stream.learn
        )

    def _checked(self, message: Message, facts: Facts, reply: Reply) -> Stream:
        """What the person hears of an answer instead of the answer."""
        turns = message.memory.turns if message.memory is not None else ()
        asked = "\n".join((message.text, *(turn.asked for turn in turns)))
        named = message.understood.entities.asins
        context = context_of(facts, asked, message.language, named, own_instructions())
        before = tuple(dict.fromkeys(asin for turn in reversed(turns) for asin in turn.asins))
        return Stream(reply, context, self._goods, before)

    async def _goods(self, asins: Sequence[str]) -> Sequence[Goods]:
        """Products with their prices; what does not answer in time gives none (RUN-11)."""
        if self._parts.gather is None:
            return ()
        products, prices = await self._parts.gather.goods(asins)
        return [goods_of(product, prices.get(product.asin)) for product in products]

    def _whole(
        self, message: Message, facts: Facts, answer: Answer, reply: Reply, errand: Errand | None
    ) -> Final:
        cards, actions = self._beside(message, facts, errand)
        return reply.final(
            answer.rung,
            answer.text,
            usage=self._usage(answer),
            from_knowledge_base=answer.from_knowledge_base,
            cards=cards,
            actions=actions,
            about=self._about(message, facts, errand=errand),
        )

    def _beside(
        self, message: Message, facts: Facts, errand: Errand | None
    ) -> tuple[Sequence[Card], Sequence[Action]]:
        """What tools gave counts, where any was used; a yes that is waited for comes first."""
        gathered = self._parts.gather is not None
        actions = beside.actions(message.intent, facts, message.words) if gathered else []
        if errand is None or not errand.used:
            return beside.cards(message.intent, facts), actions
        if errand.proposal is not None:
            actions = [beside.confirm(errand.proposal, message.words), beside.human(message.words)]
        return beside.found(result.data for result in errand.results), actions

    async def _shelve(
        self, turn: Turn[Shelved], final: Final, facts: Facts, answer: Answer, ahead: Ahead | None
    ) -> None:
        """Only what a model said, whole, from facts that were all there and nobody's own."""
        made = Made(
            by_model=answer.rung.model is not None,
            whole=not facts.personal and _priced_by_cards(final),
            corrected=bool(final.about.changes),
            derived=bool(facts.products),
            lacking=bool(facts.missing),
        )
        kept = Shelved(
            tier=final.tier,
            text=final.text,
            cards=final.cards,
            actions=final.actions,
            sources=final.about.sources,
        )
        vector = await ahead.vector() if ahead is not None and made.may_be_kept else None
        tags = [*(product.asin for product in facts.products), *([DOCUMENTS] if facts.passages else [])]
        await turn.keep(kept, made, tags=tags, vector=vector)

    def _without_model(self, message: Message, facts: Facts) -> str:
        """What the facts say of an order, what people ask most, what else the facts say, an honest word."""
        said = plain(message.intent, facts, message.words, message.language)
        if said and (facts.settled or not self._canned.knows(message.text)):
            return said
        return self._canned.reply(message.text)

    async def _refuse(
        self, message: Message, refusal: Refusal, reply: Reply, stream: Stream
    ) -> Final | Failure:
        if refusal.outcome is not Outcome.BLOCKED:
            return reply.failure("bad_request", self._canned.invalid)
        text = refusal.text or self._canned.blocked
        if refusal.text:
            text = (await stream.finish(refusal.text)).text
        else:
            if not stream.shown:
                await reply.text(text)
            else:  # what slipped out before the verdict is withdrawn
                await reply.restart(text, refusal.outcome.value)
        usage = self._usage(Answer(refusal.rung, text, refusal.spent))
        return reply.final(refusal.rung, text, usage=usage, about=self._about(message, Facts()))

    # -- what is told beside ------------------------------------------------------------------------------

    def _about(
        self, message: Message, facts: Facts, *, clarifies: bool = False, errand: Errand | None = None
    ) -> About:
        forgetful = message.memory is not None and not message.memory.complete
        return About(
            intent=message.intent,
            clarifies=clarifies,
            variant=message.variant or None,
            sources=facts.sources,
            missing=(*facts.missing, "sessions") if forgetful else facts.missing,
            tools=tuple(errand.calls) if errand is not None else (),
        )

    def _usage(self, answer: Answer) -> Usage:
        model = answer.rung.model
        if model is None:
            return Usage()
        asked, answered = answer.spent.input_tokens, answer.spent.output_tokens
        if self._parts.measures is not None:
            self._parts.measures.tokens(model, asked, answered)
        per_input, per_output = self._price(answer.rung)
        usd = asked * per_input + answered * per_output
        return Usage(input_tokens=asked, output_tokens=answered, usd=usd)


def _priced_by_cards(final: Final) -> bool:
    """Whether every price in an answer is that of a card: those are asked for again (RUN-11)."""
    return bool(final.cards) or not amounts(final.text)
