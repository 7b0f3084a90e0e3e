"""Whether a text tries to give the model orders (RUN-12): a score from 0 to 1, and of which kind.

Looked for are not sentences but things that come together: words that set aside with words for what a model
was told, a sign of the conversation's own format with an order ... One pass over the text finds them all
(Aho-Corasick), so that the time grows with the text's length and with nothing else.
"""

import re
import tomllib
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from ahocorasick_rs import AhoCorasick, Implementation
from pydantic import Field, model_validator

from contract.base import Shape
from runtime.safety.disguises import readings
from runtime.safety.normal import MOST, normal

Where = Literal["said", "found"]  # by a person; in a document or a product's text
MOST_HITS = 2_000  # a text that holds more is not read further: nobody writes like that
FLOOD = "flood"
_THING = "thing"
_LONG_WORD = 3  # letters of one that is found even in the middle of others
MOST_OF_WORD, MOST_THINGS = 16, 4
_SPARED = 0.3  # of a rule's weight, beside a thing that has instructions of its own
# A further clause: what is named in it is not what the words before it speak of.
_BEGINS = re.compile(r"[,:、，]|\b(?:and|then|now|so)\b|그리고|然后|并|そして")
_ENDS = re.compile(r"[.!?;。\n](?:(?<=[。\n])|(?=\s|$|[\u3040-\uffdc]))")


class Rule(Shape):
    """Things that together are an attempt."""

    kind: str
    needs: tuple[str, ...] = Field(min_length=1)
    weight: float = Field(gt=0, lt=1)
    where: Where | None = Field(None, description="none: anywhere")
    across: bool = Field(False, description="as heavy over several sentences")
    spared: bool = Field(False, description="weighs little where a person names a thing that has such")


class Lexicon(Shape):
    """injection.toml"""

    enough: float = Field(gt=0, le=1)
    near: int = Field(gt=0)
    apart: float = Field(gt=0, le=1)
    beside: int = Field(ge=0)
    shadows: frozenset[str]
    concepts: Mapping[str, Mapping[str, tuple[str, ...]]]
    rules: tuple[Rule, ...]

    @model_validator(mode="after")
    def _all_known(self) -> "Lexicon":
        if unknown := {need for rule in self.rules for need in rule.needs} - self.concepts.keys():
            raise ValueError(f"rules: {', '.join(sorted(unknown))} is no concept")
        return self


@dataclass(frozen=True, slots=True)
class Verdict:
    """`kind`: of the heaviest reason; empty where there is none. Tells nothing of the text itself."""

    score: float = 0.0
    kind: str = ""
    attempt: bool = False


class Hit(NamedTuple):
    """A thing that is spoken of."""

    concept: str
    start: int
    end: int


class _Term(NamedTuple):
    concept: str
    word: bool  # begins and ends where a word does
    open: bool  # may go on


