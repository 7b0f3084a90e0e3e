"""Holds an answer against what is expected of it. Every check is a program's: same answer, same verdict.

Leans on nothing of what it judges: prices are found and tied to products by code of its own.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from runtime.eval.answers import Answer
from runtime.eval.golden import Prompt
from runtime.eval.truth import Good, Truth

_MONEY = re.compile(
    r"(?:US)?\$\s?(\d[\d,]*(?:\.\d{1,2})?)"
    r"|(\d[\d,]*(?:\.\d{1,2})?)\s?(?:US dollars?|dollars?|USD|ドル|美元|달러)",
    re.IGNORECASE,
)
_ASIN = re.compile(r"(?<![A-Za-z0-9])B0[A-Z0-9]{8}(?![A-Za-z0-9])")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？\n])")
_EAST = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
_KANA = re.compile(r"[\u3040-\u30ff]")
_LETTER = re.compile(r"[^\W\d_]")
JAPANESE = 0.3  # share of the letters from which a text is in Japanese: names of products are not


class Finding(NamedTuple):
    """What one check of one answer found; `why` is empty where it held."""

    dimension: str
    why: str = ""

    @property
    def held(self) -> bool:
        return not self.why


class Case(NamedTuple):
    """What a check looks at."""

    prompt: Prompt
    answer: Answer
    truth: Truth


Check = Callable[[Case], Iterator[Finding]]


def judge(prompt: Prompt, answer: Answer, truth: Truth) -> tuple[Finding, ...]:
    """Every finding, in the order of the checks; without an answer the first alone."""
    if not answer.final:
        return (Finding("answered", answer.error or "no answer came"),)
    case = Case(prompt, answer, truth)
    return (Finding("answered"), *(finding for check in CHECKS for finding in check(case)))


def _intent(case: Case) -> Iterator[Finding]:
    wanted = case.prompt.expect.intent
    if wanted:
        yield _found(
            "intent", case.answer.intent in wanted, f"{case.answer.intent or 'none'}, not {_or(wanted)}"
        )


def _products(case: Case) -> Iterator[Finding]:
    expect, shown = case.prompt.expect, _named(case)
    if expect.products:
        missing = [asin for asin in expect.products if asin not in shown]
        yield _found("products", not missing, f"{_and(missing)} neither shown nor named")
    if expect.one_of:
        first = shown[0] if shown else "nothing"
        yield _found("products", first in expect.one_of, f"{first} first, not {_or(expect.one_of[:3])}")


def _genre(case: Case) -> Iterator[Finding]:
    expect = case.prompt.expect
    goods = [case.truth.goods[asin] for asin in _named(case) if asin in case.truth.goods]
    if expect.genre:
        wrong = [good for good in goods if expect.genre not in (good.kind, good.category)]
        why = f"{wrong[0].asin} is {wrong[0].kind}, not {expect.genre}" if wrong else "no product is shown"
        yield _found("genre", bool(goods) and not wrong, why)
    for word, limit, beyond in (("most", expect.most, 1), ("least", expect.least, -1)):
        if limit is not None:
            out = [good for good in goods if beyond * (good.cents - round(limit * 100)) > 0]
            why = (
                f"{out[0].asin} costs {_usd(out[0].cents)}, {word} {limit:g}"
                if out
                else "no product is shown"
            )
            yield _found("genre", bool(goods) and not out, why)


def _prices_told(case: Case) -> Iterator[Finding]:
    """Those that are expected."""
    told, text = case.answer, _flat(case.answer.text)
    for asin, dollars in case.prompt.expect.prices.items():
        cents = round(dollars * 100)
        on_card = [card.get("price_cents") for card in told.cards if card.get("asin") == asin]
        there = any(price is not None and abs(price - cents) <= 1 for price in on_card)
        there = there or any(abs(amount - cents) <= 1 for amount in amounts(text))
        yield _found("price told", there, f"{_usd(cents)} of {asin} is not told")


def _prices_true(case: Case) -> Iterator[Finding]:
    """Every one that is said, whoever asked for it: never a wrong price (RUN-11)."""
    told, text = case.answer, _flat(case.answer.text)
    wrong = [*_wrong_cards(case), *_wrong_words(case, text)]
    if wrong or amounts(text) or any(card.get("price_cents") for card in told.cards):
        yield _found("price true", not wrong, "; ".join(wrong))


def _wrong_cards(case: Case) -> Iterator[str]:
    for card in case.answer.cards:
        good, cents = case.truth.goods.get(str(card.get("asin"))), card.get("price_cents")
        if good is not None and cents is not None and abs(cents - good.cents) > 1:
            yield f"{good.asin} costs {_usd(good.cents)}, its card says {_usd(cents)}"


def _wrong_words(case: Case, text: str) -> Iterator[str]:
    """Sentence by sentence: amounts must be those of the products it names, or what somebody named before."""
    asked = _flat("\n".join((case.prompt.text, *case.prompt.before)))
    free = {*case.truth.said, *amounts(asked)}
    spoken_of = (*_named(case), *case.prompt.expect.prices, *case.prompt.expect.products)
    shown = [case.truth.goods[asin] for asin in spoken_of if asin in case.truth.goods]
    for sentence in _SENTENCE.split(text):
        said = amounts(sentence)
        if not said or "ORD-" in sentence or "RFD-" in sentence:
            continue
        named = _goods_in(sentence, case.truth)
        known = free.union(*(good.amounts for good in named or shown))
        for cents in said:
            if cents and not any(abs(cents - one) <= 1 for one in known):
                yield f"{_usd(cents)} is nobody's price" + (f" ({named[0].asin})" if named else "")


def _goods_in(sentence: str, truth: Truth) -> list[Good]:
    found = [truth.goods[asin] for asin in _ASIN.findall(sentence) if asin in truth.goods]
    return found or [good for good in truth.goods.values() if good.title and good.title in sentence]


def _orders(case: Case) -> Iterator[Finding]:
    if wanted := case.prompt.expect.orders:
        missing = [number for number in wanted if number not in case.answer.text]
        missing = [
            n for n in missing if all(a.get("value") != n for a in case.answer.final.get("actions", ()))
        ]
        yield _found("orders", not missing, f"{_and(missing)} not told")


def _calls(case: Case) -> Iterator[Finding]:
    made = list(case.answer.calls())
    for wanted in case.prompt.expect.calls:
        of_it = [arguments for tool, arguments in made if tool == wanted.tool]
        if any(_covers(arguments, wanted.arguments) for arguments in of_it):
            yield Finding("tools")
        elif of_it:
            yield Finding(
                "tools", f"{wanted.tool} was called with {_short(of_it[0])}, not {_short(wanted.arguments)}"
            )
        else:
            yield Finding(
                "tools", f"{wanted.tool} was not called, but {_and([t for t, _ in made]) or 'nothing'}"
            )


def _covers(given: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Numbers within a cent, words without regard to case."""
    return all(name in given and _same(given[name], value) for name, value in wanted.items())


