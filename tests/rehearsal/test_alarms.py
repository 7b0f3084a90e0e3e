"""The judge decides like CloudWatch: when a period counts, how many must breach, what missing data means."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.alarm_rules import State
from plan import Plan
from rehearsal.alarm_states import LOOK_BACK
from rehearsal.alarms import Judge
from rehearsal.metrics import MetricStore
from tests.rehearsal.alarm_helpers import (
    BAD,
    DIMENSIONS,
    GOOD,
    NAME,
    PERIOD_S,
    REGION,
    alarm,
    fill,
    judge,
    over,
    point,
    series,
)

START = 1_000_000.0  # a multiple of every period used here
MISSING = ("missing", "ignore", "breaching", "notBreaching")
POINTS = st.lists(st.sampled_from([GOOD, BAD, None]), min_size=1, max_size=30)

# M and N
RULES = st.integers(1, 6).flatmap(lambda of: st.tuples(st.integers(1, of), st.just(of)))


def state_of(found: Judge) -> State:
    return found.alarms[0].state


def changes(found: Judge, until: float, every: float = PERIOD_S) -> list[tuple[float, State, State]]:
    """What changed when, counted from the start, if the judge looks regularly."""
    now = over(START)
    while now <= until:
        found.judge(now)
        now += every
    return [(t.at - START, t.before, t.after) for t in found.transitions]


# --- Which alarms ---------------------------------------------------------------------------------------


def test_the_alarms_of_a_plan_are_judged_one_region_at_a_time(prod: Plan):
    """Those on what the runtime emits, plain or in an expression, and those over them."""
    for region in ("us-east-1", "us-west-2"):
        names = {found.name for found in Judge.of(prod, region, MetricStore()).alarms}
        declared = [one for one in prod.of_type("cloudwatch.MetricAlarm") if one.region == region]
        ours = {
            one.inputs["name"]
            for one in declared
            if "thresholdMetricId" not in one.inputs
            and {"Concierge"}
            == {
                part.get("namespace")
                for part in (
                    one.inputs,
                    *(query.get("metric", {}) for query in one.inputs.get("metricQueries", ())),
                )
                if part.get("namespace")
            }
        }
        over = {
            one.inputs["alarmName"]
            for one in prod.of_type("cloudwatch.CompositeAlarm")
            if one.region == region
        }
        assert names == ours | over
        assert len(ours) > 20


def test_alarms_on_what_aws_measures_of_itself_are_not_judged():
    """Nobody publishes that here; such an alarm that takes silence for a breach would be red in every run."""
    found = judge(alarm(), alarm("theirs", namespace="AWS/DynamoDB", treatMissingData="breaching"))

    assert [one.name for one in found.alarms] == [NAME]


def test_an_alarm_knows_its_name_and_its_runbook(dev: Plan):
    found = Judge.of(dev, REGION, MetricStore()).alarm("concierge-dev-bedrock-throttled")

    assert found.runbook == "bedrock-throttled"
    assert found.state == "INSUFFICIENT_DATA"


# --- Periods --------------------------------------------------------------------------------------------


def test_a_period_is_judged_once_it_is_over_and_its_lines_have_arrived():
    found = judge(alarm(datapointsToAlarm=1, evaluationPeriods=1))
    fill(found, [GOOD, BAD], START)

    assert [t.after for t in found.judge(over(START + 10))] == ["OK"]
    assert found.judge(over(START + 20) - 0.01) == []
    assert [t.after for t in found.judge(over(START + 20))] == ["ALARM"]


@pytest.mark.parametrize("offset", [0.0, 3.0, 9.9])
def test_periods_begin_at_whole_multiples_since_1970_whenever_the_judge_began(offset: float):
    """The same points fall into the same periods, wherever in a period somebody starts to look."""
    found = judge(alarm(datapointsToAlarm=1, evaluationPeriods=1, statistic="Sum", threshold=1.5))
    found.judge(over(START + offset))
    found.store.add([point(START + 9.99, 1), point(START + 10, 1), point(START + 19.99, 1)])

    found.judge(over(START + 10) + offset)
    assert state_of(found) == "OK"
    found.judge(over(START + 20) + offset)
    assert state_of(found) == "ALARM"


def test_a_judge_that_was_kept_waiting_judges_every_period_it_missed():
    """Red and green again between two looks: both are told, in their order."""
    found = judge(alarm())
    found.judge(over(START))
    fill(found, series("X X X 0 0 0"), START)

    told = found.judge(over(START + 60))

    assert [(t.before, t.after) for t in told] == [("OK", "ALARM"), ("ALARM", "OK")]
    assert told == found.transitions[-2:]


def test_the_first_look_judges_the_present_and_not_all_of_the_past():
    found = judge(alarm())
    fill(found, series("X X X 0 0 0 0 0"), START)

    assert [t.after for t in found.judge(over(START + 80))] == ["OK"]


@given(POINTS, st.sampled_from(MISSING), st.integers(-1_000, 1_000), st.sampled_from([10, 30, 60]))
def test_shifting_all_times_by_whole_periods_changes_nothing(points, missing, periods, period):
    def seen(start: float) -> list[tuple[float, State]]:
        found = judge(alarm(period=period, treatMissingData=missing))
        fill(found, points, start, period)
        for number in range(len(points) + 1):
            found.judge(over(start + number * period))
        return [(t.at - start, t.after) for t in found.transitions]

    start = 1_000_000_020.0 // 60 * 60
    assert seen(start) == seen(start + periods * period)


# --- M of N ---------------------------------------------------------------------------------------------


@given(
    st.lists(st.sampled_from([GOOD, BAD]), min_size=1, max_size=40),
    RULES,
)
def test_m_of_n_is_a_recount_of_the_last_n(points: list[float], rule: tuple[int, int]):
    """Red exactly while at least M of the last N periods breach, counted by hand."""
    needed, of = rule
    found = judge(alarm(datapointsToAlarm=needed, evaluationPeriods=of))
    fill(found, points, START)
    for end in range(1, len(points) + 1):
        found.judge(over(START + end * PERIOD_S))

        recount = sum(1 for value in points[max(0, end - of) : end] if value > 0.5)
        assert state_of(found) == ("ALARM" if recount >= needed else "OK")


@given(
    POINTS,
    st.sampled_from(["breaching", "notBreaching"]),
    st.sampled_from([(1, 1), (1, 3), (2, 3), (3, 3), (4, 5)]),
)
def test_missing_periods_are_filled_only_where_real_ones_do_not_suffice(points, missing, rule):
    """Recounted by hand: the N youngest real points in view, and a made-up one for each that is lacking."""
    needed, of = rule
    found = judge(alarm(datapointsToAlarm=needed, evaluationPeriods=of, treatMissingData=missing))
    fill(found, points, START)
    found.judge(over(START + len(points) * PERIOD_S))

    real = [value for value in points[::-1][: of + LOOK_BACK] if value is not None][:of]
    made_up = [BAD if missing == "breaching" else GOOD] * (of - len(real))
    expected = "ALARM" if (real + made_up).count(BAD) >= needed else "OK"
    assert state_of(found) == expected


def test_without_a_number_of_datapoints_all_periods_must_breach():
    found = judge(alarm("all of them", datapointsToAlarm=None), alarm("two of them"))
    fill(found, series("X X"), START)
    found.judge(over(START + 20))

    assert [one.state for one in found.alarms] == ["OK", "ALARM"]


# --- Statistics and comparisons ---------------------------------------------------------------------------

VALUES = [1.0, 2.0, 6.0]


@pytest.mark.parametrize(
    ("statistic", "value"),
    [
        *[("Average", 3.0), ("Sum", 9.0), ("Maximum", 6.0), ("Minimum", 1.0), ("SampleCount", 3.0)],
        *[("p50", 2.0), ("p90", 6.0), ("p95", 6.0), ("p99", 6.0)],
    ],
)
@pytest.mark.parametrize(
    ("comparison", "beyond"), [("GreaterThanThreshold", -0.5), ("LessThanThreshold", +0.5)]
)
def test_a_statistic_of_all_values_is_compared_with_the_threshold(
    statistic: str, value: float, comparison: str, beyond: float
):
    """Red with the threshold on one side of the value; not with it on the other side, nor at the value."""

    def state(threshold: float) -> State:
        simple, extended = (None, statistic) if statistic[1:].isdigit() else (statistic, None)
        rule: dict[str, Any] = {
            "statistic": simple,
            "extendedStatistic": extended,
            "comparisonOperator": comparison,
            "threshold": threshold,
        }
        found = judge(alarm(datapointsToAlarm=1, evaluationPeriods=1, **rule))
        found.store.add([point(START + 1 + number, one) for number, one in enumerate(VALUES)])
        found.judge(over(START + 10))
        return state_of(found)

    assert (state(value + beyond), state(value), state(value - beyond)) == ("ALARM", "OK", "OK")


def test_only_its_own_metric_and_dimensions_count():
    found = judge(alarm(datapointsToAlarm=1, evaluationPeriods=1))
    found.store.add(
        [
            point(START + 1, BAD, metric="ModelFailed"),
            point(START + 1, BAD, dimensions={**DIMENSIONS, "Rung": "haiku"}),
            point(START + 1, BAD, dimensions={"Environment": "dev"}),
            point(START + 2, GOOD),
        ]
    )
    found.judge(over(START + 10))

    assert state_of(found) == "OK"


# --- Missing data: the guide's tables are in test_alarm_states.py ------------------------------------------


def test_ignored_silence_ends_with_the_data():
    found = judge(alarm(treatMissingData="ignore"))
    fill(found, series("X X - - - - - - 0 0"), START)

    assert changes(found, over(START + 100)) == [
        (21.0, "INSUFFICIENT_DATA", "ALARM"),
        (91.0, "ALARM", "OK"),
    ]


def test_silence_of_an_alarm_that_does_not_speak_of_it_is_insufficient_data():
    """As in AWS: missing data is treated as missing unless the alarm says otherwise."""
    found = judge(alarm(treatMissingData=None))
    found.alarms[0].state = "OK"
    found.judge(over(START))

    assert state_of(found) == "INSUFFICIENT_DATA"


# --- Transitions ----------------------------------------------------------------------------------------


def test_each_change_is_told_once_with_its_reason():
    found = judge(alarm())
    fill(found, series("0 0 X X X X 0 0 0"), START)

    assert changes(found, over(START + 90), every=0.5) == [
        (1.0, "INSUFFICIENT_DATA", "OK"),
        (41.0, "OK", "ALARM"),
        (81.0, "ALARM", "OK"),
    ]
    assert [t.alarm for t in found.transitions] == [NAME] * 3
    assert found.transitions[1].reason == "2 of 3 datapoints [0, 1, 1] above 0.5 (2 are needed)"
    assert found.transitions[2].reason == "1 of 3 datapoints [1, 0, 0] above 0.5 (2 are needed)"


def test_a_reason_shows_what_is_missing_and_what_was_looked_up_further_back():
    found = judge(alarm(comparisonOperator="LessThanThreshold"))
    fill(found, [0.125, None, 0.75, None, None], START)

    (told,) = found.judge(over(START + 50))
    assert told.reason == "1 of 3 datapoints [0.125, -, 0.75, -, -] below 0.5 (2 are needed)"


def test_alarms_do_not_disturb_each_other():
    found = judge(alarm("a"), alarm("b", period=30, evaluationPeriods=1, datapointsToAlarm=1), alarm("c"))
    fill(found, series("X X X"), START)
    found.judge(over(START + 30))

    assert {t.alarm: t.after for t in found.transitions} == {"a": "ALARM", "b": "ALARM", "c": "ALARM"}
    assert found.alarm("b").state == "ALARM"


@given(POINTS, st.sampled_from(MISSING), st.sampled_from([0.5, 7.0, 25.0, 1_000.0]))
def test_how_often_the_judge_looks_does_not_matter(points, missing, every):
    """The same changes in the same order, each from the state before to another one."""

    def seen(looks: Callable[[Judge], None]) -> list[tuple[State, State]]:
        found = judge(alarm(treatMissingData=missing))
        found.judge(over(START))
        fill(found, points, START)
        looks(found)
        return [(t.before, t.after) for t in found.transitions]

    end = over(START + len(points) * PERIOD_S)
    regular = seen(lambda found: _look(found, end, PERIOD_S))
    assert seen(lambda found: _look(found, end, every)) == regular
    assert all(before != after for before, after in regular)
    assert _chained(regular)


def _look(found: Judge, end: float, every: float) -> None:
    now = over(START)
    while now < end:
        found.judge(now)
        now += every
    found.judge(end)


def _chained(told: Sequence[tuple[State, State]]) -> bool:
    return all(after == before for (_, after), (before, _) in pairwise(told))
