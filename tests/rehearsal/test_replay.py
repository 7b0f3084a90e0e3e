"""Metrics of the past: read, asked, played to the alarms of a plan, and handed to other tools."""

import json
from pathlib import Path

import pytest
from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from plan import Plan
from rehearsal import exports, history, queries, replay
from rehearsal.history import HistoryError, Measured, Trouble
from rehearsal.metrics import MetricStore
from rehearsal.queries import QueryError
from runtime.telemetry import Telemetry
from tests.rehearsal.alarm_helpers import DIMENSIONS, NAME, REGION, alarm, planned, point

START = 1_900_000_000.0  # a multiple of ten


def past(*values: float | None, every_s: float = 10, troubles: tuple[Trouble, ...] = ()) -> Measured:
    """Ten calls in each period, of which so large a share was throttled."""
    store = MetricStore()
    for number, share in enumerate(values):
        if share is not None:
            moments = [START + number * every_s + call * every_s / 10 for call in range(10)]
            store.add([point(at, 1.0 if call < share * 10 else 0.0) for call, at in enumerate(moments)])
    return Measured(store, START, START + len(values) * every_s, troubles)


# --- Reading ------------------------------------------------------------------------------------------------


def test_a_rehearsals_folder_is_read_with_what_was_broken_in_it(tmp_path: Path):
    lines: list[str] = []
    from datetime import UTC, datetime

    Telemetry("dev", lambda: datetime.fromtimestamp(START, UTC), lines.append).metrics(
        {"ModelThrottled": 1}, {"Rung": "sonnet"}
    )
    (tmp_path / "runtime.out").write_text("\n".join(lines))
    rows = [("injected", 10), ("injected", 20), ("cleared", 40), ("ended", 50)]
    (tmp_path / "chaos.jsonl").write_text(
        "\n".join(
            json.dumps({"at": datetime.fromtimestamp(START + at, UTC).isoformat(), "what": what})
            for what, at in rows
        )
    )
    found = history.read(tmp_path, "prod")

    assert found.store.values("ModelThrottled", {**DIMENSIONS, "Environment": "prod"}, START, START + 1) == [
        1.0
    ]
    assert found.troubles == (Trouble(START + 10, START + 40),)
    assert history.read(tmp_path / "runtime.out").store.environment() == "dev"


