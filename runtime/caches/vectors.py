"""Small vectors: a byte a dimension, compared without a numeric library.

The signs alone, as one long integer, find the few that can be near; only for those the cosine is computed. A
byte a dimension moves a cosine by some thousandths.
"""

import math
import sys
from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import mul
from typing import NamedTuple

if sys.version_info >= (3, 12):
    _dot = math.sumprod
else:

    def _dot(one: Iterable[int], other: Iterable[int]) -> int:
        return sum(map(mul, one, other))


LONGEST = 127  # in a signed byte
_SIGNS = bytes(b"01"[0 < byte <= LONGEST] for byte in range(256))
REMEMBERED = 256  # the same question is looked for, learnt, and comes back from the server


class Vector(NamedTuple):
    """Its bytes, its signs, and its length."""

    parts: "array[int]"  # a string: 3.11 cannot subscript it
    signs: int
    length: float


def pack(vector: Sequence[float]) -> bytes:
    """A byte a dimension; nothing of the length is kept, as a cosine needs none."""
    most = max(map(abs, vector), default=0.0)
    if not most or not math.isfinite(most):
        raise ValueError("a vector without a direction says nothing")
    scale = LONGEST / most
    return array("b", [round(part * scale) for part in vector]).tobytes()


@lru_cache(REMEMBERED)
def unpack(packed: bytes) -> Vector:
    parts = array("b", packed)
    signs = int(packed.translate(_SIGNS) or b"0", 2)
    return Vector(parts, signs, math.sqrt(_dot(parts, parts)))


def nearness(one: Vector, other: Vector) -> int:
    """In how many dimensions the signs differ: the fewer, the nearer. Cheap."""
    return (one.signs ^ other.signs).bit_count()


def cosine(one: Vector, other: Vector) -> float:
    """Exact, for vectors of one size; -1 for others."""
    if len(one.parts) != len(other.parts) or not one.length or not other.length:
        return -1.0
    return _dot(one.parts, other.parts) / (one.length * other.length)
