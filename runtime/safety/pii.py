"""Finds personal data in a text and takes it out (RUN-13).

English and Japanese, and numbers in any language.
By form, check digit and the words beside it, in time that grows with the text's length. Order numbers,
products and prices stay: they are what a conversation is about.
"""

import re
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from operator import itemgetter
from string import digits
from typing import NamedTuple

from runtime.safety import forms
from runtime.safety.letters import flat, small
from runtime.safety.names import names
from runtime.safety.near import kind_of, words
from runtime.safety.numbers import Found, chinese_id, long_numbers, numbers

__all__ = ["Found", "Original", "find", "redact", "redacted"]

LOOKED_AGAIN = 4_096  # letters of a text that is; a message has fewer
FLOOD = 2_000  # digits of a text that nobody writes: then every long number goes
MOST_FOUND = 1_000  # a text that holds more is a list of what is somebody's, and goes as a whole
REMEMBERED = 64  # texts that hold nothing: an answer is looked through when it is whole, and when it is kept
_START = itemgetter(1)
_PAPERS = frozenset({"passport", "licence", "id"})


_holds_nothing: OrderedDict[str, None] = OrderedDict()  # the latest texts; none in which something was found


def find(text: str) -> tuple[Found, ...]:
    """Everything that is somebody's, from left to right; none overlaps another."""
    if text in _holds_nothing:
        return ()
    found = _find(text)
    if not found:
        _holds_nothing[text] = None
        if len(_holds_nothing) > REMEMBERED:
            _holds_nothing.popitem(last=False)
    return found


def _find(text: str) -> tuple[Found, ...]:
    plain = flat(text)
    if not plain.isascii():
        plain = forms.LONG_VOWEL.sub("-", plain)
    found = _look(plain)
    if len(found) > MOST_FOUND:
        return (Found("number", 0, len(text)),)
    if found and len(text) < LOOKED_AGAIN:  # what stood beside it may be seen only now
        found += _look(_blank(plain, found))
    return _apart(found)


def _look(plain: str) -> list[Found]:
    if "[" in plain:
        plain = _blank(plain, _all("", forms.MARK, plain))
    found = list(islice(_written(plain, small(plain)), MOST_FOUND + 1))
    if len(found) <= MOST_FOUND and forms.DIGIT.search(plain):
        plain = _blank(plain, found)
        found += islice(long_numbers(plain) if flood(plain) else _numbered(plain), MOST_FOUND + 1)
    return found


class Original(NamedTuple):
    """What was taken out, and where in the redacted text its `[kind]` stands."""

    kind: str
    start: int
    value: str


def redact(text: str) -> str:
    """The same text with `[card]`, `[email]`, `[phone]` ... in place of what was there."""
    return redacted(text)[0]


def redacted(text: str) -> tuple[str, Sequence[Original]]:
    """With what was taken out, from left to right. Whoever gets that keeps it from every store and log."""
    out, at, originals = "", 0, []
    for one in find(text):
        out += text[at : one.start]
        originals.append(Original(one.kind, len(out), text[one.start : one.end]))
        out += f"[{one.kind}]"
        at = one.end
    return out + text[at:], originals


def flood(plain: str) -> bool:
    """Whether there are more digits than anybody writes."""
    if len(plain) <= FLOOD:
        return False
    others = () if plain.isascii() else forms.DIGIT_OF_OTHERS.findall(plain)
    return sum(map(plain.count, digits)) + len(others) > FLOOD


def _written(plain: str, low: str) -> Iterator[Found]:
    """What letters say. `low`: the same in small letters."""
    if "@" in low:
        yield from _all("email", forms.MAIL, plain)
    if low.count("dot") > MOST_FOUND:
        yield Found("email", 0, len(low))
    elif "dot" in low or _any(low, "at)", "at]", "at}", "at )", "at ]", "at }"):
        yield from _all("email", forms.MAIL_IN_WORDS, low)
    yield from (Found("name", *span) for span in names(plain, low))
    if _any(low, "pass", "pw", "pin", "code", "otp", "パス", "暗証", "密码", "비밀"):
        yield from _all("secret", forms.SECRET, low)
    if sum(map(low.count, forms.DIGIT_WORDS)) >= forms.SPELLED_AT_LEAST:
        yield from _all("number", forms.SPELLED, low)
    if not plain.isascii():
        yield from _all("number", forms.SPELLED_HAN, plain)


