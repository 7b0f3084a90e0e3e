"""What the stand-in says: what the prompt knows and the person's own words, in sentences of answers.toml."""

import re
import tomllib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random

from pydantic import Field

from contract.base import Shape
from contract.faults import FaultKind
from rehearsal.bedrock import misbehaviour
from rehearsal.bedrock.context import Document, Facts, Order, Product

FEWEST_CHUNKS, MOST_CHUNKS = 20, 60
CHARACTERS_A_TOKEN = 4
MOST_FACTS = 3  # of a kind: a person who asks one thing is not told thirty
LONGEST_QUOTE = 240
_WORD = re.compile(r"\s*\S+")
_TAG = re.compile(r"<[^<>]*>")


class Sentences(Shape):
    """The file."""

    openings: tuple[str, ...] = Field(min_length=1)
    middles: tuple[str, ...] = Field(min_length=1)
    neutral: tuple[str, ...] = Field(min_length=1)
    closings: tuple[str, ...] = Field(min_length=1)
    products: tuple[str, ...] = Field(min_length=1)
    unpriced: tuple[str, ...] = Field(min_length=1)
    orders: tuple[str, ...] = Field(min_length=1)
    documents: tuple[str, ...] = Field(min_length=1)
    filler: frozenset[str]


@dataclass(frozen=True, slots=True)
class Answer:
    """The text as it is sent, and why it ends. `planned`: chunks it would have had without a limit."""

    chunks: tuple[str, ...]
    planned: int
    stop_reason: str

    @property
    def text(self) -> str:
        return "".join(self.chunks)


@cache
def _sentences() -> Sentences:
    return Sentences.model_validate(
        tomllib.loads(Path(__file__).with_name("answers.toml").read_text("utf-8"))
    )


def tokens(text: str) -> int:
    """About what a model's tokenizer counts for English."""
    return -(-len(text) // CHARACTERS_A_TOKEN)


def compose(
    random: Random,
    prompt: str,
    max_tokens: int | None,
    facts: Facts | None = None,
    wrongs: Collection[FaultKind] = (),
) -> Answer:
    """An answer to `prompt`: 20 to 60 chunks, fewer only when `max_tokens` cuts it short."""
    return chunked(random, _text(random, prompt, facts or Facts(), wrongs), max_tokens)


def chunked(random: Random, text: str, max_tokens: int | None, stop_reason: str = "end_turn") -> Answer:
    """A text as it is streamed, cut off where there are no tokens left."""
    chunks = _chunks(random, text)
    if max_tokens is None or tokens(text) <= max_tokens:
        return Answer(chunks, len(chunks), stop_reason)
    return Answer(tuple(_cut(chunks, max_tokens * CHARACTERS_A_TOKEN)), len(chunks), "max_tokens")


def stopped(answer: Answer, stops: Collection[str]) -> Answer:
    """Ended before the first stop sequence it would have said."""
    ends = [place for stop in stops if (place := answer.text.find(stop)) >= 0]
    if not ends:
        return answer
    return Answer(tuple(_cut(answer.chunks, min(ends))), answer.planned, "stop_sequence")


def telling(text: str) -> list[str]:
    """Words that say what a text is about."""
    return [
        word
        for word in re.findall(r"[^\W_]+", _TAG.sub(" ", text.lower()))
        if word not in _sentences().filler
    ]


def _cut(chunks: tuple[str, ...], room: int) -> Iterator[str]:
    for chunk in chunks:
        if room > 0:
            yield chunk[:room]
        room -= len(chunk)


def _text(random: Random, prompt: str, facts: Facts, wrongs: Collection[FaultKind]) -> str:
    """Enough words that even the most chunks have one each."""
    known, words = _sentences(), telling(prompt)
    said = [random.choice(known.openings), *_facts(random, facts, set(words), wrongs)]
    said += misbehaviour.sentences(random, wrongs)
    more = known.neutral if facts else known.middles
    closing, next_ = random.choice(known.closings), random.randrange(len(more))
    missing = MOST_CHUNKS - len(" ".join([*said, closing]).split())
    while missing > 0:
        said.append(more[next_ % len(more)])
        missing -= len(said[-1].split())
        next_ += 1
    return " ".join([*said, closing]).replace("{topic}", " ".join(words[:3]) or "that")


def _facts(random: Random, facts: Facts, words: set[str], wrongs: Collection[FaultKind]) -> Iterator[str]:
    """What the prompt knows, the most fitting first."""

    def fitting(text: str) -> int:
        return -len(words & set(telling(text)))

    for note in facts.notes[-MOST_FACTS:]:
        yield f"{note[:1].upper()}{note[1:]}."
    for order in sorted(facts.orders, key=lambda order: fitting(order.id))[:MOST_FACTS]:
        yield _order(random, order)
    for product in sorted(facts.products, key=lambda product: fitting(product.name))[:MOST_FACTS]:
        yield _product(random, product, wrong=FaultKind.WRONG_PRICE in wrongs)
    best = sorted(facts.documents, key=lambda document: fitting(document.title + " " + document.text))
    for document in best[:1]:
        yield _document(random, document, words)


def _product(random: Random, product: Product, *, wrong: bool) -> str:
    known = _sentences()
    stock = {True: ", and it is in stock", False: ", but it is sold out at the moment", None: ""}
    parts = {
        "name": product.name,
        "id": f" ({product.id})" if product.id else "",
        "stock": stock[product.in_stock],
    }
    if product.price is None:
        return random.choice(known.unpriced).format(**parts)
    price = misbehaviour.twist(random, product.price) if wrong else product.price
    return random.choice(known.products).format(**parts, price=f"${price:,.2f}")


def _order(random: Random, order: Order) -> str:
    due = f", due {order.due}" if order.due else ""
    return random.choice(_sentences().orders).format(id=order.id, status=order.status, due=due)


def _document(random: Random, document: Document, words: set[str]) -> str:
    """Its sentence with the most of the question's words, as it stands."""
    sentences = re.split(r"(?<=[.!?])\s+|(?<=[。！？])", " ".join(document.text.split()))
    best = max(sentences, key=lambda sentence: len(words & set(telling(sentence))))
    return random.choice(_sentences().documents).format(title=document.title, text=best[:LONGEST_QUOTE])


def _chunks(random: Random, text: str) -> tuple[str, ...]:
    """Split before spaces, as models do: the second chunk is ` for asking`."""
    words = _WORD.findall(text)
    count = min(len(words), random.randint(FEWEST_CHUNKS, MOST_CHUNKS))
    cuts = [number * len(words) // count for number in range(count + 1)]
    return tuple(["".join(words[start:end]) for start, end in pairwise(cuts)])
