"""What the stand-in says: sentences of `answers.toml` around the words of the prompt, in chunks."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random

from pydantic import Field

from contract.base import Shape

FEWEST_CHUNKS, MOST_CHUNKS = 20, 60
CHARACTERS_A_TOKEN = 4


class Sentences(Shape):
    """The file."""

    openings: tuple[str, ...] = Field(min_length=1)
    middles: tuple[str, ...] = Field(min_length=1)
    closings: tuple[str, ...] = Field(min_length=1)
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


def compose(random: Random, prompt: str, max_tokens: int | None) -> Answer:
    """An answer to `prompt`: 20 to 60 chunks, fewer only when `max_tokens` cuts it short."""
    chunks = _chunks(random, _text(random, _topic(prompt)))
    if max_tokens is None or tokens("".join(chunks)) <= max_tokens:
        return Answer(chunks, len(chunks), "end_turn")
    return Answer(tuple(_cut(chunks, max_tokens * CHARACTERS_A_TOKEN)), len(chunks), "max_tokens")


def _cut(chunks: tuple[str, ...], room: int) -> Iterator[str]:
    for chunk in chunks:
        if room > 0:
            yield chunk[:room]
        room -= len(chunk)


def _topic(prompt: str) -> str:
    words = [word for word in re.findall(r"[^\W_]+", prompt.lower()) if word not in _sentences().filler]
    return " ".join(words[:3]) or "that"


def _text(random: Random, topic: str) -> str:
    """Enough words that even the most chunks have one each."""
    known = _sentences()
    said = [random.choice(known.openings)]
    middles = random.sample(known.middles, len(known.middles))
    closing = random.choice(known.closings)
    while len(" ".join([*said, closing]).split()) < MOST_CHUNKS:
        said.append(middles.pop())
    return " ".join([*said, closing]).replace("{topic}", topic)


def _chunks(random: Random, text: str) -> tuple[str, ...]:
    """Split before spaces, as models do: the second chunk is ` for asking`."""
    words = re.findall(r"\s*\S+", text)
    count = random.randint(FEWEST_CHUNKS, MOST_CHUNKS)
    cuts = [0, *sorted(random.sample(range(1, len(words)), count - 1)), len(words)]
    return tuple("".join(words[start:end]) for start, end in pairwise(cuts))
