"""OPS-4: every incident of the catalogue has a script that says what its reader wants to know first."""

import pytest

from contract.errors import WrongUseError
from contract.runbooks import catalogue
from runbooks import load, scripts


def test_every_incident_has_a_script() -> None:
    assert sorted(catalogue()) == [*scripts()]


@pytest.mark.parametrize("name", scripts())
def test_every_script_is_the_runbook_of_its_incident(name: str) -> None:
    assert load(name).id == name


@pytest.mark.parametrize("name", scripts())
def test_every_step_has_a_name_of_its_own(name: str) -> None:
    book = load(name)
    assert len(book.steps) == sum(len(stage) for stage in book.stages)


@pytest.mark.parametrize("name", scripts())
def test_every_script_says_what_people_notice_and_whom_to_ask(name: str) -> None:
    about = load(name).about
    assert len(about.impact) > 10
    assert about.escalate
    assert about.budget_min > 0


def test_a_runbook_that_is_not_there_is_told() -> None:
    with pytest.raises(WrongUseError, match=r"'lunch' is not in.*there are: .*bedrock-throttled"):
        load("lunch")
