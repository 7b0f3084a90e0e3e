"""OPS-6: how many messages come, from a history or a profile."""

import json
import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sizing import assumptions, history, traffic
from sizing.documents import SizingError
from sizing.target import Target
from sizing.traffic import Event, with_events

LATER = "2026-07-14T08:05:00+00:00"
CSV = "time,messages\n2026-07-14T08:00Z,600\n2026-07-14T08:01Z,900\n2026-07-14T08:03Z,300\n"


def _file(tmp_path: Path, text: str, name: str = "history.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_csv_is_read_minute_by_minute_and_a_missing_one_is_none(tmp_path: Path) -> None:
    found = history.read(_file(tmp_path, CSV), spread=1.3)
    assert found.start == datetime(2026, 7, 14, 8, tzinfo=UTC)
    assert list(found.messages) == [600, 900, 0, 300]
    assert found.peak_rate == 15.0
    assert found.spread == 1.3  # an hour tells nothing of how days differ


@pytest.mark.parametrize(
    "document",
    [
        {"MetricDataResults": [{"Timestamps": [LATER, "2026-07-14T08:00:00+00:00"], "Values": [50, 100]}]},
        {"Datapoints": [{"Timestamp": "2026-07-14T08:00:00Z", "Sum": 100}, {"Timestamp": LATER, "Sum": 50}]},
    ],
)  # fmt: skip
def test_what_cloudwatch_exports_is_spread_over_its_periods(tmp_path: Path, document: object) -> None:
    found = history.read(_file(tmp_path, json.dumps(document), "history.json"), spread=1.0)
    assert list(found.messages) == [20] * 5 + [10] * 5


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("time,messages\nyesterday,3\n2026-07-14T08:00Z,1\n", "history.csv:2: 'yesterday' is no time"),
        ("2026-07-14T08:00Z,many\n", "history.csv:1: 'many' is no number of messages"),
        ("2026-07-14T08:00Z,-1\n", "must be 0 or more"),
        ("2026-07-14T08:00Z\n", "history.csv:1: needs a time and a number"),
        ("2026-07-14T08:00Z,1\n", "a history needs at least two"),
        ("2026-07-14T08:00Z,0\n2026-07-14T08:01Z,0\n", "no messages at all"),
        ("2026-07-14T08:00:00Z,1\n2026-07-14T08:00:05Z,1\n", "less than a minute apart"),
        ("1970-01-01T00:00Z,1\n1970-01-01T00:01Z,1\n2026-07-14T08:01Z,1\n", "longer than 400 days"),
    ],
)
def test_a_history_that_cannot_be_used_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SizingError) as refused:
        history.read(_file(tmp_path, text), spread=1.0)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_days_that_differ_make_a_wider_band_and_like_days_none() -> None:
    like = np.tile(np.linspace(10, 100, traffic.DAY), 5)
    assert traffic.own_spread(like) == pytest.approx(1.0)
    days = like.reshape(5, -1) * np.array([0.8, 0.9, 1.0, 1.1, 1.2])[:, None]
    assert traffic.own_spread(days.ravel()) == pytest.approx(1.2, abs=0.05)
    assert traffic.own_spread(like[: traffic.DAY]) is None


def test_an_event_multiplies_its_own_minutes_only() -> None:
    ordinary = traffic.of_day([1.0] * 24, 10.0, 1.0)
    found = with_events(ordinary, [traffic.event("sale:8:9.5:3")])
    assert found.messages[8 * 60 - 1] == found.messages[9 * 60 + 30] == 600
    assert set(found.messages[8 * 60 : 9 * 60 + 30]) == {1800}


@pytest.mark.parametrize(
    "text",
    [
        "sale", "sale:8:7:2", "sale:8:9:0", "sale:a:9:2", ":8:9:2", "sale:0:inf:2", "sale:0:1e400:2",
        "sale:nan:9:2", "sale:8:9:inf",
    ],
)  # fmt: skip
def test_an_event_that_is_none_says_how_to_write_one(text: str) -> None:
    with pytest.raises(SizingError, match="NAME:FROM:TO:TIMES"):
        traffic.event(text)


