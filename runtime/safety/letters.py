"""A text letter for letter: plain digits and signs, small letters. Places in it are places in the text.

Unlike the normal form (`normal.py`), from which no way leads back to what was written.
"""

import re

# Written otherwise, the same digits and signs.
_FLAT = {0xFF01 + number: 0x21 + number for number in range(94)}
_FLAT |= {ord(dash): ord("-") for dash in "‐‑‒–—―−－"}
_FLAT |= {ord(blank): ord(" ") for blank in "\u3000\xa0\u2009\u202f"}
_FLAT |= {ord(dot): ord(".") for dot in "・·•"}
_OTHERWISE = re.compile(f"[{''.join(map(chr, _FLAT))}]")


def flat(text: str) -> str:
    """With plain digits and signs."""
    return text if text.isascii() or not _OTHERWISE.search(text) else text.translate(_FLAT)


def small(plain: str) -> str:
    """In small letters; one that would become two stays as it is."""
    lowered = plain.lower()
    return lowered if len(lowered) == len(plain) else "".join(map(_one, plain))


def low(text: str) -> str:
    """Both."""
    return small(flat(text))


def _one(letter: str) -> str:
    lowered = letter.lower()
    return lowered if len(lowered) == 1 else letter