def _numbered(plain: str) -> Iterator[Found]:
    """What has digits in it."""
    low = small(plain)
    yield from _places(plain, low)
    plain = _blank(plain, [*_all("", forms.STAYS, low), *_all("", forms.STAYS_NAMED, low)])
    low = small(plain)
    if low.count(":") > 3:
        yield from _all("ip", forms.IPV6, low)
    if forms.DIGIT.search(plain):
        yield from _others(plain, low)


def _others(plain: str, low: str) -> Iterator[Found]:
    """Neither where somebody lives nor what stays."""
    yield from (one for one in _all("bank", forms.IBAN, plain) if iban(plain[one.start : one.end]))
    yield from (one for one in _all("id", forms.CHINA, plain) if chinese_id(plain[one.start : one.end]))
    yield from _said(_PAPERS, forms.PAPER, low)
    yield from _said({"id"}, forms.INSURED, low)
    yield from _said({"expiry"}, forms.EXPIRY, low)
    dates = [*_dates(low)]
    yield from _meant({"birth", "bank"}, dates, low)
    yield from numbers(_blank(low, dates))


def _dates(low: str) -> Iterator[Found]:
    yield from _all("", forms.DATE, low)
    if "年" in low or "년" in low:
        yield from _all("", forms.DATE_OF_ERA, low)
    if _any(low, *forms.MONTHS):
        yield from _all("", forms.DATE_OF_MONTH, low)


def _places(plain: str, low: str) -> Iterator[Found]:
    """Where somebody lives."""
    yield from _all("address", forms.street(), plain)
    known = words().streets
    if _any(low, *known["before"], *known["behind"]):
        yield from _all("address", forms.street_abroad(), low)
    if forms.FIVE_DIGITS.search(plain):
        yield from _all("address", forms.ZIP, plain)
    if _any(low, "〒", "郵便", "zip", "post", "邮编", "우편"):
        yield from _all("address", forms.POST, low)
    if not plain.isascii():
        yield from _all("address", forms.prefecture(), plain)
        yield from _all("address", forms.TOWN, plain)
        yield from _all("address", forms.KOREA, plain)
    if "box" in low:
        yield from _all("address", forms.BOX, low)


def _any(text: str, *terms: str) -> bool:
    for term in terms:  # noqa: SIM110 - half the time of `any`
        if term in text:
            return True
    return False


def _said(kinds: Collection[str], pattern: re.Pattern[str], low: str) -> Iterator[Found]:
    return _meant(kinds, _all("", pattern, low), low)


def _meant(kinds: Collection[str], found: Iterable[Found], low: str) -> Iterator[Found]:
    """Only those of which a word beside them says such a kind."""
    for one in found:
        if (kind := kind_of(low, one.start, one.end)) in kinds:
            yield one._replace(kind=kind)


def _all(kind: str, pattern: re.Pattern[str], plain: str) -> Iterator[Found]:
    return (Found(kind, *match.span(match.lastgroup or 0)) for match in pattern.finditer(plain))


def _apart(found: Iterable[Found]) -> tuple[Found, ...]:
    """Of those that overlap, the one that begins first; with all they cover."""
    kept: list[Found] = []
    for one in sorted(found, key=_START):
        if kept and one.start < kept[-1].end:
            kept[-1] = kept[-1]._replace(end=max(kept[-1].end, one.end))
        else:
            kept.append(one)
    return tuple(kept)


def _blank(plain: str, found: Iterable[Found]) -> str:
    """With what was found already out of the way."""
    parts, at = [], 0
    for one in _apart(found):
        parts += [plain[at : one.start], "\0" * (one.end - one.start)]
        at = one.end
    return "".join([*parts, plain[at:]])


def iban(raw: str) -> bool:
    """The check digits of accounts."""
    plain = raw.replace(" ", "")
    turned = plain[4:] + plain[:4]
    return 15 <= len(plain) <= 34 and int("".join(str(int(letter, 36)) for letter in turned)) % 97 == 1
