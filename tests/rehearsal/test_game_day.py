"""A game day from beginning to end, with every program it starts; the long ones are slow proofs.

The short one plays in every test run. It is too short for an alarm, so the alarm's gates fail, and no others.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from chaos import catalogue as experiments
from contract.controls import Controls, parse
from contract.errors import DONE, FAILED
from contract.faults import Experiment
from loadtests import samples
from rehearsal import game_day, report
from rehearsal import story as stories
from rehearsal.game_day import Options, Result
from rehearsal.story import Story
from rehearsal.timeline import Told

ROOT = Path(__file__).resolve().parents[2]
ALARM = "alarm bedrock-throttled within 35 s"
HELPED = "runbook bedrock-throttled helped and was undone"
BREAKER = "breaker keeps messages from a dead rung (25% at most try it)"
FALLBACK = "T1 answers while sonnet cannot (90% at least)"
CANNED = "nobody got a canned answer who need not have (1% at most)"
PROGRAMS = ("aws", "bedrock", "runtime")
PATIENCE_S = 240.0

# Four seconds of short questions, evenly spread. A busy machine may be late: this run is not about speed.
SCENARIO = """
name = "short"
users = 40
arrivals = "exact"
lag_limit_ms = 10_000
[mix]
track = 1.0
[[stages]]
for_s = 4
rate = 10
"""


def short_story(scenario: Path) -> Story:
    gates = {"first_token_p95_ms": 20_000.0, "recovered_share": 0.0}
    whole = stories.load("prime-day")
    return Story.model_validate(
        whole.model_dump()
        | {"id": "short", "scenario": str(scenario), "length_s": 4.0, "experiment_at_s": 0.5}
        | {"gates": whole.gates.model_dump() | gates}
    )


def blink() -> Experiment:
    """Sonnet is gone for a second."""
    whole = experiments.load("sonnet-throttled").model_dump()
    fault = {"target": "bedrock", "kind": "throttle", "match": {"model": "sonnet"}, "lease_s": 20}
    return Experiment.model_validate(
        whole
        | {"id": "blink", "method": [{"at_s": 0, "for_s": 1, "fault": fault}]}
        | {"steady_state": [{"measure": "failed_share", "at_most": 0}]}
    )


def held(gates: Sequence[Mapping[str, Any]]) -> dict[str, bool | None]:
    """Gate -> False or None, for those that did not hold; from the report, so that it is read as well."""
    return {gate["gate"]: gate["held"] for gate in gates if gate["held"] is not True}


def addresses(folder: Path) -> list[tuple[str, int]]:
    """Where the programs of a run listened, by their own words."""
    found = []
    for program in PROGRAMS:
        (ready,) = re.findall(r'"url": ?"([^"]+)"', (folder / f"{program}.out").read_text("utf-8"))[:1]
        place = urlsplit(ready)
        found.append((place.hostname or "", place.port or 0))
    return found


def listens(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def children() -> set[int]:
    """Programs that this process has started and that have not ended."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,comm="], capture_output=True, text=True, check=True
    )
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
    return {int(pid) for pid, parent, name in rows if int(parent) == os.getpid() and name != "ps"}


def events(folder: Path, journal: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / journal).read_text("utf-8").splitlines()]


def assert_nothing_is_left(folder: Path) -> None:
    """No program listens any more, and every fault that was injected was taken away."""
    assert [address for address in addresses(folder) if listens(address)] == []
    faults: dict[str, str] = {
        event["fault"]["id"]: event["what"] for event in events(folder, "chaos.jsonl") if "fault" in event
    }
    assert set(faults.values()) <= {"cleared", "swept"}


# --- A short day --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Day:
    """What was played, and what could be seen of it from outside."""

    result: Result
    told: Sequence[Told]
    children: set[int]


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """On a machine that reaches the world through a proxy, of a person with a profile that does not exist."""
    with pytest.MonkeyPatch.context() as person:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY"):
            person.setenv(name, "http://127.0.0.1:9")
        for name in ("NO_PROXY", "no_proxy"):
            person.delenv(name, raising=False)
        person.setenv("AWS_PROFILE", "nobody-has-it")
        yield from played(tmp_path_factory)


def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    folder = tmp_path_factory.mktemp("short")
    (folder / "short.toml").write_text(SCENARIO)
    before, told = children(), list[Told]()
    result = game_day.run(
        short_story(folder / "short.toml"), Options(), folder / "run", told.append, experiment=blink()
    )
    yield Day(result, told, children() - before)


def test_a_short_day_holds_every_gate_but_those_that_need_more_time(short: Day):
    """Alarms need twenty seconds of bad data; the breaker's and the fallback's gates grant time to learn.

    Where the machine is quick, that time is enough: then these two are held.
    """
    report.write(short.result)
    facts = json.loads((short.result.folder / "report.json").read_text("utf-8"))

    undecided = {BREAKER: None, FALLBACK: None}
    assert {**undecided, **held(facts["gates"])} == {ALARM: False, HELPED: False, **undecided}
    assert short.result.exit_code == FAILED


def test_when_a_day_is_over_nothing_of_it_is_left(short: Day):
    assert short.children == set()
    assert short.result.evidence.leftover_faults == 0
    assert_nothing_is_left(short.result.folder)


def test_people_talked_to_the_real_runtime_over_the_real_protocol(short: Day):
    """Sonnet answers, Haiku while it is gone; every message that was due has an answer."""
    found = samples.read(short.result.folder / "samples.jsonl")

    assert len(found) == 40
    assert {(one.tier, one.rung) for one in found} == {("T0", "sonnet"), ("T1", "haiku")}
    assert tuple(short.result.evidence.samples) == found


