"""Questions to the metrics of a rehearsal, and their answers as rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches

from contract.errors import WrongUseError
from contract.metrics import ENVIRONMENT
from rehearsal.history import Measured
from rehearsal.metrics import is_statistic


class QueryError(WrongUseError):
    """A question nobody can answer."""


@dataclass(frozen=True)
class Known:
    """One series there is."""

    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    unit: str
    values: int

    @property
    def label(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.dimensions.items())


@dataclass(frozen=True)
class Answer:
    """A statistic of one series over time: (when, value), None where there was nothing."""

    series: Known
    statistic: str
    points: Sequence[tuple[str, float | None]]


def series(found: Measured) -> list[Known]:
    """Every series, in order of names."""
    rows = [
        Known(namespace, metric, dict(sorted(dimensions)), unit, count)
        for (namespace, metric, dimensions), unit, count in found.store.known()
    ]
    return sorted(rows, key=lambda row: (row.namespace, row.metric, len(row.dimensions), row.label))


def ask(
    found: Measured, metric: str, statistic: str, period_s: float, narrowed: Mapping[str, str]
) -> list[Answer]:
    """The statistic of every series of a metric that has these dimensions, period by period."""
    if not is_statistic(statistic):
        raise QueryError(
            f"{statistic} is no statistic: Average, Sum, Minimum, Maximum, SampleCount, p95, PR(:2500)"
        )
    every = series(found)
    named = [one for one in every if one.metric == metric]
    if not named:
        near = get_close_matches(metric, {one.metric for one in every}, n=3, cutoff=0.4)
        raise QueryError(
            f"there is no metric {metric}; nearest: {', '.join(near) or 'see `concierge metrics list`'}"
        )
    chosen = [one for one in named if narrowed.items() <= one.dimensions.items()]
    if not chosen:
        there = "; ".join(one.label for one in named)
        raise QueryError(f"{metric} has no such dimensions; there are: {there}")
    plain = [one for one in chosen if set(one.dimensions) - {ENVIRONMENT} == set(narrowed)]
    return [Answer(one, statistic, list(_points(found, one, statistic, period_s))) for one in plain or chosen]


def _points(found: Measured, one: Known, name: str, period_s: float) -> Iterator[tuple[str, float | None]]:
    key = one.namespace, one.metric, frozenset(one.dimensions.items())
    start = found.begin // period_s * period_s
    while start < found.end:
        yield (
            datetime.fromtimestamp(start, UTC).isoformat(timespec="seconds"),
            found.store.datapoint(key, name, start, start + period_s),
        )
        start += period_s
