"""One message on its way: who asks, in which conversation, what is wanted. Settled before it is answered."""

from dataclasses import dataclass

from contract.controls import Controls
from contract.frames import Ask
from contract.intents import Intent
from contract.people import Person
from runtime.answer.needs import needs
from runtime.answer.texts import Wording, wording
from runtime.caches import Mode, Question
from runtime.sessions.memory import Memory
from runtime.understand.intent import Understanding


@dataclass(frozen=True, slots=True)
class Message:
    """`memory`: the session so far; None where none is kept."""

    ask: Ask
    person: Person
    memory: Memory | None
    understood: Understanding
    language: str
    variant: str
    controls: Controls
    session_id: str

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
    def history(self) -> tuple[tuple[str, str], ...]:
        """The turns before; a summary of older ones goes first, as a turn of its own."""
        if self.memory is None:
            return ()
        turns = tuple((turn.asked, turn.answered) for turn in self.memory.turns)
        if not self.memory.summary:
            return turns
        return (("What did we talk about before?", self.memory.summary), *turns)

    @property
    def shown(self) -> tuple[str, ...]:
        """Products of the last turn that showed any: "the first one" is one of these."""
        turns = self.memory.turns if self.memory is not None else ()
        return next((turn.asins for turn in reversed(turns) if turn.asins), ())

    @property
    def question(self) -> Question | None:
        """What its answer may be found by in a cache; None where it depends on what was said before."""
        if not needs()[self.intent].cached or self.history:
            return None
        named = self.understood.entities
        limits = [
            f"{name}{cents}" for name, cents in (("<", named.most_cents), (">", named.least_cents)) if cents
        ]
        return Question(
            text=self.text,
            intent=self.intent,
            entities=(*named.asins, *named.orders, *limits, self.ask.context_hints.get("asin", "")),
            locale=self.language,
            variant=self.variant,
        )

    @property
    def cache_mode(self) -> Mode:
        turned = self.controls.cache_mode
        return "normal" if turned is None else turned.value
