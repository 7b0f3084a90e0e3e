"""CHAOS-2: whoever runs an experiment may be killed at any moment, and nothing stays broken."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos.faults.rehearsal import RehearsalTarget
from concierge.__main__ import INTERRUPTED, run
from contract.faults import Fault, FaultKind
from rehearsal import standins
from rehearsal.processes import Processes

# Stages that overlap and follow each other within a second and a half; leases far beyond them.
_SCRIPT = """
import json, sys
from pathlib import Path
from chaos import runner
from chaos.faults.rehearsal import RehearsalTarget
from chaos.journal import Journal
from contract.faults import Experiment
from tests.chaos.control_api_helpers import EXPERIMENT

def stage(at, model):
    fault = {"target": "bedrock", "kind": "throttle", "match": {"model": model}, "lease_s": 600}
    return {"at_s": at, "for_s": 0.8, "fault": fault}

document = EXPERIMENT.model_dump(mode="json")
document["method"] = [stage(0.1 * n, ("sonnet", "haiku", "opus")[n % 3]) for n in range(8)]
url, journal = sys.argv[1:]
print("begun", flush=True)
runner.run(
    Experiment.model_validate(document), RehearsalTarget(url), clock=runner.WallClock(),
    on_event=lambda event: None, journal=Journal(Path(journal)),
)
"""
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Processes(tmp_path_factory.mktemp("bedrock")) as processes:
        yield standins.url(standins.start_bedrock(processes))


def started(url: str, journal: Path) -> subprocess.Popen[bytes]:
    """An experiment under way."""
    program = subprocess.Popen(
        [sys.executable, "-c", _SCRIPT, url, str(journal)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert program.stdout is not None
    assert program.stdout.readline() == b"begun\n"
    return program


def ended(program: subprocess.Popen[bytes], number: signal.Signals) -> int:
    os.kill(program.pid, number)
    code = program.wait(10)
    if program.stdout is not None:
        program.stdout.close()
    return code


@pytest.mark.prove
@pytest.mark.long
def test_twenty_are_killed_and_a_sweep_leaves_nothing(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target, moments, left = RehearsalTarget(url), random.Random(15), 0
    for number in range(20):
        program = started(url, tmp_path / f"{number}.jsonl")
        time.sleep(moments.uniform(0, 1.6))  # a real process is killed at a real moment
        assert ended(program, signal.SIGKILL) in {-signal.SIGKILL, 0}
        before = target.active()
        capsys.readouterr()
        assert run(["chaos", "sweep", "--at", url, "--json"]) == 0
        swept = json.loads(capsys.readouterr().out)["swept"]
        assert [one["id"] for one in swept] == [one.id for one in before]
        assert target.active() == ()
        left += len(before)
    assert left >= 10  # most were killed with faults in place: else nothing was shown


@pytest.mark.prove
@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_is_told_to_stop_takes_everything_along(url: str, tmp_path: Path, number: signal.Signals) -> None:
    target = RehearsalTarget(url)
    program = started(url, tmp_path / "journal.jsonl")
    while not target.active():
        time.sleep(0.02)
    ended(program, number)
    if number is signal.SIGINT:
        assert target.active() == ()
    else:  # a program that has not said what SIGTERM means to it is killed; its command does
        run(["chaos", "sweep", "--at", url])
        assert target.active() == ()


@pytest.mark.prove
@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_suite_that_is_told_to_stop_begins_nothing_more(tmp_path: Path, number: signal.Signals) -> None:
    with (tmp_path / "err").open("w") as err:
        command = [sys.executable, "-m", "concierge", "chaos", "suite", "failover", "--apply"]
        program = subprocess.Popen(
            [*command, "--folder", str(tmp_path / "runs")], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=err
        )
        told = tmp_path / "err"
        until = time.monotonic() + 240
        while " injected: " not in told.read_text():
            assert program.poll() is None and time.monotonic() < until, told.read_text()
            time.sleep(0.2)
        os.kill(program.pid, number)
        assert program.wait(60) == INTERRUPTED
    text = told.read_text()
    assert text.count(" cleared: ") == text.count(" injected: ")
    assert text.splitlines()[-1] == "concierge: interrupted"
    runs = [folder.name for folder in (tmp_path / "runs").iterdir() if folder.name != "ground"]
    assert len(runs) == 1


@pytest.mark.prove
@pytest.mark.long
def test_a_lease_ends_without_anybody(url: str) -> None:
    target = RehearsalTarget(url)
    target.inject(Fault(target="bedrock", kind=FaultKind.THROTTLE, lease_s=0.3))
    time.sleep(0.5)  # the stand-in's own clock is real
    assert target.active() == ()
    assert target.log()[-1].what == "expired"


def test_a_sweep_of_nobody_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["chaos", "sweep", "--at", "http://127.0.0.1:9"]) == 3
    assert capsys.readouterr().err.startswith("concierge: http://127.0.0.1:9 does not answer GET")
    assert run(["chaos", "sweep", "--at", "https://example.com"]) == 2
