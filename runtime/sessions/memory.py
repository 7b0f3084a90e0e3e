"""What a model is shown of the conversation so far: the last turns, and a summary of those before (RUN-15).

Pure: nothing is stored or asked for here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

LETTERS_A_TOKEN = 4  # roughly, and in English; a summary that begins early does no harm
ASKED_LETTERS, ANSWERED_LETTERS = 160, 240  # of a turn, in a summary
SUMMARY_TOKENS = 500
# What somebody comes back to: order numbers, products, prices, deliveries.
_TELLING = re.compile(r"\b(?:ORD|DLV|RFD|CMP)-\w+|\bB0[0-9A-Z]{8}\b|[$€£¥]\s?\d|\d+(?:\.\d\d)?\s?(?:USD|JPY)")
_SENTENCES = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])\s*")


class Kept(StrEnum):
    """How much of it is in the store."""

    NEW = "new"  # nobody has said anything yet
    STORED = "stored"
    LOCAL = "local"  # the store did not answer: this process knows some of it, another will not
    NOTHING = "nothing"  # the store did not answer, and nothing is known


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer, as stored: redacted. `asins`: products that were shown.

    `ending`: the rest of the final frame, for whoever asks for it again.
    """

    request_id: str
    at: datetime
    asked: str
    answered: str
    intent: str = ""
    asins: tuple[str, ...] = ()
    ending: str = ""

    @property
    def tokens(self) -> int:
        return tokens(self.asked) + tokens(self.answered)


@dataclass(frozen=True, slots=True)
class Memory:
    """A session as its owner opened it. `through`: the last turn that went into the summary."""

    session_id: str
    user: str
    kept: Kept
    turns: tuple[Turn, ...] = ()
    summary: str = ""
    through: datetime | None = None

    @property
    def complete(self) -> bool:
        """Whether an answer may take it for all that was said; said in its metadata if not."""
        return self.kept in (Kept.NEW, Kept.STORED)

    def knows(self, request_id: str) -> bool:
        return any(turn.request_id == request_id for turn in self.turns)

    def with_turn(self, turn: Turn, most_turns: int, most_tokens: int) -> Self:
        """And what is then too old, or too much, summed up."""
        return replace(self, turns=(*self.turns, turn)).folded(most_turns, most_tokens)

    def folded(self, most_turns: int, most_tokens: int) -> Self:
        """The newest turn is always kept whole."""
        turns, summary, through = list(self.turns), self.summary, self.through
        while len(turns) > 1 and (len(turns) > most_turns or _sum(turns) > most_tokens):
            oldest = turns.pop(0)
            summary, through = add(summary, oldest), oldest.at
        return replace(self, turns=tuple(turns), summary=summary, through=through)


def tokens(text: str) -> int:
    return -(-len(text) // LETTERS_A_TOKEN)


def _sum(turns: Sequence[Turn]) -> int:
    return sum(turn.tokens for turn in turns)


def add(summary: str, turn: Turn) -> str:
    """The summary with a line for this turn; the oldest lines go when it is too long."""
    asked, answered = extract(turn.asked, ASKED_LETTERS), extract(turn.answered, ANSWERED_LETTERS)
    lines = [*summary.splitlines(), f"- asked: {asked} / answered: {answered}"]
    while len(lines) > 1 and tokens("\n".join(lines)) > SUMMARY_TOKENS:
        lines.pop(0)
    return "\n".join(lines)


def extract(text: str, letters: int) -> str:
    """Its sentences that name an order, a product or a price, as far as there is room; else its first."""
    sentences = [part for part in _SENTENCES.split(" ".join(text.split())) if part]
    worthy = [sentence for sentence in sentences if _TELLING.search(sentence)] or sentences
    short = " ".join(worthy)
    while len(short) > letters and len(worthy) > 1:
        worthy.pop()
        short = " ".join(worthy)
    return short if len(short) <= letters else short[: letters - 1] + "…"
