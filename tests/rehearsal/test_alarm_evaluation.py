"""When CloudWatch looks and at what: sliding windows, fast and multi-day alarms, few samples, metric math."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.alarm_rules import State
from contract.errors import WrongUseError
from rehearsal.alarm_definitions import MetricAlarm, read
from rehearsal.alarms import Judge, Notice, fewest_samples, unjudged
from tests.rehearsal.alarm_helpers import (
    NAME,
    PAGE,
    REGION,
    TICKET,
    alarm,
    composite,
    fill,
    guide,
    judge,
    math_alarm,
    over,
    planned,
    point,
    query,
    series,
)

GUIDE = guide("evaluation")
DAY = datetime(2031, 3, 4, tzinfo=UTC).timestamp()
SUPPRESSED: dict[str, Any] = {
    "actionsSuppressor": {"alarm": "quiet", "waitPeriod": 60, "extensionPeriod": 60}
}


def clock(text: str) -> float:
    hours, minutes = text.split(":")
    return DAY + int(hours) * 3_600 + int(minutes) * 60


def states(found: Judge, moments: Sequence[float]) -> list[State]:
    seen: list[State] = []
    for moment in moments:
        found.judge(moment)
        seen.append(found.alarms[0].state)
    return seen


# --- When ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", GUIDE["every"], ids=str)
def test_how_often_cloudwatch_looks(case: dict[str, int]):
    found = read(alarm(period=case["period_s"], evaluationPeriods=case["periods"], datapointsToAlarm=1))
    assert isinstance(found, MetricAlarm)
    assert found.every_s == case["every_s"]


@pytest.mark.parametrize("case", GUIDE["sliding"], ids=str)
def test_a_window_slides_with_every_look(case: dict[str, Any]):
    """Each minute has another power of two: the sum tells which minutes were in view."""
    found = judge(
        alarm(
            period=case["period_s"],
            evaluationPeriods=1,
            datapointsToAlarm=1,
            statistic="Sum",
            threshold=sum(2.0**minute for minute in case["minutes"]) - 0.5,
        ),
        alarm(
            "not more",
            period=case["period_s"],
            evaluationPeriods=1,
            datapointsToAlarm=1,
            statistic="Sum",
            threshold=sum(2.0**minute for minute in case["minutes"]) + 0.5,
        ),
    )
    found.store.add([point(DAY + (minute - 0.5) * 60, 2.0**minute) for minute in range(1, 12)])
    found.judge(over(DAY + case["at_minute"] * 60))

    assert [each.state for each in found.alarms] == ["ALARM", "OK"]


def test_the_figure_of_the_user_guide():
    figure = GUIDE["figure"]
    points = [1.0 if number in figure["breaching"] else 0.0 for number in range(1, figure["periods"] + 1)]
    found = judge(alarm(period=60, datapointsToAlarm=figure["datapoints"], evaluationPeriods=figure["of"]))
    fill(found, points, DAY, 60)

    seen = states(found, [over(DAY + 60 * number) for number in range(1, figure["periods"] + 1)])
    assert [number for number, state in enumerate(seen, 1) if state == "ALARM"] == figure["alarm_after"]


def test_the_multi_day_example_of_the_user_guide():
    """A job runs every three days; only data up to the hour counts."""
    day = GUIDE["multi_day"]
    found = judge(
        alarm(period=3 * 86_400, evaluationPeriods=1, datapointsToAlarm=1, statistic="Sum", threshold=0)
    )
    found.alarms[0].state = "OK"
    found.store.add([point(clock(day["fails_at"]), 1.0)])
    found.store.add([point(clock(day["mended_at"]), -1.0)])

    for text, state in day["states"]:
        found.judge(clock(text))
        assert (text, found.alarms[0].state) == (text, state)


@pytest.mark.parametrize("case", GUIDE["few_samples"], ids=str)
def test_a_percentile_of_few_samples_can_be_told_to_keep_still(case: dict[str, Any]):
    fewer = case["fewer_than"]
    assert fewest_samples(case["percentile"]) == fewer
    rule: dict[str, Any] = {
        "statistic": None,
        "extendedStatistic": case["percentile"],
        "datapointsToAlarm": 1,
        "evaluationPeriods": 1,
        "evaluateLowSampleCountPercentiles": "ignore",
    }
    found = judge(alarm(**rule), alarm("evaluates", **{**rule, "evaluateLowSampleCountPercentiles": None}))
    found.store.add([point(DAY + 1, 1.0)] * (fewer - 1))
    found.judge(over(DAY + 10))
    assert [each.state for each in found.alarms] == ["INSUFFICIENT_DATA", "ALARM"]

    found.store.add([point(DAY + 11, 1.0)] * fewer)
    found.judge(over(DAY + 20))
    assert [each.state for each in found.alarms] == ["ALARM", "ALARM"]


@given(
    st.lists(st.sampled_from([0.0, 1.0, None]), min_size=4, max_size=20),
    st.sampled_from([1.5, 2.0, 3.0]),
    st.sampled_from(["missing", "ignore", "breaching", "notBreaching"]),
)
def test_a_story_told_faster_is_judged_the_same(points, speed, missing):
    """Three times faster: the same changes at a third of the time."""

    def told(factor: float) -> list[tuple[int, State]]:
        start = 1_000_020.0
        found = judge(alarm(period=60, treatMissingData=missing), speed=factor)
        fill(found, points, start / factor, 60 / factor)
        for number in range(len(points) + 1):
            found.judge((start + number * 60) / factor + 1.0)
        return [
            (round(((change.at - 1.0) * factor - start) / 60), change.after) for change in found.transitions
        ]

    assert told(speed) == told(1.0)


def test_who_has_no_clock_is_told_when_to_look_next():
    found = judge(alarm(), alarm("slow", period=300))
    found.judge(over(DAY))

    assert found.next_look() == over(DAY + 10)
    assert judge().next_look() == float("inf")


# --- Metric math ------------------------------------------------------------------------------------------


def share(queries: list[dict[str, Any]], expression: str, **changed: Any) -> Judge:
    watched = {"id": "e0", "expression": expression, "returnData": True}
    return judge(
        math_alarm([*queries, watched], datapointsToAlarm=1, evaluationPeriods=1, threshold=0.1, **changed)
    )


def test_an_expression_is_compared_not_its_metrics():
    found = share([query("bad", "ModelThrottled", "Sum"), query("all", "ModelFailed", "Sum")], "bad / all")
    found.store.add([point(DAY + 1, 2.0), point(DAY + 1, 10.0, metric="ModelFailed")])
    found.judge(over(DAY + 10))

    assert found.alarms[0].state == "ALARM"
    assert found.transitions[0].reason == "1 of 1 datapoints [0.2] above 0.1 (1 are needed)"


def test_below_a_number_of_samples_there_is_no_point():
    """Quiet at low traffic: `IF(n, ...)` without an else drops the point, and missing data decides."""
    queries = [query("m0", "ModelThrottled"), query("n0", "ModelThrottled", "SampleCount")]
    found = share(queries, "IF(n0 >= 20, m0)")
    found.store.add([point(DAY + 1, 1.0)] * 19)
    found.judge(over(DAY + 10))
    found.store.add([point(DAY + 11, 1.0)] * 20)
    found.judge(over(DAY + 20))

    assert [change.after for change in found.transitions] == ["OK", "ALARM"]


def test_expressions_may_use_each_other_in_any_order():
    queries = [
        {"id": "e2", "expression": "e1 * 100", "returnData": True},
        {"id": "e1", "expression": "m0 / 2", "returnData": False},
        query("m0", "ModelThrottled"),
    ]
    found = judge(math_alarm(queries, datapointsToAlarm=1, evaluationPeriods=1, threshold=49.0))
    found.store.add([point(DAY + 1, 1.0)])
    found.judge(over(DAY + 10))

    assert found.alarms[0].state == "ALARM"


@pytest.mark.parametrize(
    ("queries", "why"),
    [
        (
            [query("m0", "A"), {"id": "e1", "expression": "m0 + e2"}, {"id": "e2", "expression": "e1"}],
            "each other",
        ),
        (
            [query("m0", "A"), query("m1", "B", period=60), {"id": "e1", "expression": "m0 + m1"}],
            "one period",
        ),
        ([query("m0", "A"), {"id": "e1", "expression": "m0 +"}], "not an expression"),
    ],
)
def test_an_alarm_nobody_can_judge_is_told(queries: list[dict[str, Any]], why: str):
    with pytest.raises(WrongUseError, match=why):
        read(math_alarm(queries))


def test_a_band_is_not_judged_and_that_is_said():
    """AWS learns it from the past: nothing here can know it."""
    band = math_alarm(
        [
            {**query("m0", "CostUsd"), "returnData": True},
            {"id": "band", "expression": "ANOMALY_DETECTION_BAND(m0, 3)"},
        ],
        comparisonOperator="GreaterThanUpperThreshold",
        threshold=None,
        thresholdMetricId="band",
    )
    assert unjudged(planned(band), REGION) == {NAME: "its band is AWS's own model of the past"}
    assert judge(band).alarms == []


# --- Composites and actions -------------------------------------------------------------------------------


def hurt(**more: Any) -> Judge:
    return judge(
        alarm("slow"),
        alarm("failing", metricName="ModelFailed"),
        composite("hurt", "ALARM(slow) AND ALARM(failing)", **more),
    )


def test_a_composite_follows_its_children_at_once():
    found = hurt()
    fill(found, series("X X X X 0 0 0"), DAY)
    found.store.add(
        [point(at.at, 1.0, metric="ModelFailed") for at in [point(DAY + 21, 1), point(DAY + 31, 1)]]
    )
    found.judge(over(DAY))
    for number in range(1, 8):
        found.judge(over(DAY + number * 10))

    told = [(change.at - DAY, change.after) for change in found.transitions if change.alarm == "hurt"]
    assert told == [(1.0, "OK"), (41.0, "ALARM"), (61.0, "OK")]
    assert found.alarm("hurt").runbook == "bedrock-outage"


def test_a_composite_of_which_no_child_is_judged_is_not_judged():
    found = judge(alarm("theirs", namespace="AWS/ES"), composite("far", "ALARM(theirs)"))
    assert found.alarms == []


def test_composites_may_rest_on_composites():
    found = judge(alarm("a"), composite("outer", "ALARM(inner)"), composite("inner", "ALARM(a)"))
    fill(found, series("X X X"), DAY)
    found.judge(over(DAY + 30))

    assert found.states == {"a": "ALARM", "inner": "ALARM", "outer": "ALARM"}


def test_alarms_tell_the_topics_of_the_state_they_go_to():
    found = judge(alarm())
    found.judge(over(DAY))
    fill(found, series("X X 0 0 0"), DAY)
    for number in range(1, 6):
        found.judge(over(DAY + number * 10))

    assert [(notice.state, notice.topics) for notice in found.notices] == [
        ("OK", (TICKET,)),
        ("ALARM", (PAGE,)),
        ("OK", (TICKET,)),
    ]


def test_actions_that_are_switched_off_tell_nobody():
    found = judge(alarm(actionsEnabled=False))
    fill(found, series("X X X"), DAY)
    found.judge(over(DAY + 30))

    assert found.alarms[0].state == "ALARM"
    assert found.notices == []


def test_maintenance_keeps_a_composite_quiet_and_afterwards_it_says_what_is_so():
    """The mute is an alarm of its own; here it goes red with a metric, in AWS by hand."""
    found = judge(
        alarm("slow"),
        alarm("quiet", metricName="ModelFailed", alarmActions=None, okActions=None),
        composite("hurt", "ALARM(slow)", **SUPPRESSED),
    )
    found.judge(over(DAY))
    fill(found, series("0 0 X X X X X X X X X X X X X X X X X X X X X X X X X X X X"), DAY)
    found.store.add([point(DAY + 10 * n + 1, 1.0 if n < 8 else 0.0, metric="ModelFailed") for n in range(30)])
    for number in range(1, 30):
        found.judge(over(DAY + number * 10))

    pages = [notice for notice in found.notices if notice.alarm == "hurt" and notice.state == "ALARM"]
    red_again = next(c.at for c in found.transitions if c.alarm == "quiet" and c.before == "ALARM")
    assert [(notice.at, notice.topics) for notice in pages] == [(red_again + 60, (PAGE,))]
    assert isinstance(pages[0], Notice)
