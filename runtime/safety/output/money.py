"""Every form in which an amount of money or a discount is written, in English, Japanese, Chinese and Korean.

Pure text to data; whether an amount is right is for `prices`.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from runtime.safety.forms import FLAT

NO_PRICE = -1  # cents
_NUMBER = r"(?:\d{1,3}(?:,\d{3}){1,3}(?:\.\d{1,2})?|\d{1,7}(?:[.,]\d{1,2})?)(?![\d]|[.,]\d)"
_ANY = r"(?:\d{1,3}(?:,\d{3}){1,3}(?:\.\d{1,12})?(?!\d)|\d{1,12}(?:[.,]\d{1,12})?)"
_DOLLARS = r"US\s?dollars?|U\.S\.\s?dollars?|dollars?|bucks|USD|ドル|どる|米ドル|美元|美金|달러|불(?![가-힣])"
_OTHERS = r"euros?|EUR|€|pounds? sterling|GBP|£|yen|JPY|円|元|人民币|RMB|CNY|원|KRW|₩|rupees?|INR|₹|CAD|AUD"
_CENTS = r"cents?|セント|美分|센트|¢"
_ONES = (
    "zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen"
)
_WORD = (
    rf"(?:{_ONES}|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
    r"|hundred|thousand|a hundred)"
)
_WORDS = rf"{_WORD}(?:(?:[\s-]| and ){_WORD}){{0,7}}"
_HAN = r"[〇一二三四五六七八九十百千万]{1,9}"
_SAYS_PRICE = (
    r"(?:costs?|cost you|prices?|priced|price tag|selling|sells|on sale|available|yours|pay|only|just|now)"
    r"(?:\s(?:is|are|of|at|for|to|only|just|now|currently|around|about|roughly|a|an)|:|\s?=){0,3}\s{1,2}"
    r"|(?:価格|値段|お値段|売価|特価|价格|售价|价钱|现价|特价|가격|판매가|값)\s?(?:は|が|も|是|为|:|은|는|이)?\s?"
)
_MONEY = re.compile(
    rf"""(?P<sign>(?:US|CA|AU|NZ|HK|[ACS])?\$|USD|EUR|GBP|JPY|CNY|RMB|KRW|INR|CAD|AUD|€|£|¥|₩|₹)\s?
         (?P<after>{_ANY})(?P<k>\s?k\b)?(?:\s?(?P<again>USD|US\ dollars|dollars)\b)?
      | (?P<before>{_NUMBER})\s?(?:(?P<dollars>{_DOLLARS}|\$(?!\s?\d))
         |(?P<other>{_OTHERS})|(?P<cents>{_CENTS}))(?![a-z])
         (?:\s?(?:and\s)?(?P<rest>\d{{1,2}})\s?(?:{_CENTS})(?![a-z]))?
      | (?<![a-z])(?P<words>{_WORDS})[\s-](?:US\ )?(?:(?P<wdollars>dollars?|bucks)
         |(?P<wcents>cents)|(?P<wother>euros?|yen))(?![a-z])
         (?:\ and\ (?:(?P<wrest>{_WORDS})|(?P<wdigits>\d{{1,2}}))\ cents)?
      | (?P<han>{_HAN})\s?(?:(?P<hdollars>ドル|美元|美金|달러)|(?P<hother>円|元))
    """,
    re.VERBOSE | re.IGNORECASE,
)
_UNIT = (
    r"%|percent|[x×°]|[cmk]?m(?![a-z])|k?g(?![a-z])|lbs?|oz|inch|in(?![a-z])|hours?|days?|min|weeks?|months?|years?|watts?"
    r"|w(?![a-z])|v(?![a-z])|mah|[gtm]b|hz|stars?|reviews?|pieces?|pcs|items?|units?|left|people|colou?rs|of|times|stores?"
    r"|[年月日時分個台本枚点回种个台件条개대명일]"
)
_BARE = re.compile(
    rf"(?<![a-z])(?:{_SAYS_PRICE})(?P<bare>{_NUMBER})(?!\s?(?:{_UNIT}))(?:(?<=\.\d\d)|(?!\s?-?[A-Za-z]))",
    re.IGNORECASE,
)
_PERCENT = re.compile(
    r"""(?P<a>\d{1,3}(?:\.\d)?)\s?(?:%|percent|パーセント|퍼센트|프로)\s?
          (?:off|discount|reduction|cheaper|less|savings?|price\s(?:cut|drop)|オフ|引き|割引|お得|安|优惠|折扣|off|할인|세일|저렴)
      | (?:save|saves|saving|savings\sof|discount\sof|discounted\s(?:by|at)?
          |reduced\s(?:by)?|cut\sby|marked\sdown\s(?:by)?|slashed\sby
          |割引率は?|节省|立减|优惠|打折|할인율은?)\s?(?:up\sto\s|an?\s)?(?P<b>\d{1,3}(?:\.\d)?)\s?(?:%|percent)
      | (?P<wari>[1-9１-９一二三四五六七八九])割(?:引|安|オフ)
      | (?P<zhe>[1-9一二三四五六七八九](?:\.\d)?)折(?!叠)
      | (?P<half>half[\s-](?:price|off)|半額|半价|반값)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_UNITS = {
    word: number for number, word in enumerate([*_ONES.split("|"), "seventeen", "eighteen", "nineteen"])
}
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_UNITS |= {word: 10 * number for number, word in enumerate(_TENS, 2)}
_HAN_DIGITS = {sign: number for number, sign in enumerate("〇一二三四五六七八九")}
_HAN_UNITS = {"十": 10, "百": 100, "千": 1_000, "万": 10_000}