def test_a_table_of_what_aws_measured_is_read(tmp_path: Path):
    table = tmp_path / "past.csv"
    table.write_text(
        "time,namespace,metric,dimensions,value\n"
        f"{START},AWS/DynamoDB,ReadThrottleEvents,TableName=carts,600\n"
        "2030-03-17T17:46:41Z,AWS/DynamoDB,ReadThrottleEvents,TableName=carts,5\n"
        "2030-03-17T17:46:42,Concierge,ModelThrottled,Environment=dev;Rung=sonnet,1\n"
    )
    found = history.read(table)

    assert found.namespaces == {"AWS/DynamoDB", "Concierge"}
    assert found.store.values(
        "ReadThrottleEvents", {"TableName": "carts"}, START, START + 9, "AWS/DynamoDB"
    ) == [600, 5]
    assert (found.begin, found.end) == (START, START + 3)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("gone", None, "No such file.*name a rehearsal's folder"),
        ("empty.out", "nothing here\n", "holds no metrics"),
        ("short.csv", "time,metric\n1,2\n", "has no column namespace, dimensions, value"),
        ("bad.csv", "time,namespace,metric,dimensions,value\nnoon,A,b,,1\n", r"bad\.csv:2: .*noon"),
        ("worse.csv", "time,namespace,metric,dimensions,value\n1,A,b,,much\n", r"worse\.csv:2: .*much"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_line(tmp_path: Path, name: str, content: str | None, why: str):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(HistoryError, match=why) as told:
        history.read(tmp_path / name)
    assert "\n" not in str(told.value)


# --- Replaying ----------------------------------------------------------------------------------------------


def test_a_replay_tells_what_changed_when_and_who_would_have_heard(dev: Plan):
    found = replay.replay(dev, REGION, past(0, 0, 1, 1, 0, 0, 0))
    told = [(change.at - START, change.after) for change in found.transitions if change.alarm == NAME]

    assert told == [(1.0, "OK"), (41.0, "ALARM"), (61.0, "OK")]
    assert [notice.state for notice in found.notices if notice.alarm == NAME] == ["OK", "ALARM", "OK"]


def test_a_replay_of_a_faster_rehearsal_counts_in_the_storys_time():
    plan = planned(alarm(period=20, evaluationPeriods=1, datapointsToAlarm=1))
    fast = past(0, 0, 1, 1, 0, 0)

    assert [c.after for c in replay.replay(plan, REGION, fast, speed=2.0).transitions] == [
        "OK",
        "ALARM",
        "OK",
    ]


# --- Tuning -------------------------------------------------------------------------------------------------


def test_a_threshold_that_cries_wolf_is_raised_above_good_times():
    """Half the calls are throttled now and then, and nobody minds; all are while something is broken."""
    noise = [0.0, 0.0, 0.6, 0.6, 0.0, 0.0, 0.0, 0.0] * 20
    broken = [1.0] * 6
    values = [*noise, *broken, *noise]
    trouble = Trouble(START + len(noise) * 10, START + (len(noise) + 6) * 10)
    (tuned,) = replay.tune(planned(alarm(threshold=0.02)), REGION, past(*values, troubles=(trouble,)))

    assert tuned.now.false_alarms >= 20
    assert 0.6 <= tuned.proposed.threshold < 1.0
    assert (tuned.proposed.false_alarms, tuned.proposed.detected, tuned.troubles) == (0, 1, 1)
    assert tuned.proposed.delay_s == 20


def test_a_threshold_that_sees_nothing_is_lowered():
    values = [0.0] * 60 + [0.3] * 6 + [0.0] * 60
    trouble = Trouble(START + 600, START + 660)
    (tuned,) = replay.tune(planned(alarm(threshold=0.5)), REGION, past(*values, troubles=(trouble,)))

    assert (tuned.now.detected, tuned.proposed.detected) == (0, 1)
    assert 0 <= tuned.proposed.threshold < 0.3
    assert tuned.proposed.false_alarms == 0


def test_a_threshold_that_does_well_is_kept():
    values = [0.0] * 60 + [1.0] * 6 + [0.0] * 60
    trouble = Trouble(START + 600, START + 660)
    (tuned,) = replay.tune(planned(alarm(threshold=0.5)), REGION, past(*values, troubles=(trouble,)))

    assert tuned.proposed == tuned.now


def test_alarms_of_which_the_past_says_nothing_are_left_out():
    assert replay.tune(planned(alarm(metricName="ModelFailed")), REGION, past(0, 1)) == []


# --- Asking -------------------------------------------------------------------------------------------------


def test_what_there_is_is_listed():
    (only,) = queries.series(past(0.0, 1.0))
    assert (only.metric, only.label, only.unit, only.values) == (
        "ModelThrottled",
        "Environment=dev, Rung=sonnet",
        "Count",
        20,
    )


def test_a_statistic_over_time():
    (answer,) = queries.ask(past(0.2, None, 1.0), "ModelThrottled", "Average", 10, {})
    assert [value for _, value in answer.points] == [0.2, None, 1.0]
    assert answer.points[0][0] == "2030-03-17T17:46:40+00:00"


@pytest.mark.parametrize(
    ("metric", "stat", "narrowed", "why"),
    [
        ("ModelTrottled", "Sum", {}, "nearest: ModelThrottled"),
        ("ModelThrottled", "Mean", {}, "Mean is no statistic"),
        ("ModelThrottled", "Sum", {"Rung": "opus"}, "there are: Environment=dev, Rung=sonnet"),
    ],
)
def test_a_question_nobody_can_answer_says_what_can_be_asked(
    metric: str, stat: str, narrowed: dict[str, str], why: str
):
    with pytest.raises(QueryError, match=why):
        queries.ask(past(0.0), metric, stat, 10, narrowed)


# --- Exporting ----------------------------------------------------------------------------------------------


def test_prometheus_reads_what_is_exported():
    """By its own parser; numbers of values and sums add up, as counters do."""
    families = {
        f.name: f for f in text_string_to_metric_families(exports.prometheus(past(0.0, 1.0, 0.5), 10))
    }
    told = {
        name: [
            (float(s.timestamp) - START, s.value)
            for s in family.samples
            if s.labels.get("quantile", "0.95") == "0.95"
        ]
        for name, family in families.items()
    }

    assert told == {
        "concierge_model_throttled": [(10, 0), (20, 1), (30, 1)],
        "concierge_model_throttled_values": [(10, 10), (20, 20), (30, 30)],
        "concierge_model_throttled_sum": [(10, 0), (20, 10), (30, 15)],
    }


def test_opentelemetry_reads_what_is_exported():
    request = Parse(exports.otlp(past(0.0, 1.0), 10), ExportMetricsServiceRequest())
    (metric,) = request.resource_metrics[0].scope_metrics[0].metrics

    assert (metric.name, metric.unit) == ("Concierge.ModelThrottled", "1")
    assert [(p.count, p.sum) for p in metric.summary.data_points] == [(10, 0), (10, 10)]
    assert [p.time_unix_nano for p in metric.summary.data_points] == [
        int((START + s) * 1e9) for s in (10, 20)
    ]
