"""A history of traffic: a CSV with a time and a count in each line, or what CloudWatch exports."""

import csv
import io
import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pydantic import ConfigDict, ValidationError
from pydantic.alias_generators import to_pascal

from contract.base import Shape
from sizing import documents
from sizing.documents import SizingError
from sizing.traffic import DAY, MINUTE_S, Bools, Floats, Traffic, own_spread, refuse_absurd

Point = tuple[datetime, float]
MOST_MINUTES = 400 * DAY
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read(path: Path, spread: float) -> Traffic:
    """A history. `spread` holds where it is too short to tell its own: less than two days."""
    text = documents.text(path).removeprefix("\ufeff")
    points = sorted(_of_cloudwatch(path, text) if path.suffix.lower() == ".json" else _of_csv(path, text))
    if len(points) < 2:
        raise SizingError(f"{path}: has {len(points)} times: a history needs at least two")
    start, messages, there = _by_minute(points, _starts(path, points))
    if not messages.max() > 0:
        raise SizingError(f"{path}: has no messages at all")
    refuse_absurd(float(messages.max()) / MINUTE_S, str(path))
    known = own_spread(messages, there)
    return Traffic(start, messages, spread if known is None else known, _named(path, there))


def _named(path: Path, there: Bools) -> str:
    """The source as people see it: with how much of it is missing."""
    missing = int((~there).sum())
    return f"{path}, {missing} minute{'s' if missing > 1 else ''} missing" if missing else str(path)


# -- CSV ---------------------------------------------------------------------------------------------------


def _of_csv(path: Path, text: str) -> list[Point]:
    """`time,messages`; a first line that starts with a word and has no number is the heading."""
    points = []
    for count, (number, row) in enumerate(_rows(path, text)):
        if count == 0 and _is_heading(row):
            continue
        if len(row) < 2:
            raise SizingError(f"{path}:{number}: needs a time and a number of messages, a comma between")
        points.append((_time(path, number, row[0]), _count(path, number, row[1])))
    return points


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Numbers and cells of lines that are not blank."""
    found = csv.reader(io.StringIO(text))
    try:
        for row in found:
            if any(cell.strip() for cell in row):
                yield found.line_num, row
    except csv.Error as broken:
        raise SizingError(f"{path}:{found.line_num}: {broken}: write a time and a number a line") from None


def _is_heading(row: Sequence[str]) -> bool:
    return not row[0].strip()[:1].isdigit() and all(_as_number(cell) is None for cell in row[1:2])


def _as_time(value: Any) -> datetime | None:
    """ISO 8601, or seconds since 1970 (a shorter number is something else: 20260714)."""
    text = str(value).strip()
    try:
        if _SECONDS.fullmatch(text):
            found = datetime.fromtimestamp(float(text), UTC)
        elif text.isdigit():
            return None
        else:
            found = datetime.fromisoformat(text)
            found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return found if _YEARS[0] <= found.year < _YEARS[1] else None


_SECONDS = re.compile(r"[0-9]{9,}(\.[0-9]*)?")
_YEARS = (1970, 2200)


def _as_number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _time(path: Path, number: int, value: Any) -> datetime:
    found = _as_time(value)
    if found is None:
        raise SizingError(
            f"{path}:{number}: {_short(value)} is no time such as 2026-07-13T08:00Z, nor seconds since 1970"
        )
    return found


def _count(path: Path, number: int, value: Any) -> float:
    found = _as_number(value)
    if found is None:
        raise SizingError(f"{path}:{number}: {_short(value)} is no number of messages")
    if not 0 <= found < math.inf:
        raise SizingError(f"{path}:{number}: {_short(value)} must be 0 or more")
    return found


def _short(value: Any) -> str:
    """For a message of one line."""
    text = repr(value) if isinstance(value, str | None) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


# -- CloudWatch --------------------------------------------------------------------------------------------


class Aws(Shape):
    """A shape of AWS: keys that we do not need are none of our business."""

    model_config = ConfigDict(extra="ignore", alias_generator=to_pascal)


class Result(Aws):
    """A metric, or a page of it."""

    id: str = ""
    label: str = ""
    timestamps: list[Any]
    values: list[Any]
    status_code: str = "Complete"


class MetricData(Aws):
    """What `get-metric-data` prints."""

    metric_data_results: list[Result]
    next_token: str | None = None


class Datapoint(Aws):
    """A period of `get-metric-statistics`."""

    timestamp: Any
    sum: Any


class Statistics(Aws):
    """What `get-metric-statistics` prints."""

    datapoints: list[Datapoint]


A = TypeVar("A", bound=Aws)


def _of_cloudwatch(path: Path, text: str) -> list[Point]:
    """What `aws cloudwatch get-metric-data` or `get-metric-statistics` (Sum) printed."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as broken:
        raise SizingError(f"{path}: is no JSON: {broken}") from None
    pairs: Iterable[tuple[Any, Any]]
    if isinstance(found, dict) and "MetricDataResults" in found:
        pairs = _pairs(path, _shaped(path, found, MetricData))
    elif isinstance(found, dict) and "Datapoints" in found:
        pairs = [(one.timestamp, one.sum) for one in _shaped(path, found, Statistics).datapoints]
    else:
        raise SizingError(
            f"{path}: has neither MetricDataResults nor Datapoints: export it with --output json"
        )
    return [(_time(path, n, at), _count(path, n, value)) for n, (at, value) in enumerate(pairs, 1)]