# Where an amount, a share or any other number may begin; where it is not, there is none.
_NUMBERS = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thir|twenty|fort|fift|sixt|ninety"
MAYBE = re.compile(
    rf"[\d@$€£¥₩%＄￥％＠〇]|(?<![a-z])(?:{_NUMBERS}|hundred|half)"
    r"|[一二三四五六七八九十百千][一二三四五六七八九十百千万割折ド美円元달]|半額|半价|반값",
    re.IGNORECASE,
)


class Amount(NamedTuple):
    """An amount where it stands. `currency`: USD, or anything else."""

    start: int
    end: int
    cents: int
    currency: str


class Discount(NamedTuple):
    """A share that something is said to cost less."""

    start: int
    end: int
    percent: float


def flat(text: str) -> str:
    """Letter for letter the same with plain digits and signs."""
    return text if text.isascii() else text.translate(FLAT)


def amounts(text: str) -> list[Amount]:
    """Every amount, from left to right."""
    plain = flat(text)
    found = list(_signed(plain))
    taken = [range(one.start, one.end) for one in found]
    for match in _BARE.finditer(plain):
        start, end = match.span("bare")
        if not any(start in span or end - 1 in span for span in taken):
            found.append(Amount(start, end, _cents(match["bare"]), "USD"))
    return sorted(found)


def _signed(plain: str) -> Iterator[Amount]:
    for match in _MONEY.finditer(plain):
        cents, currency = _read(match)
        yield Amount(match.start(), match.end(), cents, currency)


def _read(match: re.Match[str]) -> tuple[int, str]:
    """Cents and currency of one form."""
    if match["after"]:
        cents = _cents(match["after"]) * (1_000 if match["k"] else 1)
        return cents, "USD" if match["sign"].upper() in {"$", "US$", "USD"} else match["sign"].upper()
    if match["before"]:
        if match["cents"]:
            return _cents(match["before"]) // 100, "USD"
        return _cents(match["before"]) + int(match["rest"] or 0), match["other"] or "USD"
    if match["words"]:
        number = _spelled(match["words"])
        if match["wcents"]:
            return number, "USD"
        rest = _spelled(match["wrest"] or "") + int(match["wdigits"] or 0)
        return number * 100 + rest, match["wother"] or "USD"
    return _han(match["han"]) * 100, match["hother"] or "USD"


def discounts(text: str) -> list[Discount]:
    """Every share off, from left to right."""
    return [Discount(match.start(), match.end(), _percent(match)) for match in _PERCENT.finditer(flat(text))]


def _percent(match: re.Match[str]) -> float:
    if match["half"]:
        return 50.0
    if match["wari"]:
        return 10.0 * _digit(match["wari"])
    if match["zhe"]:
        left = match["zhe"]
        return 100 - 10 * (_HAN_DIGITS[left] if left in _HAN_DIGITS else float(left))
    return float(match["a"] or match["b"])


def _digit(sign: str) -> int:
    return _HAN_DIGITS[sign] if sign in _HAN_DIGITS else int(sign)


def _cents(number: str) -> int:
    """Of `1,299.99`, `49`, `49.9` and `49,99`; nobody's price where there is less than a cent."""
    whole, dot, part = number.rpartition(".")
    if len(part) > 2 and dot:
        return NO_PRICE
    if not dot:
        whole, comma, part = number.rpartition(",")
        if not comma or len(part) > 2:
            whole, part = number, ""
    return int(whole.replace(",", "") or 0) * 100 + int(part.ljust(2, "0") or 0)


def _spelled(text: str) -> int:
    total = part = 0
    for word in re.findall(r"[a-z]+", text.lower()):
        if word == "hundred":
            part = (part or 1) * 100
        elif word == "thousand":
            total, part = total + (part or 1) * 1_000, 0
        else:
            part += _UNITS.get(word, 0)
    return total + part


def _han(text: str) -> int:
    total = section = digit = 0
    for sign in text:
        if sign == "万":
            total, section, digit = total + (section + digit or 1) * 10_000, 0, 0
        elif sign in _HAN_UNITS:
            section, digit = section + (digit or 1) * _HAN_UNITS[sign], 0
        else:
            digit = digit * 10 + _HAN_DIGITS[sign] if digit and not section else _HAN_DIGITS[sign]
    return total + section + digit
