"""The guard that fails when a test would never run."""

from pathlib import Path

import pytest

from tools import collected

GOOD = "def test_it():\n    assert 1 + 1 == 2\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tests = tmp_path / "tests"
    tests.mkdir()
    return tests


def told(folder: Path, name: str, text: str, *, runs: tuple[str, ...] = ()) -> list[str]:
    (folder / name).write_text(text)
    return collected.problems(folder, {f"tests/{name}::{test}" for test in runs})


def test_a_collected_test_is_fine(folder):
    assert told(folder, "test_good.py", GOOD, runs=("test_it",)) == []


def test_a_file_that_pytest_does_not_pick_up(folder):
    assert told(folder, "checks.py", GOOD) == [
        "tests/checks.py: is not collected: name it test_checks.py, or *_helpers.py"
    ]


def test_a_function_that_pytest_does_not_run(folder):
    text = "class Cases:\n    def test_hidden(self):\n        assert False\n"

    assert told(folder, "test_class.py", text) == ["tests/test_class.py: Cases::test_hidden is not collected"]


def test_a_function_written_twice(folder):
    found = told(folder, "test_twice.py", GOOD + GOOD, runs=("test_it",))

    assert found == ["tests/test_twice.py: test_it is written twice; the first never runs"]


def test_a_test_in_a_file_of_helpers(folder):
    assert told(folder, "some_helpers.py", GOOD) == [
        "tests/some_helpers.py: test_it is a test in a file of helpers"
    ]


def test_a_misspelt_test(folder):
    text = GOOD + "def tset_other():\n    assert False\n"

    assert told(folder, "test_typo.py", text, runs=("test_it",)) == [
        "tests/test_typo.py: tset_other is never used: is it a test?"
    ]


def test_an_empty_test_file(folder):
    assert told(folder, "test_empty.py", "") == ["tests/test_empty.py: holds no test"]


def test_what_pytest_says_it_would_run(folder):
    (folder / "test_good.py").write_text(
        "import pytest\n@pytest.mark.parametrize('n', [1, 2])\ndef test_it(n):\n    assert n\n"
    )

    names = collected.collected(folder)

    assert {name.rpartition("/")[2] for name in names} == {"test_good.py::test_it"}
