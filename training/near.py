"""Which texts are the same, or nearly so, in files of any size: keys lie on disk, a part in memory at a time.

Two are near when most runs of three words (of letters, without blanks) are in both. Each has a signature
of least hashes (MinHash, one permutation); those that share a band of it are compared by the whole of it.
"""

import os
import re
import struct
import tempfile
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Literal, NamedTuple, Self
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

PLACES, BANDS = 32, 8
PARTS = 128  # of the keys: so many files, one in memory at a time
_KEPT = 512  # records of a part that are kept before they are written
_RUN, _LETTERS = 3, 5
_NONE = 0xFFFF
_WORD = re.compile(r"\w+")
_KEY = np.dtype([("key", "<u8"), ("text", "<u4"), ("band", "u1")])
_record = struct.Struct("<QIB").pack
Likeness = Literal["whole", "asked", "near"]
_ASKED, _WHOLE = BANDS, BANDS + 1  # bands that stand for a hash of everything


class Pair(NamedTuple):
    """`text` is like `other`, which came first: whole, in what is asked, or nearly in what is asked."""

    text: int
    other: int
    how: Likeness
    alike: float


class Near:
    """Takes texts, then tells pairs. What it writes is in a folder that goes away with it."""

    def __init__(self, enough: float) -> None:
        self._enough = enough
        self._folder = tempfile.TemporaryDirectory(prefix="concierge-near-")
        root = Path(self._folder.name)
        self._parts = [(root / str(number)).open("wb", buffering=0) for number in range(PARTS)]
        self._kept: list[list[bytes]] = [[] for _ in range(PARTS)]
        self._signatures = (root / "signatures").open("wb+")
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stream in (*self._parts, self._signatures):
            stream.close()
        self._folder.cleanup()

    def add(self, asked: str, answered: str) -> int:
        """The number of this text."""
        words = _WORD.findall(asked.lower())
        plain = (" ".join(words) or asked).encode("utf-8", "replace")
        self._put(_hash(plain), _ASKED)
        self._put(_hash(plain + b"\0" + answered.strip().encode("utf-8", "replace")), _WHOLE)
        signature = _signature(words)
        self._signatures.write(signature.tobytes())
        for band, part in enumerate(signature.reshape(BANDS, -1)):
            self._put(_hash(bytes([band]) + part.tobytes()), band)
        self.count += 1
        return self.count - 1

    def pairs(self) -> Iterator[Pair]:
        """Each text beside the first that it is like, and once: whole before asked before nearly."""
        self._signatures.flush()
        for number in range(PARTS):
            self._write(number)
        told = np.zeros(self.count, bool)
        bands: Sequence[tuple[Likeness, Sequence[int]]]
        bands = (("whole", [_WHOLE]), ("asked", [_ASKED]), ("near", range(BANDS)))
        for how, chosen in bands:
            for part in range(PARTS):
                for text, other in self._same(part, chosen):
                    if told[text]:
                        continue
                    alike = self._alike(text, other) if how == "near" else 1.0
                    if alike >= self._enough:
                        told[text] = True
                        yield Pair(text, other, how, alike)

    def _put(self, key: int, band: int) -> None:
        number = key % PARTS
        self._kept[number].append(_record(key, self.count, band))
        if len(self._kept[number]) >= _KEPT:
            self._write(number)

    def _write(self, number: int) -> None:
        self._parts[number].write(b"".join(self._kept[number]))
        self._kept[number].clear()

    def _same(self, part: int, bands: Sequence[int]) -> Iterator[tuple[int, int]]:
        """(text, the first with the same key)."""
        keys = np.fromfile(self._parts[part].name, dtype=_KEY)
        keys = keys[np.isin(keys["band"], list(bands))]
        keys = keys[np.lexsort((keys["text"], keys["key"]))]
        again = keys["key"][1:] == keys["key"][:-1]
        first = 0
        for place in np.flatnonzero(again):
            if place == 0 or not again[place - 1]:
                first = int(keys["text"][place])
            yield int(keys["text"][place + 1]), first

    def _alike(self, one: int, other: int) -> float:
        a, b = (self._signature_of(text) for text in (one, other))
        return float(np.count_nonzero(a == b)) / PLACES

    def _signature_of(self, text: int) -> NDArray[np.uint16]:
        size = PLACES * 2
        return np.frombuffer(os.pread(self._signatures.fileno(), size, text * size), np.uint16)


def _hash(text: bytes) -> int:
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "little")


def _signature(words: Sequence[str]) -> NDArray[np.uint16]:
    """The least hash of each place; places on which no run fell take their neighbour's."""
    hashes = np.fromiter((crc32(run.encode("utf-8", "replace")) for run in _runs(words)), np.uint32)
    least = np.full(PLACES, _NONE, np.uint16)
    np.minimum.at(least, hashes % PLACES, (hashes // PLACES % _NONE).astype(np.uint16))
    empty = least == _NONE
    if empty.any():
        filled = np.flatnonzero(~empty)
        after = np.searchsorted(filled, np.flatnonzero(empty)) % len(filled)
        least[empty] = least[filled[after]]
    return least


def _runs(words: Sequence[str]) -> set[str]:
    """Runs of words; of letters, where words are few or nothing parts them."""
    text = " ".join(words)
    if len(words) >= _RUN and text.isascii():
        return {" ".join(words[at : at + _RUN]) for at in range(len(words) - _RUN + 1)}
    return {text[at : at + _LETTERS] for at in range(max(1, len(text) - _LETTERS + 1))}
