"""Experiments and what FIS can do, as data: `faults.toml` on the ground of `fis_actions.toml` (CHAOS-1).

FIS accepts a template whose action does not exist only to refuse it when somebody wants to run it, on the day
of the drill. So everything is held against the catalogue when it is read. No resource is made here.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from contract.base import Shape
from contract.runbooks import catalogue as runbooks

Need = Literal["replica", "standby"]
LIST = "@"
_HERE = Path(__file__).parent
_SELECT = re.compile(r"ALL|COUNT\(([1-9]\d*)\)|PERCENT\(([1-9]\d?|100)\)")


class ActionGrant(Shape):
    """One statement of the role that runs the action."""

    sid: str
    actions: tuple[str, ...]
    on: tuple[str, ...]
    when: Mapping[str, Mapping[str, str]] = {}


class Action(Shape):
    """One action of FIS."""

    target: str | None = None
    key: str | None = None
    parameters: tuple[str, ...]
    by: tuple[Literal["arns", "tags"], ...] = ()
    at_most: int | None = None
    grants: tuple[ActionGrant, ...]


class Target(Shape):
    """What an experiment hits."""

    type: str
    tags: Mapping[str, str] = {}
    arns: str | None = None
    parameters: Mapping[str, str] = {}
    select: str


class Step(Shape):
    """One action of an experiment."""

    action: str
    on: str | None = None
    parameters: Mapping[str, str] = {}
    after: tuple[str, ...] = ()


class Drill(Shape):
    """One experiment."""

    what: str
    runbook: str
    needs: tuple[Need, ...] = ()
    targets: Mapping[str, Target]
    steps: Mapping[str, Step] = Field(min_length=1)


@cache
def actions() -> Mapping[str, Action]:
    """Every action that fits this estate."""
    return {name: Action.model_validate(row) for name, row in _rows("fis_actions.toml").items()}


@cache
def drills() -> Mapping[str, Drill]:
    """Every experiment, checked."""
    found = {name: Drill.model_validate(row) for name, row in _rows("faults.toml").items()}
    if wrong := [fault for name, drill in found.items() for fault in faults_in(name, drill)]:
        raise ValueError("\n".join(wrong))
    return found


def _rows(file: str) -> Mapping[str, Any]:
    return tomllib.loads((_HERE / file).read_text(encoding="utf-8"))


def faults_in(name: str, drill: Drill) -> list[str]:
    """What FIS would refuse, or what would run and prove nothing; one line each."""
    found = [] if drill.runbook in runbooks() else [f"{name}: no runbook {drill.runbook!r}"]
    for word, step in drill.steps.items():
        found += [f"{name}.{word}: {fault}" for fault in _step_faults(drill, word, step)]
    for word, target in drill.targets.items():
        found += [f"{name}.{word}: {fault}" for fault in _target_faults(drill, word, target)]
    return found


def _step_faults(drill: Drill, word: str, step: Step) -> list[str]:
    action = actions().get(step.action)
    if action is None:
        return [f"{step.action} is not in fis_actions.toml"]
    found = []
    if set(step.parameters) != set(action.parameters):
        found.append(f"{step.action} takes exactly the parameters {sorted(action.parameters)}")
    aimed = drill.targets.get(step.on) if step.on else None
    hit = aimed.type if aimed else None
    if hit != action.target:
        found.append(f"{step.action} hits {action.target or 'nothing'}, not {hit or step.on or 'nothing'}")
    if lost := [other for other in step.after if other not in drill.steps or other == word]:
        found.append(f"waits for {', '.join(lost)}, which is no other step")
    return found


def _target_faults(drill: Drill, word: str, target: Target) -> list[str]:
    used = [actions()[s.action] for s in drill.steps.values() if s.on == word and s.action in actions()]
    match = _SELECT.fullmatch(target.select)
    found = [] if used else ["no step hits it"]
    if match is None:
        found.append(f"select {target.select!r}: write ALL, COUNT(n) or PERCENT(n)")
    if bool(target.tags) == bool(target.arns):
        found.append("name it either by tags or by arns")
    if target.arns and target.parameters:
        found.append("FIS takes no parameters of a target that is named by arns")
    for action in used:
        if ("tags" if target.tags else "arns") not in action.by:
            found.append(f"{target.type} is found by {' or '.join(action.by)} only")
        if match and match[1] and action.at_most and int(match[1]) > action.at_most:
            found.append(f"select {target.select}: a run may hit {action.at_most} of {target.type}")
    return found
