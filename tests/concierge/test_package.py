"""`concierge package` as an application engineer meets it: a real process, its output, its exit code."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.artifact.wheel_helpers import X86_64, Project

# Not `python -m`: that would take the small project's rooms for ours.
COMMAND = str(Path(sys.executable).with_name("concierge"))


def package(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, "package", *arguments],
        cwd=cwd,
        env={**os.environ, "COLUMNS": "140", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def small(tmp_path: Path) -> Project:
    """A repository with little in it."""
    made = Project(tmp_path / "project")
    made.botocore()
    made.ours("Pulumi.yaml", "name: concierge\nmain: stacks/\nruntime: python\n")
    made.ours("Pulumi.dev.yaml", "config: {}\n")
    return made


def test_it_prints_path_size_and_digest_and_the_next_step(small: Project):
    told = package("--wheels", "wheels", cwd=small.root)

    assert (told.returncode, told.stderr) == (0, "")
    digest = (small.root / "build" / "package" / "digest.txt").read_text().strip()
    assert "build/package/agent.zip: 0.0 MB, 0.0 MB unpacked, ARM64, Python 3.13" in told.stdout
    assert f"digest {digest}" in told.stdout
    assert f"then agent.code: {{digest: {digest}, version:" in " ".join(told.stdout.split())


def test_as_json_it_is_one_document(small: Project):
    told = json.loads(package("--wheels", "wheels", "--json", cwd=small.root).stdout)

    assert Path(told["path"]).stat().st_size == told["bytes"]
    assert [each["name"] for each in told["packages"]] == ["concierge", "botocore"]
    assert {Path(path).name for path in told["beside"]} == {
        *("bill.cdx.json", "licences.txt", "sizes.txt", "digest.txt")
    }


def test_each_reason_against_it_is_a_line_and_exit_code_1(small: Project):
    small.add("poison", files={"poison/a.so": X86_64, "poison/b.so": X86_64})
    told = package("--wheels", "wheels", cwd=small.root)

    assert (told.returncode, told.stdout) == (1, "")
    assert [line.partition(" is ")[0] for line in told.stderr.splitlines()] == [
        "concierge: poison/a.so",
        "concierge: poison/b.so",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--target", "image"], "--target image needs --base"),
        (["--python", "2.7"], "--python 2.7: there are 3.11, 3.12, 3.13"),
        (["--wheels", "nowhere"], "nowhere"),
        (["--advisories", "nowhere.json"], "nowhere.json: No such file or directory"),
        (["--out", "contract"], "there is something else in it"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_use_is_one_line_and_exit_code_2(small: Project, arguments: list[str], said: str):
    told = package("--wheels", "wheels", *arguments, cwd=small.root)

    assert told.returncode == 2
    assert said in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1


def test_ctrl_c_leaves_nothing_half_written(small: Project):
    small.add("big", files={f"big/{number}.py": b"x = 1\n" * 200 for number in range(2_000)})
    process = subprocess.Popen(
        [COMMAND, "package", "--wheels", "wheels"],
        cwd=small.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        time.sleep(0.6)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()

    assert process.returncode in {130, -signal.SIGINT}
    assert (out, err) == ("", "concierge: interrupted\n")
    build = small.root / "build"
    assert not build.exists() or not list(build.iterdir())
