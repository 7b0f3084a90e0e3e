"""Other ways to read a text that a model reads as well: letters apart, digits as letters, codes it can undo.

What costs time or could mean anything is tried only where the text itself says so.
"""

import base64
import binascii
import codecs
import html
import re
from collections.abc import Iterator

from runtime.safety.normal import normal

Reading = tuple[str, bool]  # a normal text; True where no one knows where its words end
# Letters one by one: "i g n o r e", "無.視". At least so many that no abbreviation is taken for it.
_SIGN = r"[ .\-_*|/:;,、。]"
_GAP = rf"{_SIGN}{{1,3}}"
_SPACED = re.compile(rf"[^\W_](?={_SIGN})(?<![a-z0-9].){_GAP}(?:[^\W_]{_GAP}){{3,199}}[^\W_](?![a-z0-9])")
_GAPS = re.compile(_GAP)
_LEET_WORD = re.compile(r"(?<![\w@$])(?=[a-z@$!|]{0,12}[013457@$!|])[a-z013457@$!|]{4,24}(?![\w@$])")
_LEET = str.maketrans("013457@$!|", "oieastasil")
_LINES = 3  # so many breaks may stand between words of one sentence
_PACKED = re.compile(
    r"[A-Za-z0-9+/_-](?<![A-Za-z0-9+/=_-].)[A-Za-z0-9+/_-]{23,3999}={0,2}(?![A-Za-z0-9+/=_-])"
)
_HEX = re.compile(
    r"[0-9a-fA-F](?<![0-9A-Za-z].)[0-9a-fA-F][ :]?(?:[0-9a-fA-F]{2}[ :]?){11,1999}(?![0-9A-Za-z])"
)
_URL = str.maketrans("-_", "+/")
_ENTITY = re.compile(r"&(?:#\d{2,7}|#x[0-9a-f]{2,6});", re.IGNORECASE)
MOST_PACKED = 4  # codes of a text that are undone
MOST = 4_000  # letters of a text that is read backwards or in another alphabet
_ROTATED = ("rot13", "rot-13", "rot 13", "caesar", "cipher")
_BACKWARDS = (
    "backward",
    "reverse",
    "right to left",
    "逆から",
    "逆さ",
    "反过来",
    "倒着",
    "倒过来",
    "거꾸로",
    "뒤집",
)


def readings(text: str, plain: str) -> Iterator[Reading]:
    """`plain`: the text in its normal form."""
    yield from _respelled(plain)
    if plain.count("\n") >= _LINES:
        yield normal(plain.replace("\n", " ")), False
    if "&#" in text and _ENTITY.search(text):
        yield normal(html.unescape(text)), False
    for inside in _unpacked(text):
        yield normal(inside), False
    if len(plain) <= MOST:
        if any(word in plain for word in _ROTATED):
            yield codecs.encode(plain, "rot13"), False
        if any(word in plain for word in _BACKWARDS):
            yield normal(plain[::-1]), False


def _respelled(plain: str) -> Iterator[Reading]:
    together = _SPACED.sub(lambda found: _GAPS.sub("", found[0]), plain)
    letters = _LEET_WORD.sub(lambda found: found[0].translate(_LEET), together)
    if together != plain:
        yield together, True
    if letters != together:
        yield letters, together != plain


def _unpacked(text: str) -> Iterator[str]:
    """What is packed in Base64 or written as bytes inside a text."""
    for count, found in enumerate((*_PACKED.finditer(text), *_HEX.finditer(text))):
        if count == MOST_PACKED:
            return
        try:
            yield _bytes(found).decode()
        except (binascii.Error, ValueError):
            continue


def _bytes(found: re.Match[str]) -> bytes:
    if found.re is _HEX:
        return bytes.fromhex(found[0].replace(":", " "))
    packed = found[0].rstrip("=").translate(_URL)
    return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
