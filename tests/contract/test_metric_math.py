"""Metric math gives what CloudWatch's user guide prints, table by table; what it does not know it refuses."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.metric_math import MathError, parse
from contract.metric_series import Series

TABLES = tomllib.loads(
    (Path(__file__).parents[1] / "rehearsal" / "cloudwatch" / "metric_math.toml").read_text("utf-8")
)
A_MINUTE = 60.0
POINTS = st.lists(st.none() | st.integers(-1000, 1000).map(float), min_size=1, max_size=20)
PAIRS = st.lists(st.tuples(st.none() | st.integers(-99, 99), st.none() | st.integers(-99, 99)), min_size=1)


def series(text: str) -> Series:
    return Series(tuple(None if point == "-" else float(point) for point in text.split()))


def result(expression: str, metrics: dict[str, Series]) -> tuple[float | None, ...]:
    return parse(expression).of(metrics, A_MINUTE, {}).values


ROWS = [
    pytest.param(table["series"], row, id=row["expression"])
    for table in TABLES["tables"]
    for row in table["rows"]
]


@pytest.mark.parametrize(("given", "row"), ROWS)
def test_every_row_of_the_user_guide(given: dict[str, str], row: dict[str, Any]):
    metrics = {name: series(text) for name, text in given.items()}
    found, expected = result(row["expression"], metrics), series(row["output"]).values

    assert [None if point is None else pytest.approx(point) for point in expected] == list(found)


@pytest.mark.parametrize("expression", [each for rows in TABLES["refused"].values() for each in rows])
def test_what_the_guide_calls_invalid_is_refused(expression: str):
    metrics = {"m1": series("1 2"), "m2": series("3 4")}
    with pytest.raises(MathError, match=r".+: .+"):
        result(expression, metrics)


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("m1 +", "not an expression"),
        ("SEARCH(m1)", "SEARCH is no function known here"),
        ("m1 + m3", "there is no m3"),
        ("FILL(m1)", "FILL takes 2 arguments"),
        ("FILL(5, 0)", "FILL is of series"),
        ("IF(m1)", "IF takes"),
        ("IF(1, 2)", "IF of a number"),
        ("RATE(5)", "RATE is of series"),
        ("PERIOD(m1 + m2)", "PERIOD is of a metric"),
        ("METRICS(5)", "METRICS takes nothing"),
        ("[m1, m2] + [m1, m2]", "not with another array"),
        ("m1 * (1 / 0)", "give no number"),
        ("1 < m1 < 2", "not understood"),
        ("m1.real", "not understood"),
        ("[m1, 5]", "a number stands where series"),
        ("x" * 2049, "at most 2048 characters"),
    ],
)
def test_what_cannot_be_evaluated_is_told_in_a_line(expression: str, why: str):
    with pytest.raises(MathError, match=why) as told:
        result(expression, {"m1": series("1 2"), "m2": series("3 4")})
    assert "\n" not in str(told.value)


def test_precedence_is_that_of_arithmetic():
    metrics = {"m1": series("2")}
    assert result("1 + m1 * 3 ^ 2", metrics) == (19.0,)
    assert result("m1 > 1 AND m1 < 3 OR m1 == 99", metrics) == (1.0,)
    assert result("m1 > 1 && m1 > 3 || m1 == 2", metrics) == (1.0,)
    assert result("(1 + m1) * 3", metrics) == (9.0,)


def test_an_expression_uses_the_results_of_others():
    errors, requests = series("1 2"), series("10 10")
    rate = parse("errors / requests").of({"errors": errors, "requests": requests}, A_MINUTE, {})

    found = parse("e1 * 100").of({"errors": errors, "requests": requests}, A_MINUTE, {"e1": rate})
    assert found.values == (10.0, 20.0)
    assert parse("e1 * 100 + m1").names == {"e1", "m1"}


@given(POINTS, st.integers(-50, 50))
def test_filled_with_a_number_nothing_is_missing_and_nothing_is_changed(points, filler):
    found = result(f"FILL(m1, {filler})", {"m1": Series(tuple(points))})

    assert all(new == (filler if old is None else old) for old, new in zip(points, found, strict=True))


@given(PAIRS)
def test_a_sum_is_the_same_as_adding_and_has_a_point_where_either_has_one(pairs):
    metrics = {
        "m1": Series(tuple(None if a is None else float(a) for a, _ in pairs)),
        "m2": Series(tuple(None if b is None else float(b) for _, b in pairs)),
    }
    found = result("SUM(METRICS())", metrics)

    assert found == result("m1 + m2", metrics)
    assert [point is None for point in found] == [a is None and b is None for a, b in pairs]


@given(POINTS, st.integers(-1000, 1000))
def test_if_keeps_exactly_what_it_is_asked_to_keep(points, limit):
    found = result(f"IF(m1 > {limit}, m1)", {"m1": Series(tuple(points))})

    assert list(found) == [point if point is not None and point > limit else None for point in points]
