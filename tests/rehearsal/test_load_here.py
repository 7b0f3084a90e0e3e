"""The scale scenarios (LOAD-2) on the stand-ins: the design withstands each; without it the gate breaks."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.faults import Fault, FaultKind
from loadtests import scenario
from rehearsal import load_here

ROOT = Path(__file__).resolve().parents[2]
SWITCHES = [
    (name, switch)
    for name in scenario.known()
    for switch, what in scenario.load(name).switches.items()
    if what.breaks
]


def test_a_fault_is_told_in_a_few_words():
    fault = Fault(target="bedrock", kind=FaultKind.THROTTLE, rate=0.7, match={"model": "sonnet"}, lease_s=9)
    assert load_here.words(fault) == "throttle bedrock sonnet 70%"


def test_a_folder_is_named_by_its_moment_and_its_scenario(tmp_path: Path):
    folder = load_here.folder_for(scenario.load("normal"), tmp_path)
    assert folder.parent == tmp_path / "build" / "loads"
    assert folder.name.endswith("-normal")


def test_what_can_be_shown_here_has_a_switch():
    assert {name for name, _ in SWITCHES} == {
        "bedrock-throttled",
        "catalogue-lookups",
        "cold-endpoints",
        "connection-limit",
        "flash-sale",
        "reranker",
    }


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield tmp_path_factory.mktemp("loads")


def gates(name: str, folder: Path, *off: str) -> dict[str, bool | None]:
    """Whether each gate held, from a run of its own."""
    place = folder / "-".join((name, *off))
    if not (place / "report.json").exists():
        switches = [part for switch in off for part in ("--off", switch)]
        command = [sys.executable, "-m", "concierge", "load", "run", name, "--folder", str(place), *switches]
        subprocess.run(command, cwd=ROOT, check=False, capture_output=True, timeout=300)
    facts: dict[str, Any] = json.loads((place / "report.json").read_text())
    assert not facts["doubts"], facts["doubts"]
    return {gate["gate"]: gate["held"] for gate in facts["gates"]}


@pytest.mark.prove
@pytest.mark.long
@pytest.mark.parametrize(("name", "switch"), SWITCHES)
def test_the_design_withstands_what_breaks_without_it(kept: Path, name: str, switch: str):
    with_it, without = gates(name, kept), gates(name, kept, switch)
    breaks = scenario.load(name).switches[switch].breaks
    mine = [gate for gate in with_it if gate.startswith(breaks)]
    assert mine
    assert all(with_it.values()), with_it
    assert any(without[gate] is False for gate in mine), without
