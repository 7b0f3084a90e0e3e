"""A rehearsal from beginning to end, with every program it starts; the long ones are slow proofs.

The short one plays in every test run: seconds, too short for an alarm to be judged.
"""

import io
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
from rich.console import Console

from contract.controls import Controls, parse
from contract.errors import DONE, FAILED, INCONCLUSIVE
from loadtests import samples
from rehearsal import history, live_screen, playing, report
from rehearsal.game_day import GameDay
from rehearsal.live import Desk, Live, State
from rehearsal.played import Options, Result
from rehearsal.story import Story
from rehearsal.timeline import Told

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("aws", "bedrock", "runtime")
PATIENCE_S = 400.0

# Four seconds of short questions, evenly spread. A busy machine may be late: this run is not about speed.
SCENARIO = """
name = "short"
users = 24
arrivals = "exact"
lag_limit_ms = 10_000
[mix]
track = 1.0
[[stages]]
for_s = 4
rate = 6
"""


def short_story(scenario: Path) -> Story:
    """Sonnet is gone for a second."""
    fault = {"target": "bedrock", "kind": "throttle", "match": {"model": "sonnet"}}
    return Story.model_validate(
        {
            "id": "short",
            "title": "Short",
            "speed": 1,
            "length_s": 4,
            "traffic": {"scenario": str(scenario)},
            "scenes": [{"title": "Sonnet is gone", "at_s": 0.5, "for_s": 1, "faults": [fault]}],
            # The process of the tests itself is counted, with all that it has loaded.
            "gates": {"first_token_p95_ms": 60_000, "canned_share": 1, "memory_gb": 100},
        }
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
    state: State
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
        folder = tmp_path_factory.mktemp("short")
        (folder / "short.toml").write_text(SCENARIO)
        before, told, lives = children(), list[Told](), list[Live]()

        def watch(day: GameDay) -> None:
            lives.append(Live(day, Desk()))

        story = short_story(folder / "short.toml")
        result = playing.run(story, Options(), folder / "run", told.append, watch)
        yield Day(result, told, lives[0].state(), children() - before)


def test_a_short_day_holds_every_gate_but_what_needs_minutes_to_tell(short: Day):
    """Alarms look once a minute; and a shopper who asks once may hear no price."""
    report.write(short.result)
    facts = json.loads((short.result.folder / "report.json").read_text("utf-8"))

    untold = held(facts["gates"])
    assert set(untold) <= {"no wrong price", "no other alarm", "all alarms green at the end"}
    assert set(untold.values()) <= {None}
    assert short.result.exit_code in {DONE, INCONCLUSIVE}


def test_when_a_day_is_over_nothing_of_it_is_left(short: Day):
    assert short.children == set()
    assert short.result.evidence.leftover_faults == 0
    assert_nothing_is_left(short.result.folder)


def test_people_talked_to_the_whole_agent_over_the_real_protocol(short: Day):
    """Haiku answers while Sonnet is gone; every message that was due has an answer, from what it found."""
    found = samples.read(short.result.folder / "samples.jsonl")

    assert len(found) == 24
    assert {one.error for one in found} == {None}
    assert {(one.tier, one.rung) for one in found} >= {("T1", "haiku")}
    store = short.result.evidence.metrics
    asked = store.values("ProviderMs", {"Environment": "dev", "Provider": "orders"}, 0, 1e12)
    assert len(asked) > 0


def test_bedrock_publishes_what_aws_would(short: Day):
    store = short.result.evidence.metrics
    throttled = [
        series for series, _, _ in store.known() if series[:2] == ("AWS/Bedrock", "InvocationThrottles")
    ]

    assert throttled
    assert history.read(short.result.folder).namespaces == {"AWS/Bedrock", "Concierge"}


def test_the_story_is_told_as_it_happens(short: Day):
    kinds = [told.event.kind for told in short.told]

    assert kinds == ["plan", "stand-ins", "runtime", "load", "fault", "fault", "load"]
    assert [told.event for told in short.told] == short.result.timeline.events
    assert all(
        (told.second is None) == (told.event.kind in {"plan", "stand-ins", "runtime"}) for told in short.told
    )


def test_what_a_screen_shows_is_what_happened(short: Day):
    state = short.state

    assert (state.title, state.sent, state.messages, state.failed) == ("Short", 24, 24, 0)
    assert set(state.breakers) == {"sonnet", "haiku"}
    assert sum(sum(one.tiers.values()) for one in state.bins) >= 20
    assert state.lines[-1].text == "all messages have come to their end"


def test_a_screen_can_be_drawn_of_it(short: Day):
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(live_screen.draw(short.state, 100))

    text = console.export_text()
    assert "24 of 24" in text
    assert "alarms" in text
    assert max(len(line) for line in text.splitlines()) <= 100


def test_the_fault_was_in_place_as_long_as_written_and_calls_met_it(short: Day):
    (stage,) = short.result.evidence.stages

    assert stage.end - stage.start == pytest.approx(1, abs=0.5)
    assert stage.hit is not None
    assert stage.hit > 0
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
    """(exit code, report, folder) of a rehearsal as a person starts it."""
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
@pytest.mark.long
def test_prime_day_is_survived(project: Path):
    """Everything the story promises, and nothing left afterwards."""
    code, facts, folder = rehearse(project, "prime-day")

    assert held(facts["gates"]) == {}
    assert (code, facts["verdict"]) == (DONE, "survived")
    assert controls(folder).haiku_threshold is None
    assert (folder / "report.html").stat().st_size > 10_000
    assert_nothing_is_left(folder)


THROTTLED = """
id: throttled
title: Sonnet is throttled
length_s: 110
traffic: { scenario: normal, rate: 2 }
scenes:
  - title: Sonnet is throttled
    at_s: 20
    for_s: 60
    faults: [{ target: bedrock, kind: throttle, match: { model: sonnet } }]
    expect:
      alarms: { bedrock-throttled: 50 }
      runbooks: { bedrock-throttled: verified }
      answers: { tier: T1, share: 0.8, learns_s: 10 }
"""


@pytest.mark.prove
@pytest.mark.long
def test_without_what_it_uses_a_story_does_not_survive(project: Path):
    """The rest is held on evidence (test_deletions.py); here the real thing, all three at once."""
    (project / "throttled.yaml").write_text(THROTTLED)
    taken = ("rung:haiku", "runbook:bedrock-latency", "alarm:bedrock-throttled")
    wanted = [word for one in taken for word in ("--without", one)]
    code, facts, folder = rehearse(project, "throttled.yaml", *wanted)

    assert code in {FAILED, INCONCLUSIVE}
    lost = held(facts["gates"])
    assert lost["Sonnet is throttled: T1 answers 80% at least"] is False
    assert lost["Sonnet is throttled: alarm bedrock-throttled within 50 s"] is False
    assert lost["runbook bedrock-throttled helped and was undone"] is False
    assert facts["without"] == list(taken)
    assert_nothing_is_left(folder)


@pytest.mark.prove
def test_ctrl_c_ends_everything_with_a_report_of_what_there_was(project: Path):
    """In the middle of a fault: it is taken away, every program ends, and the last word is one line."""
    with subprocess.Popen(
        [sys.executable, "-m", "concierge", "rehearse", "prime-day", "--rate", "0.3"],
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
        out, rest = process.communicate(timeout=90)

    assert process.returncode == 130, rest
    (folder,) = (project / "build" / "rehearsals").iterdir()
    assert rest.splitlines()[-1] == "concierge: interrupted"
    assert "Traceback" not in rest
    assert out == ""
    facts = json.loads((folder / "report.json").read_text("utf-8"))
    assert facts["verdict"] == "inconclusive"
    assert (folder / "report.html").is_file()
    assert_nothing_is_left(folder)
