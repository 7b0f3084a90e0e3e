"""The runtime's metric lines (EMF) as series that can be asked for, as CloudWatch would make of them.

In AWS the log agent turns these lines into metrics; here this store does, and `cloudwatch_data` gives what to
put into the CloudWatch stand-in so that runbooks find the numbers where on-call would look.
"""

import json
import math
import re
import threading
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any

from contract.metrics import ENVIRONMENT, NAMESPACE

# Namespace, metric and dimensions.
Series = tuple[str, str, frozenset[tuple[str, str]]]
_VALUES_AN_ENTRY = 150  # as many different values as PutMetricData takes in one entry


@dataclass(frozen=True, slots=True)
class Point:
    """One value of one metric under one dimension set; `at` is epoch seconds."""

    at: float
    metric: str
    dimensions: Mapping[str, str]
    value: float
    unit: str
    namespace: str = NAMESPACE

    @property
    def series(self) -> Series:
        return self.namespace, self.metric, frozenset(self.dimensions.items())


def parse(line: str) -> list[Point]:
    """The points of one log line; a line that is no EMF has none."""
    if '"_aws"' not in line:
        return []
    try:
        document = json.loads(line)
    except ValueError:
        return []  # a line cut by a killed process
    return list(_points(document)) if isinstance(document, dict) and "_aws" in document else []


def _points(document: Mapping[str, Any]) -> Iterator[Point]:
    envelope = document["_aws"]
    at = envelope["Timestamp"] / 1_000
    for directive in envelope["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = {name: str(document[name]) for name in names}
            for metric in directive["Metrics"]:
                value = document[metric["Name"]]
                for item in value if isinstance(value, list) else [value]:
                    unit = metric.get("Unit", "None")
                    yield Point(
                        at,
                        metric["Name"],
                        dimensions,
                        float(item),
                        unit,
                        directive.get("Namespace", NAMESPACE),
                    )


@dataclass
class _Course:
    """The points of one series. In order of time once asked for; sums up to each are kept until more come."""

    unit: str
    times: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    sums: list[float] = field(default_factory=list)
    ordered: bool = True

    def add(self, at: float, value: float) -> None:
        self.ordered = self.ordered and (not self.times or at >= self.times[-1])
        self.times.append(at)
        self.values.append(value)

    def between(self, start: float, end: float) -> slice:
        if not self.ordered:
            pairs = sorted(zip(self.times, self.values, strict=True))
            self.times, self.values = [at for at, _ in pairs], [value for _, value in pairs]
            self.ordered, self.sums = True, []
        return slice(bisect_left(self.times, start), bisect_left(self.times, end))

    def total(self, part: slice) -> float:
        if len(self.sums) != len(self.values) + 1:
            self.sums = list(accumulate(self.values, initial=0.0))
        found: float = self.sums[part.stop] - self.sums[part.start]
        return found


@dataclass
class MetricStore:
    """Every point so far; safe to fill from one thread and ask from others."""

    _series: dict[Series, _Course] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, points: Sequence[Point]) -> None:
        with self._lock:
            for point in points:
                series = point.series
                if series not in self._series:
                    self._series[series] = _Course(point.unit)
                self._series[series].add(point.at, point.value)

    def environment(self) -> str | None:
        """Whose metrics these are."""
        with self._lock:
            found = {value for _, _, pairs in self._series for name, value in pairs if name == ENVIRONMENT}
        return min(found) if found else None

    def known(self) -> list[tuple[Series, str, int]]:
        """Every series with its unit and how many points it has."""
        with self._lock:
            return [(series, course.unit, len(course.values)) for series, course in self._series.items()]

    def span(self) -> tuple[float, float] | None:
        """When the first and the last point were."""
        with self._lock:
            courses = [course for course in self._series.values() if course.times]
            if not courses:
                return None
            return min(min(c.times) for c in courses), max(max(c.times) for c in courses)

    def values(
        self,
        metric: str,
        dimensions: Mapping[str, str],
        start: float,
        end: float,
        namespace: str = NAMESPACE,
    ) -> list[float]:
        """Values with start <= time < end."""
        with self._lock:
            course = self._series.get((namespace, metric, frozenset(dimensions.items())))
            if course is None:
                return []
            part = course.between(start, end)  # first: it may put the values in order
            return course.values[part]

    def datapoint(self, series: Series, name: str, start: float, end: float) -> float | None:
        """A statistic of the values with start <= time < end; sums over long stretches are quick."""
        with self._lock:
            course = self._series.get(series)
            if course is None:
                return None
            part = course.between(start, end)
            count = part.stop - part.start
            if count and name == "SampleCount":
                return float(count)
            if count and name in {"Sum", "Average"}:
                return course.total(part) / (count if name == "Average" else 1)
            return statistic(name, course.values[part])


_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)")
_RANK = re.compile(r"PR\((?P<low>[\d.]*):(?P<high>[\d.]*)\)")


def is_statistic(name: str) -> bool:
    """Whether `statistic` knows it."""
    return name in _SIMPLE or bool(_PERCENTILE.fullmatch(name) or _RANK.fullmatch(name))


def statistic(name: str, values: Sequence[float]) -> float | None:
    """CloudWatch's simple statistics, percentiles (p95) and percentile ranks (PR(:2500), a percentage).

    None where there is nothing to compute from.
    """
    if not values:
        return None
    if name in _SIMPLE:
        return _SIMPLE[name](values)
    if found := _PERCENTILE.fullmatch(name):
        rank = math.ceil(float(found[1]) / 100 * len(values))
        return sorted(values)[max(rank, 1) - 1]
    if found := _RANK.fullmatch(name):
        ordered = sorted(values)
        low = bisect_right(ordered, float(found["low"])) if found["low"] else 0
        high = bisect_right(ordered, float(found["high"])) if found["high"] else len(ordered)
        return 100 * (high - low) / len(ordered)
    raise ValueError(f"{name} is no statistic known here")


def _average(values: Sequence[float]) -> float:
    return sum(values) / len(values)


_SIMPLE: Mapping[str, Callable[[Sequence[float]], float]] = {
    "Average": _average,
    "Sum": sum,
    "Minimum": min,
    "Maximum": max,
    "SampleCount": lambda values: float(len(values)),
}


def cloudwatch_data(points: list[Point]) -> list[dict[str, Any]]:
    """Arguments of PutMetricData: points of one series and second share an entry, equal values a count."""
    grouped: dict[tuple[Series, str, int], Counter[float]] = {}
    for point in points:
        group = grouped.setdefault((point.series, point.unit, int(point.at)), Counter())
        group[point.value] += 1
    return [
        {
            "MetricName": metric,
            "Dimensions": [{"Name": name, "Value": value} for name, value in sorted(dimensions)],
            "Timestamp": datetime.fromtimestamp(second, UTC),
            "Values": [value for value, _ in part],
            "Counts": [float(count) for _, count in part],
            "Unit": unit,
            "StorageResolution": 1,
        }
        for ((_, metric, dimensions), unit, second), group in grouped.items()
        for part in _parts(list(group.items()))
    ]


def _parts(values: list[tuple[float, int]]) -> Iterator[list[tuple[float, int]]]:
    for start in range(0, len(values), _VALUES_AN_ENTRY):
        yield values[start : start + _VALUES_AN_ENTRY]
