"""Every form in which an amount of money or a discount is written, in English, Japanese, Chinese and Korean.

Pure text to data; whether an amount is right is for `prices`.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from runtime.safety.forms import DIGIT
from runtime.safety.letters import low

MOST = 150  # amounts of an answer; one that has more is not read, and not said
LONGEST = 20  # signs of a price
NO_PRICE = -1  # cents
DOLLARS = "USD"
# Patterns read small letters. Those of digits begin with a set of signs (forms.py says why).
_NUMBER = r"\d(?<!\d.)(?:\d{0,2}(?:,\d{3}){1,3}(?:\.\d{1,2})?|\d*(?:[.,]\d{1,2})?)(?!\d|[.,]\d)"
_ANY = r"(?:\d{1,3}(?:,\d{3}){1,3}(?:\.\d{1,12})?(?!\d)|\d{1,12}(?:[.,]\d{1,12})?)"
_DOLLARS = r"us\s?dollars?|u\.s\.\s?dollars?|dollars?|bucks|usd|ドル|どる|米ドル|美元|美金|달러|불(?![가-힣])"
_OTHERS = (
    r"euros?|eur|€|pounds? sterling|gbp|£|quid|yen|jpy|円|元|人民币|rmb|cny|원|krw|₩|won(?= )|rupees?|inr|₹"
    r"|cad|aud|nzd|hkd|sgd|twd|francs?|chf|kron(?:or|er)|sek|nok|dkk|zloty|pln|pesos?|mxn|reais|brl|rubles?|baht"
)
_CENTS = r"cents?|セント|美分|센트|¢"
_CODES = (
    *(
        "usd",
        "eur",
        "gbp",
        "jpy",
        "cny",
        "rmb",
        "krw",
        "inr",
        "cad",
        "aud",
        "nzd",
        "hkd",
        "sgd",
        "twd",
        "chf",
    ),
    *("sek", "nok", "dkk", "pln", "mxn", "brl", "dollars", "rs"),
)
_BIG = "万만千천百백"  # a number of these, in figures: 5万円
_ONES = (
    "zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen"
)
_WORD = (
    rf"(?:{_ONES}|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
    r"|hundred|thousand|a hundred)"
)
_WORDS = rf"{_WORD}(?:(?:[\s-]| and ){_WORD}){{0,7}}"
_AFTER = rf"\s?(?P<after>{_ANY})(?P<k>\s?k\b)?(?:\s?(?:usd|us dollars|dollars)\b)?"
_SIGNED = re.compile(rf"(?P<sign>[$€£¥₩₹]){_AFTER}")
_CODED = re.compile(rf"(?<![a-z])(?P<sign>{'|'.join(_CODES)})\.?{_AFTER}")
_WHOSE = re.compile(r"(?:us|ca|au|nz|hk|(?<![a-z])[acs])$")  # a `$` that says so before it
_COUNTED = re.compile(
    rf"(?P<before>{_NUMBER})\s?(?P<big>[{_BIG}k])?\s?"
    rf"(?=[abcdefghijkmnpqrstuwyz$€£₩₹¢円元人ドど米美セ달불원센])(?:(?P<dollars>{_DOLLARS}|\$(?!\s?\d))|(?P<other>{_OTHERS})|(?P<cents>{_CENTS}))"
    rf"(?![a-z])(?:\s?(?:and\s)?(?P<rest>\d{{1,2}})\s?(?:{_CENTS})(?![a-z]))?"
)
_IN_WORDS = re.compile(
    rf"(?<![a-z])(?P<words>{_WORDS})[\s-](?:us )?(?:(?P<wdollars>dollars?|bucks)|(?P<wcents>cents)"
    rf"|(?P<wother>euros?|yen))(?![a-z])(?: and (?:(?P<wrest>{_WORDS})|(?P<wdigits>\d{{1,2}})) cents)?"
)
_IN_HAN = re.compile(
    r"(?P<han>[〇一二三四五六七八九十百千万]{1,9})\s?(?:(?P<hdollars>ドル|美元|美金|달러)|(?P<hother>円|元))"
)
_SAYS_PRICE = (
    r"(?:costs?|cost you|prices?|priced|price tag|selling|sells|on sale|available|yours|pay|only|just|now)"
    r"(?:\s(?:is|are|of|at|for|to|only|just|now|currently|around|about|roughly|a|an)|:|\s?=){0,3}\s{1,2}"
    r"|(?:at|for|to) (?=\d{1,5}\.\d\d(?!\d|\s?[ap]\.?m|h))"
    r"|(?:価格|値段|お値段|売価|特価|价格|售价|价钱|现价|特价|가격|판매가|값)\s?(?:は|が|も|是|为|:|은|는|이)?\s?"
)
_UNIT = (
    r"%|percent|[x×°]|[cmk]?m(?![a-z])|k?g(?![a-z])|lbs?|oz|inch|in(?![a-z])|hours?|days?|min|weeks?|months?|years?|watts?"
    r"|w(?![a-z])|v(?![a-z])|mah|[gtm]b|hz|stars?|reviews?|pieces?|pcs|items?|units?|left|people|colou?rs|of|times|stores?"
    r"|[年月日時分個台本枚点回种个台件条개대명일]"
)
_BARE = re.compile(
    rf"(?<![a-z])(?:{_SAYS_PRICE})(?P<bare>{_NUMBER})(?!\s?(?:{_UNIT}))(?:(?<=\.\d\d)|(?!\s?-?[a-z]))"
)
_SHARES = ("%", "percent", "パーセント", "퍼센트", "프로", "割", "折", "half", "半", "반")
_PERCENT = re.compile(
    r"""(?P<a>\d{1,3}(?:\.\d)?)\s?(?:%|percent|パーセント|퍼센트|프로)\s?
          (?:off|discount|reduction|cheaper|less(?!\s(?!than|for|on|at|today|now|with)[a-z])|savings?|price\s(?:cut|drop)|オフ|引き|割引|お得|安|优惠|折扣|할인|세일|저렴)
      | (?:save|saves|saving|savings\sof|discount\sof|discounted\s(?:by|at)?
          |reduced\s(?:by)?|cut\sby|marked\sdown\s(?:by)?|slashed\sby
          |割引率は?|节省|立减|优惠|打折|할인율은?)\s?(?:up\sto\s|an?\s)?(?P<b>\d{1,3}(?:\.\d)?)\s?(?:%|percent)
      | (?P<wari>[1-9一二三四五六七八九])割(?:引|安|オフ)
      | (?P<zhe>[1-9一二三四五六七八九](?:\.\d)?)折(?!叠)
      | (?P<half>half[\s-](?:price|off)|半額|半价|반값)
    """,
    re.VERBOSE,
)
_UNITS = {
    word: number for number, word in enumerate([*_ONES.split("|"), "seventeen", "eighteen", "nineteen"])
}
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_UNITS |= {word: 10 * number for number, word in enumerate(_TENS, 2)}
_HAN_DIGITS = {sign: number for number, sign in enumerate("〇一二三四五六七八九")}
_TIMES = {"k": 1_000, "万": 10_000, "만": 10_000, "千": 1_000, "천": 1_000, "百": 100, "백": 100}
_HAN_UNITS = {"十": 10, "百": 100, "千": 1_000, "万": 10_000}


# Where an amount, a share or any other number may begin; where it is not, there is none.
_HAN = "一二三四五六七八九十百千"
MAYBE = re.compile(
    rf"""[\d@$€£¥₩%〇{_HAN}半반otfsenh](?:
        (?<=[\d@$€£¥₩%〇])
      | (?<![a-z].)(?:(?<=o)ne|(?<=t)(?:wo|hree|en|welve|hir)|(?<=f)(?:our|ive|ort|ift)|(?<=s)(?:ix|even)
          |(?<=e)(?:ight|leven)|(?<=n)ine|(?<=h)(?:undred|alf))
      | (?<=[{_HAN}])[{_HAN}万割折ド美円元달] | (?<=半)[額价] | (?<=반)값
    )""",
    re.VERBOSE,
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


def amounts(text: str, since: int = 0) -> list[Amount]:
    """Every amount from there on, from left to right; MOST of them, where somebody writes more."""
    kept: list[Amount] = []
    for one in sorted(islice(_all(low(text), since), MOST), key=_longest_first):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return kept


def _all(plain: str, since: int) -> Iterator[Amount]:
    """Some of them inside another."""
    if "dollar" in plain or "buck" in plain or "cent" in plain or "euro" in plain or "yen" in plain:
        yield from (_worded(match) for match in _IN_WORDS.finditer(plain, since))
    if not plain.isascii():
        yield from (_of_han(match) for match in _IN_HAN.finditer(plain, since))
    if DIGIT.search(plain, since) is None:
        return
    yield from (_signed(match, plain) for match in _SIGNED.finditer(plain, since))
    if any(code in plain for code in _CODES):
        yield from (_signed(match, plain) for match in _CODED.finditer(plain, since))
    yield from (_counted(match) for match in _COUNTED.finditer(plain, since))
    for match in _BARE.finditer(plain, since):
        yield Amount(*match.span("bare"), _cents(match["bare"]), DOLLARS)


def _longest_first(one: Amount) -> tuple[int, int]:
    return one.start, -one.end


def _signed(match: re.Match[str], plain: str) -> Amount:
    start, sign = match.start(), match["sign"].upper()
    if sign == "$" and (whose := _WHOSE.search(plain, max(0, start - 3), start)):
        start, sign = whose.start(), f"{whose[0].upper()}$"
    cents = _cents(match["after"])
    if cents != NO_PRICE and match["k"]:
        cents *= 1_000
    return Amount(start, match.end(), cents, DOLLARS if sign in {"$", "US$", "DOLLARS", DOLLARS} else sign)


def _counted(match: re.Match[str]) -> Amount:
    cents = _cents(match["before"])
    if match["cents"]:
        return Amount(*match.span(), cents // 100, DOLLARS)
    cents = cents * _TIMES.get(match["big"], 1) + int(match["rest"] or 0)
    return Amount(*match.span(), cents, match["other"] or DOLLARS)


def _worded(match: re.Match[str]) -> Amount:
    number = _spelled(match["words"])
    if match["wcents"]:
        return Amount(*match.span(), number, DOLLARS)
    rest = _spelled(match["wrest"] or "") + int(match["wdigits"] or 0)
    return Amount(*match.span(), number * 100 + rest, match["wother"] or DOLLARS)


def _of_han(match: re.Match[str]) -> Amount:
    return Amount(*match.span(), _han(match["han"]) * 100, match["hother"] or DOLLARS)


def discounts(text: str, since: int = 0) -> list[Discount]:
    """Every share off from there on, from left to right; MOST of them, where somebody writes more."""
    plain = low(text)
    if not any(sign in plain for sign in _SHARES):
        return []
    found = islice(_PERCENT.finditer(plain, since), MOST)
    return [Discount(match.start(), match.end(), _percent(match)) for match in found]


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
    """Of `1,299.99`, `49`, `49.9` and `49,99`; nobody's price where there is less than a cent, or no end."""
    if len(number) > LONGEST:
        return NO_PRICE
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
    for word in re.findall(r"[a-z]+", text):
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
