"""Missing data counts as in the CloudWatch user guide: every row of its tables, from every state before."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.alarm_rules import STATES, State
from rehearsal.alarm_definitions import MetricAlarm, read
from rehearsal.alarm_states import LOOK_BACK, decide
from tests.rehearsal.alarm_helpers import BAD, GOOD, alarm, guide, math_alarm, query, series

GUIDE = guide("missing_data")
MISSING = ("missing", "ignore", "breaching", "notBreaching")
ROWS = [
    pytest.param(table["datapoints"], table["of"], row, missing, id=f"{row['points']} {missing}")
    for table in GUIDE["tables"]
    for row in table["rows"]
    for missing in MISSING
]
POINTS = st.lists(st.sampled_from([GOOD, BAD, None]), min_size=1, max_size=12)
RULES = st.integers(1, 6).flatmap(lambda of: st.tuples(st.integers(1, of), st.just(of)))


def rule(needed: int, of: int, missing: str | None, **more: Any) -> MetricAlarm:
    found = read(alarm(datapointsToAlarm=needed, evaluationPeriods=of, treatMissingData=missing, **more))
    assert isinstance(found, MetricAlarm)
    return found


def state_after(
    text: str, *, before: State = "OK", needed: int, of: int = 3, missing: str, **more: Any
) -> State:
    """The state in which an alarm that was `before` is left by the points of its evaluation range."""
    return decide(rule(needed, of, missing, **more), before, series(text)[::-1])[0]


@pytest.mark.parametrize("before", STATES)
@pytest.mark.parametrize(("needed", "of", "row", "missing"), ROWS)
def test_every_row_of_the_user_guide(needed: int, of: int, row: dict[str, Any], missing: str, before: State):
    expected = row[missing]
    found = state_after(row["points"], before=before, needed=needed, of=of, missing=missing)

    assert found == (before if expected == "KEPT" else expected)


@pytest.mark.parametrize("table", GUIDE["tables"], ids=lambda table: table["title"])
def test_as_many_points_are_filled_in_as_the_guide_counts(table: dict[str, Any]):
    """With `breaching` a filled point is a bad one: so many more are needed than real ones breach."""
    for row in table["rows"]:
        points = series(row["points"])
        real = [point for point in points[::-1] if point is not None][: table["of"]]
        assert table["of"] - len(real) == row["filled"], row
    assert len(points) == GUIDE["evaluation_range"] == table["of"] + LOOK_BACK


@pytest.mark.parametrize("case", GUIDE["premature"], ids=lambda case: case["points"])
def test_no_premature_alarm(case: dict[str, Any]):
    found = state_after(case["points"], needed=case["datapoints"], of=case["of"], missing="missing")
    assert (found == "ALARM") is case["alarm"]


def test_breaches_that_began_long_enough_ago_are_an_alarm_though_some_are_missing():
    """The first of them counts: nothing good was heard since."""
    for text in ("- - X - X", "- - X X -", "X - - - X"):
        assert state_after(text, needed=3, missing="missing") == "ALARM"


def test_ignored_silence_leaves_every_state_as_it_is():
    for before, length in product(STATES, range(1, 8)):
        assert state_after(" ".join(["-"] * length), before=before, needed=2, missing="ignore") == before


def test_silence_of_an_alarm_that_does_not_speak_of_it_is_insufficient_data():
    """As in AWS: missing data is treated as missing unless the alarm says otherwise."""
    assert decide(rule(2, 3, None), "OK", [None] * 5)[0] == "INSUFFICIENT_DATA"


@pytest.mark.parametrize("namespace", GUIDE["always_ignore"])
@pytest.mark.parametrize("says", MISSING)
def test_dynamodb_ignores_missing_data_whatever_its_alarm_says(namespace: str, says: str):
    """Red stays red through silence; with metric math over it nothing is missing."""
    silent = "- - - - -"
    assert state_after(silent, before="ALARM", needed=2, missing=says, namespace=namespace) == "ALARM"
    mended = read(
        math_alarm(
            [query("m0", "ThrottleEvents", namespace=namespace), {"id": "e0", "expression": "FILL(m0, 0)"}],
            treatMissingData="notBreaching",
        )
    )
    assert isinstance(mended, MetricAlarm)
    assert mended.treats_missing == "notBreaching"
    assert mended.watched == "e0"


@given(POINTS, RULES, st.sampled_from(["breaching", "notBreaching"]), st.sampled_from(STATES))
def test_filled_points_are_recounted_by_hand(points, needed_of, missing, before):
    """The N youngest real points in view, and a made-up one for each that is lacking."""
    needed, of = needed_of
    view = points[: of + LOOK_BACK]
    real = [value for value in view if value is not None][:of]
    made_up = [BAD if missing == "breaching" else GOOD] * (of - len(real))

    expected = "ALARM" if (real + made_up).count(BAD) >= needed else "OK"
    assert decide(rule(needed, of, missing), before, view)[0] == expected


@given(POINTS, RULES, st.sampled_from(STATES))
def test_with_data_in_every_period_it_does_not_matter_what_missing_means(points, needed_of, before):
    needed, of = needed_of
    whole = [GOOD if value is None else value for value in points] + [GOOD] * (of + LOOK_BACK)
    found = {decide(rule(needed, of, missing), before, whole)[0] for missing in MISSING}

    assert found == {"ALARM" if whole[:of].count(BAD) >= needed else "OK"}


@given(POINTS, RULES, st.sampled_from(MISSING), st.sampled_from(STATES))
def test_a_breach_more_never_makes_a_red_alarm_green(points, needed_of, missing, before):
    needed, of = needed_of
    view = points[: of + LOOK_BACK]
    worse = [BAD if value == GOOD else value for value in view]
    if decide(rule(needed, of, missing), before, view)[0] == "ALARM":
        assert decide(rule(needed, of, missing), before, worse)[0] == "ALARM" or before != "ALARM"
