"""The six checks of an answer in their order (RUN-10), each a pure function of text and context.

Whatever a text leant on, these hold: they read what is said, not why.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from runtime.safety import pii
from runtime.safety.letters import low
from runtime.safety.normal import normal
from runtime.safety.output.context import Context, Finding
from runtime.safety.output.prices import prices
from runtime.safety.output.rules import rules, wording
from runtime.safety.terms import MOST, Place, Terms

Checked = tuple[str, tuple[Finding, ...]]
Stage = Callable[[str, Context], Checked]
ASIN = re.compile(r"B0(?<![A-Za-z0-9]..)[A-Z0-9]{8}(?![A-Za-z0-9])")
_SENTENCE = re.compile(r"[^.!?。！？\n]*(?:[.!?。！？\n]+|$)")
MOSTLY = 0.5  # of an answer's sentences: then nothing of it is said
LONGEST_PLACE = 16  # letters of a word that goes with a place to buy
TOLD = 600  # letters before an amount that say what it belongs to
NEAR = 80  # those before anything else that say what it is
ROUNDS = 3  # of all checks, at most
_MASK = "…"
INSULT = "insult"
_SIDES = ("first", "second")  # of a pair
_ENDING = re.compile(r"\.(?:com|net|org|co\.[a-z]{2}|[a-z]{2})(?![a-z])", re.IGNORECASE)


class Whole(NamedTuple):
    """An answer after all checks. `withheld`: nothing of what the model said is left."""

    text: str
    findings: tuple[Finding, ...]

    @property
    def changes(self) -> tuple[str, ...]:
        """In words, for whoever wonders."""
        return tuple(dict.fromkeys(f"{one.check}: {one.what}" for one in self.findings))


def personal(text: str, context: Context) -> Checked:
    """Personal data, but for what a document of ours says to everybody. A flood of digits is no answer."""
    if pii.flood(text):
        return wording(context.language).withheld, (Finding("pii", "withheld"),)
    found = [one for one in pii.find(text) if text[one.start : one.end] not in context.public]
    if not found:
        return text, ()
    parts, at = [], 0
    for one in found:
        parts += [text[at : one.start], f"[{one.kind}]"]
        at = one.end
    kinds = dict.fromkeys(one.kind for one in found)
    return "".join([*parts, text[at:]]), tuple(Finding("pii", f"{kind} taken out") for kind in kinds)


def toxicity(text: str, context: Context) -> Checked:
    """Rude words are masked, insults go with their sentence, and after a grave one nothing is said."""
    found = [*_toxic().find(low(text)), *(place for place in _together(text) if place.kind == INSULT)]
    if not found:
        return text, ()
    if len(found) >= MOST or any(place.kind == "grave" for place in found):
        return wording(context.language).withheld, (Finding("toxicity", "withheld"),)
    text = _masked(text, [place for place in found if place.kind == "rude"])
    insults = [place for place in (*_toxic().find(low(text)), *_together(text)) if place.kind == INSULT]
    if insults:
        text = _without_sentences(text, insults) or wording(context.language).withheld
    return text, (Finding("toxicity", "softened"),)


def competitors(text: str, context: Context) -> Checked:
    """Other shops have no names here."""
    names = names_of_shops().find(low(text))
    if len(names) == MOST:
        return wording(context.language).withheld, (Finding("competitor", "withheld"),)
    found = [place for place in names if place.kind == "sure" or _to_buy(text, place)]
    if not found:
        return text, ()
    other = wording(context.language).competitor
    parts, at = [], 0
    for place in sorted(found, key=lambda place: (place.start, -place.end)):
        if place.start >= at:
            parts += [text[at : place.start], other]
            ending = _ENDING.match(text, place.end)
            at = ending.end() if ending else place.end
    return "".join([*parts, text[at:]]), (Finding("competitor", "name replaced"),)


def numbers_of_products(text: str, context: Context) -> Checked:
    """A product that does not exist is none."""
    wrong = {asin for asin in ASIN.findall(text) if asin not in context.asins}
    if not wrong:
        return text, ()
    unknown = wording(context.language).unknown
    return ASIN.sub(lambda found: unknown if found[0] in wrong else found[0], text), (
        Finding("asin", "unknown product removed"),
    )


def scope(text: str, context: Context) -> Checked:
    """Only about the shop: advice of other kinds goes, and so do our own instructions."""
    if context.private and any(line in normal(text) for line in context.private):
        return wording(context.language).withheld, (Finding("scope", "instructions withheld"),)
    found = [*_outside().find(low(text)), *(place for place in _together(text) if place.kind != INSULT)]
    if not found:
        return text, ()
    kinds = dict.fromkeys(place.kind for place in found)
    findings = tuple(Finding("scope", f"{kind} left out") for kind in kinds)
    left = "" if len(found) >= MOST else _without_sentences(text, found)
    if len(left) < MOSTLY * len(text):
        return wording(context.language).withheld, findings
    return left, findings


STAGES: tuple[tuple[str, Stage], ...] = (
    ("pii", personal),
    ("price", prices),
    ("toxicity", toxicity),
    ("competitor", competitors),
    ("asin", numbers_of_products),
    ("scope", scope),
)


def check(text: str, context: Context) -> Whole:
    """All of them, one after another; again where they changed something, for what stands together now."""
    findings: list[Finding] = []
    for _ in range(ROUNDS):
        before = text
        for _, stage in STAGES:
            text, found = stage(text, context)
            findings += found
        if text == before or len(text) > pii.LOOKED_AGAIN:
            break
    words = wording(context.language)
    if words.elsewhere in text and words.look not in text:
        text = f"{text.rstrip()} {words.look}"
    if findings and not text.strip():  # somebody always gets an answer
        text = words.withheld
    return Whole(text, tuple(findings))


def check_part(before: str, part: str, context: Context) -> str | None:
    """What a part of an answer becomes while it is still coming, by the checks that need no more of it.

    `before`: what is shown already. None: that would have to change too, which the end will tell.
    """

    def priced(text: str, context: Context) -> Checked:
        return prices(text, context, len(lead))

    for stage, told in ((personal, NEAR), (priced, TOLD), (competitors, NEAR)):
        lead = _last(before, told)
        checked, _ = stage(lead + part, context)
        if not checked.startswith(lead):
            return None
        part = checked[len(lead) :]
    return part


def _last(text: str, letters: int) -> str:
    """So many of its end, and no half of a word."""
    return text if len(text) <= letters else text[text.find(" ", len(text) - letters) + 1 :]


def _masked(text: str, places: list[Place]) -> str:
    parts, at = [], 0
    for place in sorted(places, key=lambda place: place.start):
        if place.start >= at:
            parts += [text[at : place.start], _MASK]
            at = _word_end(text, place.end)
    return "".join([*parts, text[at:]])


def _word_end(text: str, end: int) -> int:
    while end < len(text) and text[end].isascii() and text[end].isalpha():
        end += 1
    return end


def _without_sentences(text: str, places: list[Place]) -> str:
    starts = sorted(place.start for place in places)
    kept = [
        match[0]
        for match in _SENTENCE.finditer(text)
        if bisect_left(starts, match.start()) == bisect_left(starts, match.end())
    ]
    return "".join(kept).strip()


def _together(text: str) -> list[Place]:
    """Where both words of a pair stand in one sentence, in that order or the other."""
    words = _pairs().find(low(text))
    if len(words) < 2:
        return []
    ends = [match.end() for match in _SENTENCE.finditer(text)]
    sides: dict[tuple[str, int], dict[str, Place]] = {}
    for word in words:
        kind, _, side = word.kind.partition("/")
        sides.setdefault((kind, bisect_right(ends, word.start)), {}).setdefault(side, word)
    return [
        Place(kind, both["second"].start, both["second"].end)
        for (kind, _), both in sides.items()
        if len(both) == len(_SIDES)
    ]


def _to_buy(text: str, place: Place) -> bool:
    """Whether a word that is also a name is one here."""
    if not text[place.start].isupper():
        return False
    before = text[max(0, place.start - LONGEST_PLACE) : place.start].split()[-1:]
    return bool(before) and before[0].lower() in rules().competitors.places


@cache
def _toxic() -> Terms:
    return Terms(rules().toxic)


@cache
def names_of_shops() -> Terms:
    known = rules().competitors
    return Terms({"sure": known.sure, "capital": known.capital})


@cache
def _pairs() -> Terms:
    pairs = rules().pairs.items()
    return Terms({f"{kind}/{side}": getattr(pair, side) for kind, pair in pairs for side in _SIDES})


@cache
def _outside() -> Terms:
    return Terms(rules().scope)
