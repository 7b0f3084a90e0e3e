"""Both stages together (RUN-3): rules decide what is certain, a model the rest, and doubt becomes a question.

Without the model the rules' best guess stands: somebody who gets an answer to a neighbouring question is
better off than somebody who is asked back for hours.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, NamedTuple

from contract.base import Shape
from contract.intents import Intent
from runtime.canned import Canned
from runtime.understand import entities
from runtime.understand.entities import Entities
from runtime.understand.rules import Guess, Rules, rules

MOST_ASKED_BACK = 3
FEW_WORDS = 6  # a message as short as this may lean on the one before
BOTH = 0.5  # of the model, where the words point the same way


class Scored(NamedTuple):
    """An intent, and how likely the model finds it."""

    intent: Intent
    score: float


# The model: the likeliest first; any error means that it does not answer.
Classify = Callable[[str], Awaitable[Sequence[Scored]]]


class Understanding(Shape):
    """What one message wants. `options`: what it may mean, when that is to be asked."""

    intent: Intent
    by: Literal["rules", "model", "session", "guess"]
    confidence: float = 1.0
    entities: Entities = Entities()
    chitchat: str = ""
    options: tuple[Intent, ...] = ()


class Understand:
    """`classify`: none where no model is deployed. `enough`: the score below which it is asked back."""

    def __init__(self, classify: Classify | None, canned: Canned, enough: float) -> None:
        self._classify = classify
        self._canned = canned
        self._enough = enough
        self._rules: Rules = rules()

    def at_once(self, message: str) -> Understanding | None:
        """What needs no model, if the words leave no doubt."""
        named = entities.find(message)
        guess = self._rules.read(message)
        if guess.chitchat:
            return Understanding(intent=Intent.GENERAL, by="rules", entities=named, chitchat=guess.chitchat)
        if len(guess.sure) == 1:
            return Understanding(intent=guess.sure[0], by="rules", entities=named)
        if not guess.sure and (known := self._canned.find(message)) is not None:
            return Understanding(intent=known.intent, by="rules", entities=named)
        return None

    async def understand(self, message: str, before: Intent | None = None) -> Understanding:
        """What the message wants; `before`: what the one before it wanted."""
        if (certain := self.at_once(message)) is not None:
            return certain
        guess, named = self._rules.read(message), entities.find(message)
        try:
            scored = await self._classify(message) if self._classify is not None else ()
        except Exception:  # noqa: BLE001 - the port counts and logs its errors; the rules stand
            scored = ()
        if not scored:
            return self._alone(message, guess, named, before)
        return self._weigh(message, guess, named, before, scored)

    def _alone(self, message: str, guess: Guess, named: Entities, before: Intent | None) -> Understanding:
        """Rules alone."""
        if guess.best is not None:
            return Understanding(intent=guess.best, by="guess", confidence=0.5, entities=named)
        if before is not None and _leans(message):
            return Understanding(intent=before, by="session", confidence=0.5, entities=named)
        return Understanding(intent=Intent.GENERAL, by="guess", confidence=0.0, entities=named)

    def _weigh(
        self,
        message: str,
        guess: Guess,
        named: Entities,
        before: Intent | None,
        scored: Sequence[Scored],
    ) -> Understanding:
        if guess.sure:  # several: the model only chooses among them
            scored = [one for one in scored if one.intent in guess.sure] or scored
            return Understanding(
                intent=scored[0].intent, by="model", confidence=scored[0].score, entities=named
            )
        best = scored[0]
        agreed = best.score >= BOTH and best.intent in guess.hints
        if best.score >= self._enough or agreed:
            return Understanding(intent=best.intent, by="model", confidence=best.score, entities=named)
        if before is not None and _leans(message):
            return Understanding(intent=before, by="session", confidence=best.score, entities=named)
        options = dict.fromkeys((*(one.intent for one in scored[:2]), *guess.hints))
        return Understanding(
            intent=best.intent,
            by="model",
            confidence=best.score,
            entities=named,
            options=tuple(options)[:MOST_ASKED_BACK],
        )


def _leans(message: str) -> bool:
    """Whether a message is likely to go on with the one before. Languages without blanks count letters."""
    return len(message.split()) <= FEW_WORDS and len(message) <= 8 * FEW_WORDS
