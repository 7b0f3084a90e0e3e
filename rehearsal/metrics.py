"""The runtime's metric lines (EMF) as series that can be asked for, as CloudWatch would make of them.

In AWS the log agent turns these lines into metrics; here this store does, and `cloudwatch_data` gives what to
put into the CloudWatch stand-in so that runbooks find the numbers where on-call would look.
"""

import json
import math
import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from contract.metrics import ENVIRONMENT

Series = tuple[str, frozenset[tuple[str, str]]]
_VALUES_AN_ENTRY = 150  # as many different values as PutMetricData takes in one entry


@dataclass(frozen=True, slots=True)
class Point:
    """One value of one metric under one dimension set; `at` is epoch seconds."""

    at: float
    metric: str
    dimensions: Mapping[str, str]
    value: float
    unit: str

    @property
    def series(self) -> Series:
        return self.metric, frozenset(self.dimensions.items())


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
                    yield Point(at, metric["Name"], dimensions, float(item), metric.get("Unit", "None"))


@dataclass
class MetricStore:
    """Every point so far; safe to fill from one thread and ask from others."""

    _series: dict[Series, list[tuple[float, float]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, points: list[Point]) -> None:
        with self._lock:
            for point in points:
                self._series.setdefault(point.series, []).append((point.at, point.value))

    def environment(self) -> str | None:
        """Whose metrics these are."""
        with self._lock:
            found = {value for _, pairs in self._series for name, value in pairs if name == ENVIRONMENT}
        return min(found) if found else None

    def values(self, metric: str, dimensions: Mapping[str, str], start: float, end: float) -> list[float]:
        """Values with start <= time < end."""
        with self._lock:
            series = sorted(self._series.get((metric, frozenset(dimensions.items())), []))
        low = bisect_left(series, (start, float("-inf")))
        high = bisect_left(series, (end, float("-inf")))
        return [value for _, value in series[low:high]]


def statistic(name: str, values: list[float]) -> float | None:
    """CloudWatch's simple statistics and percentiles (p95); None where there is nothing to compute from."""
    if not values:
        return None
    if name.startswith("p"):
        rank = math.ceil(float(name[1:]) / 100 * len(values))
        return sorted(values)[max(rank, 1) - 1]
    return {
        "Average": sum(values) / len(values),
        "Sum": sum(values),
        "Minimum": min(values),
        "Maximum": max(values),
        "SampleCount": float(len(values)),
    }[name]


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
        for ((metric, dimensions), unit, second), group in grouped.items()
        for part in _parts(list(group.items()))
    ]


def _parts(values: list[tuple[float, int]]) -> Iterator[list[tuple[float, int]]]:
    for start in range(0, len(values), _VALUES_AN_ENTRY):
        yield values[start : start + _VALUES_AN_ENTRY]
