"""Takes personal data out of a text before it is kept anywhere (RUN-13): card numbers, addresses, numbers.

By form alone, so that it works in every language and needs no model. Order numbers, products and prices stay:
they are what a conversation is about.
"""

import re

_CARD = re.compile(r"(?<![\d-])\d(?:[ -]?\d){12,18}(?![\d-])")
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_PHONE = re.compile(
    r"(?<![\w-])(?:\+\d{1,3}[ .-]?)?(?:\(\d{1,4}\)[ .-]?)?\d{2,4}(?:[ .-]\d{2,4}){2,4}(?![\w-])"
)
_PLAIN_PHONE = re.compile(r"(?<![\w-])(?:\+\d{10,14}|0\d{9,10})(?![\w-])")
_SSN = re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])")
_ORDER = re.compile(r"#?\d{3}-\d{7}-\d{7}")


def redact(text: str) -> str:
    """The same text with `[card]`, `[email]`, `[phone]` and `[id]` in place of what was there."""
    if "@" in text:
        text = _MAIL.sub("[email]", text)
    if not any(letter.isdigit() for letter in text):
        return text
    text = _CARD.sub(_card, text)
    text = _SSN.sub("[id]", text)
    text = _PHONE.sub(_phone, text)
    return _PLAIN_PHONE.sub("[phone]", text)


def _card(found: re.Match[str]) -> str:
    if _ORDER.fullmatch(found[0]):
        return found[0]
    digits = [int(letter) for letter in found[0] if letter.isdigit()]
    return "[card]" if _luhn(digits) else found[0]


def _phone(found: re.Match[str]) -> str:
    return found[0] if _ORDER.fullmatch(found[0]) or sum(map(str.isdigit, found[0])) < 9 else "[phone]"


def _luhn(digits: list[int]) -> bool:
    """Whether it can be the number of a card at all."""
    doubled = [
        2 * digit - 9 * (digit > 4) if place % 2 else digit for place, digit in enumerate(reversed(digits))
    ]
    return sum(doubled) % 10 == 0
