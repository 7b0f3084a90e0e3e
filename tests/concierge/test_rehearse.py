"""`concierge rehearse`: what is wrong is found before anything is started, and the verdict is always seen."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from concierge.__main__ import run
from contract.errors import DONE, FAILED, INCONCLUSIVE, WRONG_USE
from rehearsal import playing, verdict
from rehearsal.played import InterruptedStoryError, Options, Result
from rehearsal.story import Story
from rehearsal.timeline import Timeline, Told
from tests.rehearsal.evidence_helpers import STORY, evidence

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own, in which a rehearsal would leave its folder."""
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- Wrong use --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nope"], "there is no story 'nope'; there are: bad-deploy, bedrock-outage, prime-day"),
        (["../prime-day"], "there is no story '../prime-day'"),
        (["--stack", "nope"], "Pulumi.nope.yaml: stack 'nope': there is no such file; stacks here are: dev"),
        (
            ["--set", "runtime.breaker.enabled"],
            "Invalid value for --set: 'runtime.breaker.enabled' is not KEY=VALUE",
        ),
        (["--set", "=false"], "Invalid value for --set: '=false' is not KEY=VALUE"),
        (["--set", "runtime=false"], "runtime: name a knob, for example network.nat=none"),
        (
            ["--set", "runtime.breaker.enable=false"],
            "runtime.breaker.enable: unknown key; did you mean 'enabled'?",
        ),
        (["--set", "colour.of.it=blue"], "concierge:colour: unknown key"),
        (
            ["--set", "runtime.breaker.window_s=-1"],
            "concierge:runtime.breaker.window_s = -1: must be more than 0",
        ),
        (
            ["--set", "runtime.breaker.enabled=perhaps"],
            'concierge:runtime.breaker.enabled = "perhaps": ',
        ),
        (["--seed", "seven"], "Invalid value for '--seed'"),
        (["--speed", "4"], "Invalid value for '--speed'"),
        (["--without", "haiku"], "--without haiku: write alarm:NAME, runbook:NAME or rung:NAME"),
        (["--without", "rung:gpt"], "--without rung:gpt: stack dev has no such rung; it has: "),
        (["--interactive"], "Invalid value for --interactive: needs a terminal, or --web"),
        (["diff", "nowhere", "nowhere"], "nowhere: cannot be read: No such file or directory"),
        (["prime-day", "again"], "Got unexpected extra argument"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_use_is_one_line_and_leaves_nothing_behind(
    here: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], said: str
):
    code = run(["rehearse", *arguments])
    out, err = capfd.readouterr()

    assert (code, out) == (WRONG_USE, "")
    assert said in err
    assert len(err.splitlines()) == 1
    assert not (here / "build").exists()


