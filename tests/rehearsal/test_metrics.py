"""The runtime's metric lines become series and statistics, and what CloudWatch is given says the same."""

import json
import threading
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any, cast

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from contract.metrics import NAMESPACE
from rehearsal.metrics import MetricStore, Point, cloudwatch_data, parse, statistic
from runtime.telemetry import Telemetry

DEV = {"Environment": "dev"}
SONNET = {**DEV, "Rung": "sonnet"}
NOON = datetime(2031, 3, 4, 12, 0, 0, 250_000, tzinfo=UTC)
AT = NOON.timestamp()

values = st.sampled_from([0.0, 1.0]) | st.floats(0, 1e6)
points = st.lists(
    st.builds(
        Point,
        at=st.floats(AT, AT + 5),
        metric=st.sampled_from(["ModelThrottled", "FirstToken"]),
        dimensions=st.sampled_from([DEV, SONNET]),
        value=values,
        unit=st.just("Count"),
    ),
    max_size=400,
)


def line(document: Any) -> str:
    return json.dumps(document)


def emf(**told: Any) -> dict[str, Any]:
    """A line with one metric under two dimension sets, but for what is `told`."""
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [["Environment"], ["Environment", "Tier"]],
        "Metrics": [{"Name": "FirstToken", "Unit": "Milliseconds", "StorageResolution": 1}],
    }
    envelope = {"Timestamp": int(AT * 1_000), "CloudWatchMetrics": [directive]}
    return {"_aws": envelope, "Environment": "dev", "Tier": "T0", "FirstToken": 420, **told}


# --- Lines ----------------------------------------------------------------------------------------------


def test_what_the_runtime_writes_is_read():
    """Written by the runtime's own telemetry: name, dimensions, value, unit and moment arrive."""
    lines: list[str] = []
    Telemetry("dev", lambda: NOON, lines.append).metrics({"ModelThrottled": 1}, {"Rung": "sonnet"})

    assert parse(lines[0]) == [Point(AT, "ModelThrottled", SONNET, 1.0, "Count")]


def test_a_metric_is_one_point_under_each_of_its_dimension_sets():
    found = parse(line(emf()))

    assert [point.dimensions for point in found] == [DEV, {**DEV, "Tier": "T0"}]
    assert {(point.metric, point.value, point.unit) for point in found} == {
        ("FirstToken", 420, "Milliseconds")
    }


def test_a_list_is_as_many_points():
    assert [point.value for point in parse(line(emf(FirstToken=[1, 2.5])))] == [1, 2.5] * 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Traceback (most recent call last):",
        line({"level": "info", "message": "nothing to count"}),
        line({"message": 'somebody wrote "_aws" in a message'}),
        line({"message": {"_aws": "deep inside"}}),
        line([emf()]),
        line("_aws"),
        line(emf())[:-20],
    ],
    ids=lambda text: text[:30] or "empty",
)
def test_any_other_line_has_no_points(text: str):
    assert parse(text) == []


# --- Series ---------------------------------------------------------------------------------------------


@given(points, st.floats(AT - 1, AT + 6), st.floats(0, 7))
def test_a_stretch_has_the_values_from_its_start_to_before_its_end(
    told: list[Point], start: float, length: float
):
    """In any order of arrival; recounted by hand."""
    store = MetricStore()
    store.add(told[::2])
    store.add(told[1::2])

    for metric in ("ModelThrottled", "FirstToken"):
        for dimensions in (DEV, SONNET):
            expected = [
                point.value
                for point in told
                if (point.metric, point.dimensions) == (metric, dimensions)
                and start <= point.at < start + length
            ]
            assert sorted(store.values(metric, dimensions, start, start + length)) == sorted(expected)


def test_nothing_was_told_of_an_unknown_series():
    assert MetricStore().values("ModelThrottled", SONNET, 0, AT) == []


