"""Every test of this room gets its own control API, clock and journal."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos.faults.rehearsal import RehearsalTarget
from chaos.journal import Journal
from tests.chaos.control_api_helpers import ControlApi, VirtualClock


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def api(clock: VirtualClock) -> Iterator[ControlApi]:
    found = ControlApi(clock)
    yield found
    found.close()


@pytest.fixture
def target(api: ControlApi) -> RehearsalTarget:
    return RehearsalTarget(api.url)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.jsonl")
