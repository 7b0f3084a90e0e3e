"""A plan in a file, to compare with later: `concierge plan --save`, then `--diff FILE`.

JSON with a format number, written whole or not at all. A secret is written as the fact that there is one,
never as its value; loading gives `Secret(None)`, which `plan.diff` knows not to compare.
"""

import dataclasses
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from contract.errors import WrongUseError
from plan.model import Plan, Secret

FORMAT = 1
_SECRET = {"$secret": True}
_AGAIN = "save the plan again with this version: concierge plan STACK --save FILE"


class SavedPlanError(WrongUseError):
    """The file cannot be written, or is no plan of ours; one line with the fix."""


def save(plan: Plan, path: Path) -> None:
    """Writes the plan beside `path` and moves it there, so that nobody ever sees half a plan."""
    document = {
        "format": FORMAT,
        "stack": plan.stack,
        "resources": [_sealed(_fields(resource)) for resource in plan.resources],
        "outputs": _sealed(plan.outputs),
        "warnings": list(plan.warnings),
    }
    text = json.dumps(document, indent=1) + "\n"
    try:
        _replace(path, text)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SavedPlanError(
            f"{path}: the plan is not saved: {reason}; choose a folder that exists and has space"
        ) from None


def load(path: Path) -> Plan:
    """The plan a file holds; equal to what was saved, but for the secrets."""
    document = _document(path)
    found = document.get("format") if isinstance(document, dict) else None
    if found is None:
        raise SavedPlanError(f"{path}: is not a saved plan: it has no format number; {_AGAIN}")
    if found != FORMAT or isinstance(found, bool):
        raise SavedPlanError(f"{path}: has format {found!r}, this version reads {FORMAT}; {_AGAIN}")
    try:
        return _PLAN.validate_python(_opened(document))
    except ValidationError as invalid:
        first = invalid.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "file"
        raise SavedPlanError(
            f"{path}: is not a saved plan: {where}: {first['msg'].lower()}; {_AGAIN}"
        ) from None


_PLAN = TypeAdapter(Plan)


def _document(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SavedPlanError(
            f"{path}: cannot be read: {error.strerror}; write one with concierge plan STACK --save FILE"
        ) from None
    except (ValueError, RecursionError) as error:
        raise SavedPlanError(f"{path}: is not JSON ({error}); {_AGAIN}") from None


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())  # else a crash may leave the new name on an empty file
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _fields(value: Any) -> dict[str, Any]:
    """One level of a dataclass; `dataclasses.asdict` would copy the secrets out of their wrapper."""
    found = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return {key: _fields(item) if dataclasses.is_dataclass(item) else item for key, item in found.items()}


def _sealed(value: Any) -> Any:
    """JSON data; a key that begins with $ is escaped, so that none can pass for a secret."""
    if isinstance(value, Secret):
        return _SECRET
    if isinstance(value, Mapping):
        return {f"${key}" if key.startswith("$") else key: _sealed(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_sealed(item) for item in value]
    return value


def _opened(value: Any) -> Any:
    if isinstance(value, dict):
        if value == _SECRET:
            return Secret(None)
        return {key.removeprefix("$"): _opened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_opened(item) for item in value]
    return value
