"""How many failures cannot be bad luck: so that a few calls at a harmless error rate open no breaker (RUN-6).

A fifth of twenty calls is four; at an error rate of 3 % five of twenty fail now and then, and with a window
that slides all day "now and then" comes. From about seventy calls on the fifth alone is proof enough.
"""

from functools import cache
from math import comb

UNLIKELY = 1e-8  # of one full window


@cache
def least_failures(calls: int, rate: float) -> int:
    """The fewest failures among `calls` that an error rate of `rate` hardly ever brings about."""
    tail, failures = 0.0, calls + 1
    while failures and (tail := tail + _exactly(failures - 1, calls, rate)) < UNLIKELY:
        failures -= 1
    return failures


def _exactly(failures: int, calls: int, rate: float) -> float:
    return comb(calls, failures) * rate**failures * (1 - rate) ** (calls - failures)
