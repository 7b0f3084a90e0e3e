"""Precision, recall, reciprocal rank and nDCG of ranked lists, and sweeps held against each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import WrongUseError
from runtime.eval.golden import GoldenError
from runtime.eval.retrieval import Result, Sweep, grade, queries, read, scores, worse

SECTION = "Charge it for two hours. Hold the button. It is ready."


@pytest.mark.parametrize(
    ("grades", "expected"),
    [
        ([2, 0, 0], (1 / 3, 1, 1, 1)),
        ([0, 0, 2], (1 / 3, 1, 1 / 3, 0.5)),
        ([0, 0, 0], (0, 0, 0, 0)),
        ([1, 0, 0], (1 / 3, 0.5, 1, 1 / 3)),
        ([2, 2, 2], (1, 1, 1, 1)),
    ],
)
def test_the_measures_are_those_of_the_books(grades, expected):
    assert tuple(scores(grades, [2], 3)) == pytest.approx(expected)


@given(st.lists(st.integers(0, 2), max_size=12), st.integers(1, 10))
def test_every_measure_is_a_share(grades, k):
    assert all(0 <= value <= 1 + 1e-9 for value in scores(grades, [2, 1], k))


def test_a_chunk_is_worth_what_it_holds_of_the_section():
    assert grade(f"x {SECTION} y", SECTION, 2) == 2
    assert grade("Charge it for two hours. Hold the button.", SECTION, 2) == 1
    assert grade("Charge it for two", SECTION, 2) == 0
    assert grade("Charge it for two hours. Hold the button.", SECTION, 1) == 0


def test_there_are_enough_questions_in_both_languages():
    found = queries()
    assert len(found) >= 100
    assert sum(one.lang == "ja" for one in found) >= 25
    assert len({one.id for one in found}) == len({one.text for one in found}) == len(found)


def test_a_file_that_is_wrong_is_told(tmp_path):
    file = tmp_path / "queries.yaml"
    file.write_text("queries: [{id: a}]")
    with pytest.raises(GoldenError, match=r"queries\.yaml: queries\.0\.text"):
        queries(file)


def result(ndcg: float, odd: float = 0.0) -> Sweep:
    by = {f"q-{n}": min(1.0, ndcg + odd * (n % 2)) for n in range(40)}
    figures = dict.fromkeys(("precision", "recall", "mrr", "ndcg", "p50_ms", "p95_ms", "tokens", "usd"), 0.5)
    one = Result(kind="k", way="top 3", chunks=9, ndcg_between=(0.4, 0.6), by_query=by, **figures)
    return Sweep(stand_ins=True, results=(one,))


def test_a_way_that_surely_lost_is_named_with_its_questions(tmp_path):
    (lost,) = worse(result(0.8), result(0.6, odd=0.2))
    assert (lost.way, lost.queries[0], len(lost.queries)) == ("top 3", "q-0", 20)
    assert lost.gap[2] < 0
    assert worse(result(0.6), result(0.6)) == worse(result(0.6), result(0.8)) == []


def test_a_sweep_is_read_again_and_what_is_none_is_told(tmp_path):
    file = tmp_path / "sweep.json"
    file.write_text(result(0.7).model_dump_json())
    assert read(file) == result(0.7)
    file.write_text("{}")
    with pytest.raises(WrongUseError, match="no sweep"):
        read(file)
    with pytest.raises(WrongUseError, match="stand-ins"):
        worse(result(0.7), result(0.7).model_copy(update={"stand_ins": False}))
