"""`concierge aws`: what it says of stand-ins that are up, that have ended, and that are not there."""

import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from concierge.__main__ import run
from contract.errors import DONE, FAILED, WRONG_USE
from rehearsal import daemon, serving
from tests.rehearsal.serving_helpers import in_thread

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a project of its own keeps what is up."""
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    found = tmp_path / "build" / "aws"
    found.mkdir(parents=True)
    return found


@pytest.fixture
def up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A hub that says what the test has written into it, and a state file that leads to it."""
    said: dict[str, Any] = {"bedrock": None, "cache": None}

    async def status(_: web.Request) -> web.Response:
        return web.json_response(said)

    app = web.Application()
    app.router.add_get("/_concierge/status", status)
    monkeypatch.setattr(daemon, "_is_daemon", lambda pid: pid == os.getpid())
    with in_thread(lambda: serving.serving(app)) as url:
        state = daemon.State(
            pid=os.getpid(),
            stack="dev",
            region="us-east-1",
            hub=url,
            started_at=datetime(2026, 11, 27, tzinfo=UTC),
            ready_after_s=1.5,
            urls={"bedrock": "http://127.0.0.1:1"},
            variables={"AWS_REGION": "us-east-1"},
        )
        (folder / daemon.STATE).write_text(state.model_dump_json())
        yield said


@pytest.mark.parametrize("command", ["status", "down"])
def test_nothing_is_up(folder: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert run(["aws", command]) == WRONG_USE
    assert capsys.readouterr().err == "concierge: it is not up: concierge aws up\n"


def test_status_is_what_a_shell_can_be_given(up: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["aws", "status"]) == DONE
    assert capsys.readouterr().out == "export AWS_REGION=us-east-1\n"


def test_a_stand_in_that_has_ended_is_named(up: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    up["cache"] = "cache was killed by SIGKILL"

    assert run(["aws", "status"]) == FAILED
    assert "cache is not there any more: cache was killed by SIGKILL" in capsys.readouterr().err
    assert run(["aws", "status", "--json"]) == FAILED
    assert json.loads(capsys.readouterr().out)["ended"] == {"cache": "cache was killed by SIGKILL"}


def test_it_is_not_started_twice(up: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["aws", "up"]) == WRONG_USE
    assert "it is up since 00:00:00: concierge aws down first" in capsys.readouterr().err


def test_a_stack_that_is_not_there_is_told_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["aws", "up", "--stack", "nope"]) == WRONG_USE
    assert "stack 'nope': there is no such file" in capsys.readouterr().err


@pytest.mark.parametrize("speed", ["0.5", "9"])
def test_a_speed_at_which_figures_would_be_wrong_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], speed: str
) -> None:
    assert run(["aws", "up", "--speed", speed]) == WRONG_USE
    assert "or equal to" in capsys.readouterr().err
