"""`concierge load` as a performance engineer meets it: a real process, its output, its exit code."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from contract.errors import DONE, INCONCLUSIVE, WRONG_USE
from tests.loadtests.chat_server_helpers import chat_server, refused

ROOT = Path(__file__).resolve().parents[2]
STORY = """
name = "short"
users = 30
mix = { browse = 1.0 }
think = 0.05
lag_limit_ms = 10_000
gates = { failed = "rate <= 1%" }
stages = [{ for_s = 7, rate = 8 }]
"""


def load(*arguments: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "concierge", "load", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "COLUMNS": "140", "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def story(tmp_path: Path) -> Path:
    path = tmp_path / "short.toml"
    path.write_text(STORY)
    return path


def test_every_scenario_is_listed_with_what_it_shows():
    told = load("list")
    assert told.returncode == DONE, told.stderr
    for name in ("normal", "peak-3x", "spike-10x", "prime-day", "soak", "breakpoint", "flash-sale"):
        assert name in told.stdout
    assert {one["name"] for one in json.loads(load("list", "--json").stdout)["scenarios"]} > {"prime-day"}


def test_a_scenario_says_what_must_hold_and_what_can_be_switched_off():
    told = load("show", "flash-sale")
    assert "gate" in told.stdout
    assert "--off coalescing" in told.stdout
    assert json.loads(load("show", "prime-day", "--json").stdout)["computed"]["length_s"] == 85


def test_a_run_leaves_its_report_and_may_be_a_baseline(tmp_path: Path, story: Path):
    folder, baseline = tmp_path / "results", tmp_path / "baseline.json"
    with chat_server() as host:
        told = load("run", story, "--host", host, "--folder", folder, "--save-baseline", baseline, "--json")
    assert told.returncode == DONE, told.stderr
    facts = json.loads(told.stdout)
    assert (facts["verdict"], facts["folder"]) == ("passed", str(folder))
    assert f"report: {folder}/report.html" in told.stderr
    assert "first token p95" in told.stderr  # progress, while it ran
    again = load("compare", baseline, folder)
    assert again.returncode in {DONE, INCONCLUSIVE}  # too short to say much, but certainly no worse
    assert "compared with the baseline" in again.stdout
    (folder / "report.html").unlink()
    assert load("report", folder).returncode == DONE
    assert (folder / "report.html").exists()


def test_a_gate_that_breaks_is_exit_code_one(tmp_path: Path, story: Path):
    baseline = tmp_path / "baseline.json"
    with chat_server(refused) as host:
        told = load("run", story, "--host", host, "--folder", tmp_path / "r", "--save-baseline", baseline)
    assert told.returncode != DONE
    assert "FAILED  failed rate <= 1%: 100.00%" in told.stdout
    assert not baseline.exists()


def test_nobody_there_is_one_line(tmp_path: Path, story: Path):
    with chat_server() as host:
        pass
    told = load("run", story, "--host", host, "--folder", tmp_path / "r")
    assert told.returncode == INCONCLUSIVE
    assert told.stdout == ""
    assert told.stderr.count("\n") == 1
    assert told.stderr.endswith("Connection refused: start the runtime, or say where it is with --host\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("run", "prime-dya"), "scenario 'prime-dya': there is no such file; name one of"),
        (
            ("run", "prime-day", "--off", "x", "--host", "http://h"),
            "prime-day has no switch 'x'; it has: none",
        ),
        (("run", "flash-sale", "--off", "caches", "--host", "http://h"), "leave --host out"),
        (("compare", "nowhere", "nowhere"), "run nowhere: cannot be read"),
        (("from-log", "nowhere.jsonl", "--name", "x"), "log nowhere.jsonl: cannot be read"),
        (("fleet", "--messages", "0"), "messages_s 0: must be above 0"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_two(arguments: tuple[str, ...], told: str):
    done = load(*arguments)
    assert done.returncode == WRONG_USE
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_fleet_names_what_stops_it_first():
    told = load("fleet")
    assert "workers: processor is what stops it first" in told.stdout
    assert json.loads(load("fleet", "--json").stdout)["workers"] > 10
