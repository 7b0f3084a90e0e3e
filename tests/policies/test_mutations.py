"""Every rule catches what it is for, and nothing else does: one thing broken in a sound plan at a time."""

import importlib
import pkgutil

import pytest

from plan import Plan
from policies.rules import RULES
from tests.policies import broken as rooms
from tests.policies.breaking_helpers import Case
from tests.policies.mutation_helpers import Draft, fired

# One module a room of rules; a new one is found by itself.
CASES: list[Case] = [
    broken
    for found in pkgutil.iter_modules(rooms.__path__, f"{rooms.__name__}.")
    for broken in importlib.import_module(found.name).CASES
]
# Fires in prod as it is, where nobody is named who listens; tests/policies/test_rules.py shows both sides.
KNOWN = {"topic-heard"}


@pytest.mark.parametrize("broken", CASES, ids=lambda broken: broken.what)
def test_what_is_broken_is_found_by_the_rule_it_breaks(broken: Case, request: pytest.FixtureRequest):
    sound: Plan = request.getfixturevalue(broken.plan)
    draft = Draft(sound)

    broken.change(draft)

    assert fired(sound, draft) == broken.rules


def test_every_rule_catches_something():
    caught = {rule for broken in CASES for rule in broken.rules}

    assert set(RULES) - caught == KNOWN


def test_no_two_mutations_are_called_the_same():
    assert len({broken.what for broken in CASES}) == len(CASES)
