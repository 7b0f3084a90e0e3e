"""Starts checkov on a document and reads its report. It pins old libraries, so it lives in `.venvs/checkov`.

It sees nothing but the document: an empty home, no settings of its own or of the user's, and no network is
asked for. A check that breaks is not a check that passed: whatever checkov complains of is an error.
"""

import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.errors import InconclusiveError

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venvs" / "checkov"
CHECKS = Path(__file__).with_name("checks")
LIMIT_S = 300
# 0: nothing failed, 1: something did. Others: it broke.
_JUDGED = {0, 1}


class CheckovError(InconclusiveError):
    """Checkov is missing, or could not judge the document."""


@dataclass(frozen=True)
class Failure:
    """One failed check. `inputs`: those it looked at, by Terraform's names."""

    check: str
    says: str
    address: str
    inputs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Report:
    """What checkov printed."""

    failures: tuple[Failure, ...]
    passed: int
    failed: int
    skipped: int
    version: str


def checkov(document: Mapping[str, Any], environment: Path = ENVIRONMENT) -> Report:
    """Runs it on a Terraform plan."""
    program = environment / "bin" / "checkov"
    if not program.exists():
        raise CheckovError(f"checkov is not installed in {_shown(environment)}: run `make checkov` once")
    with tempfile.TemporaryDirectory(prefix="concierge-checkov-") as folder:
        file = Path(folder) / "plan.json"
        # One value a line: checkov reads it as YAML, and long lines are slow to read.
        file.write_text(json.dumps(document, indent=0), encoding="utf-8")
        return _read(_output(program, file))


def _output(program: Path, file: Path) -> str:
    command = [
        *(str(program), "--file", file.name, "--framework", "terraform_plan"),
        *("--external-checks-dir", str(CHECKS), "--skip-download"),
        *("--output", "json", "--quiet", "--compact"),
    ]
    home = {"HOME": str(file.parent), "PATH": str(program.parent), "LOG_LEVEL": "ERROR", "PYTHONUTF8": "1"}
    try:
        done = subprocess.run(
            command, cwd=file.parent, env=home, capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
    except OSError as error:
        raise CheckovError(f"{_shown(program)} does not start ({error}): run `make clean checkov`") from error
    except subprocess.TimeoutExpired as error:
        raise CheckovError(f"checkov did not finish within {LIMIT_S} s") from error
    complaints = [line for line in done.stderr.splitlines() if line.strip()]
    if done.returncode not in _JUDGED or complaints:
        last = complaints[-1] if complaints else f"it ended with code {done.returncode} and no word"
        raise CheckovError(f"checkov could not judge the plan: {last}")
    return done.stdout


def _read(output: str) -> Report:
    """The report as data. A document without a resource that any check knows has only counts."""
    try:
        found = json.loads(output)
    except json.JSONDecodeError as error:
        raise CheckovError(f"checkov printed no report: {output[:200]!r}") from error
    counts = found.get("summary", found)
    if counts["parsing_errors"]:
        raise CheckovError("checkov could not read the document made from the plan")
    return Report(
        failures=tuple(_failure(each) for each in found.get("results", {}).get("failed_checks", ())),
        passed=counts["passed"],
        failed=counts["failed"],
        skipped=counts["skipped"],
        version=counts["checkov_version"],
    )


def _failure(found: Mapping[str, Any]) -> Failure:
    keys = found["check_result"].get("evaluated_keys") or ()
    inputs = {str(key).split("/")[0] for key in keys} - {"resource_type", ""}
    return Failure(found["check_id"], found["check_name"], found["resource"], tuple(sorted(inputs)))


def _shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)
