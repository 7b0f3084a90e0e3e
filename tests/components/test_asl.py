"""Definitions of state machines are checked and filled in before anybody deploys them."""

from collections.abc import Callable
from typing import Any

import pytest

from components import asl


def machine() -> dict[str, Any]:
    """Asks once, and says how it went."""
    task = {
        "Type": "Task",
        "Resource": "arn:${partition}:states:::sns:publish",
        "TimeoutSeconds": 5,
        "Retry": [{"ErrorEquals": ["States.Timeout"]}],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "No"}],
        "Next": "Well?",
    }
    return {
        "TimeoutSeconds": 60,
        "StartAt": "Ask",
        "States": {
            "Ask": task,
            "Well?": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.well", "IsPresent": True, "Next": "Yes"}],
                "Default": "No",
            },
            "Yes": {"Type": "Succeed"},
            "No": {"Type": "Fail"},
        },
    }


def test_a_sound_definition_has_no_problems():
    assert asl.problems(machine()) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda m: m.pop("TimeoutSeconds"), "the machine has no TimeoutSeconds"),
        (lambda m: m.update(StartAt="Begin"), "StartAt: leads to 'Begin', which is nowhere"),
        (lambda m: m["States"]["Ask"].update(Next="Nowhere"), "Ask: leads to 'Nowhere', which is nowhere"),
        (
            lambda m: m["States"]["Ask"]["Catch"][0].update(Next="Nowhere"),
            "Ask: leads to 'Nowhere', which is nowhere",
        ),
        (lambda m: m["States"]["Well?"].update(Default="Lost"), "Well?: leads to 'Lost', which is nowhere"),
        (lambda m: m["States"].update(Alone={"Type": "Succeed"}), "Alone: cannot be reached"),
        (lambda m: m["States"]["Ask"].pop("TimeoutSeconds"), "Ask: a task needs TimeoutSeconds"),
        (lambda m: m["States"]["Ask"].pop("Retry"), "Ask: a task needs Retry"),
        (lambda m: m["States"]["Ask"].update(Catch=[]), "Ask: a task needs Catch"),
        (
            lambda m: m["States"]["Ask"]["Catch"][0].update(ErrorEquals=["States.Timeout"]),
            "Ask: its last Catch must be States.ALL",
        ),
        (
            lambda m: m["States"]["Well?"].pop("Default"),
            "Well?: a choice needs a Default: States.NoChoiceMatched is caught by nobody",
        ),
        (lambda m: m["States"]["Ask"].pop("Next"), "Ask: needs either Next or End"),
        (lambda m: m["States"]["Ask"].update(End=True), "Ask: needs either Next or End"),
    ],
)
def test_a_fault_is_named_with_its_state(change: Callable[[dict[str, Any]], object], problem: str):
    broken = machine()
    change(broken)
    assert problem in asl.problems(broken)


def test_a_value_is_written_as_json_has_it():
    assert asl.filled('{"a": "${word}", "b": "$.path"}', {"word": 'say "no"'}) == (
        '{"a": "say \\"no\\"", "b": "$.path"}'
    )


@pytest.mark.parametrize("values", [{}, {"word": "a", "other": "b"}])
def test_blanks_and_values_must_match(values: dict[str, str]):
    with pytest.raises(asl.DefinitionError, match="blanks are"):
        asl.filled("${word}", values)