class Detector:
    """Compiled from a lexicon; holds nothing of any text."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        terms: dict[str, list[_Term]] = {}
        for concept, language, term in _terms(lexicon):
            plain = normal(term.rstrip("*"))
            word = language in {"en", "romaji"} or (plain.isascii() and plain.isalpha())
            terms.setdefault(plain, []).append(_Term(concept, word, term.endswith("*")))
        self._terms = list(terms.values())
        self._found = AhoCorasick(list(terms), implementation=Implementation.DFA, store_patterns=False)
        self._rules: dict[str, list[Rule]] = {}
        for rule in lexicon.rules:
            for need in rule.needs:
                self._rules.setdefault(need, []).append(rule)

    def judge(self, text: str, where: Where = "said") -> Verdict:
        """Every way to read the text counts; the worst decides. What is too long to be read is an attempt."""
        plain = normal(text)
        if len(text) > MOST or len(plain) >= MOST:
            return Verdict(1.0, FLOOD, attempt=True)
        worst = self._read(plain, where)
        for other, run_on in readings(text, plain):
            verdict = self._read(other, where, run_on=run_on)
            worst = max(worst, verdict, key=lambda one: one.score)
        return worst

    def _read(self, plain: str, where: Where, *, run_on: bool = False) -> Verdict:
        text = f"\n{plain}"
        hits = self._hits(text, run_on=run_on)
        if hits is None:
            return Verdict(1.0, FLOOD, attempt=True)
        reasons = self._reasons(text, hits, [found.end() for found in _ENDS.finditer(plain)], where)
        if not reasons:
            return Verdict()
        left = 1.0
        for weight in reasons.values():
            left *= 1 - weight
        score = round(1 - left, 3)
        heaviest = max(reasons, key=lambda kind: reasons[kind])
        return Verdict(score, heaviest, attempt=score >= self._lexicon.enough)

    def _hits(self, plain: str, *, run_on: bool) -> Sequence[Hit] | None:
        """None: more than anybody writes."""
        hits: list[Hit] = []
        for number, start, end in self._found.find_matches_as_indexes(plain, overlapping=True):
            for term in self._terms[number]:
                anywhere = not (term.word or plain[start].isdigit()) or (run_on and end - start >= _LONG_WORD)
                if anywhere or _is_word(plain, start, end, term.open):
                    hits.append(Hit(term.concept, start, _word_end(plain, end) if term.open else end))
            if len(hits) >= MOST_HITS:
                return None
        return _apart(hits, self._lexicon.shadows)

    def _reasons(self, text: str, hits: Sequence[Hit], ends: Sequence[int], where: Where) -> dict[str, float]:
        """The heaviest weight of each kind of attempt that is there."""
        reasons: dict[str, float] = {}
        last: dict[str, Hit] = {}
        things = _Things(text, [hit for hit in hits if hit.concept == _THING] if where == "said" else [])
        for hit in hits:
            last[hit.concept] = hit
            for rule in self._rules.get(hit.concept, ()):
                if rule.where not in {None, where} or reasons.get(rule.kind, 0.0) >= rule.weight:
                    continue
                weight = self._weight(rule, hit, last, ends, things)
                if weight > reasons.get(rule.kind, 0.0):
                    reasons[rule.kind] = weight
        return reasons

    def _weight(
        self, rule: Rule, hit: Hit, last: Mapping[str, Hit], ends: Sequence[int], things: "_Things"
    ) -> float:
        """Of a rule, with this thing as the last of those it needs; 0 where one is missing or far away."""
        first = hit.start
        for need in rule.needs:
            other = last.get(need)
            if other is None or hit.start - other.end > self._lexicon.near:
                return 0.0
            first = min(first, other.start)
        together = rule.across or bisect_left(ends, hit.start) == bisect_left(ends, first)
        weight = rule.weight if together else rule.weight * self._lexicon.apart
        if rule.spared and things.of(Hit("", first, hit.end), ends, self._lexicon.beside):
            weight *= _SPARED
        return weight


class _Things:
    """Things of a shop that have instructions of their own: who speaks of those gives no orders."""

    def __init__(self, text: str, named: Sequence[Hit]) -> None:
        self._text, self._named = text, named

    def of(self, span: Hit, ends: Sequence[int], beside: int) -> bool:
        """Whether one is named beside it, in the same sentence, and nothing new begins between the two."""
        sentences = {bisect_left(ends, span.start), bisect_left(ends, span.end - 1)}
        near = bisect_left(self._named, span.start - beside, key=lambda thing: thing.end)
        return any(
            thing.start < span.end + beside
            and bisect_left(ends, thing.start) in sentences
            and not _BEGINS.search(self._text, min(thing.end, span.end), max(thing.start, span.start))
            for thing in self._named[near : near + MOST_THINGS]
        )


def _apart(hits: Sequence[Hit], shadows: frozenset[str]) -> list[Hit]:
    """Without those that are a part of one that speaks for itself, from left to right."""
    kept: list[Hit] = []
    shadow = -1
    for hit in sorted(hits, key=lambda hit: (hit.start, -hit.end, hit.concept not in shadows)):
        if hit.end > shadow:
            kept.append(hit)
        if hit.concept in shadows:
            shadow = max(shadow, hit.end)
    return kept


def _is_word(plain: str, start: int, end: int, may_go_on: bool) -> bool:
    """Whether no Latin letter stands right before or after: other scripts need no blank."""
    before, after = plain[start - 1 : start], plain[end : end + 1]
    if plain[start].isdigit() and before.isdigit():
        return False
    if before.isascii() and before.isalnum() and plain[start].isalnum():
        return False
    return may_go_on or not (after.isascii() and after.isalnum() and plain[end - 1].isalnum())


def _word_end(plain: str, end: int) -> int:
    """Where a Latin word ends whose beginning was found."""
    for place in range(end, min(len(plain), end + MOST_OF_WORD)):
        if not (plain[place].isascii() and plain[place].isalnum()):
            return place
    return end


def _terms(lexicon: Lexicon) -> Iterator[tuple[str, str, str]]:
    for concept, languages in lexicon.concepts.items():
        for language, terms in languages.items():
            yield from ((concept, language, term) for term in terms)


@cache
def lexicon() -> Lexicon:
    """That of this checkout."""
    text = Path(__file__).with_name("injection.toml").read_text(encoding="utf-8")
    return Lexicon.model_validate(tomllib.loads(text))


@cache
def detector() -> Detector:
    """Compiled once."""
    return Detector(lexicon())
