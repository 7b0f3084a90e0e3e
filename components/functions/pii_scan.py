"""The second look for personal data, on the way to the warehouse (DATA-6, RUN-13).

Firehose hands over a batch of events and stores what comes back. The runtime has redacted before it
published; this finds what slipped through: known fields by their name, the rest by its form. An event that
cannot be scanned, not being JSON, is handed back as failed, so that it never lies among the scanned ones.

Shipped alone to Lambda: standard library only.
"""

import base64
import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

# Fields that hold personal data whatever they say. Compared in small letters without separators.
NAMED = frozenset(
    {
        *("address", "street", "postaladdress"),
        *("birthdate", "dateofbirth"),
        *("cardnumber", "cvv", "iban", "pan"),
        *("email", "mobile", "phone", "phonenumber"),
        *("familyname", "firstname", "fullname", "givenname", "lastname"),
        *("passport", "password", "ssn"),
    }
)
_SEPARATORS = re.compile(r"[\s_-]")
_CARD_DIGITS = range(13, 20)
_PHONE_DIGITS = range(9, 12)


def _is_card(text: str) -> bool:
    """The check digit that every payment card number ends with."""
    digits = [int(sign) for sign in text if sign.isdecimal()]
    if len(digits) not in _CARD_DIGITS or len(set(digits)) == 1:
        return False
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_iban(text: str) -> bool:
    """The check number of an international account number: modulo 97 it leaves one."""
    signs = re.sub(r"\s", "", text).upper()
    return int("".join(str(int(sign, 36)) for sign in signs[4:] + signs[:4])) % 97 == 1


def _is_long(text: str) -> bool:
    """Enough digits for a telephone with its area, more than a date has."""
    return sum(sign.isdecimal() for sign in text) in _PHONE_DIGITS


def _always(_: str) -> bool:
    return True


# kind, form, proof. Cards and accounts come before telephones, which are a looser form of digits.
FORMS: tuple[tuple[str, re.Pattern[str], Callable[[str], bool]], ...] = (
    ("email", re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}"), _always),
    ("iban", re.compile(r"\b[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,3})?\b"), _is_iban),
    ("card", re.compile(r"(?<![\d-])\d(?:[ -]?\d){12,18}(?![\d-])"), _is_card),
    ("ssn", re.compile(r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])"), _always),
    ("phone", re.compile(r"(?<![\w+])\+\d{1,3}(?:[ .()-]{0,2}\d){7,12}(?!\d)"), _always),
    ("phone", re.compile(r"(?<![\w-])(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![\w-])"), _always),
    ("phone", re.compile(r"(?<![\d-])0\d{1,4}-\d{1,4}-\d{4}(?![\d-])"), _is_long),
)


def redact(value: Any, found: Counter[str]) -> Any:
    """The value with personal data replaced by its kind; `found` counts what was there."""
    match value:
        case dict():
            return {redact(name, found): _field(name, part, found) for name, part in value.items()}
        case list():
            return [redact(part, found) for part in value]
        case str():
            return _text(value, found)
        case int() if not isinstance(value, bool) and _is_card(str(value)):
            return _mark("card", found)
    return value


def _field(name: str, value: Any, found: Counter[str]) -> Any:
    if value not in (None, "") and _SEPARATORS.sub("", name).lower() in NAMED:
        return _mark("field", found)
    return redact(value, found)


def _text(text: str, found: Counter[str]) -> str:
    for kind, form, proof in FORMS:

        def swap(match: re.Match[str], kind: str = kind, proof: Callable[[str], bool] = proof) -> str:
            return _mark(kind, found) if proof(match[0]) else match[0]

        text = form.sub(swap, text)
    return text


def _mark(kind: str, found: Counter[str]) -> str:
    found[kind] += 1
    return f"[{kind}]"


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Firehose's contract: every record comes back with its id and a verdict."""
    found: Counter[str] = Counter()
    records = [_record(record, found) for record in event["records"]]
    failed = sum(record["result"] != "Ok" for record in records)
    # Counts only: what was found must not reach the log.
    print(json.dumps({"scanned": len(records), "failed": failed, "found": dict(found)}))
    return {"records": records}


def _record(record: dict[str, Any], found: Counter[str]) -> dict[str, Any]:
    try:
        content = redact(json.loads(base64.b64decode(record["data"], validate=True)), found)
    except (ValueError, RecursionError):
        return {"recordId": record["recordId"], "result": "ProcessingFailed", "data": record["data"]}
    # One event a line, as the warehouse reads them.
    line = json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"
    data = base64.b64encode(line.encode()).decode()
    return {"recordId": record["recordId"], "result": "Ok", "data": data}
