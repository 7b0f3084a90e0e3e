"""A plan in a file, to compare with later: `concierge plan --save`, then `--diff FILE`.

JSON with a format number, written whole or not at all. A secret is written as the fact that there is one,
never as its value; loading gives `Secret(None)`, which `plan.diff` knows not to compare.
"""

import dataclasses
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from contract.errors import WrongUseError
from plan.files import write_atomic
from plan.model import STACK_TYPE, Plan, Resource, Secret

FORMAT = 1
_SECRET = {"$secret": True}
# No input of AWS comes near it, and whatever reads a plan can go down so far.
_DEEPEST = 100
_TOO_DEEP = f"a value is nested more than {_DEEPEST} levels deep"
_URN = re.compile(r"urn:[^:\s]+:[^\n]+?::[^\n]+?::[^\n]+?::[^\n]+\Z")
_AGAIN = "save the plan again with this version: concierge plan STACK --save FILE"


class SavedPlanError(WrongUseError):
    """The file cannot be written, or is no plan of ours; one line with the fix."""


def check(path: Path) -> None:
    """That a plan can be saved there; asked before the plan is made."""
    if not path.parent.is_dir():
        raise _not_saved(path, f"there is no folder {path.parent}")


def save(plan: Plan, path: Path) -> None:
    """Writes the plan to `path`; nobody ever sees half a plan."""
    document = {
        "format": FORMAT,
        "stack": plan.stack,
        "resources": [_sealed(_fields(resource)) for resource in plan.resources],
        "outputs": _sealed(plan.outputs),
        "warnings": list(plan.warnings),
    }
    text = json.dumps(document, indent=1) + "\n"
    try:
        write_atomic(path, text.encode())
    except OSError as error:
        raise _not_saved(path, error.strerror or type(error).__name__) from None


def _not_saved(path: Path, reason: str) -> SavedPlanError:
    return SavedPlanError(
        f"{path}: the plan is not saved: {reason}; choose a file in a folder that exists and has space"
    )


def load(path: Path) -> Plan:
    """The plan a file holds; equal to what was saved, but for the secrets."""
    document = _document(path)
    found = document.get("format") if isinstance(document, dict) else None
    if found is None:
        raise SavedPlanError(f"{path}: is not a saved plan: it has no format number; {_AGAIN}")
    if found != FORMAT or isinstance(found, bool):
        raise SavedPlanError(f"{path}: has format {found!r}, this version reads {FORMAT}; {_AGAIN}")
    try:
        plan = _PLAN.validate_python(_opened(document))
    except ValidationError as invalid:
        first = invalid.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "file"
        raise _no_plan(path, f"{where}: {first['msg'].lower()}") from None
    except RecursionError:
        raise _no_plan(path, _TOO_DEEP) from None
    if problem := next(_problems(plan), None):
        raise _no_plan(path, problem)
    return plan


_PLAN = TypeAdapter(Plan)


def _document(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SavedPlanError(
            f"{path}: cannot be read: {error.strerror}; write one with concierge plan STACK --save FILE"
        ) from None
    except RecursionError:
        raise _no_plan(path, _TOO_DEEP) from None
    except ValueError as error:
        raise SavedPlanError(f"{path}: is not JSON ({error}); {_AGAIN}") from None


def _no_plan(path: Path, problem: str) -> SavedPlanError:
    return SavedPlanError(f"{path}: is not a saved plan: {problem}; {_AGAIN}")


def _problems(plan: Plan) -> Iterator[str]:
    """What the readers of a plan rely on, and a file that somebody edited may not keep."""
    aliases = (alias for r in plan.resources for alias in r.options.aliases if alias.startswith("urn:"))
    for urn in (*(resource.urn for resource in plan.resources), *aliases):
        if not _URN.match(urn):
            yield f"{urn!r} is not a urn"
    for urn, count in Counter(resource.urn for resource in plan.resources).items():
        if count > 1:
            yield f"two resources have the urn {urn!r}"
    stacks = len([resource for resource in plan.resources if resource.type == STACK_TYPE])
    if stacks != 1:
        yield f"it has {stacks} resources of type {STACK_TYPE}, not 1"
    for resource in plan.resources:
        if _in_a_circle(plan, resource):
            yield f"{resource.urn!r} is its own parent, or that of one around it"


def _in_a_circle(plan: Plan, resource: Resource) -> bool:
    seen: set[str] = set()
    around: Resource | None = resource
    while around is not None and around.urn not in seen:
        seen.add(around.urn)
        around = plan.by_urn.get(around.parent or "")
    return around is not None


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


def _opened(value: Any, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        raise RecursionError
    if isinstance(value, dict):
        if value == _SECRET:
            return Secret(None)
        return {key.removeprefix("$"): _opened(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_opened(item, depth + 1) for item in value]
    return value