def test_an_event_shorter_than_a_minute_is_refused() -> None:
    with pytest.raises(SizingError, match=r"'sale:0:0\.001:2'.*less than a minute"):
        traffic.event("sale:0:0.001:2")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("late:20:60:2", "event late ends after the traffic ends .24 hours"),
        ("late:20:1e300:2", "event late ends after the traffic ends"),
        ("much:8:9:1e308", "100,000,000"),
        ("much:8:9:1e8", "100,000,000"),
    ],
)
def test_an_event_that_cannot_be_is_refused(text: str, says: str) -> None:
    with pytest.raises(SizingError, match=says):
        with_events(traffic.of_day([1.0] * 24, 10.0, 1.0), [traffic.event(text)])


@pytest.mark.parametrize("rate", [1e308, math.inf, math.nan, 1.1e8])
def test_a_rate_that_nobody_has_is_refused(rate: float) -> None:
    with pytest.raises(SizingError, match="100,000,000"):
        traffic.of_day([1.0, 2.0] * 12, rate, 1.0)
    with pytest.raises(SizingError, match="100,000,000"):
        traffic.of_profile([(60.0, rate, rate)], "a test", 1.0)
    with pytest.raises(SizingError, match="100,000,000"):
        traffic.of_day([1.0] * 24, 10.0, 1.0).at_peak(rate)


def test_a_profile_without_messages_has_no_peak() -> None:
    with pytest.raises(SizingError, match="a test: has no messages at all"):
        traffic.of_profile([(60.0, 0.0, 0.0)], "a test", 1.0).at_peak(5.0)


@pytest.mark.parametrize(
    ("rate", "sessions", "headroom", "says"),
    [
        (10.0, 10.0, math.nan, "headroom nan: must be 1 or more"),
        (10.0, 10.0, math.inf, "100,000,000"),
        (10.0, 10.0, 1e308, "100,000,000"),
        (1e308, 10.0, 1.2, "100,000,000"),
        (math.inf, 10.0, 1.2, "100,000,000"),
        (math.nan, 10.0, 1.2, "above 0"),
        (10.0, math.inf, 1.2, "sessions"),
        (10.0, 1e308, 1.2, "sessions"),
        (10.0, math.nan, 1.2, "above 0"),
    ],
)
def test_a_target_that_nobody_has_is_refused(
    rate: float, sessions: float, headroom: float, says: str
) -> None:
    with pytest.raises(SizingError, match=says):
        Target(rate, sessions, assumptions.usual(), headroom)


PIECES = st.lists(
    st.tuples(st.floats(30, 5_000), st.floats(0, 1_000), st.floats(0, 1_000)), min_size=1, max_size=6
)


@settings(max_examples=40, deadline=None)
@given(PIECES)
def test_a_profile_keeps_every_message(pieces: list[tuple[float, float, float]]) -> None:
    """Minutes hold what the pieces hold; the last one counts as a whole minute at its rate."""
    found = traffic.of_profile(pieces, "a test", 1.0)
    length = sum(piece[0] for piece in pieces)
    weights = np.full(len(found.messages), 1.0)
    weights[-1] = (length - 60.0 * (len(weights) - 1)) / 60.0
    expected = sum(seconds * (first + last) / 2 for seconds, first, last in pieces)
    assert float((found.messages * weights).sum()) == pytest.approx(expected, rel=1e-6, abs=1e-3)


def test_scaling_to_a_peak_scales_the_band_with_it() -> None:
    found = traffic.of_day([1.0, 2.0] * 12, 10.0, 1.25).at_peak(500)
    low, high = found.band()
    assert found.peak_rate == pytest.approx(500)
    assert [low.peak_rate, high.peak_rate] == pytest.approx([400, 625])
    assert Event("x", 0, 1, 2.0).times == 2.0
