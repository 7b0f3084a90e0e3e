"""One form for all ways to write the same, for matching only: nobody is shown it (RUN-12).

Width and compatibility forms, invisible letters, letters that look like others, katakana and accents are made
alike. Letters hidden in Unicode's tag block become the ASCII they spell, because a model reads them too.
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field

from contract.base import Shape

MOST = 65_536  # letters that are read
PIECE = 4_096  # letters that are made plain at once
ONE_BY_ONE = 64  # different letters of a text
MOST_MARKS = 4  # accents on one letter; sorting a longer run takes its length squared
_TAGS = range(0xE0020, 0xE007F)
_HIDDEN = re.compile(f"[{chr(_TAGS.start)}-{chr(_TAGS.stop - 1)}]+")  # words of their own
_KATAKANA, _TO_HIRAGANA = range(0x30A1, 0x30F7), 0x60
_ACCENTS = range(0x300, 0x370)
_SELECTORS, _FILLER = range(0xFE00, 0xFE10), 0x3164
_LATIN_ENDS, _FEW = 0x1F00, 0x20000
_INVISIBLE = ("Cf", "Cc", "Co", "Cn")
_KEPT = {"\n", "\t", "\r"}
_CJK = r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\u3001\u3002\uff0c]"
_BETWEEN = re.compile(rf"(?<={_CJK})[^\S\n]{{1,8}}(?={_CJK})")
_BLANKS = re.compile(r"[^\S\n](?:[^\S\n]+|(?<=[\t\r\f\v]))")
_UNLIKE_WORDS = re.compile(rf"[^\w\x00-\x7f]{{{MOST_MARKS + 1},}}")  # every mark is among them


class _Alike(Shape):
    """alike.toml"""

    letters: Mapping[str, str] = Field(description="a Latin letter, and those that look like it")
    han: Mapping[Literal["pairs"], str] = Field(description="one form and the other, by turns")


class _Table(dict[int, int | str | None]):
    """For `str.translate`: what becomes of a letter, decided once for each there is."""

    def __init__(self, alike: _Alike) -> None:
        super().__init__({code: code - _TO_HIRAGANA for code in _KATAKANA})
        self.update({ord(other): one for one, other in zip(*[iter(alike.han["pairs"])] * 2, strict=True)})
        self.update(
            {ord(other): letter for letter, others in alike.letters.items() for other in others.lower()}
        )

    def __missing__(self, code: int) -> int | str | None:
        found = _plain(code)
        if code < _FEW:  # everything people write; a table must not grow without end
            self[code] = found
        return found


def _plain(code: int) -> int | str | None:
    """The letter without its accents; nothing of one that nobody sees."""
    letter = chr(code)
    if code in _TAGS:
        return code - 0xE0000
    if code in _ACCENTS or code in _SELECTORS or code == _FILLER:
        return None
    if letter not in _KEPT and unicodedata.category(letter) in _INVISIBLE:
        return None
    if code < _LATIN_ENDS:
        base = unicodedata.normalize("NFD", letter)[0]
        return ord(base) if base.isascii() else code
    return code


@cache
def _table() -> _Table:
    text = Path(__file__).with_name("alike.toml").read_text(encoding="utf-8")
    return _Table(_Alike.model_validate(tomllib.loads(text)))


def _few_marks(found: re.Match[str]) -> str:
    """Without the marks beyond MOST_MARKS of each run: longer than any language writes them."""
    kept: list[str] = []
    run = 0
    for letter in found[0]:
        run = run + 1 if unicodedata.combining(letter) else 0
        if run <= MOST_MARKS:
            kept.append(letter)
    return "".join(kept)


def normal(text: str) -> str:
    """The text in its one form: small letters, single blanks, none between letters of CJK; cut at MOST."""
    if not text.isascii():
        text = _compatible(_UNLIKE_WORDS.sub(_few_marks, _HIDDEN.sub(r" \g<0>", text[:MOST])))
        text = _BETWEEN.sub("", _translated(text.lower()))
    return _BLANKS.sub(" ", text[:MOST].lower().replace("’", "'"))


def _translated(text: str) -> str:
    """By the table. Most texts have few letters that it changes, and one after the other is faster then."""
    table = _table()
    changed = [letter for letter in set(text) if table[ord(letter)] != ord(letter)]
    if len(changed) > ONE_BY_ONE:
        return text.translate(table)
    for letter in changed:  # what a letter becomes is changed no further
        text = text.replace(letter, letter.translate(table))
    return text


def _compatible(text: str) -> str:
    """NFKC, and no more of it than is read: one letter may stand for eighteen."""
    parts: list[str] = []
    length = 0
    for at in range(0, len(text), PIECE):
        parts.append(unicodedata.normalize("NFKC", text[at : at + PIECE]))
        length += len(parts[-1])
        if length >= MOST:
            break
    return "".join(parts)[:MOST]
