"""A composite acts, waits and keeps still as in the six examples of the CloudWatch user guide."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.alarm_rules import State
from rehearsal.suppression import Act, Suppression
from tests.rehearsal.alarm_helpers import guide

GUIDE = guide("composite")["suppression"]
CHANGES = st.lists(
    st.tuples(
        st.integers(1, 40), st.sampled_from(["composite", "suppressor"]), st.sampled_from(["OK", "ALARM"])
    )
)


def play(held: Suppression, changes: list[tuple[float, str, State]], until: float = 100) -> list[Act]:
    """Everything the composite does about these changes, in order of time."""
    acts: list[Act] = []
    for at, who, state in changes:
        acts += held.due(at)
        if who == "suppressor":
            acts += held.suppressor(at, red=state == "ALARM")
        elif state != held.state:
            acts += held.composite(at, state)
    return acts + held.due(until)


@pytest.mark.parametrize("example", GUIDE["examples"], ids=lambda example: example["title"])
def test_every_example_of_the_user_guide(example: dict[str, Any]):
    held = Suppression(GUIDE["wait"], GUIDE["extension"], state="OK")

    found = play(held, [tuple(change) for change in example["changes"]])
    assert [[act.at, act.state] for act in found] == example["acts"]


def test_without_waiting_it_acts_at_once():
    held = Suppression(0, 0, state="OK")
    assert play(held, [(2, "composite", "ALARM")]) == [Act(2, "ALARM")]


def test_a_suppressor_that_comes_and_goes_makes_no_news_of_what_did_not_change():
    held = Suppression(0, 0, state="OK")
    assert play(held, [(2, "suppressor", "ALARM"), (5, "suppressor", "OK")]) == []


@given(CHANGES, st.integers(0, 5), st.integers(0, 5))
def test_nothing_is_told_while_the_suppressor_is_red_and_the_last_word_is_the_state(changes, wait, extension):
    ordered = sorted(changes, key=lambda change: change[0])
    held = Suppression(wait, extension, state="OK")
    acts = play(held, ordered)

    for act in acts:
        before = [state for at, who, state in ordered if who == "suppressor" and at < act.at]
        then = [state for at, who, state in ordered if who == "suppressor" and at == act.at]
        assert "OK" in [*(before or ["OK"])[-1:], *then]
    if not held.red and acts:
        assert acts[-1].state == held.state
    assert [act.at for act in acts] == sorted(act.at for act in acts)