def test_what_the_runtime_measured_is_what_people_saw(short: Day):
    """One call to Sonnet a message, but for those that the open breaker sent to Haiku at once."""
    store = short.result.evidence.metrics
    answered = store.values("Messages", {"Environment": "dev", "Tier": "T0"}, 0, 1e12)
    tried = store.values("ModelThrottled", {"Environment": "dev", "Rung": "sonnet"}, 0, 1e12)
    by_sonnet = sum(one.rung == "sonnet" for one in short.result.evidence.samples)

    assert sum(answered) == tried.count(0.0) == by_sonnet
    assert tried.count(1.0) >= 3


def test_the_story_is_told_as_it_happens(short: Day):
    kinds = [told.event.kind for told in short.told]

    assert kinds == ["plan", "stand-ins", "runtime", "load", "fault", "fault", "load"]
    assert [told.event for told in short.told] == short.result.timeline.events
    assert all(
        (told.second is None) == (told.event.kind in {"plan", "stand-ins", "runtime"}) for told in short.told
    )


def test_the_fault_was_in_place_as_long_as_written(short: Day):
    (stage,) = short.result.evidence.stages

    assert stage.end - stage.start == pytest.approx(1, abs=0.5)
    assert [event["what"] for event in events(short.result.folder, "chaos.jsonl")] == [
        "started", "injecting", "injected", "cleared", "ended",
    ]  # fmt: skip


# --- The long ones ------------------------------------------------------------------------------------------


@pytest.fixture
def project(project: Path) -> Path:
    """A project of its own, so that its folders do not pile up in ours."""
    shutil.copy(ROOT / "Pulumi.dev.yaml", project)
    return project


def rehearse(project: Path, *arguments: str) -> tuple[int, dict[str, Any], Path]:
    """(exit code, report, folder) of a game day as a person starts it."""
    told = subprocess.run(
        [sys.executable, "-m", "concierge", "rehearse", *arguments, "--json"],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert told.stdout, told.stderr
    assert "Traceback" not in told.stderr
    facts: dict[str, Any] = json.loads(told.stdout)
    return told.returncode, facts, Path(facts["report"]).parent


def controls(folder: Path) -> Controls:
    """As the last runbook entry that changed or restored them left them: what undo put back."""
    done = [entry for entry in events(folder, "runbooks.jsonl") if entry["what"] in {"changed", "undone"}]
    last = done[-1]
    return parse(
        last["change"]["saved"] if last["what"] == "undone" else last["change"]["call"]["request"]["Value"]
    )


@pytest.mark.prove
def test_prime_day_is_survived(project: Path):
    """Everything the story promises, in under two minutes, and nothing left afterwards."""
    code, facts, folder = rehearse(project, "prime-day")

    assert held(facts["gates"]) == {}
    assert (code, facts["verdict"]) == (DONE, "survived")
    assert controls(folder).haiku_threshold is None
    assert (folder / "report.html").stat().st_size > 10_000
    assert_nothing_is_left(folder)


@pytest.mark.prove
def test_without_its_breaker_just_the_breakers_gate_fails(project: Path):
    """Every message tries the dead rung first; people are served all the same."""
    code, facts, folder = rehearse(project, "prime-day", "--set", "runtime.breaker.enabled=false")

    assert held(facts["gates"]) == {BREAKER: False}
    assert (code, facts["verdict"]) == (FAILED, "not survived")
    assert facts["changes"] == {"runtime.breaker.enabled": "false"}
    assert_nothing_is_left(folder)


@pytest.mark.prove
def test_when_haiku_is_throttled_too_canned_answers_are_not_what_was_promised(tmp_path: Path):
    """The same faults without their limit to Sonnet, and Haiku unwell from the beginning.

    T2 answers instead of T1, and the runbook does not send more messages to a fallback that fails.
    """
    whole = experiments.load("sonnet-throttled").model_dump()
    for stage in whole["method"]:
        stage["fault"]["match"] = {}
    little = whole["method"][0]
    unwell = {**little, "fault": {**little["fault"], "rate": 0.3, "match": {"model": "haiku"}}}
    told: list[Told] = []
    result = game_day.run(
        stories.load("prime-day"),
        Options(),
        tmp_path / "run",
        told.append,
        experiment=Experiment.model_validate({**whole, "method": [*whole["method"], unwell]}),
    )

    failed = {gate.name: gate.measured for gate in result.gates if gate.held is not True}
    assert failed.keys() == {FALLBACK, HELPED, CANNED}
    assert failed[FALLBACK].startswith("T2 ")
    assert failed[HELPED].startswith("nothing-to-do, not undone: Haiku fails: ")
    assert result.exit_code == FAILED
    assert_nothing_is_left(tmp_path / "run")


@pytest.mark.prove
def test_ctrl_c_ends_everything_with_one_line(project: Path):
    """In the middle of a fault: it is taken away, every program ends, and the last word is one line."""
    with subprocess.Popen(
        [sys.executable, "-m", "concierge", "rehearse", "prime-day"],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if "injected" in line:
                process.send_signal(signal.SIGINT)
                break
        out, rest = process.communicate(timeout=60)

    assert process.returncode == 130, rest
    (folder,) = (project / "build" / "rehearsals").iterdir()
    assert rest.splitlines()[-1] == "concierge: interrupted"
    assert [line for line in [*said, *rest.splitlines()] if line.startswith("concierge:")] == [
        "concierge: interrupted"
    ]
    assert "Traceback" not in rest
    assert out == ""
    assert_nothing_is_left(folder)
