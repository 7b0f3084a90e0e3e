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


@dataclass(frozen=True)
class Change:
    """A part of two bills. `unknown`: lines of either without a price that are not in both alike.

    `sure`: the difference of the lines that have a price in both.
    """

    part: str
    before: float
    after: float
    sure: float
    unknown: tuple[Line, ...]

    @property
    def usd(self) -> float | None:
        """The difference; None where a price is missing, because what is known of it says nothing."""
        return None if self.unknown else self.after - self.before


def compared(before: Bill, after: Bill) -> Sequence[Change]:
    """Part by part, what nobody knows first and then the largest change."""
    first, second = before.by_part(), after.by_part()
    was, now = (
        {(line.part, line.what): line.usd for line in bill.lines if line.usd is not None}
        for bill in (before, after)
    )
    known = set(before.unknown) & set(after.unknown)
    open_ = [line for line in dict.fromkeys((*before.unknown, *after.unknown)) if line not in known]
    parts = {*first, *second, *(line.part for line in open_)}
    rows = [
        Change(
            part,
            first.get(part, 0.0),
            second.get(part, 0.0),
            sum(now[key] - was[key] for key in was.keys() & now.keys() if key[0] == part),
            tuple(line for line in open_ if line.part == part),
        )
        for part in parts
    ]
    return sorted(rows, key=lambda row: (row.usd is not None, -abs(row.after - row.before), row.part))
