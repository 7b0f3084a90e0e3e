"""Metrics of the past, read for whoever asks: a finished rehearsal, a log of EMF lines, or a table of values.

A table is CSV with the columns time (epoch seconds or ISO 8601), namespace, metric, dimensions
(Name=value;...) and value; what CloudWatch exports can be brought into that form.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from contract.errors import WrongUseError
from contract.metrics import ENVIRONMENT, known
from rehearsal.metrics import MetricStore, Point, parse
from rehearsal.story_clock import StoryClock

# In a rehearsal's folder: what the agent and Bedrock told, what was broken, and how fast time went.
LOGS, FAULTS, CLOCK = ("runtime.out", "bedrock.out"), "chaos.jsonl", "clock.json"
COLUMNS = ("time", "namespace", "metric", "dimensions", "value")


class HistoryError(WrongUseError):
    """There is nothing to read, or it cannot be read."""


@dataclass(frozen=True)
class Trouble:
    """A stretch in which something was broken on purpose; epoch seconds."""

    begin: float
    end: float


@dataclass(frozen=True)
class Measured:
    """Metrics, from when until when (epoch seconds), and what was broken meanwhile."""

    store: MetricStore
    begin: float
    end: float
    troubles: tuple[Trouble, ...] = ()

    @property
    def namespaces(self) -> set[str]:
        return {series[0] for series, _, _ in self.store.known()}


def read(path: Path, environment: str | None = None) -> Measured:
    """Everything in a rehearsal's folder, a log or a table; as if of `environment`, where one is given."""
    points = list(_rehearsed(path)) if path.is_dir() else _points(path)
    if not points:
        raise HistoryError(f"{path} holds no metrics")
    store = MetricStore()
    store.add([_moved(point, environment) for point in points] if environment else points)
    troubles = tuple(_troubles(path / FAULTS)) if path.is_dir() else ()
    return Measured(store, min(p.at for p in points), max(p.at for p in points) + 1, troubles)


def _rehearsed(folder: Path) -> Iterator[Point]:
    """All that a rehearsal's programs told, in the story's time."""
    clock = folder / CLOCK
    told = StoryClock.from_data(json.loads(clock.read_text("utf-8"))) if clock.exists() else StoryClock()
    for name in LOGS:
        if name == LOGS[0] or (folder / name).exists():
            yield from (replace(point, at=told.at(point.at)) for point in _points(folder / name))


def _points(file: Path) -> list[Point]:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise HistoryError(f"{file}: {error.strerror}: name a rehearsal's folder, a log or a .csv") from None
    if file.suffix == ".csv":
        return list(_table(file, text))
    return [point for row in text.splitlines() for point in parse(row)]


def _moved(point: Point, environment: str) -> Point:
    if ENVIRONMENT not in point.dimensions:
        return point
    return replace(point, dimensions={**point.dimensions, ENVIRONMENT: environment})


def _table(file: Path, text: str) -> Iterator[Point]:
    rows = csv.DictReader(text.splitlines())
    missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
    if missing:
        raise HistoryError(f"{file}:1: has no column {', '.join(missing)}: it needs {', '.join(COLUMNS)}")
    for row in rows:
        try:
            yield _row(row)
        except (ValueError, TypeError) as wrong:
            raise HistoryError(f"{file}:{rows.line_num}: {wrong}") from None


def _row(row: Mapping[str, str]) -> Point:
    pairs = [pair.partition("=") for pair in row["dimensions"].split(";") if pair]
    described = known(row["namespace"]).get(row["metric"])
    return Point(
        _moment(row["time"]),
        row["metric"],
        {name.strip(): value.strip() for name, _, value in pairs},
        float(row["value"]),
        described.unit if described else "None",
        row["namespace"],
    )


def _moment(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _troubles(journal: Path) -> Iterator[Trouble]:
    """From the first fault put in place to the last taken away, as the journal of chaos tells."""
    if not journal.exists():
        return
    rows = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines() if line.strip()]
    begun = [_moment(row["at"]) for row in rows if row.get("what") == "injected"]
    ended = [_moment(row["at"]) for row in rows if row.get("what") in {"cleared", "expired", "swept"}]
    if begun:
        yield Trouble(min(begun), max(ended, default=max(begun)))
