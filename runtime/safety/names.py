"""Names of people, where something says that one follows or stood before; a name alone is a word like others.

What says so is data (`pii.toml`); here is what a name looks like in each script.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache

from ahocorasick_rs import AhoCorasick, Implementation

from runtime.safety.near import words

_PART = r"[^\W\d_a-z][\w'’-]{0,30}"
_SMALL = r"(?:de|da|van|von|der|bin|al) (?=[A-Z])"
_LATIN = rf"(?-i:{_PART}(?: (?:[A-Z]\.|{_SMALL}|{_PART})){{0,4}})"
_TWO = rf"(?-i:{_PART} (?:[A-Z]\. )?{_PART})"
_KANA = r"[一-龥々ぁ-んァ-ヶーA-Z]"
_JAPANESE = re.compile(
    r"(?:名前は|(?:氏名|名義|受取人|お名前)[は:]|(?:私|わたし|僕)は(?=[^、。]{2,12}(?:と申|といい|と言い)))\s?"
    rf"(?P<a>{_KANA}{{2,12}}?(?: {_KANA}{{1,8}}?)?)(?=です|と申|と言|といい|、|。|で、|様|$|\s|,)"
)
_JAPANESE_BEFORE = re.compile(r"(?P<a>[一-龥々ァ-ヶー]{2,8}(?: [一-龥々ァ-ヶー]{1,6})?)(?=と申し(?:ます|て))")
_CHINESE = re.compile(
    r"(?:我叫|我的名字(?:是|叫)|名字(?:是|叫)|(?:收件人|收货人|姓名|联系人|户名|持卡人)\s?(?:是|为|:)?)\s?"
    r"(?P<a>[一-龥·]{2,6}?)(?=[，。,.!！、；;\s]|$|的)"
)
_KOREAN = re.compile(
    r"(?:(?:제|내|저의) ?이름은|성함은|(?:이름|성명|수령인|받는 ?사람|예금주|수취인)\s?(?:은|는|:))\s?"
    r"(?P<a>[가-힣]{2,4}?)(?=입니다|이에요|예요|이고|이며|라고|[\s,.。]|$)"
)
_BESIDE = 12  # letters of the longest word that a title stands beside, with what is between
_OTHER_SCRIPTS = (
    (("名", "受取人", "は"), _JAPANESE),
    (("と申し",), _JAPANESE_BEFORE),
    (("我", "名", "收", "联系人", "持卡人"), _CHINESE),
    (("이름", "성함", "성명", "수령인", "사람", "예금주", "수취인"), _KOREAN),
)


def names(plain: str, low: str) -> Iterator[tuple[int, int]]:
    """Where each stands. `low`: the same in small letters."""
    yield from _latin(plain, low)
    if plain.isascii():
        return
    for leading, pattern in _OTHER_SCRIPTS:
        if any(word in plain for word in leading):
            yield from _spans(pattern, plain)


def _spans(pattern: re.Pattern[str], plain: str) -> Iterator[tuple[int, int]]:
    for match in pattern.finditer(plain):
        yield match.span(match.lastgroup or 0)


def _latin(plain: str, low: str) -> Iterator[tuple[int, int]]:
    """Looked for only where a word stands that a name may follow."""
    leads, titles = _leads()
    at = 0
    for start, number in sorted(
        (start, n) for n, start, _ in leads.find_matches_as_indexes(low, overlapping=True)
    ):
        if start < at:
            continue
        match = (_titled() if number < titles else _led()).match(plain, start)
        if match and (number >= titles or _beside().search(plain, max(0, start - _BESIDE), start)):
            at = match.end()
            yield match.span(match.lastgroup or 0)


@cache
def _leads() -> tuple[AhoCorasick, int]:
    """What names follow, titles first; how many those are."""
    known = words().names
    others = (*known.sentences, *known.labels, *known.selves, *known.endings, "this is")
    leads = AhoCorasick([*known.titles, *others], implementation=Implementation.DFA, store_patterns=False)
    return leads, len(known.titles)


@cache
def _led() -> re.Pattern[str]:
    known = words().names
    forms = (
        rf"(?:{_any(known.sentences)})\s{{0,2}}(?P<a>{_LATIN})",
        rf"(?:{_any(known.labels)})(?: (?:on|of|for) the \w{{2,12}})?\s?(?:is|to|:)\s{{0,2}}(?P<b>{_LATIN})",
        rf"this is\s(?P<c>{_LATIN})(?= speaking)",
        rf"(?:{_any(known.selves)})\s{_no_name()}(?P<d>{_TWO})(?! (?:{_any(known.none)})\b)",
        rf"(?:{_any(known.endings)}),?\s{{1,2}}{_no_name()}(?P<f>{_TWO})(?=[.\s]{{0,3}}$)",
    )
    return re.compile(rf"(?<![a-z])(?:{'|'.join(forms)})", re.IGNORECASE)


@cache
def _titled() -> re.Pattern[str]:
    return re.compile(rf"(?:{_any(words().names.titles)})\.?\s(?P<e>{_TWO})", re.IGNORECASE)


@cache
def _beside() -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z])(?:{_any(words().names.beside)})[ ,]{{1,2}}\Z", re.IGNORECASE)


def _no_name() -> str:
    return rf"(?!(?:{_any(words().names.none)})\b)"


def _any(terms: Sequence[str]) -> str:
    return "|".join(re.escape(term) for term in sorted(terms, key=len, reverse=True))