def _same(given: Any, wanted: Any) -> bool:
    if isinstance(wanted, bool) or isinstance(given, bool):
        return given is wanted
    if isinstance(wanted, int | float) and isinstance(given, int | float):
        return abs(given - wanted) <= 0.01
    if isinstance(wanted, str) and isinstance(given, str):
        return given.casefold().strip() == wanted.casefold().strip()
    if isinstance(wanted, Mapping) and isinstance(given, Mapping):
        return _covers(given, wanted)
    return bool(given == wanted)


def _words(case: Case) -> Iterator[Finding]:
    said = _flat(f"{case.answer.text}\n{case.answer.shown}").casefold()
    final = _flat(case.answer.text).casefold()
    for alternatives in case.prompt.expect.mention:
        words = [_flat(word).casefold() for word in alternatives.split("|")]
        yield _found("mention", any(word in final for word in words), f"{alternatives!r} is not said")
    for word in case.prompt.expect.never:
        yield _found("never", _flat(word).casefold() not in said, f"{word!r} is said")


def _language(case: Case) -> Iterator[Finding]:
    if wanted := case.prompt.expect.language:
        spoken = language_of(case.answer.text)
        yield _found("language", spoken == wanted, f"answered in {spoken}, not {wanted}")


def _manner(case: Case) -> Iterator[Finding]:
    expect, told = case.prompt.expect, case.answer
    if expect.refused is not None:
        refused = (
            told.rung == "template" and told.intent == "general" and told.offers_human and not told.asks_back
        )
        yield _found("refusal", refused == expect.refused, "turned down" if refused else "not turned down")
    if expect.asks_back is not None:
        yield _found(
            "asks back",
            told.asks_back == expect.asks_back,
            "asked back" if told.asks_back else "did not ask back",
        )
    if expect.human is not None:
        why = "offers a colleague" if told.offers_human else "offers no colleague"
        yield _found("human", told.offers_human == expect.human, why)


def _cites(case: Case) -> Iterator[Finding]:
    if wanted := case.prompt.expect.cites:
        titles = [_flat(title).casefold() for title in case.answer.sources]
        words = [_flat(word).casefold() for word in wanted.split("|")]
        held = any(word in title for title in titles for word in words)
        yield _found(
            "citation", held, f"no source like {wanted!r} among {_and(case.answer.sources) or 'none'}"
        )


CHECKS: tuple[Check, ...] = (
    _intent,
    _products,
    _genre,
    _prices_told,
    _prices_true,
    _orders,
    _calls,
    _words,
    _language,
    _manner,
    _cites,
)
DIMENSIONS = (
    "answered",
    "intent",
    "products",
    "genre",
    "price told",
    "price true",
    "orders",
    "tools",
    "mention",
    "never",
    "language",
    "refusal",
    "asks back",
    "human",
    "citation",
)


def language_of(text: str) -> str:
    """en or ja: by most of its letters, names and numbers of products left out."""
    letters = _LETTER.findall(_ASIN.sub(" ", text))
    east = sum(1 for letter in letters if _EAST.match(letter))
    return "ja" if letters and east / len(letters) >= JAPANESE and _KANA.search(text) else "en"


def _named(case: Case) -> list[str]:
    """ASINs that are shown, then those in the text."""
    cards = [str(card.get("asin")) for card in case.answer.cards]
    return list(dict.fromkeys([*cards, *_ASIN.findall(case.answer.text)]))


def amounts(text: str) -> list[int]:
    """Every amount of dollars, in cents."""
    return [round(float((one[1] or one[2]).replace(",", "")) * 100) for one in _MONEY.finditer(text)]


def _flat(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _found(dimension: str, held: bool, why: str) -> Finding:
    return Finding(dimension, "" if held else why)


def _usd(cents: int) -> str:
    return f"${cents / 100:,.2f}"


def _or(words: Sequence[str]) -> str:
    return " or ".join(words)


def _and(words: Sequence[str]) -> str:
    return ", ".join(words)


def _short(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())[:120] or "nothing"
