"""The Bedrock stand-in as a program: where it is, how it ends, and what it takes and refuses at its start."""

import sys
from pathlib import Path

import pytest

from rehearsal.processes import Processes
from tests.rehearsal.bedrock_account_helpers import ACCOUNT, PROFILE
from tests.rehearsal.bedrock_helpers import ASK, HAIKU, SONNET, text_of
from tests.rehearsal.serving_helpers import client_of, http


def test_the_program_says_where_it_is_and_stops_when_told(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        program = processes.start(
            "bedrock", [sys.executable, "-m", "rehearsal.bedrock", "--seed", "7", "--speed", "3"]
        )
        with client_of("bedrock-runtime", program.ready_line()["url"]) as client:
            events = list(client.converse_stream(modelId=HAIKU, messages=ASK)["stream"])
        program.stop()

    assert "noise cancelling headphones" in text_of(events)
    assert program.exit_code == 0
    assert program.err.read_text() == ""


def test_the_program_ends_open_streams_when_it_stops(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        program = processes.start("bedrock", [sys.executable, "-m", "rehearsal.bedrock"])
        with client_of("bedrock-runtime", program.ready_line()["url"]) as client:
            stream = client.converse_stream(modelId=SONNET, messages=ASK)["stream"]
            program.stop()
            stream.close()

    assert program.exit_code == 0


def test_a_speed_at_which_figures_would_be_wrong_is_refused(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        program = processes.start("bedrock", [sys.executable, "-m", "rehearsal.bedrock", "--speed", "9"])

        assert program.wait(within_s=30) == 2
        assert "must be from 1 to 3" in program.err.read_text()


def test_the_program_takes_an_account_and_rates(tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    file.write_text(ACCOUNT.model_dump_json())
    module = ["-m", "rehearsal.bedrock", "--account", str(file), "--misbehave", "competitor=1"]
    with Processes(tmp_path) as processes:
        url = processes.start("bedrock", [sys.executable, *module]).ready_line()["url"]
        assert http("GET", f"{url}/_concierge/account")[1]["profiles"] == {PROFILE: "haiku"}


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        (["--account", "nowhere.json"], "nowhere.json: No such file"),
        (["--misbehave", "throttle=1"], "a rate from 0 to 1 of wrong-price"),
        (["--misbehave", "competitor"], "is not KIND=RATE"),
    ],
)
def test_the_program_refuses_what_it_cannot_use(tmp_path: Path, option: list[str], problem: str) -> None:
    with Processes(tmp_path) as processes:
        program = processes.start("bedrock", [sys.executable, "-m", "rehearsal.bedrock", *option])

        assert program.wait(within_s=30) == 2
        assert problem in program.err.read_text()
