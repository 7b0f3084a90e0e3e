"""Finds personal data in a text and takes it out (RUN-13).

English and Japanese, and numbers in any language.
By form, check digit and the words beside it, in time that grows with the text's length. Order numbers,
products and prices stay: they are what a conversation is about.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter

from runtime.safety import forms
from runtime.safety.near import kind_of
from runtime.safety.numbers import Found, chinese_id, long_numbers, numbers

__all__ = ["Found", "find", "redact", "redacted"]

FLOOD = 2_000  # digits of a text that nobody writes: then every long number goes
_START = itemgetter(1)
_PAPERS = frozenset({"passport", "licence", "id"})


def find(text: str) -> tuple[Found, ...]:
    """Everything that is somebody's, from left to right; none overlaps another."""
    flat = text if text.isascii() else forms.LONG_VOWEL.sub("-", text.translate(forms.FLAT))
    found = [*_written(flat)]
    digits = len(forms.DIGIT.findall(flat))
    if digits > FLOOD:
        found += long_numbers(_blank(flat, found))
    elif digits:
        found += _numbered(_blank(flat, found))
    return _apart(found)


def redact(text: str) -> str:
    """The same text with `[card]`, `[email]`, `[phone]` ... in place of what was there."""
    return redacted(text)[0]


def redacted(text: str) -> tuple[str, Mapping[str, int]]:
    """With how many of each kind were taken out."""
    found = find(text)
    parts, at = [], 0
    for one in found:
        parts += [text[at : one.start], f"[{one.kind}]"]
        at = one.end
    return ("".join([*parts, text[at:]]) if found else text), Counter(one.kind for one in found)


def _written(flat: str) -> Iterator[Found]:
    """What letters say."""
    small = flat.lower()
    if _any(small, "@", "at ", "at)", "at]", "at}"):
        yield from _all("email", forms.MAIL, flat)
    if _any(small, "name", "called", "holder", "speaking", "名", "受取人", "申", "は"):
        yield from _all("name", forms.NAME, flat, "en", "ja")
    if _any(small, "pass", "pw", "pin", "code", "otp", "パス", "暗証", "密码", "비밀"):
        yield from _all("secret", forms.SECRET, flat, "it")
    if _any(small, "one", "five", "nine", "seven", "zero", "一", "二", "三", "五", "九"):
        yield from _all("number", forms.SPELLED, flat)


def _numbered(flat: str) -> Iterator[Found]:
    """What has digits in it."""
    yield from _places(flat)
    flat = forms.STAYS.sub(_same_length, flat)
    yield from (one for one in _all("bank", forms.IBAN, flat) if iban(flat[one.start : one.end]))
    yield from (one for one in _all("id", forms.CHINA, flat) if chinese_id(flat[one.start : one.end]))
    for one in _all("", forms.PAPER, flat):
        if (kind := kind_of(flat, one.start, one.end)) in _PAPERS:
            yield Found(kind, one.start, one.end)
    if flat.count(":") > 3:
        yield from _all("ip", forms.IPV6, flat)
    for one in _all("", forms.DATE, flat):
        if (kind := kind_of(flat, one.start, one.end)) in {"birth", "bank"}:
            yield Found(kind, one.start, one.end)
    yield from _said("expiry", forms.EXPIRY, flat)
    yield from numbers(forms.DATE.sub(_same_length, flat))


def _places(flat: str) -> Iterator[Found]:
    """Where somebody lives."""
    yield from _all("address", forms.street(), flat)
    yield from _all("address", forms.ZIP, flat)
    if _any(flat.lower(), "〒", "郵便", "zip", "post", "邮编", "우편"):
        yield from _all("address", forms.POST, flat)
    if not flat.isascii():
        yield from _all("address", forms.prefecture(), flat)
        yield from _all("address", forms.TOWN, flat)
    if "box" in flat.lower():
        yield from _all("address", forms.BOX, flat)


def _any(text: str, *words: str) -> bool:
    return any(word in text for word in words)


def _said(kind: str, pattern: re.Pattern[str], flat: str) -> Iterator[Found]:
    """Only where a word beside it says so."""
    return (one for one in _all(kind, pattern, flat) if kind_of(flat, one.start, one.end) == kind)


def _all(kind: str, pattern: re.Pattern[str], flat: str, *groups: str) -> Iterator[Found]:
    for match in pattern.finditer(flat):
        group: int | str = next((name for name in groups if match[name] is not None), 0)
        yield Found(kind, match.start(group), match.end(group))


def _apart(found: Iterable[Found]) -> tuple[Found, ...]:
    """Of those that overlap, the one that begins first; with all they cover."""
    kept: list[Found] = []
    for one in sorted(found, key=_START):
        if kept and one.start < kept[-1].end:
            kept[-1] = kept[-1]._replace(end=max(kept[-1].end, one.end))
        else:
            kept.append(one)
    return tuple(kept)


def _blank(flat: str, found: Iterable[Found]) -> str:
    """With what was found already out of the way."""
    parts, at = [], 0
    for one in _apart(found):
        parts += [flat[at : one.start], "\0" * (one.end - one.start)]
        at = one.end
    return "".join([*parts, flat[at:]])


def _same_length(found: re.Match[str]) -> str:
    return "\0" * len(found[0])


def iban(raw: str) -> bool:
    """The check digits of accounts."""
    plain = raw.replace(" ", "")
    turned = plain[4:] + plain[:4]
    return 15 <= len(plain) <= 34 and int("".join(str(int(letter, 36)) for letter in turned)) % 97 == 1