def _shaped(path: Path, found: Any, shape: type[A]) -> A:
    """Of several faults the first one, in one line."""
    try:
        return shape.model_validate(found)
    except ValidationError as invalid:
        fault = invalid.errors()[0]
        place = ".".join(str(part) for part in fault["loc"])
        raise SizingError(f"{path}: {place}: {fault['msg']}: export sums with --output json") from None


def _pairs(path: Path, found: MetricData) -> list[tuple[Any, Any]]:
    """Times and values of one metric; its pages are joined."""
    names = dict.fromkeys(f"{one.id} {one.label}".strip() or "unnamed" for one in found.metric_data_results)
    if len(names) > 1:
        raise SizingError(
            f"{path}: has several metrics ({', '.join(names)}): export the one of your messages"
        )
    if found.next_token:
        raise SizingError(f"{path}: has a NextToken, so more is to come: export all pages")
    for number, one in enumerate(found.metric_data_results, 1):
        _refuse_half(path, one, last=number == len(found.metric_data_results))
    return [
        pair for one in found.metric_data_results for pair in zip(one.timestamps, one.values, strict=True)
    ]


def _refuse_half(path: Path, one: Result, *, last: bool) -> None:
    """A page is `PartialData` where another one follows."""
    if one.status_code != "Complete" and (last or one.status_code != "PartialData"):
        raise SizingError(f"{path}: its StatusCode is {one.status_code}: export all of it again")
    if len(one.timestamps) != len(one.values):
        times, values = len(one.timestamps), len(one.values)
        raise SizingError(f"{path}: has {times} times and {values} values: export it again")


# -- Minutes -----------------------------------------------------------------------------------------------


def _starts(path: Path, points: Sequence[Point]) -> list[int]:
    """In which minute since 1970 each count begins."""
    for (before, _), (at, _) in itertools.pairwise(points):
        if at == before:
            raise SizingError(f"{path}: {at:%Y-%m-%dT%H:%MZ} is there twice: keep one line for each time")
    starts = [round((at - EPOCH) / timedelta(minutes=1)) for at, _ in points]
    if any(a == b for a, b in itertools.pairwise(starts)):
        raise SizingError(f"{path}: its times are less than a minute apart: export sums of a minute or more")
    if starts[-1] - starts[0] > MOST_MINUTES:
        raise SizingError(f"{path}: is longer than 400 days: cut it")
    return starts


def _by_minute(points: Sequence[Point], starts: Sequence[int]) -> tuple[datetime, Floats, Bools]:
    """The first minute; messages of each, counts spread evenly over their periods; which are known at all."""
    periods = _periods(starts)
    messages = np.zeros(starts[-1] - starts[0] + periods[-1])
    there = np.zeros(len(messages), dtype=np.bool_)
    for start, period, (_, count) in zip(starts, periods, points, strict=True):
        own = slice(start - starts[0], start - starts[0] + period)
        messages[own] = count / period
        there[own] = True
    return EPOCH + timedelta(minutes=starts[0]), messages, there


def _periods(starts: Sequence[int]) -> list[int]:
    """How many minutes each count covers: until the next one, where that is no gap.

    It is a gap where a shorter step is near both before and after it. Where the period changes, only one side
    has shorter ones. The last count covers what is usual before it.
    """
    steps = [end - begin for begin, end in itertools.pairwise(starts)]
    steps.append(min(steps[-2:]))
    after = [min(pair) for pair in zip(steps, [*steps[1:], steps[-1]], strict=True)]  # of the two steps there
    before = [after[0], steps[0], *after[:-2]]
    return [min(step, max(sides)) for step, *sides in zip(steps, before, after, strict=True)]
