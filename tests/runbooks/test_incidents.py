"""OPS-4: every runbook in its incident: it knows the cause, plans without touching, helps, and takes back."""

from collections.abc import Iterator
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


@pytest.fixture(scope="session")
def inventory(planned: Planned) -> Inventory:
    """Of prod with everything on."""
    moto_percentiles.teach()
    return Inventory.model_validate_json(str(planned("prod", CHANGES).outputs["inventory"]))


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with mock_aws():
        yield
    close_all()


def plan(place: Place, name: str, journal: Journal) -> Record:
    return run(load(name), place.world(), apply=False, why="", journal=journal)


def apply(place: Place, name: str, journal: Journal) -> Record:
    return run(load(name), place.world(), apply=True, why="drill", journal=journal)


@pytest.mark.parametrize("name", NAMES)
class TestItsIncident:
    def test_the_plan_names_the_cause_and_changes_nothing(
        self, inventory: Inventory, name: str, journal: Journal
    ) -> None:
        place = broken(inventory, name)
        record = plan(place, name, journal)
        assert record.verdict == "planned", record.note
        assert record.changes
        assert record.writes == 0
        unseen = [found.what for found in record.findings.values() if "could not be seen" in found.what]
        assert not unseen
        before = place.snapshot(load(name), record.findings)
        again = plan(place, name, journal)
        assert place.snapshot(load(name), again.findings) == before

    def test_apply_helps_and_is_verified_and_a_second_apply_does_nothing(
        self, inventory: Inventory, name: str, journal: Journal
    ) -> None:
        place = broken(inventory, name)
        record = apply(place, name, journal)
        assert (record.verdict, record.exit_code) == ("applied+verified", 0), record.note
        assert record.writes > 0
        if INCIDENTS[name].phased:
            return
        place.live(600)
        again = apply(place, name, journal)
        assert (again.verdict, again.writes) == ("nothing-to-do", 0), again.note

    def test_undo_puts_back_what_can_be_put_back(
        self, inventory: Inventory, name: str, journal: Journal
    ) -> None:
        place = broken(inventory, name)
        planned = plan(place, name, journal)
        before = place.snapshot(load(name), planned.findings)
        applied = apply(place, name, journal)
        record = undo(load(name), place.world(), why="over", journal=journal)
        if INCIDENTS[name].reversible:
            assert record.verdict == "undone", record.note
            assert place.snapshot(load(name), planned.findings) == before
        else:
            assert record.verdict in {"left-alone", "undone"}, record.note
            assert all(change.undo for change in applied.changes)

    def test_killed_at_any_change_it_can_be_resumed(
        self, inventory: Inventory, name: str, tmp_path: Path
    ) -> None:
        book = load(name)
        probe = apply(broken(inventory, name), name, Journal(tmp_path / "probe.jsonl"))
        for number in range(min(probe.writes, 4)):
            with mock_aws():
                place, own = broken(inventory, name), Journal(tmp_path / f"{number}.jsonl")
                place.strike(number, KilledError(), book.reads)
                with pytest.raises(KilledError):
                    apply(place, name, own)
                place.heal()
                assert own.read()[-1].what == "interrupted"
                record = resume(book, place.world("lea"), why="goes on", journal=own)
                assert record.verdict == "applied+verified", record.note

    def test_a_refused_call_is_taken_back_and_leaves_a_readable_journal(
        self, inventory: Inventory, name: str, tmp_path: Path
    ) -> None:
        book = load(name)
        probe = apply(broken(inventory, name), name, Journal(tmp_path / "probe.jsonl"))
        for number in range(min(probe.writes, 4)):
            with mock_aws():
                place, own = broken(inventory, name), Journal(tmp_path / f"{number}.jsonl")
                findings = plan(place, name, own).findings
                before = place.snapshot(book, findings)
                place.strike(number, refused(), book.reads)
                record = apply(place, name, own)
                place.heal()
                assert own.read()[-1].what == "ended"
                if record.verdict == "applied+verified":
                    assert "not needed" in " ".join(entry.text for entry in own.read())
                    continue
                assert record.exit_code != 0, record.note
                if INCIDENTS[name].reversible:
                    assert place.snapshot(book, findings) == before
                again = apply(place, name, own)
                assert again.verdict == "applied+verified", again.note

    def test_two_at_once_are_refused(self, inventory: Inventory, name: str, journal: Journal) -> None:
        place = broken(inventory, name)
        Lease(place.world("lea"), name, "another-run").take()
        record = apply(place, name, journal)
        assert (record.verdict, record.exit_code, record.writes) == ("inconclusive", 3, 0)
        assert f"lea is applying {name}" in record.note

    def test_its_role_allows_what_it_calls_and_nothing_else(
        self, inventory: Inventory, name: str, journal: Journal
    ) -> None:
        place = broken(inventory, name)
        place.calls.clear()
        apply(place, name, journal)
        undo(load(name), place.world(), why="over", journal=journal)
        assert set(place.calls) <= load(name).calls


@pytest.mark.parametrize("name", NAMES)
class TestOtherwise:
    def test_in_a_healthy_place_it_does_nothing(
        self, inventory: Inventory, name: str, journal: Journal
    ) -> None:
        if INCIDENTS[name].phased:
            return
        place = healthy(inventory, name)
        place.live(900)
        record = apply(place, name, journal)
        assert (record.verdict, record.writes) == ("nothing-to-do", 0), record.note

    def test_in_another_incident_it_does_not_act(
        self, inventory: Inventory, name: str, tmp_path: Path
    ) -> None:
        others = [other for other in NAMES if other not in (name, *INCIDENTS[name].alike)]
        start = NAMES.index(name)
        for other in [others[(start + step) % len(others)] for step in (0, 5, 11)] if others else []:
            with mock_aws():
                place = broken(inventory, name, by=other)
                record = apply(place, name, Journal(tmp_path / f"{other}.jsonl"))
                assert record.writes == 0, f"{other}: {record.note}"
