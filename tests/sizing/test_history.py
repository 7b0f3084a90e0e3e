"""OPS-6: histories as they really come: with gaps, mixed periods, several metrics, broken lines."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from sizing import history, traffic
from sizing.documents import SizingError
from sizing.traffic import Traffic

BEGIN = datetime(2026, 7, 1, tzinfo=UTC)
WEEK_H = 7 * 24
AT = "2026-07-14T08:{:02d}:00Z"


def _read(tmp_path: Path, content: str | bytes, name: str = "history.csv") -> Traffic:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return history.read(path, spread=1.3)


def _refused(tmp_path: Path, content: str | bytes, name: str = "history.csv") -> str:
    with pytest.raises(SizingError) as refused:
        _read(tmp_path, content, name)
    said = str(refused.value)
    assert "\n" not in said
    assert len(said) < 400
    return said


def _csv(lines: Iterable[tuple[int, float]]) -> str:
    """Minutes from the beginning and counts."""
    return "".join(f"{BEGIN + timedelta(minutes=at):%Y-%m-%dT%H:%MZ},{count}\n" for at, count in lines)


def _hours(hours: Iterable[int]) -> list[tuple[int, float]]:
    """The same day again and again."""
    return [(hour * 60, 60_000.0 + 1_000 * (hour % 24)) for hour in hours]


# -- gaps --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [0, 1, 30, 100, WEEK_H - 2])
def test_an_hour_that_is_not_there_widens_no_band_and_is_told(tmp_path: Path, lost: int) -> None:
    found = _read(tmp_path, _csv(_hours(hour for hour in range(WEEK_H) if hour != lost)))
    assert found.spread == pytest.approx(1.0)
    assert found.peak_rate == pytest.approx(83_000 / 3600)
    assert found.source.endswith("history.csv" if lost == 0 else "history.csv, 60 minutes missing")


def test_an_hour_without_traffic_widens_no_band_either(tmp_path: Path) -> None:
    lines = [(at, 0.0 if at == 30 * 60 else count) for at, count in _hours(range(WEEK_H))]
    found = _read(tmp_path, _csv(lines))
    assert found.spread == pytest.approx(1.0)
    assert found.source.endswith("history.csv")


def test_minutes_that_are_not_there_do_not_thin_their_quarter(tmp_path: Path) -> None:
    lines = [(at, 600.0) for at in range(3 * traffic.DAY) if at % 15 not in (3, 7, 8)]
    found = _read(tmp_path, _csv(lines))
    assert found.spread == pytest.approx(1.0)
    assert found.peak_rate == 10.0
    assert f"{3 * traffic.DAY // 5} minutes missing" in found.source


def test_eight_in_ten_minutes_lie_inside_the_band() -> None:
    """Of whatever shape: nine days of another height each, and one of them far away."""
    heights = np.array([0.7, 0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.2, 30.0])
    day = np.linspace(10, 100, traffic.DAY)
    spread = traffic.own_spread((heights[:, None] * day).ravel())
    assert spread is not None
    inside = (heights > 1 / spread - 1e-9) & (heights < spread + 1e-9)
    assert inside.mean() >= 0.77
    assert spread < 1.5


def test_days_that_never_meet_tell_nothing_of_a_band() -> None:
    messages = np.zeros(2 * traffic.DAY)
    messages[:60] = messages[-60:] = 5.0
    assert traffic.own_spread(messages) is None


# -- periods -----------------------------------------------------------------------------------------------


OLD = [(hour * 60, 60_000.0) for hour in range(5 * 24)]
NEW = [(5 * traffic.DAY + minute, 1_000.0) for minute in range(traffic.DAY)]
LATE = [(6 * traffic.DAY + hour * 60, 60_000.0) for hour in range(24)]


@pytest.mark.parametrize(
    ("lines", "missing"),
    [
        (OLD + NEW, 0),
        (NEW + LATE, 0),
        (OLD + NEW + LATE, 0),
        (OLD[-2:] + NEW[:3], 0),
        (OLD[:-1] + NEW, 60),  # the gap is where the period changes
        (OLD[:50] + OLD[52:] + NEW[:700] + NEW[760:], 180),
        (OLD[:1] + OLD[2:], 60),
        (OLD[:-2] + OLD[-1:], 60),
    ],
)
def test_a_count_belongs_to_its_own_period_and_a_gap_is_none(
    tmp_path: Path, lines: list[tuple[int, float]], missing: int
) -> None:
    found = _read(tmp_path, _csv(lines))
    there = found.messages[found.messages > 0]
    assert there == pytest.approx(np.full(len(there), 1_000.0))
    assert len(found.messages) - len(there) == missing
    assert float(found.messages.sum()) == pytest.approx(sum(count for _, count in lines))


def test_seconds_do_not_shift_a_minute(tmp_path: Path) -> None:
    found = _read(tmp_path, "".join(f"2026-07-14T08:{n:02d}:45Z,60\n" for n in range(5)))
    assert list(found.messages) == [60] * 5
    assert found.start == datetime(2026, 7, 14, 8, 1, tzinfo=UTC)


def test_the_least_history_has_its_peak_too(tmp_path: Path) -> None:
    found = _read(tmp_path, _csv([(0, 1e-305), (1, 0)])).at_peak(1e7)
    assert list(found.messages) == [6e8, 0]


def test_lines_need_no_order(tmp_path: Path) -> None:
    assert list(_read(tmp_path, _csv([(2, 3), (0, 1), (1, 2)])).messages) == [1, 2, 3]


# -- CSV ---------------------------------------------------------------------------------------------------


LINES = _csv([(0, 600), (1, 900)])


@pytest.mark.parametrize(
    "before",
    ["", "\ufeff", "\n", "\r\n  \r\n", "time,messages\n", "\ufefftime,messages\n", "\n\ntime,messages\n\n"],
)
def test_no_line_vanishes_behind_a_heading(tmp_path: Path, before: str) -> None:
    assert list(_read(tmp_path, before + LINES + "\n,\n").messages) == [600, 900]


@pytest.mark.parametrize("name", ["history.json", "history.JSON"])
def test_a_byte_order_mark_spoils_no_json(tmp_path: Path, name: str) -> None:
    content = json.dumps({"Datapoints": [{"Timestamp": AT.format(n), "Sum": 60} for n in range(2)]})
    assert list(_read(tmp_path, "\ufeff" + content, name).messages) == [60, 60]


def test_seconds_since_1970_are_a_time(tmp_path: Path) -> None:
    found = _read(tmp_path, "1784016000,600\n1784016060.0,900\n")
    assert found.start == datetime(2026, 7, 14, 8, tzinfo=UTC)
    assert list(found.messages) == [600, 900]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("20260714,1\n20260715,1\n", "history.csv:1: '20260714' is no time such as 2026-07-13T08:00Z"),
        ("202607140800,1\n202607150800,1\n", "history.csv:1: '202607140800' is no time"),
        ("14.07.2026 08:00,1\n" + LINES, "history.csv:1: '14.07.2026 08:00' is no time"),
        ("0001-01-01T00:00+05:00,1\n" + LINES, "is no time"),
        ("9999-12-31T23:59:59Z,1\n" + LINES, "is no time"),
        ("²²²²²²²²²,1\n" + LINES, "is no time"),
        (f"{AT.format(0)};1\n{AT.format(1)};1\n", "history.csv:1: needs a time and a number"),
        ("2026/07/14 08:00,n/a\n" + LINES, "history.csv:1: '2026/07/14 08:00' is no time"),
        ("yesterday,3\n" + LINES, "history.csv:1: 'yesterday' is no time"),
        (LINES + "2026-07-01T00:01Z,1\n", "2026-07-01T00:01Z is there twice"),
        (LINES + "2026-07-01T02:01+02:00,1\n", "2026-07-01T00:01Z is there twice"),
        ("2026-07-14T08:00:31Z,1\n2026-07-14T08:01:29Z,1\n", "less than a minute apart"),
        (LINES + "x" * 140_000 + ",1\n", "history.csv:3: "),
        (LINES + "x" * 100_000 + ",1\n", "history.csv:3: 'xxx"),
        (f"{AT.format(0)},1e308\n{AT.format(1)},1\n", "100,000,000"),
        (f"{AT.format(0)},1e400\n{AT.format(1)},1\n", "history.csv:1: '1e400' must be 0 or more"),
        (f"{AT.format(0)},nan\n{AT.format(1)},1\n", "must be 0 or more"),
        ("", "has 0 times"),
    ],
)
def test_a_csv_that_cannot_be_used_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    assert says in _refused(tmp_path, text)


# -- CloudWatch --------------------------------------------------------------------------------------------


def _result(first: int, count: int = 2, **more: object) -> dict[str, object]:
    times = [AT.format(n) for n in range(first, first + count)]
    return {"Id": "m1", "Label": "Messages", "Timestamps": times, "Values": [60.0] * count, **more}


def test_pages_of_one_metric_are_joined(tmp_path: Path) -> None:
    pages = [_result(0, StatusCode="PartialData"), _result(2, StatusCode="Complete")]
    document = {"MetricDataResults": pages, "Messages": [], "NextToken": None, "new to us": 1}
    assert list(_read(tmp_path, json.dumps(document), "history.json").messages) == [60] * 4


def _metric_data(*results: object, **more: object) -> dict[str, object]:
    return {"MetricDataResults": list(results), **more}


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (_metric_data(_result(0), _result(0, Id="m2", Label="Errors")), "m1 Messages, m2 Errors"),
        (_metric_data(_result(0), _result(2, Label="Errors")), "m1 Messages, m1 Errors"),
        (_metric_data(_result(0), _result(1)), "2026-07-14T08:01Z is there twice"),
        (_metric_data(_result(0, StatusCode="PartialData")), "PartialData"),
        (_metric_data(_result(0, StatusCode="InternalError"), _result(2)), "InternalError"),
        (_metric_data(_result(0), NextToken="more"), "NextToken"),
        (_metric_data(_result(0, Values=[1.0])), "2 times and 1 values"),
        (_metric_data(_result(0, Values=[1.0, None])), "history.json:2: None is no number of messages"),
        (_metric_data(_result(0, Values=[1, 10**400])), "history.json:2: 1000"),
        (_metric_data(_result(0, Values=[1, True])), "True is no number of messages"),
        (_metric_data(_result(0, Timestamps=[20260714, AT.format(1)])), "20260714 is no time"),
        (_metric_data(_result(0, Timestamps=[True, {}])), "True is no time"),
        (_metric_data(_result(0, Timestamps=[float("nan"), 1])), "nan is no time"),
        (_metric_data(_result(0, Timestamps=None)), "MetricDataResults.0.Timestamps"),
        (_metric_data("x"), "MetricDataResults.0"),
        (_metric_data(), "has 0 times"),
        ({"MetricDataResults": None}, "MetricDataResults"),
        ({"Datapoints": ["x"]}, "Datapoints.0"),
        ({"Datapoints": [{"Timestamp": AT.format(0), "Average": 3}] * 2}, "Datapoints.0.Sum"),
        ({"Timestamps": None}, "neither MetricDataResults nor Datapoints"),
        ([1], "neither MetricDataResults nor Datapoints"),
    ],
)
def test_an_export_that_cannot_be_used_is_one_line(tmp_path: Path, document: object, says: str) -> None:
    assert says in _refused(tmp_path, json.dumps(document), "history.json")


@pytest.mark.parametrize("text", ["{", "[" * 100_000])
def test_what_is_no_json_is_one_line(tmp_path: Path, text: str) -> None:
    assert "is no JSON" in _refused(tmp_path, text, "history.json")
