"""Where the message path meets the checks of what comes in: counted and told without a word of the text.

What a person writes loses its personal data before anybody sees it, and is refused when it gives the model
orders. What was found for it is data: a text that speaks to the model is left out (RUN-12, RUN-13).
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, lru_cache

from contract.frames import Ask
from runtime.answer.facts import Facts
from runtime.measures import Measures
from runtime.prompts import prompts
from runtime.retrieval import Passage
from runtime.safety.injection import Verdict, detector
from runtime.safety.normal import normal
from runtime.safety.output.context import Context
from runtime.safety.output.stages import Whole, check
from runtime.safety.pii import Original, redacted
from runtime.shop.answers import Product
from runtime.telemetry import Telemetry

LONGEST_HINT = 200  # letters; a client's hint is a word: a page, a product, a language
REMEMBERED = 4_096  # texts that were found before: passages and products come again and again
SHORTEST_OWN = 40  # letters of a sentence that nobody says by chance
_SAMPLE = "Ｌａｍｐ, あ: $5, 5% off. Call 415-555-0132."
_SENTENCE = re.compile(r"[.:]\s+|\n")
LEFT_OUT = "speaks-to-the-model"


class Watch:
    """`measures`: none where nothing is counted."""

    def __init__(self, telemetry: Telemetry, measures: Measures | None) -> None:
        self._telemetry = telemetry
        self._measures = measures

    def without_pii(self, ask: Ask) -> tuple[Ask, Sequence[Original]]:
        """The message as it is stored, logged, traced and sent to models; and what its text has lost."""
        text, originals = redacted(ask.text)
        hints = {
            name[:LONGEST_HINT]: redacted(value[:LONGEST_HINT])[0]
            for name, value in ask.context_hints.items()
        }
        if self._measures is not None:
            for kind, count in Counter(one.kind for one in originals).items():
                self._measures.taken_out(kind, count)
        if not originals and hints == ask.context_hints:
            return ask, ()
        return ask.model_copy(update={"text": text, "context_hints": hints}), originals

    def refuses(self, ask: Ask) -> bool:
        """Whether the message, or a hint beside it, gives orders to the model."""
        verdict = max(
            (detector().judge(text) for text in (ask.text, *ask.context_hints.values())),
            key=lambda verdict: verdict.score,
        )
        if not verdict.attempt:
            return False
        self._telemetry.log(
            "warning",
            "a message that gives orders to the model was refused",
            kind=verdict.kind,
            score=verdict.score,
        )
        if self._measures is not None:
            self._measures.refused(verdict.kind)
        return True

    def only_data(self, facts: Facts) -> Facts:
        """The facts without what speaks to the model."""
        passages = tuple(one for one in facts.passages if self._harmless(f"{one.title}\n{one.text}"))
        products = tuple(self._plain(one) for one in facts.products)
        if passages == facts.passages and products == facts.products:
            return facts
        missing = tuple(dict.fromkeys((*facts.missing, LEFT_OUT)))
        return replace(facts, passages=passages, products=products, missing=missing)

    def changed(self, whole: Whole) -> None:
        """What the checks of an answer did."""
        if not whole.findings:
            return
        self._telemetry.log("info", "an answer was changed by its checks", changes=list(whole.changes))
        if self._measures is not None:
            for name in {one.check for one in whole.findings}:
                self._measures.changed(name)

    def _plain(self, product: Product) -> Product:
        return product if self._harmless(_words(product)) else _nameless(product)

    def _harmless(self, text: str) -> bool:
        verdict = _found(text)
        if not verdict.attempt:
            return True
        self._telemetry.log(
            "warning",
            "a text that speaks to the model was left out",
            kind=verdict.kind,
            score=verdict.score,
        )
        if self._measures is not None:
            self._measures.left_out(verdict.kind)
        return False


def ready() -> None:
    """Builds what the checks need, a tenth of a second: no message has to wait for it."""
    detector().judge(_SAMPLE)
    redacted(_SAMPLE)
    check(_SAMPLE, Context(private=own_instructions()))


@cache
def own_instructions() -> tuple[str, ...]:
    """The sentences of our own prompts, which an answer must not repeat."""
    said = "\n".join((prompts().system, *prompts().variants.values()))
    lines = (normal(line).strip() for line in _SENTENCE.split(said))
    return tuple(line for line in lines if len(line) >= SHORTEST_OWN)


def harmless(passage: Passage) -> bool:
    """For whoever takes documents in: whether a passage may be kept at all."""
    return not _found(f"{passage.title}\n{passage.text}").attempt


def speaks_to_model(text: str) -> bool:
    """For whoever keeps words of a customer that a model is told later."""
    return _found(text).attempt


def plain(product: Product) -> Product:
    """For whoever shows products found otherwise: without its words where they speak to the model."""
    return _nameless(product) if _found(_words(product)).attempt else product


def _nameless(product: Product) -> Product:
    """It keeps its number and its price: they are the shop's. Its words are a seller's."""
    asin = product.asin
    return replace(product, title=asin, title_ja=asin, maker="", kind="", category="", features={})


@lru_cache(REMEMBERED)
def _found(text: str) -> Verdict:
    return detector().judge(text, "found")


def _words(product: Product) -> str:
    features = (f"{name}: {value}" for name, value in product.features.items())
    return "\n".join((product.title, product.title_ja, product.maker, product.kind, *features))
