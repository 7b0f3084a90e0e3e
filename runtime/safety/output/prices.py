"""Never a wrong price (RUN-11): each amount is tied to its product and must be what that costs now.

A wrong one is put right, an invented discount goes, another currency becomes dollars. Where nobody knows a
price there is none: the answer says where to look.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from runtime.answer.plain import money
from runtime.safety.letters import low
from runtime.safety.output.context import Context, Finding, Goods
from runtime.safety.output.mentions import Page, sentence_before
from runtime.safety.output.money import MAYBE, MOST, Amount, Discount, amounts, discounts
from runtime.safety.output.roles import AFTER, BEFORE, Role, role, words
from runtime.safety.output.rules import wording

CHECK = "price"
_COUNT = re.compile(
    r"(?<![\w.$-])(?:(\d{1,2})(?!\d|[.,]\d|-?\w)|(two|a pair|both|three|four|five|six|ten)"
    r"|([2-9])\s?(?:つ|個|点|台|本|枚|个|件|只|개))"
)
_COUNTS = {"two": 2, "a pair": 2, "both": 2, "three": 3, "four": 4, "five": 5, "six": 6, "ten": 10}


class _Edit(NamedTuple):
    start: int
    end: int
    text: str
    what: str


def prices(text: str, context: Context, since: int = 0) -> tuple[str, tuple[Finding, ...]]:
    """The text with no price in it that is not true now; of a text that was read before, `since` then."""
    plain = low(text)
    since = sentence_before(plain, since)  # an amount may begin there
    if MAYBE.search(plain, since) is None:
        return text, ()
    found, shares = amounts(text, since), discounts(text, since)
    if not found and not shares:
        return text, ()
    if max(len(found), len(shares)) >= MOST:
        return wording(context.language).withheld, (Finding(CHECK, "withheld"),)
    page = Page(plain, context.goods)
    places = [one.start for one in found]
    edits = [edit for one in found if (edit := _amount(one, page, places, context)) is not None]
    edits += [edit for share in shares if (edit := _discount(share, page, context)) is not None]
    return _edited(text, edits)


def _gone(one: Amount | Discount, context: Context) -> _Edit:
    return _Edit(one.start, one.end, wording(context.language).elsewhere, "removed")


def _amount(one: Amount, page: Page, places: list[int], context: Context) -> _Edit | None:
    """What has to become of an amount; None: it stays."""
    start, end = page.sentence(one.start)
    sentence = page.plain[start:end]
    what = role(page.plain, one.start, one.end, start)
    goods = page.tied(one.start, places)
    if one.currency != "USD":
        return _other(one, goods, context)
    if _stands(one, what, sentence, context):
        return None
    if goods is None or goods.cents is None:
        return _gone(one, context)
    if what in {"list", "saved"}:
        return _claim(one, what, goods, page.plain)
    if what == "difference" and _differs(one.cents, context):
        return None
    return _price(one, goods, goods.cents, sentence)


def _price(one: Amount, goods: Goods, cents: int, sentence: str) -> _Edit | None:
    if one.cents == cents or _counted(one.cents, goods, sentence):
        return None
    return _Edit(one.start, one.end, money(cents, "USD"), "corrected")


def _stands(one: Amount, what: Role, sentence: str, context: Context) -> bool:
    """Amounts that are nobody's price: limits that were named, and what an order came to."""
    if what == "limit" and one.cents in context.said:
        return True
    return one.cents in context.owed and bool(words().ordered.search(sentence))


def _other(one: Amount, goods: Goods | None, context: Context) -> _Edit:
    """The shop has no other currency, and nobody knows today's rate."""
    if goods is not None and goods.cents is not None:
        return _Edit(one.start, one.end, money(goods.cents, "USD"), "currency corrected")
    return _Edit(one.start, one.end, wording(context.language).elsewhere, "currency removed")


def _claim(one: Amount, what: Role, goods: Goods, plain: str) -> _Edit | None:
    """A list price, or what is saved: there is one only where something costs less than its list price."""
    true = goods.list_cents if what == "list" else goods.saved
    if goods.saved and true:
        return None if one.cents == true else _Edit(one.start, one.end, money(true, "USD"), "corrected")
    return _dropped(plain, one, "discount removed")


def _differs(cents: int, context: Context) -> bool:
    known = [goods.cents for goods in context.goods if goods.cents is not None]
    return any(abs(a - b) == cents for a in known for b in known if a != b)


def _counted(cents: int, goods: Goods, sentence: str) -> bool:
    """So many of it, where the sentence says how many."""
    if not goods.cents or cents % goods.cents or cents <= goods.cents:
        return False
    said = _COUNT.finditer(sentence)
    counts = (int(found[1] or found[3] or 0) or _COUNTS.get(found[2], 0) for found in said)
    return cents // goods.cents in counts


def _discount(share: Discount, page: Page, context: Context) -> _Edit | None:
    goods = page.tied(share.start, [share.start])
    if goods is not None and goods.saved and abs(goods.percent - share.percent) < 1:
        return None
    if f"{share.percent:g}%" in context.public:
        return None
    if goods is not None and goods.saved:
        claim = page.plain[share.start : share.end]
        kept = re.sub(r"\d{1,3}(?:\.\d)?(?=\s?(?:%|percent))", f"{int(goods.percent)}", claim)
        if kept != claim:
            return _Edit(share.start, share.end, kept, "discount corrected")
    return _dropped(page.plain, share, "discount removed")


def _dropped(plain: str, one: Amount | Discount, what: str) -> _Edit:
    """With the words that only lead to it."""
    before = plain[max(0, one.start - BEFORE) : one.start]
    lead = words().lead.search(before)
    trail = words().trail.match(plain, one.end, one.end + AFTER)
    start = one.start - len(before) + lead.start() if lead else one.start
    end = trail.end() if trail else one.end
    return _Edit(start, end, " " if plain[end : end + 1].isalnum() else "", what)


def _edited(text: str, edits: list[_Edit]) -> tuple[str, tuple[Finding, ...]]:
    if not edits:
        return text, ()
    parts, at = [], 0
    for edit in _apart(edits):
        parts += [text[at : max(at, edit.start)], edit.text]
        at = max(at, edit.end)
        if edit.text[-1:].isalnum() and text[at : at + 1].isalnum():  # or it would be another amount
            parts.append(" ")
    whats = dict.fromkeys(edit.what for edit in edits)
    return "".join([*parts, text[at:]]), tuple(Finding(CHECK, what) for what in whats)


def _apart(edits: list[_Edit]) -> Iterator[_Edit]:
    """One that stands inside another goes with it."""
    end = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, -edit.end)):
        if edit.end > end:
            yield edit
            end = edit.end
