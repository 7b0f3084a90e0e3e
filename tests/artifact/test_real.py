"""The real lock: built twice as two people would, and the runtime alone in an environment of nothing else."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

pytestmark = pytest.mark.prove
ROOMS = ("artifact", "concierge", "contract", "runtime", "stacks", "requirements")
# Of the runtime's tests those that need neither the command line nor processes of the repository.
LEFT_OUT = (
    "test_simulation.py",
    "test_process.py",
    # Against the stand-ins:
    "ingest/test_service.py",
    "test_graph.py",
    "eval",  # needs YAML, which the agent does not ship
    "safety/test_shop_texts.py",
    "safety/test_whole_safety.py",
    "agents/test_purchase.py",
    "tools/test_kill.py",
    "tools/test_once.py",
    "tools/test_protocol.py",
    "vault/test_whole_erasure.py",
    "vault/test_whole_vault.py",
    "test_contracts.py",
    "test_personalize.py",
    "test_rest.py",
    "test_retrieval.py",
    "test_sessions.py",
    "test_shop.py",
    "test_shop_trouble.py",
    "test_valkey.py",
    "test_whole_path.py",
)


TOOLS = ("pytest", "hypothesis", "fakeredis[lua]")  # what its tests need beside


def copied(root: Path, to: Path, *names: str) -> Path:
    for name in names:
        shutil.copytree(root / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
    return to


def build(root: Path, out: Path, environment: Mapping[str, str], umask: int) -> tuple[str, dict[str, bytes]]:
    """The digest, and every file written."""
    told = subprocess.run(
        [sys.executable, "-m", "concierge", "package", "--out", str(out), "--json"],
        cwd=root,
        env={**os.environ, **environment},
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout)["digest"], {file.name: file.read_bytes() for file in out.iterdir()}


def test_two_people_on_two_days_build_the_same_bytes(root: Path, tmp_path: Path):
    other = copied(root, tmp_path / "elsewhere", *ROOMS)
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml", "pyproject.toml"):
        shutil.copyfile(root / name, other / name)
    for file in other.rglob("*"):
        os.utime(file, (86_400, 86_400))
    one = build(root, tmp_path / "one", {"PYTHONHASHSEED": "1", "TZ": "UTC"}, 0o022)
    two = build(other, tmp_path / "two", {"PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo", "LC_ALL": "C"}, 0o077)
    assert one == two


def test_the_runtime_stands_alone(root: Path, tmp_path: Path):
    """Its lock alone, and what tests need; nothing else of this repository can be imported."""
    place = copied(root, tmp_path, "contract", "runtime", "tests/runtime")
    (place / "tests" / "__init__.py").touch()
    settings = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    kept = {key: settings[key] for key in ("addopts", "filterwarnings", "markers")}
    lines = [f"{key} = {json.dumps(value)}" for key, value in kept.items()]
    (place / "pyproject.toml").write_text("\n".join(["[tool.pytest.ini_options]", *lines]))
    uv, python = str(Path(sys.executable).with_name("uv")), str(place / "env" / "bin" / "python")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, place / "env"], check=True)
    install = [uv, "pip", "install", "--quiet", "--python", python]
    subprocess.run([*install, "--require-hashes", "-r", root / "requirements/runtime.txt"], check=True)
    subprocess.run([*install, "-c", root / "requirements/all.txt", *TOOLS], check=True)

    chosen = [f"--ignore=tests/runtime/{name}" for name in LEFT_OUT]
    told = subprocess.run(
        [python, "-m", "pytest", "-q", "-m", "not prove", "-p", "no:cacheprovider", *chosen, "tests/runtime"],
        cwd=place,
        env={key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PYTEST"))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-1000:]
    assert "skipped" not in told.stdout
    for other in ("boto3", "typer", "pulumi", "concierge", "plan"):
        gone = subprocess.run([python, "-c", f"import {other}"], cwd=place, capture_output=True, check=False)
        assert gone.returncode == 1, f"{other} can be imported"
