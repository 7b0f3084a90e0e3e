"""How many messages come, minute by minute: from a history or a profile; with its band, and events.

A history is a CSV with a time and a count in each line, or what CloudWatch exports. Pure; what a message asks
of the estate is the business of `demand`.
"""

import csv
import io
import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sizing import documents
from sizing.documents import SizingError

Floats = NDArray[np.float64]
MINUTE_S = 60.0
DAY = 24 * 60  # minutes
MOST_MINUTES = 400 * DAY
START = datetime(2027, 7, 13, tzinfo=UTC)  # of a profile, which has no date of its own
ONE_SIDED = 1.2816  # standard deviations that leave one in ten outside


@dataclass(frozen=True)
class Traffic:
    """Messages of each minute, the oldest first. `spread`: factor between the middle and one in ten above."""

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
        return self.scaled(rate / self.peak_rate)

    def only(self, messages: Floats) -> "Traffic":
        """Other minutes of the same source."""
        return replace(self, messages=messages)

    def band(self) -> tuple["Traffic", "Traffic"]:
        """One in ten below the first, one in ten above the second."""
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
        messages[event.first : event.last] *= event.times
    return replace(traffic, messages=messages)


def of_profile(pieces: Sequence[tuple[float, float, float]], source: str, spread: float) -> Traffic:
    """Straight pieces one after the other: (seconds, messages a second at the first, at the last moment)."""
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
    scale = peak / max(hours)
    after = (*hours[1:], hours[0])
    pieces = [(3600.0, a * scale, b * scale) for a, b in zip(hours, after, strict=True)]
    return of_profile(pieces, source, spread)


def read(path: Path, spread: float) -> Traffic:
    """A history. `spread` holds where it is too short to tell its own: less than two days."""
    text = documents.text(path)
    points = _of_cloudwatch(path, text) if path.suffix == ".json" else _of_csv(path, text)
    if len(points) < 2:
        raise SizingError(f"{path}: has {len(points)} times: a history needs at least two")
    traffic = _by_minute(path, points)
    known = own_spread(traffic.messages)
    return replace(traffic, spread=spread if known is None else known)


def own_spread(messages: Floats) -> float | None:
    """How far the same minute of the day lies apart from day to day; None where there are no two days."""
    days = len(messages) // DAY
    if days < 2:
        return None
    table = np.maximum(messages[: days * DAY].reshape(days, DAY), 1e-9)
    quarter = table.reshape(days, DAY // 15, 15).mean(axis=2)  # a single minute is mostly chance
    logs = np.log(quarter) - np.log(np.median(quarter, axis=0))
    return float(np.exp(ONE_SIDED * logs.std()))


def _of_csv(path: Path, text: str) -> list[tuple[datetime, float]]:
    """`time,messages`; a line that starts with a word is the heading."""
    points = []
    for number, row in enumerate(csv.reader(io.StringIO(text)), 1):
        if not row or (number == 1 and not row[0][:1].isdigit()):
            continue
        if len(row) < 2:
            raise SizingError(f"{path}:{number}: needs a time and a number of messages")
        points.append((_time(path, number, row[0]), _count(path, number, row[1])))
    return points


def _of_cloudwatch(path: Path, text: str) -> list[tuple[datetime, float]]:
    """What `aws cloudwatch get-metric-data` or `get-metric-statistics` (Sum) printed."""
    try:
        found = json.loads(text)
    except ValueError as broken:
        raise SizingError(f"{path}: is no JSON: {broken}") from None
    if isinstance(found, dict) and isinstance(found.get("MetricDataResults"), list):
        pairs = [
            pair
            for one in found["MetricDataResults"]
            for pair in zip(one.get("Timestamps", ()), one.get("Values", ()), strict=False)
        ]
    elif isinstance(found, dict) and isinstance(found.get("Datapoints"), list):
        pairs = [(one.get("Timestamp"), one.get("Sum")) for one in found["Datapoints"]]
    else:
        raise SizingError(
            f"{path}: has neither MetricDataResults nor Datapoints: export it with --output json"
        )
    return [(_time(path, n, at), _count(path, n, value)) for n, (at, value) in enumerate(pairs, 1)]


def _time(path: Path, number: int, value: Any) -> datetime:
    try:
        if isinstance(value, int | float) or str(value).replace(".", "", 1).isdigit():
            return datetime.fromtimestamp(float(value), UTC)
        found = datetime.fromisoformat(str(value).strip())
    except (ValueError, OverflowError, OSError):
        raise SizingError(f"{path}:{number}: {value!r} is no time such as 2026-07-13T08:00Z") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _count(path: Path, number: int, value: Any) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError):
        raise SizingError(f"{path}:{number}: {value!r} is no number of messages") from None
    if not 0 <= found < float("inf"):
        raise SizingError(f"{path}:{number}: {value!r} must be 0 or more")
    return found


def _by_minute(path: Path, points: list[tuple[datetime, float]]) -> Traffic:
    """Counts of longer periods are spread evenly over their minutes; the period is the smallest distance."""
    points = sorted(points)
    times = [at for at, _ in points]
    step = min((b - a for a, b in itertools.pairwise(times) if b > a), default=timedelta(0))
    minutes = round(step.total_seconds() / MINUTE_S)
    if minutes < 1:
        raise SizingError(f"{path}: its times are less than a minute apart: export sums of a minute or more")
    start = times[0].replace(second=0, microsecond=0)
    length = round((times[-1] - start).total_seconds() / MINUTE_S) + minutes
    if length > MOST_MINUTES:
        raise SizingError(f"{path}: is longer than 400 days: cut it")
    messages = np.zeros(length)
    for at, count in points:
        begin = round((at - start).total_seconds() / MINUTE_S)
        messages[begin : begin + minutes] += count / minutes
    if not messages.max() > 0:
        raise SizingError(f"{path}: has no messages at all")
    return Traffic(start, messages, 1.0, str(path))


def event(text: str) -> Event:
    """`NAME:FROM:TO:TIMES`, hours after the beginning: `prime-day:8:20:12.5`."""
    parts = text.split(":")
    try:
        name, first, last, times = parts[0], *(float(part) for part in parts[1:])
    except ValueError:
        raise SizingError(_EVENT.format(text)) from None
    if not name or not 0 <= first < last or not 0 < times < float("inf"):
        raise SizingError(_EVENT.format(text))
    return Event(name, round(first * 60), round(last * 60), times)


_EVENT = "event {0!r}: write NAME:FROM:TO:TIMES, hours after the beginning, such as prime-day:8:20:12.5"
