"""`concierge runbook` as on-call meets it: a real process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def concierge(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, "-m", "concierge", "runbook", *arguments],
        cwd=cwd,
        env={
            **kept,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "COLUMNS": "120",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of its own, so that nothing lands in the user's."""
    folder = tmp_path / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    return folder


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A project of its own, so that nothing lands in the checkout."""
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    return tmp_path


def test_list_says_which_incidents_have_a_script():
    told = json.loads(concierge("list", "--json").stdout)

    assert len(told) == 34
    assert told["bedrock-throttled"]["script"] is True
    assert all(entry["script"] for entry in told.values())


def test_show_says_what_it_looks_at_and_what_it_may_change():
    told = concierge("show", "bedrock-throttled")

    assert told.returncode == 0
    for word in ("looks at", "haiku: Is the fallback healthy?", "may change", "must get better"):
        assert word in told.stdout


def test_without_credentials_it_says_so_in_one_line(elsewhere: Path):
    told = concierge("run", "bedrock-throttled", "--stack", "dev", cwd=elsewhere)

    assert told.returncode == 3
    assert "Unable to locate credentials" in told.stderr
    assert len(told.stderr.splitlines()) == 1


def test_what_it_keeps_is_the_users_own_and_not_in_the_checkout(elsewhere: Path, state: Path):
    told = concierge("run", "bedrock-throttled", "--stack", "dev", cwd=elsewhere)

    kept = state / "concierge" / "runbooks"
    assert [folder.stat().st_mode & 0o777 for folder in (kept.parent, kept)] == [0o700, 0o700]
    assert f"there is no copy at {kept}/dev-inventory.json" in told.stderr
    assert not (elsewhere / "build").exists()


@pytest.mark.parametrize("given", ["", "relative/folder"])
def test_without_a_state_folder_of_the_users_choice_it_is_the_usual_one(
    elsewhere: Path, given: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_STATE_HOME", given)
    monkeypatch.setenv("HOME", str(elsewhere / "home"))

    told = concierge("run", "bedrock-throttled", "--stack", "dev", cwd=elsewhere)

    assert f"{elsewhere}/home/.local/state/concierge/runbooks/dev-inventory.json" in told.stderr


def test_a_home_that_cannot_be_written_is_one_line(elsewhere: Path, state: Path):
    state.write_text("a file where a folder should be")

    told = concierge("run", "bedrock-throttled", "--stack", "dev", cwd=elsewhere)

    assert told.returncode == 2
    assert told.stderr.endswith(
        f"{state}/concierge/runbooks cannot be written: Not a directory: "
        "set XDG_STATE_HOME to a folder of yours\n"
    )
    assert len(told.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "bedrock-throttled", "--stack", "dev", "--apply"], "--why: say why"),
        (["run", "bedrock-throttled", "--stack", "dev", "--apply", "--undo", "--why", "x"], "choose one of"),
        (["run", "bedrock-throttled", "--stack", "dev", "--role", "standby"], "--role: dev has primary"),
        (["run", "bedrock-throttled", "--stack", "nope"], "there is no such file"),
        (
            ["run", "lunch", "--stack", "dev"],
            "'lunch' is not in contract/runbooks.toml; there are: agent-loop",
        ),
        (["show", "pray"], "'pray' is not in contract/runbooks.toml"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(elsewhere: Path, arguments, said):
    told = concierge(*arguments, cwd=elsewhere)

    assert told.returncode == 2
    assert said in told.stderr
    assert len(told.stderr.splitlines()) == 1
