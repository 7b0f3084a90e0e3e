"""The command line as a person meets it: a real process, its output, its exit code."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from concierge.__main__ import run
from tests.concierge.interrupt_helpers import INTERRUPTED, interrupted

ROOT = Path(__file__).resolve().parents[2]


def concierge(*arguments: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "concierge", *arguments],
        cwd=cwd,
        env={**os.environ, "COLUMNS": "120", "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_names_every_command_and_the_exit_codes():
    told = concierge("--help")

    assert told.returncode == 0
    for word in ("plan", "settings", "Exit codes", "0 done", "1 a check", "2 wrong use", "3 inconclusive"):
        assert word in told.stdout


def test_help_imports_no_room():
    """Start-up stays a quarter of a second because rooms are imported by the command that needs them."""
    listed = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "concierge", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stderr

    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in listed.splitlines()}
    assert imported.isdisjoint({"pulumi", "pulumi_aws", "boto3", "locust", "plan", "stacks", "pydantic"})


def test_plan_prints_components_outputs_and_nothing_on_stderr():
    told = concierge("plan", "prod")

    assert (told.returncode, told.stderr) == (0, "")
    for word in ("primary-network", "standby-network", "primary_vpc_id", "us-east-1, us-west-2"):
        assert word in told.stdout


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plan of dev in a file."""
    file = tmp_path_factory.mktemp("saved") / "dev.plan"
    told = concierge("plan", "dev", "--save", str(file))
    assert (told.returncode, told.stderr) == (0, f"wrote {file}\n")
    return file


def test_a_plan_as_json_is_one_document_with_every_section_from_any_folder_of_the_repository(saved: Path):
    sections = ("--cost", "--reach", "--diff", str(saved))
    told = json.loads(concierge("plan", "dev", *sections, "--json", cwd=ROOT / "docs").stdout)

    assert told["stack"] == "dev"
    assert told["resources"] == sum(sum(component["resources"].values()) for component in told["components"])
    assert "primary-network" in [component["name"] for component in told["components"]]
    assert {"cost", "reach", "diff"} <= told.keys()


def test_a_plan_compared_with_its_saved_self_is_unchanged_but_for_secrets_nobody_kept(
    saved: Path, shared_plans: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "120")
    assert run(["plan", "dev", "--diff", str(saved)]) == 0

    told = capsys.readouterr().out
    assert "no difference in" in told
    unsure = [line for line in told.splitlines() if "not comparable" in line]
    assert unsure
    assert all("a saved plan keeps no secret values" in line for line in unsure)


def test_settings_shows_what_the_file_changes_and_what_it_leaves():
    told = json.loads(concierge("settings", "dev", "--json").stdout)

    assert told["concierge:network.nat"] == {"value": "single", "default": "per-az", "changed": True}
    assert told["concierge:agent.host"]["value"] == told["concierge:agent.host"]["default"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["plan"], "concierge: Missing argument 'stack'. See `concierge plan --help`."),
        (["plan", "nope"], "there is no such file; stacks here are: dev, prod"),
        (["plan", "dev", "--sideways"], "No such option: --sideways. See `concierge plan --help`."),
        (["plan", "dev", "--diff", "missing.plan"], "missing.plan"),
        (["plan", "dev", "--picture", "plan.bmp"], "plan.bmp"),
        (["plan", "dev", "--save", "no/such/folder/dev.plan"], "no/such/folder"),
        (["fly"], "No such command 'fly'."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_use_is_one_line_and_exit_code_2(arguments, said):
    told = concierge(*arguments)

    assert told.returncode == 2
    assert said in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1
    assert told.stdout == ""


def test_bad_settings_name_file_key_value_and_fix(tmp_path: Path):
    (tmp_path / "Pulumi.yaml").write_text("name: concierge\nmain: stacks/\nruntime: python\n")
    (tmp_path / "Pulumi.bad.yaml").write_text("config:\n  concierge:network:\n    nat: two\n")

    told = concierge("plan", "bad", cwd=tmp_path)

    assert told.returncode == 2
    assert told.stderr == (
        'concierge: Pulumi.bad.yaml:3: concierge:network.nat = "two": '
        "must be 'none', 'single' or 'per-az'\n"
    )


def test_a_defect_is_one_line_too_and_decides_nothing(tmp_path: Path):
    """A program that breaks in an unexpected way must look neither like success nor like a failed check."""
    (tmp_path / "rich.py").write_text("raise RuntimeError('broken installation')\n")

    told = concierge("settings", "dev", PYTHONPATH=str(tmp_path))

    assert told.returncode == 3
    assert "defect in concierge, nothing was decided: RuntimeError: broken installation" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_leaves_early_gets_no_complaint(unbuffered):
    """`concierge settings dev | true`, whether Python notices while printing or at the end.

    Quiet, but not 0: what nobody read was not told.
    """
    command = f"{sys.executable} -m concierge settings dev --json | true"

    told = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (told.returncode, told.stderr, told.stdout) == (141, "", "")


@pytest.mark.parametrize("after_s", [0.3, 0.7, 1.1, 1.6])
def test_ctrl_c_is_one_line_and_nothing_is_written(after_s, tmp_path: Path):
    code, out, err = interrupted(after_s, "plan", "prod", "--save", str(tmp_path / "prod.plan"))

    assert code in INTERRUPTED
    assert (out, err) == ("", "concierge: interrupted\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("place", "work"), [("__del__", "Deaf()"), ("__set_name__", "type('Made', (), dict(deaf=Deaf()))")]
)
def test_ctrl_c_in_a_place_that_cannot_raise_it_is_heard_all_the_same(place, work):
    """Python drops what a destructor or native code raises, and calls another what a class body runs into."""
    program = f"""
import sys, time
from concierge import __main__, app

class Deaf:
    def {place}(self, *_):
        raise KeyboardInterrupt

def work():
    {work}
    time.sleep(20)

app.app.command("work")(work)
sys.argv = ["concierge", "work"]
__main__.main()
"""
    told = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=15, check=False
    )
    assert (told.returncode, told.stderr) == (130, "concierge: interrupted\n")
