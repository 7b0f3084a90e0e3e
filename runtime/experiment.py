"""Who sees which variant of an experiment (RUN-4): a person always the same, in every task and region."""

import hashlib

from contract.frames import Final
from contract.intents import Intent
from contract.people import Person
from contract.runtime_settings import Experiment
from runtime.measures import Measures

USUAL = "usual"  # those who see no variant
GOOD = 4  # a rating from which an answer was a good one


class Trial:
    """What is compared between those who see another wording and those who do not."""

    def __init__(self, experiment: Experiment, measures: Measures) -> None:
        self._experiment = experiment
        self._measures = measures

    def answered(self, person: Person, ending: Final) -> None:
        """An answer, and whether a human was wanted."""
        self._measures.variant_answered(self._name(person), human=ending.about.intent is Intent.ESCALATION)

    def rated(self, person: Person, rating: int) -> None:
        """What somebody thinks of an answer, from 1 to 5."""
        self._measures.variant_rated(self._name(person), good=rating >= GOOD)

    def _name(self, person: Person) -> str:
        """Two experiments of which one follows the other are kept apart."""
        return f"{self._experiment.name}/{variant_of(self._experiment, person) or USUAL}"


def variant_of(experiment: Experiment | None, person: Person) -> str:
    """The variant's name; empty for the usual wording."""
    if experiment is None:
        return ""
    digest = hashlib.sha256(f"{experiment.name}\n{person.owner}".encode()).digest()
    place = int.from_bytes(digest[:8]) / 2**64
    for name in sorted(experiment.shares):
        place -= experiment.shares[name]
        if place < 0:
            return name
    return ""
