"""How many workers a load needs: the hardest limit decides, and is named."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import load_fleet
from contract.errors import WrongUseError
from loadtests import fleet
from loadtests.fleet import Measured, Wish, size


def test_the_peak_of_the_event_by_hand():
    found = size(Wish(messages_s=50_000, sessions=500_000, frames=20, targets=4), Measured())
    cores = 50_000 * (122 + 20 * 19) / 1e6
    assert found.needs[0].limit == "processor"
    assert found.workers == -(-cores // fleet.BUSY)
    assert found.connect_s == 1_000


def test_many_silent_people_are_stopped_by_ports_and_more_addresses_help():
    one = size(Wish(messages_s=100, sessions=1_000_000, targets=1))
    four = size(Wish(messages_s=100, sessions=1_000_000, targets=8))
    assert one.needs[0].limit == "ports"
    assert four.workers < one.workers


def test_a_master_that_would_be_too_busy_is_told():
    found = size(Wish(messages_s=50_000, sessions=500_000, targets=8), Measured(report_ms=100.0))
    assert any("the master would be" in warning for warning in found.warnings)


@given(st.floats(1, 1e5), st.integers(1, 10**6), st.integers(1, 8))
def test_no_limit_is_passed(messages: float, sessions: int, targets: int):
    found = size(Wish(messages_s=messages, sessions=sessions, targets=targets))
    assert found.busy_each <= fleet.BUSY + 1e-9
    assert found.sockets_each <= min(fleet.FILES, fleet.PORTS * targets)


def test_the_limit_of_files_is_that_of_the_fleet():
    assert fleet.FILES + 256 == load_fleet.FILES


def test_what_was_measured_here_is_taken(tmp_path: Path):
    path = tmp_path / "bench.json"
    told = {"frame_us": 10, "message_us": 50, "user_bytes": 9_000, "report_ms": 1}
    path.write_text(json.dumps({"fleet": told}))
    assert fleet.read(path) == Measured(**told)
    path.write_text("{}")
    with pytest.raises(WrongUseError, match=r"is not what bench/load\.py --json prints"):
        fleet.read(path)


def test_a_wish_for_nothing_is_told():
    with pytest.raises(WrongUseError, match="messages_s 0: must be above 0"):
        Wish(messages_s=0, sessions=1)
