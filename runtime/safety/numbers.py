"""Numbers that are somebody's: cards, telephones, identities, accounts.

A number alone is nobody's: it has the form and the check digit of a card or a telephone, or a word near it
says what it is. Orders, products, prices and dates stay: they are what a conversation is about.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from runtime.safety.near import kind_of

MOST_TRIES = 1_000  # a text in which more would have to be looked at loses all its long numbers
MOST_OF_RUN = 120  # letters of one number, with what separates its digits
SHORT = 3  # digits of the shortest that a word may say is somebody's
LONG = 7  # digits of a number that may be somebody's without a word that says so
_SEPARATOR = r"[ .\-()/\u200b\u200c\u200d\u2060\ufeff]"
_RUN = re.compile(rf"[+(\d](?<!\d.)(?:(?<=\d)|[+(]?\d)(?:{_SEPARATOR}{{0,3}}\d)+(?!\d)")
_LONG = re.compile(rf"\d(?<!\d.)(?=(?:{_SEPARATOR}{{0,3}}\d){{{LONG - 1}}})\d*(?:{_SEPARATOR}{{1,3}}\d+)*")
_GROUP = re.compile(r"\d+")
_SHAPES = re.compile(
    r"""(?P<phone>
        \(?[2-9]\d{2}\)?[ .\-]{1,2}\d{3}[ .\-]\d{4}                         # North America
      | 1[ .\-]\(?[2-9]\d{2}\)?[ .\-]{1,2}\d{3}[ .\-]\d{4}
      | \(?0\d{1,4}\)?[ .\-]?\d{1,4}[ .\-]\d{3,4}                             # 03-1234-5678, 010-1234-5678
      | 0\d{2,4}[ .\-]\d{3,4}[ .\-]\d{3,4}
      | 0\d{3,4}[ .\-]\d{6}
      | 0[1-9](?:[ .\-]\d{2}){4}                                              # France
      | 0[5789]0\d{8} | 01[016789]\d{7,8} | 07\d{9} | 0\d{9}
      | 1[3-9]\d[ .\-]\d{4}[ .\-]\d{4}                                        # China
      | 00[ .\-]?\d{1,3}(?:[ .\-()]{1,3}\d{2,5}){2,5}                          # 00 44 20 7946 0321
      | [+][ ]?\(?\d{1,4}\)?(?:[ .\-()]{0,3}\d{1,5}){1,6}
    )|(?P<id>
        (?!000|666)\d{3}[ -]\d{2}[ -](?!0000)\d{4}                            # SSN, ITIN
      | \d{6}-[1-8]\d{6}                                                      # Korea
      | \d{4}[ -]\d{4}[ -]\d{4}                                               # My Number
    )|(?P<ip>
        (?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)
    )""",
    re.VERBOSE,
)
# How many digits a number has that a word says is such.
_SAID = {
    "phone": range(7, 16),
    "card": range(12, 20),
    "id": range(8, 19),
    "bank": range(6, 18),
    "cvv": range(3, 5),
    "passport": range(7, 10),
    "licence": range(7, 14),
    "secret": range(4, 9),
}
_BRANDS = re.compile(
    r"4\d{15}|5[1-5]\d{14}|2(?:2[2-9]|[3-6]\d|7[01])\d{13}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}"
    r"|6(?:011|5\d\d|4[4-9]\d)\d{12}"
    r"|35(?:2[89]|[3-8]\d)\d{12}|62\d{14,17}|4\d{18}"
)
_CARD_LENGTHS = (16, 15, 14, 19, 18, 17)


class Found(NamedTuple):
    """Somebody's datum in a text."""

    kind: str
    start: int
    end: int


class _Tries:
    """How much may still be looked at."""

    def __init__(self) -> None:
        self.left = MOST_TRIES

    def take(self) -> bool:
        self.left -= 1
        return self.left >= 0


def numbers(flat: str) -> Iterator[Found]:
    """Every number of somebody's. `flat`: in small plain letters, and what stays blanked out."""
    tries = _Tries()
    for run in _RUN.finditer(flat):
        if tries.left > 0 and len(run[0]) <= MOST_OF_RUN:
            yield from _in_run(flat, run.start(), run.end(), tries)
        elif _LONG.search(run[0]):
            yield Found("number", run.start(), run.end())


def long_numbers(flat: str) -> Iterator[Found]:
    """Every number that is long enough to be somebody's, whatever it is."""
    return (Found("number", *run.span()) for run in _LONG.finditer(flat))


