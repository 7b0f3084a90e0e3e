"""Who sees which variant of an experiment (RUN-4): a person always the same, in every task and region."""

import hashlib

from contract.people import Person
from contract.runtime_settings import Experiment


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
