"""Thresholds as people write them: `"first_token{tier:T0}" = "p95 < 900ms, p99 < 2s"`. Reading them,
nothing else.

    MEASURE{dimension:value,...} = STATISTIC OPERATOR NUMBER[UNIT], ...

Times (ms, s): p50 p90 p95 p99 p99.9 mean max. Counts: rate (share of messages, %), count. Dollars: mean.
What was measured is held against them in `verdict`.
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

TIMES = ("first_token", "end_to_end", "chunk_gap", "connect", "late", "lag")
COUNTS = (
    "failed",
    "dropped",
    "goodput",
    "served",
    "refused",
    "sequence_gaps",
    "ended_twice",
    "corrections",
    "resends",
    "reconnects",
    "stalls",
    "text_differs",
    "cached",
    "unconnected",
    "connects",
)
MONEY = ("cost", "cost_per_resolved")
DIMENSIONS = ("tier", "intent", "persona", "channel", "stage")
# Of these there is one figure for the whole run.
_WHOLE_RUN = ("connect", "lag", "unconnected", "connects", "cost_per_resolved")
_QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}
Kind = Literal["time", "count", "money"]
_MEASURE = re.compile(r"^([a-z_]+)(?:\{([^}]*)\})?$")
_HOLD = re.compile(r"^(\S+)\s*(<=|>=|==|<|>)\s*(\$?)([0-9][0-9_]*(?:\.[0-9]+)?)\s*(ms|s|%)?$")


@dataclass(frozen=True, slots=True)
class Gate:
    """One threshold. `limit` is in milliseconds, shares, pieces or dollars; `abort_after_s`: the run ends
    by it."""

    measure: str
    where: Mapping[str, str]
    statistic: str
    sign: str
    limit: float
    kind: Kind
    text: str
    abort_after_s: float | None = None

    @property
    def quantile(self) -> float | None:
        """p95 -> 0.95; none for mean and max."""
        return _QUANTILES.get(self.statistic)

    def holds(self, value: float) -> bool:
        """Whether a figure keeps it."""
        return _COMPARE[self.sign](value, self.limit)

    def shown(self, value: float) -> str:
        """A figure as a person reads it."""
        if self.kind == "time":
            return f"{value:,.0f} ms" if value >= 10 else f"{value:.2f} ms"
        if self.kind == "money":
            return f"${value:.5f}"
        return f"{value:.2%}" if self.statistic == "rate" else f"{value:,.0f}"


def parse(measure: str, hold: str, abort_after_s: float | None = None) -> tuple[Gate, ...]:
    """All thresholds of one line; ValueError says what is wrong with it."""
    name, where = _measured(measure)
    return tuple(_gate(measure, name, where, part.strip(), abort_after_s) for part in hold.split(","))


def _measured(measure: str) -> tuple[str, Mapping[str, str]]:
    found = _MEASURE.match(measure.strip())
    if found is None or found[1] not in (*TIMES, *COUNTS, *MONEY):
        known = ", ".join((*TIMES, *COUNTS, *MONEY))
        raise ValueError(f"gates: {measure!r} measures nothing known; there are {known}")
    where = {}
    for pair in (found[2] or "").split(",") if found[2] else ():
        dimension, colon, value = (part.strip() for part in pair.partition(":"))
        if not colon or not value or dimension not in DIMENSIONS:
            raise ValueError(
                f"gates: {measure!r}: {pair!r} must be one of {', '.join(DIMENSIONS)}, and a value"
            )
        where[dimension] = value
    if where and found[1] in _WHOLE_RUN:
        raise ValueError(f"gates: {measure!r}: {found[1]} is measured for the whole run: leave {{...}} out")
    return found[1], where


def _gate(measure: str, name: str, where: Mapping[str, str], hold: str, abort_after_s: float | None) -> Gate:
    kind: Kind = "time" if name in TIMES else "count" if name in COUNTS else "money"
    allowed = {
        "time": (*_QUANTILES, "mean", "max"),
        "count": ("rate", "count"),
        "money": ("mean",),
    }[kind]
    found = _HOLD.match(hold)
    if found is None:
        raise ValueError(
            f'gates: {measure!r} = {hold!r}: write it like "p95 < 900ms", "rate < 1%", "count == 0"'
        )
    statistic, sign, dollar, number, unit = found.groups()
    if statistic not in allowed:
        raise ValueError(
            f"gates: {measure!r}: there is no {statistic!r} of it; there are {', '.join(allowed)}"
        )
    units = {"time": ("ms", "s"), "count": ("%",) if statistic == "rate" else (None,), "money": (None,)}[kind]
    if unit not in units or (kind == "money") != bool(dollar):
        wanted = {"time": "ms or s", "count": "%" if statistic == "rate" else "no unit", "money": "$"}[kind]
        raise ValueError(f"gates: {measure!r} = {hold!r}: the number needs {wanted}")
    limit = float(number.replace("_", "")) * {"s": 1_000.0, "%": 0.01}.get(unit or "", 1.0)
    return Gate(name, where, statistic, sign, limit, kind, f"{measure} {hold}", abort_after_s)
