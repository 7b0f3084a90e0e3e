"""OPS-4: every runbook in its incident: it knows the cause, plans without touching, helps, and takes back.

One world an incident is walked here from the plan to the undo. What takes many worlds (killed and refused at
each change, other incidents) is proven by `make prove`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from moto import mock_aws

from contract.inventory import Inventory
from rehearsal import moto_percentiles
from runbooks import load
from runbooks.engine import Journal, Record, resume, run, undo
from runbooks.engine.lease import Lease
from tests.conftest import Planned
from tests.runbooks.estate_parts_helpers import close_all
from tests.runbooks.incidents_helpers import INCIDENTS, broken, healthy
from tests.runbooks.place_helpers import CHANGES, KilledError, Place, refused

NAMES = sorted(INCIDENTS)
MOST_CHANGES = 4  # a world for each of the first ones is enough to know


@pytest.fixture(scope="session")
def inventory(planned: Planned) -> Inventory:
    """Of prod with everything on."""
    moto_percentiles.teach()
    return Inventory.model_validate_json(str(planned("prod", CHANGES).outputs["inventory"]))


@contextmanager
def fresh() -> Iterator[None]:
    """An empty AWS."""
    with mock_aws():
        try:
            yield
        finally:
            close_all()


def plan(place: Place, name: str, journal: Journal) -> Record:
    return run(load(name), place.world(), apply=False, why="", journal=journal)


def apply(place: Place, name: str, journal: Journal) -> Record:
    return run(load(name), place.world(), apply=True, why="drill", journal=journal)


@pytest.mark.parametrize("name", NAMES)
def test_its_incident_from_the_plan_to_the_undo(inventory: Inventory, name: str, journal: Journal) -> None:
    incident, book = INCIDENTS[name], load(name)
    with fresh():
        place = broken(inventory, name)

        planned = plan(place, name, journal)
        assert planned.verdict == "planned", planned.note
        assert not [f.what for f in planned.findings.values() if "could not be seen" in f.what]
        before = place.snapshot(book, planned.findings)
        assert plan(place, name, journal).writes == 0
        assert place.snapshot(book, planned.findings) == before

        Lease(place.world("lea"), name, "another").take()
        second = apply(place, name, journal)
        assert (second.verdict, second.writes) == ("inconclusive", 0)
        assert f"lea is applying {name}" in second.note
        Lease(place.world("lea"), name, "another").end()

        place.calls.clear()
        applied = apply(place, name, journal)
        assert (applied.verdict, applied.exit_code) == ("applied+verified", 0), applied.note
        assert applied.writes > 0

        if not incident.phased:
            place.live(600)
            again = apply(place, name, journal)
            assert (again.verdict, again.writes) == ("nothing-to-do", 0), again.note

        undone = undo(book, place.world(), why="over", journal=journal)
        assert set(place.calls) <= book.calls
        if incident.reversible:
            assert undone.verdict == "undone", undone.note
            assert place.snapshot(book, planned.findings) == before
        else:
            assert undone.verdict in {"left-alone", "undone"}, undone.note
            assert all(change.undo for change in applied.changes)


@pytest.mark.parametrize("name", [name for name in NAMES if not INCIDENTS[name].phased])
def test_in_a_healthy_place_it_does_nothing(inventory: Inventory, name: str, journal: Journal) -> None:
    with fresh():
        place = healthy(inventory, name)
        place.live(600)
        record = apply(place, name, journal)
        assert (record.verdict, record.writes) == ("nothing-to-do", 0), record.note


@pytest.mark.prove
@pytest.mark.parametrize("name", NAMES)
def test_killed_at_any_change_it_can_be_resumed(inventory: Inventory, name: str, tmp_path: Path) -> None:
    book = load(name)
    for number in range(MOST_CHANGES):
        with fresh():
            place, own = broken(inventory, name), Journal(tmp_path / f"{number}.jsonl")
            place.strike(number, KilledError(), book)
            try:
                apply(place, name, own)
            except KilledError:
                place.heal()
            else:
                return  # it makes fewer changes
            assert own.read()[-1].what == "interrupted"
            record = resume(book, place.world("lea"), why="goes on", journal=own)
            assert record.verdict == "applied+verified", f"{number}: {record.note}"


@pytest.mark.prove
@pytest.mark.parametrize("name", NAMES)
def test_a_refused_call_leaves_nothing_half_done(inventory: Inventory, name: str, tmp_path: Path) -> None:
    book = load(name)
    for number in range(MOST_CHANGES):
        with fresh():
            place, own = broken(inventory, name), Journal(tmp_path / f"{number}.jsonl")
            findings = plan(place, name, own).findings
            before = place.snapshot(book, findings)
            struck = place.strike(number, refused(), book)
            record = apply(place, name, own)
            place.heal()
            if not struck():
                return
            assert own.read()[-1].what == "ended"
            if record.verdict == "applied+verified":
                assert "is not needed" in " ".join(entry.text for entry in own.read())
                continue
            assert record.exit_code != 0, record.note
            if INCIDENTS[name].reversible:
                assert place.snapshot(book, findings) == before
            again = apply(place, name, own)
            assert again.verdict == "applied+verified", f"{number}: {again.note}"


@pytest.mark.prove
@pytest.mark.parametrize("name", NAMES)
def test_in_another_incident_it_does_not_act(inventory: Inventory, name: str, tmp_path: Path) -> None:
    start, other_names = NAMES.index(name), [other for other in NAMES if other != name]
    usual = [other_names[(start + step) % len(other_names)] for step in (0, 5, 11)]
    for other in INCIDENTS[name].others or usual:
        with fresh():
            place = broken(inventory, name, by=other)
            record = apply(place, name, Journal(tmp_path / f"{other}.jsonl"))
            assert record.writes == 0, f"{other}: {record.note}"
