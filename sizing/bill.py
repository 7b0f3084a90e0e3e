"""Lines of a bill, and their sums: every dollar cites a row of the price table, or is said to be unknown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contract.prices import table

PER = {"1k requests": 1e3, "10k requests": 1e4, "100k requests": 1e5, "1M requests": 1e6, "1M tokens": 1e6}
UNKNOWN = "no price"


@dataclass(frozen=True)
class Line:
    """So much of something, and what it comes to; None: nobody has said."""

    part: str
    what: str
    quantity: float
    unit: str
    usd: float | None
    source: str


@dataclass(frozen=True)
class Bill:
    """What something costs in all."""

    lines: tuple[Line, ...]

    @property
    def usd(self) -> float:
        """What is known of it."""
        return sum(line.usd for line in self.lines if line.usd is not None)

    @property
    def unknown(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.usd is None)

    def by_part(self) -> Mapping[str, float]:
        """Part -> dollars, the dearest first."""
        found: dict[str, float] = {}
        for line in self.lines:
            if line.usd is not None:
                found[line.part] = found.get(line.part, 0.0) + line.usd
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def __add__(self, other: "Bill") -> "Bill":
        return Bill((*self.lines, *other.lines))


def priced(part: str, row: str, quantity: float, region: str, what: str = "") -> Line:
    """So many single units (requests, GB, hours, tokens) at a row of the table."""
    rows = table().rows
    price = table().price(row, region) if row in rows else None
    if price is None:
        return Line(part, what or row, quantity, "", None, f"{UNKNOWN} {row} in {region}")
    usd = float(price.usd) * quantity / PER.get(price.unit, 1.0)
    unit = {"hour": "hours", "GB": "GB", "1M tokens": "tokens"}.get(price.unit, "requests")
    source = price.source if price.checked else f"{price.source} (not checked)"
    return Line(part, what or price.what, quantity, unit, usd, source)


def given(part: str, what: str, quantity: float, unit: str, usd: float | None, source: str) -> Line:
    """What the table does not hold: a quote, or another part's own sum."""
    return Line(part, what, quantity, unit, usd, source)


def compared(before: Bill, after: Bill) -> Sequence[tuple[str, float, float]]:
    """Part, dollars before and after, the largest change first."""
    first, second = before.by_part(), after.by_part()
    parts = {*first, *second}
    rows = [(part, first.get(part, 0.0), second.get(part, 0.0)) for part in parts]
    return sorted(rows, key=lambda row: (-abs(row[2] - row[1]), row[0]))
