"""Vectors of texts: deterministic, and near each other when the texts share words or pieces of words.

Each word and each run of three letters adds to a few places of the vector (hashing trick), so that near
duplicates and spelling variants are near, and what has no words in common is not. There is no meaning beyond
the letters: a synonym is as far as any other word.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import log1p, sqrt
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
_WORD, _PIECE = 3.0, 1.0  # a whole word says more than a piece of one
_PLACES = 4  # of a feature: fewer accidents between unrelated texts
_FILLER = frozenset(
    (
        "a",
        "an",
        "and",
        "are",
        "at",
        "can",
        "do",
        "for",
        "i",
        "in",
        "is",
        "it",
        "me",
        "my",
        "of",
        "on",
        "the",
        "to",
        "you",
    )
)


def embed(text: str, dims: int = 1024, model: str = "titan") -> Vector:
    """The unit vector of a text; zeros for a text without letters. Each model has a space of its own."""
    vector = np.zeros(dims, np.float32)
    for feature, weight in Counter(dict(_features(text))).items():
        places, signs = _places(f"{model}/{feature}", dims)
        np.add.at(vector, places, signs * np.float32(weight))
    length = float(np.linalg.norm(vector))
    return vector / np.float32(length) if length else vector


def embed_all(texts: Sequence[str], dims: int = 1024, model: str = "titan") -> NDArray[np.float32]:
    """One row a text."""
    return np.stack([embed(text, dims, model) for text in texts])


def similarity(one: str, other: str) -> float:
    """Cosine of two texts' vectors."""
    return float(embed(one) @ embed(other))


def _features(text: str) -> Iterator[tuple[str, float]]:
    counts: Counter[str] = Counter()
    for word in re.findall(r"\w+", text.lower()):
        if word in _FILLER:
            continue
        counts[f"w:{word}"] += 1
        padded = f"^{word}$"
        counts.update(f"p:{padded[start : start + 3]}" for start in range(len(padded) - 2))
    for feature, count in counts.items():
        yield feature, log1p(count) * (_WORD if feature.startswith("w:") else _PIECE)


@lru_cache(maxsize=200_000)
def _places(feature: str, dims: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    hashes = [crc32(f"{feature}/{number}".encode()) for number in range(_PLACES)]
    places = np.array([value % dims for value in hashes], np.intp)
    signs = np.array([1.0 if value >> 31 else -1.0 for value in hashes], np.float32)
    return places, signs / np.float32(sqrt(_PLACES))
