"""What a stack would declare, without AWS, credentials or the pulumi CLI.

`plan.run("prod")` executes the real program in process and returns a `Plan`. Policies, cost, pictures, diffs
and the rehearsal read that one graph. Nothing here changes the world.

Pulumi's SDK is imported inside functions: the second run's process is started first, and both load it at
the same time.
"""

import gc
import runpy
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from contract.errors import ConciergeError
from plan.again import Again
from plan.model import STACK_TYPE, Options, Plan, Resource, Secret, short_type
from stacks import stackfile
from stacks.stackfile import SettingsError

if TYPE_CHECKING:
    from plan.record import Program, Recording

__all__ = [
    "Options",
    "Plan",
    "PlanError",
    "Resource",
    "Secret",
    "SettingsError",
    "of_program",
    "once",
    "run",
    "short_type",
]


class PlanError(ConciergeError):
    """The program ran into an error, or declares something no plan may contain."""


def run(stack: str, root: Path | None = None, changes: Mapping[str, str] | None = None) -> Plan:
    """The plan of one stack of the project at `root` (default: the one around the current folder).

    The program runs twice, here and in a second process, and the two must agree. `changes` turns single
    settings for this plan only: `{"network.nat": "none"}`.
    """
    found = stackfile.read(stack, root).changed(changes or {})
    with Again(stack, root, changes or {}) as second:
        return _checked(stack, _recorded(found, stack), second.plan)


def once(stack: str, root: Path | None, changes: Mapping[str, str]) -> Plan:
    """The plan of one run, unchecked: half of `run`, for its second process."""
    return _plan(stack, _recorded(stackfile.read(stack, root).changed(changes), stack))


def of_program(program: "Program", *, project: str, stack: str, config: Mapping[str, str]) -> Plan:
    """The plan of any Pulumi program, run twice in this process."""
    first, second = (_record(program, project, stack, config) for _ in range(2))
    return _checked(stack, first, lambda: _plan(stack, second))


def _recorded(found: stackfile.StackFile, stack: str) -> "Recording":
    """One run of our program; faults of the stack's file are told with their lines before it starts."""
    from stacks import settings

    settings.parse(found.config, file=found.path.name, lines=found.lines)
    return _record(_main, found.project, stack, found.config)


def _main() -> None:
    """`stacks/__main__.py`, as `pulumi up` runs it."""
    runpy.run_module("stacks", run_name="__main__", alter_sys=False)


@cache
def _load() -> None:
    """Imports what `_main` needs. It stays until the process ends, so no collection need look through it."""
    import stacks.estate  # noqa: F401

    gc.freeze()


def _checked(stack: str, recording: "Recording", second: Callable[[], Plan | str]) -> Plan:
    from plan import checks

    plan = _plan(stack, recording)
    found = checks.problems(recording, plan)
    again = second()
    if isinstance(again, str):
        raise PlanError(f"a second run of the same program failed: {again}")
    if found := [*found, *checks.differences(plan, again)]:
        raise PlanError("\n".join(found))
    return plan


def _record(program: "Program", project: str, stack: str, config: Mapping[str, str]) -> "Recording":
    from plan.answers import UnansweredError
    from plan.record import record

    collecting = gc.isenabled()
    gc.disable()  # a plan makes many small objects and no garbage worth looking for
    try:
        if program is _main:
            _load()
        return record(program, project=project, stack=stack, config=config)
    except (SettingsError, KeyboardInterrupt):
        raise
    except UnansweredError as unanswered:
        raise PlanError(str(unanswered)) from unanswered
    except SystemExit as left:
        raise PlanError(f"the program of stack {stack} ended itself: {_where(left)}{left}") from left
    except Exception as error:
        raise PlanError(f"the program of stack {stack} failed: {_where(error)}{error}") from error
    finally:
        if collecting:
            gc.enable()


def _where(error: BaseException) -> str:
    """`components/network.py:42: ` of the innermost frame that is ours."""
    here = Path(__file__).resolve().parent.parent
    place, trace = "", error.__traceback__
    while trace is not None:
        path = Path(trace.tb_frame.f_code.co_filename)
        if path.is_relative_to(here) and path.parent.name in {"components", "stacks"}:
            place = f"{path.relative_to(here)}:{trace.tb_lineno}: "
        trace = trace.tb_next
    return place


def _plan(stack: str, recording: "Recording") -> Plan:
    resources = tuple(
        replace(resource, outputs=recording.outputs.get(resource.urn, resource.outputs))
        for resource in sorted(recording.resources.values(), key=lambda r: r.urn)
    )
    root = next(r for r in resources if r.type == STACK_TYPE)
    return Plan(stack, resources, root.outputs, tuple(recording.warnings))
