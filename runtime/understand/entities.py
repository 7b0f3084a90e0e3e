"""What a message names: orders, products, prices, how many. By form alone; whether they exist is for others.

Pure text to data, in any language: ids and prices are written alike everywhere.
"""

import re
from dataclasses import dataclass

from contract.base import Shape

_LONGEST = 4_000  # of a message; the protocol allows no more
_ORDER = re.compile(r"(?<![\w-])(?:#?\d{3}-\d{7}-\d{7}|ORD-\d{4,12})(?![\w-])", re.IGNORECASE | re.ASCII)
_DELIVERY = re.compile(r"(?<![\w-])DLV-\d{4,12}(?![\w-])", re.IGNORECASE | re.ASCII)
_ASIN = re.compile(r"(?<![A-Za-z0-9])B0[A-Za-z0-9]{8}(?![A-Za-z0-9])")
_NUMBER = r"(\d{1,6}(?:,\d{3})*(?:\.\d{1,2})?)"
_MONEY = re.compile(
    rf"(?:US)?\$\s?{_NUMBER}|{_NUMBER}\s?(?:US\s?dollars?|dollars?|USD|bucks|ドル|美元|달러)", re.IGNORECASE
)
_BELOW_BEFORE = re.compile(
    r"(?:under|below|less than|cheaper than|at most|up to|max(?:imum)?(?: of)?|no more than|within)\s*$",
    re.IGNORECASE,
)
_BELOW_AFTER = re.compile(
    r"^\s*(?:or (?:less|under|cheaper)|or below|max|以下|以内|未満|まで|より安)", re.IGNORECASE
)
_ABOVE_BEFORE = re.compile(
    r"(?:over|above|more than|at least|from|starting at|min(?:imum)?(?: of)?)\s*$", re.IGNORECASE
)
_ABOVE_AFTER = re.compile(r"^\s*(?:or more|or above|and up|\+|以上|から)", re.IGNORECASE)
_BETWEEN = re.compile(r"^\s*(?:-|–|to|and|から|~|〜)\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Amount:
    start: int
    end: int
    cents: int


class Entities(Shape):
    """In the order of the message, each once. Prices in cents: the range a product should cost."""

    orders: tuple[str, ...] = ()
    deliveries: tuple[str, ...] = ()
    asins: tuple[str, ...] = ()
    least_cents: int | None = None
    most_cents: int | None = None

    def __bool__(self) -> bool:
        return self != Entities()


def find(message: str) -> Entities:
    """Everything the message names."""
    text = message[:_LONGEST]
    least, most = _range(text)
    return Entities(
        orders=_each(_ORDER, text),
        deliveries=_each(_DELIVERY, text),
        asins=_each(_ASIN, text),
        least_cents=least,
        most_cents=most,
    )


def without(message: str) -> str:
    """The message with a blank in place of each thing it names: what is left says what is wanted."""
    for pattern in (_ORDER, _DELIVERY, _ASIN, _MONEY):
        message = pattern.sub(" ", message)
    return message


def _each(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found.lstrip("#").upper() for found in pattern.findall(text)))


def _range(text: str) -> tuple[int | None, int | None]:
    """The prices a message sets as limits. One that only quotes a price sets none."""
    amounts = [
        _Amount(found.start(), found.end(), _cents(found[1] or found[2])) for found in _MONEY.finditer(text)
    ]
    if len(amounts) == 2 and _BETWEEN.match(text[amounts[0].end : amounts[1].start]):
        return amounts[0].cents, amounts[1].cents
    least = most = None
    for amount in amounts:
        before, after = text[: amount.start], text[amount.end :]
        if _BELOW_BEFORE.search(before) or _BELOW_AFTER.match(after):
            most = amount.cents
        elif _ABOVE_BEFORE.search(before) or _ABOVE_AFTER.match(after):
            least = amount.cents
    return least, most


def _cents(number: str) -> int:
    whole, _, part = number.replace(",", "").partition(".")
    return int(whole) * 100 + int(part.ljust(2, "0") or "0")