def test_a_person_meets_the_same(here: Path):
    """A real process: its last words and its exit code."""
    told = subprocess.run(
        [sys.executable, "-m", "concierge", "rehearse", "--set", "network.nat=two"],
        cwd=here,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (told.returncode, told.stdout) == (WRONG_USE, "")
    assert told.stderr.count("\n") == 1
    assert 'concierge:network.nat = "two": must be' in told.stderr
    assert sorted(path.name for path in here.iterdir()) == ["Pulumi.dev.yaml", "Pulumi.yaml"]


# --- What a game day came to --------------------------------------------------------------------------------


class Played:
    """Stands for a game day that has been played: keeps what was asked for, and answers at once."""

    def __init__(self, **changed: Any) -> None:
        self.seen = evidence(**changed)
        self.asked: list[tuple[Options, Path]] = []

    def __call__(self, options: Options, folder: Path, listener: Callable[[Told], None]) -> Result:
        self.asked.append((options, folder))
        timeline = Timeline(listener)
        timeline.clock.begin(1_900_000_020.0)
        timeline.tell("plan", "stack dev: made up")
        return Result(
            story=STORY,
            options=options,
            stack="dev",
            folder=folder,
            gates=verdict.gates(self.seen, STORY),
            evidence=self.seen,
            timeline=timeline,
        )


@pytest.fixture
def ends(here: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Played]:
    def play(makes_folder: bool = True, **changed: Any) -> Played:
        played = Played(**changed)

        def answer(
            _: Story, options: Options, folder: Path, listener: Callable[[Told], None], *__: Any
        ) -> Result:
            if makes_folder:
                folder.mkdir(parents=True)
            return played(options, folder, listener)

        monkeypatch.setattr(playing, "run", answer)
        return played

    return play


@pytest.mark.parametrize(
    ("changed", "code", "word"),
    [
        ({}, DONE, "survived"),
        ({"leftover_faults": 1}, FAILED, "not survived"),
        ({"generator_doubts": ["late"]}, INCONCLUSIVE, "inconclusive"),
    ],
)
def test_the_exit_code_is_the_verdict(
    ends: Callable[..., Played], capfd: pytest.CaptureFixture[str], changed: Any, code: int, word: str
):
    ends(**changed)
    assert run(["rehearse"]) == code

    out, err = capfd.readouterr()
    assert f"Made up: {word}" in out
    assert "stack dev: made up" in err


def test_ctrl_c_is_one_line_and_its_own_exit_code(
    here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    def interrupted(*_: Any) -> Result:
        raise KeyboardInterrupt

    monkeypatch.setattr(playing, "run", interrupted)
    code = run(["rehearse"])
    out, err = capfd.readouterr()

    assert (code, out) == (130, "")
    assert err.split() == ["concierge:", "interrupted"]


def test_every_gate_is_shown_with_what_was_measured(
    ends: Callable[..., Played], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "140")
    played = ends(leftover_faults=1, generator_doubts=["late"])
    run(["rehearse"])

    out, err = capfd.readouterr()
    for gate in verdict.gates(played.seen, STORY):
        (line,) = [line for line in out.splitlines() if gate.name in line]
        assert line.startswith({True: "held", False: "FAILED", None: "not told"}[gate.held])
        assert gate.measured[:40] in line
    assert err.splitlines()[-1] == f"report: {played.asked[0][1] / 'report.html'}"


def test_what_was_chosen_is_what_is_played(ends: Callable[..., Played], here: Path):
    played = ends()
    run(["rehearse", "--seed", "11", "--set", "runtime.breaker.enabled=false", "--set", "network.nat=none"])

    ((options, folder),) = played.asked
    assert options == Options(seed=11, changes={"runtime.breaker.enabled": "false", "network.nat": "none"})
    assert folder.parent == here / "build" / "rehearsals"
    assert folder.name.endswith("-prime-day")


def test_ctrl_c_leaves_a_report_of_what_there_was(
    ends: Callable[..., Played], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    played = ends(generator_doubts=["the story was ended before its end"])
    answer = playing.run

    def interrupted(*arguments: Any) -> Result:
        raise InterruptedStoryError(answer(*arguments))

    monkeypatch.setattr(playing, "run", interrupted)
    code = run(["rehearse"])
    out, err = capfd.readouterr()

    assert (code, out) == (130, "")
    page = played.asked[0][1] / "report.html"
    assert err.splitlines()[-2:] == [f"report of what there was: {page}", "concierge: interrupted"]
    assert "Made up: inconclusive" in page.read_text("utf-8")


def test_the_counterfactual_plays_the_same_seed_with_nothing_to_fall_back_to(
    ends: Callable[..., Played], capfd: pytest.CaptureFixture[str]
):
    played = ends()
    assert run(["rehearse", "--seed", "11", "--counterfactual", "--json"]) == DONE

    (first, folder), (bare, _) = played.asked
    ladder = json.loads(bare.changes["runtime.ladder"])
    assert (first.seed, bare.seed, first.changes) == (11, 11, {})
    assert [rung["name"] for rung in ladder] == ["sonnet", "canned", "closed"]
    assert bare.changes["runtime.breaker.enabled"] == "false"
    assert json.loads((folder / "report.json").read_text("utf-8"))["compared"]["verdict"] == "survived"
    assert "once more, without failover:" in capfd.readouterr().err


def test_the_stories_are_listed(capfd: pytest.CaptureFixture[str]):
    assert run(["rehearse", "list", "--json"]) == DONE

    assert set(json.loads(capfd.readouterr().out)) >= {"prime-day", "quiet-day"}


def test_two_reports_are_compared(ends: Callable[..., Played], here: Path, capfd: pytest.CaptureFixture[str]):
    for name, changed in (("a", {}), ("b", {"leftover_faults": 1})):
        played = ends(**changed)
        run(["rehearse"])
        played.asked[0][1].rename(here / name)
    capfd.readouterr()

    assert run(["rehearse", "diff", "a", "b"]) == FAILED
    out = capfd.readouterr().out
    assert "no fault left behind" in out
    assert "The second is worse" in out
    assert run(["rehearse", "diff", "a", "a"]) == DONE


def test_json_is_one_document_with_the_gates_and_where_the_report_is(
    ends: Callable[..., Played], capfd: pytest.CaptureFixture[str]
):
    played = ends()
    assert run(["rehearse", "--json"]) == DONE

    told = json.loads(capfd.readouterr().out)
    assert told["report"] == str(played.asked[0][1] / "report.html")
    assert Path(told["report"]).is_file()
    assert {gate["held"] for gate in told["gates"]} == {True}


@pytest.mark.parametrize("arguments", [[], ["--json"]], ids=["text", "json"])
def test_when_nobody_reads_the_verdict_the_report_is_there_all_the_same(
    ends: Callable[..., Played], monkeypatch: pytest.MonkeyPatch, arguments: list[str]
):
    """As in `concierge rehearse | true`."""
    played = ends()
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as nobody:
        monkeypatch.setattr(sys, "stdout", nobody)
        nobody.reconfigure(write_through=True)
        with suppress(BrokenPipeError):
            run(["rehearse", *arguments])
        monkeypatch.undo()

    assert (played.asked[0][1] / "report.html").is_file()
    assert (played.asked[0][1] / "report.json").is_file()


def test_a_report_that_cannot_be_written_does_not_hide_the_verdict(
    ends: Callable[..., Played], capfd: pytest.CaptureFixture[str]
):
    """A minute and a half of work is on the screen before the disk is asked."""
    ends(makes_folder=False)
    code = run(["rehearse"])
    out, err = capfd.readouterr()

    assert code == INCONCLUSIVE
    assert "Made up: survived" in out
    assert err.splitlines()[-1].startswith("concierge: the report cannot be written to ")