def _in_run(flat: str, start: int, end: int, tries: _Tries) -> Iterator[Found]:
    if end - start < SHORT:
        return
    groups = [found.span() for found in _GROUP.finditer(flat, start, end)]
    left = list(_cards(flat, groups, tries))
    yield from left
    for found in left:
        groups = [group for group in groups if not found.start <= group[0] < found.end]
    if not groups:
        return
    tries.take()
    said = kind_of(flat, groups[0][0], groups[-1][1])
    fits = said in _SAID and sum(e - s for s, e in groups) in _SAID[said]
    if fits and said != "phone":
        yield Found(said, _opening(flat, groups[0][0], start), groups[-1][1])
        return
    shaped = [] if said == "thing" and flat[start] != "+" else list(_shaped(flat, groups, start, tries))
    if fits and not shaped:
        shaped = [Found(said, _opening(flat, groups[0][0], start), groups[-1][1])]
    yield from shaped


def _cards(flat: str, groups: Sequence[tuple[int, int]], tries: _Tries) -> Iterator[Found]:
    """Windows of whole groups that have the digits of a card."""
    if sum(e - s for s, e in groups) < min(_CARD_LENGTHS):
        return
    first = 0
    while first < len(groups):
        last = _card_at(flat, groups, first, tries)
        if last:
            yield Found("card", groups[first][0], groups[last - 1][1])
        first = last or first + 1


def _card_at(flat: str, groups: Sequence[tuple[int, int]], first: int, tries: _Tries) -> int:
    """After which group a card ends that begins with this one; 0: none does."""
    digits = ""
    for number in range(first, len(groups)):
        digits += flat[groups[number][0] : groups[number][1]]
        if len(digits) > max(_CARD_LENGTHS) or not tries.take():
            return 0
        if len(digits) in _CARD_LENGTHS and _BRANDS.fullmatch(digits) and luhn(digits):
            return number + 1
    return 0


def _shaped(flat: str, groups: Sequence[tuple[int, int]], start: int, tries: _Tries) -> Iterator[Found]:
    """The longest windows that look like a telephone or an identity."""
    first = 0
    while first < len(groups):
        found, first = _shape_at(flat, groups, first, start, tries)
        if found is not None:
            yield found


def _shape_at(
    flat: str, groups: Sequence[tuple[int, int]], first: int, start: int, tries: _Tries
) -> tuple[Found | None, int]:
    """What begins with this group, and with which group to go on."""
    begin = _opening(flat, groups[first][0], start)
    for last in range(min(len(groups), first + 7), first, -1):
        end = groups[last - 1][1]
        if end - begin < LONG or not tries.take():
            break
        shape = _SHAPES.fullmatch(flat, begin, end)
        if shape and _holds(shape.lastgroup or "", shape[0], flat, begin, end):
            return Found(shape.lastgroup or "", begin, end), last
    return None, first + 1


def _opening(flat: str, begin: int, start: int) -> int:
    """With the sign or bracket before it."""
    while begin > start and flat[begin - 1] in "+(":
        begin -= 1
    return begin


def _holds(kind: str, raw: str, flat: str, start: int, end: int) -> bool:
    """Whether something of this shape can be such a number at all."""
    if _letter(flat[start - 1 : start]) or _letter(flat[end : end + 1]):
        return False
    digits = "".join(letter for letter in raw if letter.isdecimal())
    if kind == "phone":
        return _can_ring(raw, digits)
    if kind == "id":
        return len(digits) != 12 or my_number(digits)
    return True


def _can_ring(raw: str, digits: str) -> bool:
    if raw.startswith("+"):
        return 8 <= len(digits) <= 15
    if digits == raw and len(digits) == 10:
        return digits[0] == "0" and not isbn10(digits)
    return 9 <= len(digits) <= (15 if raw.startswith("00") else 11)


def _letter(text: str) -> bool:
    return text.isascii() and text.isalpha()


def luhn(digits: str) -> bool:
    """The check digit of cards."""
    total = sum(int(digit) for digit in digits[-1::-2])
    return (total + sum((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)[int(digit)] for digit in digits[-2::-2])) % 10 == 0


def my_number(digits: str) -> bool:
    """The check digit of Japan's twelve."""
    body = [int(digit) for digit in reversed(digits[:11])]
    rest = sum(digit * (place + 2 if place < 6 else place - 4) for place, digit in enumerate(body)) % 11
    return int(digits[11]) == (0 if rest <= 1 else 11 - rest)


def chinese_id(raw: str) -> bool:
    """The check sign of China's eighteen."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(raw[:17], weights, strict=True))
    return "10X98765432"[total % 11] == raw[17].upper()


def isbn10(digits: str) -> bool:
    """The check digit of books."""
    return sum((10 - place) * int(digit) for place, digit in enumerate(digits)) % 11 == 0
