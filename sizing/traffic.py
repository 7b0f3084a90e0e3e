"""How many messages come, minute by minute, with their band and events; profiles. Histories are in `history`.

Pure; what a message asks of the estate is the business of `demand`.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from sizing.documents import SizingError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
MINUTE_S = 60.0
DAY = 24 * 60  # minutes
MOST_RATE = 100e6  # messages a second; whoever has more has mistaken a number
START = datetime(2027, 7, 13, tzinfo=UTC)  # of a profile, which has no date of its own
INSIDE = 0.8  # of the minutes lie inside the band
QUARTER = 15  # minutes


@dataclass(frozen=True)
class Traffic:
    """Messages of each minute, the oldest first; a missing one has none.

    `spread`: eight in ten minutes lie between the usual divided and multiplied by it.
    """

    start: datetime
    messages: Floats
    spread: float
    source: str

    @property
    def peak_rate(self) -> float:
        """Messages a second in the busiest minute."""
        return float(self.messages.max()) / MINUTE_S

    @property
    def days(self) -> float:
        return len(self.messages) / DAY

    def scaled(self, factor: float) -> "Traffic":
        return replace(self, messages=self.messages * factor)

    def at_peak(self, rate: float) -> "Traffic":
        """The same curve with so many messages a second in its busiest minute."""
        refuse_absurd(rate, self.source)
        if not self.peak_rate > 0:
            raise SizingError(f"{self.source}: has no messages at all")
        return replace(self, messages=self.messages / self.messages.max() * (rate * MINUTE_S))

    def only(self, messages: Floats) -> "Traffic":
        """Other minutes of the same source."""
        return replace(self, messages=messages)

    def band(self) -> tuple["Traffic", "Traffic"]:
        """Eight in ten minutes lie between the two."""
        return self.scaled(1 / self.spread), self.scaled(self.spread)


@dataclass(frozen=True)
class Event:
    """A known peak: so many times the traffic between two minutes of the series."""

    name: str
    first: int
    last: int
    times: float


def with_events(traffic: Traffic, events: Iterable[Event]) -> Traffic:
    """Factors of events that overlap are multiplied."""
    messages = traffic.messages.copy()
    for event in events:
        if event.last > len(messages):
            hours = len(messages) / 60
            raise SizingError(
                f"event {event.name} ends after the traffic ends ({hours:g} hours): end it there"
            )
        with np.errstate(over="ignore"):  # what is endless is refused
            messages[event.first : event.last] *= event.times
        refuse_absurd(float(messages.max()) / MINUTE_S, f"event {event.name}")
    return replace(traffic, messages=messages)


def refuse_absurd(rate: float, of: str) -> None:
    """`rate`: messages a second."""
    if not 0 <= rate <= MOST_RATE:
        raise SizingError(
            f"{of}: {rate:g} messages a second in the busiest minute: give from 0 to {MOST_RATE:,.0f}"
        )


def of_profile(pieces: Sequence[tuple[float, float, float]], source: str, spread: float) -> Traffic:
    """Straight pieces one after the other: (seconds, messages a second at the first, at the last moment)."""
    for _, first, last in pieces:
        refuse_absurd(first, source)
        refuse_absurd(last, source)
    ends = np.cumsum([piece[0] for piece in pieces])
    total = float(ends[-1])
    edges = np.minimum(np.arange(0.0, total + MINUTE_S, MINUTE_S), total)
    edges = edges[: int(np.ceil(total / MINUTE_S)) + 1]
    sums = np.array([_sum_until(pieces, at) for at in edges])
    messages = np.diff(sums)
    lengths = np.diff(edges)
    return Traffic(START, messages * MINUTE_S / lengths, spread, source)


def _sum_until(pieces: Sequence[tuple[float, float, float]], at: float) -> float:
    total = begin = 0.0
    for length, first, last in pieces:
        inside = min(max(at - begin, 0.0), length)
        rate = first + (last - first) * inside / length
        total += inside * (first + rate) / 2
        begin += length
    return total


def of_day(hours: Sequence[float], peak: float, spread: float, source: str = "the curve of a day") -> Traffic:
    """A day whose busiest hour has `peak` messages a second; between the hours it climbs and falls evenly."""
    refuse_absurd(peak, source)
    scale = peak / max(hours)
    after = (*hours[1:], hours[0])
    pieces = [(3600.0, a * scale, b * scale) for a, b in zip(hours, after, strict=True)]
    return of_profile(pieces, source, spread)


def own_spread(messages: Floats, there: Bools | None = None) -> float | None:
    """How far the same quarter of an hour lies apart from day to day; None where no two days have the same.

    `there`: minutes that are known. Quarters that are not known, or have no traffic, tell nothing.
    """
    days = len(messages) // DAY
    if days < 2:
        return None
    quarters = _quarters(messages, np.ones(len(messages), dtype=np.bool_) if there is None else there, days)
    quarters = quarters[:, (~np.isnan(quarters)).sum(axis=0) >= 2]
    if not quarters.size:
        return None
    ratios = np.log(quarters) - np.log(np.nanmedian(quarters, axis=0))
    return float(np.exp(np.nanquantile(np.abs(ratios), INSIDE)))


def _quarters(messages: Floats, there: Bools, days: int) -> Floats:
    """Each day's mean minute of each quarter, as a single one is mostly chance. NaN: it tells nothing."""
    shape = (days, DAY // QUARTER, QUARTER)
    known = there[: days * DAY].reshape(shape).sum(axis=2)
    sums = messages[: days * DAY].reshape(shape).sum(axis=2)
    return np.where((sums > 0) & (known > QUARTER / 2), sums / np.maximum(known, 1), np.nan)


def event(text: str) -> Event:
    """`NAME:FROM:TO:TIMES`, hours after the beginning: `prime-day:8:20:12.5`."""
    parts = text.split(":")
    try:
        name, first, last, times = parts[0], *(float(part) for part in parts[1:])
    except ValueError:
        raise SizingError(_EVENT.format(text)) from None
    if not name or not 0 <= first < last < math.inf or not 0 < times < math.inf:
        raise SizingError(_EVENT.format(text))
    if round(first * 60) == round(last * 60):
        raise SizingError(f"event {text!r}: is less than a minute long: FROM and TO are hours")
    return Event(name, round(first * 60), round(last * 60), times)


_EVENT = "event {0!r}: write NAME:FROM:TO:TIMES, hours after the beginning, such as prime-day:8:20:12.5"