def test_one_thread_may_fill_what_another_asks():
    store, over = MetricStore(), threading.Event()
    seen: list[int] = []

    def ask() -> None:
        while not over.is_set():
            seen.append(len(store.values("ModelThrottled", SONNET, 0, AT + 1_000)))

    asking = threading.Thread(target=ask)
    asking.start()
    for number in range(500):
        store.add([Point(AT + number, "ModelThrottled", SONNET, 1.0, "Count")] * 2)
    over.set()
    asking.join()
    seen.append(len(store.values("ModelThrottled", SONNET, 0, AT + 1_000)))

    assert seen == sorted(seen)
    assert {count % 2 for count in seen} == {0}  # never half of what was added at once
    assert seen[-1] == 1_000


# --- Statistics -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *[("Average", 2.0), ("Sum", 8.0), ("Minimum", 1.0), ("Maximum", 4.0), ("SampleCount", 4.0)],
        *[("p50", 1.0), ("p75", 2.0), ("p99", 4.0), ("p99.9", 4.0)],
    ],
)
def test_each_statistic(name: str, expected: float):
    assert statistic(name, [1.0, 2.0, 1.0, 4.0]) == expected
    assert statistic(name, []) is None


# --- What CloudWatch is given -----------------------------------------------------------------------------


@given(points)
def test_cloudwatch_is_given_every_value_of_every_second(told: list[Point]):
    expected: dict[Any, list[float]] = defaultdict(list)
    for point in told:
        expected[point.metric, len(point.dimensions), int(point.at)].append(point.value)

    given_: dict[Any, list[float]] = defaultdict(list)
    for entry in cloudwatch_data(told):
        key = entry["MetricName"], len(entry["Dimensions"]), int(entry["Timestamp"].timestamp())
        for value, count in zip(entry["Values"], entry["Counts"], strict=True):
            given_[key] += [value] * int(count)

    assert {key: sorted(found) for key, found in given_.items()} == {
        key: sorted(found) for key, found in expected.items()
    }


@given(points)
def test_cloudwatch_takes_at_most_150_different_values_an_entry(told: list[Point]):
    for entry in cloudwatch_data(told):
        assert 1 <= len(entry["Values"]) <= 150
        assert len(set(entry["Values"])) == len(entry["Values"])


def test_many_values_of_a_second_are_several_entries():
    told = [Point(AT, "FirstToken", SONNET, float(number), "Milliseconds") for number in range(400)]

    assert [len(entry["Values"]) for entry in cloudwatch_data(told)] == [150, 150, 100]


def test_one_second_of_zeros_and_ones_is_one_entry():
    told = [
        Point(AT + number / 2_000, "ModelThrottled", SONNET, float(number % 4 == 0), "Count")
        for number in range(1_000)
    ]

    (entry,) = cloudwatch_data(told)
    assert dict(zip(entry["Values"], entry["Counts"], strict=True)) == {1.0: 250.0, 0.0: 750.0}


def test_who_asks_cloudwatch_gets_the_same_statistics():
    """A runbook looks there: sum and number of samples are those of the points."""
    told = [
        Point(AT + number / 500, "FirstToken", SONNET, float(number), "Milliseconds") for number in range(400)
    ]
    with mock_aws():
        client = boto3.Session("testing", "testing", region_name="us-east-1").client("cloudwatch")
        client.put_metric_data(Namespace=NAMESPACE, MetricData=cast("Any", cloudwatch_data(told)))
        answer = client.get_metric_statistics(
            Namespace=NAMESPACE,
            MetricName="FirstToken",
            Dimensions=[{"Name": name, "Value": value} for name, value in SONNET.items()],
            StartTime=datetime.fromtimestamp(int(AT), UTC),
            EndTime=datetime.fromtimestamp(int(AT) + 10, UTC),
            Period=10,
            Statistics=["Sum", "SampleCount", "Maximum"],
        )
        (found,) = answer["Datapoints"]

    assert (found["Sum"], found["SampleCount"], found["Maximum"]) == (sum(range(400)), 400, 399)
