"""Which texts are the same, or nearly so, in files of any size: keys lie on disk, a part in memory at a time.

Two are near when most runs of three words (of letters, without blanks) are in both. Each has a signature
of least hashes (MinHash, one permutation); those that share a band of it are compared by the whole of it.
"""

import os
import re
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
_AT_ONCE = 2_048  # texts that are kept before they are written
_RUN, _LETTERS = 3, 5
_NONE = 0xFFFF
_ODD, _TURN = np.uint64(0x9E3779B97F4A7C15), np.uint64(0x100000001B3)
_WORD = re.compile(r"\w+")
_KEY = np.dtype([("key", "<u8"), ("text", "<u4"), ("band", "u1")])
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
        self._signatures = (root / "signatures").open("wb+")
        self._rows: list[NDArray[np.uint16]] = []
        self._hashes: list[bytes] = []
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
        self._hashes += (_hash(plain), _hash(plain + b"\0" + answered.strip().encode("utf-8", "replace")))
        self._rows.append(_signature(plain))
        self.count += 1
        if len(self._rows) >= _AT_ONCE:
            self._write()
        return self.count - 1

    def _write(self) -> None:
        """What was added since the last time, each key to its part."""
        if not self._rows:
            return
        rows = np.stack(self._rows)
        self._signatures.write(rows.tobytes())
        keys = np.empty((len(rows), _WHOLE + 1), _KEY)
        keys["text"] = np.arange(self.count - len(rows), self.count)[:, None]
        keys["band"] = np.arange(_WHOLE + 1)
        keys["key"][:, :BANDS] = rows.view("<u8") * _ODD + np.arange(BANDS, dtype=np.uint64)
        keys["key"][:, BANDS:] = np.frombuffer(b"".join(self._hashes), "<u8").reshape(-1, 2)
        flat = keys.ravel()
        places = flat["key"] % PARTS
        for number in range(PARTS):
            self._parts[number].write(flat[places == number].tobytes())
        self._rows.clear()
        self._hashes.clear()

    def pairs(self) -> Iterator[Pair]:
        """Each text beside the first that it is like, and once: whole before asked before nearly."""
        self._write()
        self._signatures.flush()
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


def _hash(text: bytes) -> bytes:
    return blake2b(text, digest_size=8).digest()


def _signature(plain: bytes) -> NDArray[np.uint16]:
    """The least hash of each place; places on which no run fell take their neighbour's."""
    hashes = _runs(plain) * _ODD
    least = np.full(PLACES, _NONE, np.uint16)
    np.minimum.at(least, hashes >> np.uint64(59), (hashes >> np.uint64(40)).astype(np.uint16))
    empty = least == _NONE
    if empty.any() and not empty.all():
        filled = np.flatnonzero(~empty)
        after = np.searchsorted(filled, np.flatnonzero(empty)) % len(filled)
        least[empty] = least[filled[after]]
    return least


def _runs(plain: bytes) -> NDArray[np.uint64]:
    """A number for each run of words; of letters, where words are few or nothing parts them."""
    words = plain.split()
    size = _RUN
    if len(words) >= _RUN and plain.isascii():
        parts = np.fromiter(map(crc32, words), np.uint64, len(words))
    else:
        parts = np.frombuffer(plain.decode("utf-8", "replace").encode("utf-32-le", "replace"), "<u4").astype(
            np.uint64
        )
        size = min(_LETTERS, max(1, len(parts)))
    runs = np.zeros(max(1, len(parts) - size + 1), np.uint64)
    for at in range(size if len(parts) else 0):
        runs = runs * _TURN + parts[at : at + len(runs)]
    return runs
