"""The experiments and suites there are, read from their folders and held against what the contract knows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from contract.base import Shape
from contract.errors import WrongUseError
from contract.faults import TARGETS, Experiment, Suite
from contract.models import models
from contract.runbooks import catalogue as runbook_catalogue

FOLDER = Path(__file__).with_name("experiments")
SUITES = Path(__file__).with_name("suites")
T = TypeVar("T", bound=Shape)
# pydantic names some things in its own words; a person fixes files, not types.
_FIXES = {
    "missing": "is missing: add it",
    "extra_forbidden": "is not a key of an experiment: remove it or correct its spelling",
}


class ExperimentError(WrongUseError):
    """An experiment that does not exist or cannot be used; one line a fault: file, key, fix."""


def names(folder: Path = FOLDER) -> tuple[str, ...]:
    """Ids of all that a folder has."""
    return tuple(sorted(path.stem for path in folder.glob("*.yaml")))


def load(name: str, folder: Path = FOLDER) -> Experiment:
    """One experiment; ExperimentError says everything that is wrong with its file."""
    experiment = _read(name, folder, Experiment, "experiment")
    if unknown := list(_unknown_names(experiment, name)):
        raise _error(folder / f"{name}.yaml", unknown)
    return experiment


def suite(name: str, folder: Path = SUITES) -> Suite:
    """One suite, whose experiments there are."""
    found = _read(name, folder, Suite, "suite")
    lost = [
        (f"experiments.{number}", f"there is no experiment {one!r}")
        for number, one in enumerate(found.experiments)
        if one not in names()
    ]
    if lost:
        raise _error(folder / f"{name}.yaml", lost)
    return found


def _read(name: str, folder: Path, shape: type[T], what: str) -> T:
    path = folder / f"{name}.yaml"
    if name not in names(folder):
        known = ", ".join(names(folder)) or "none"
        raise ExperimentError(f"there is no {what} {name!r}; there are: {known}")
    try:
        return shape.model_validate(_document(path))
    except ValidationError as invalid:
        raise _error(path, [(_key(error["loc"]), _fix(error)) for error in invalid.errors()]) from None


def _document(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as broken:
        mark = getattr(broken, "problem_mark", None)
        line = f"line {mark.line + 1}" if mark else "document"
        raise _error(path, [(line, f"is no YAML: {getattr(broken, 'problem', broken)}")]) from None


def _unknown_names(experiment: Experiment, name: str) -> Iterator[tuple[str, str]]:
    """Names that are well formed but stand for nothing; an experiment that matches nothing proves nothing."""
    if experiment.id != name:
        yield "id", f"is {experiment.id!r}: name it like its file, {name!r}"
    if experiment.expect.runbook not in runbook_catalogue():
        yield "expect.runbook", f"{experiment.expect.runbook!r} is not in contract/runbooks.toml: choose one"
    for number, stage in enumerate(experiment.method):
        if stage.fault.target not in TARGETS:
            known = ", ".join(TARGETS)
            yield f"method.{number}.fault.target", f"{stage.fault.target!r} is none of {known}"
        model = stage.fault.match.get("model")
        if stage.fault.target == "bedrock" and model is not None and model not in models():
            yield f"method.{number}.fault.match.model", f"{model!r} is none of {', '.join(sorted(models()))}"


def _fix(error: Any) -> str:
    return _FIXES.get(error["type"], str(error["msg"]))


def _key(place: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in place) or "document"


def _error(path: Path, faults: list[tuple[str, str]]) -> ExperimentError:
    return ExperimentError("\n".join(f"{path.name}: {key}: {fix}" for key, fix in faults))
