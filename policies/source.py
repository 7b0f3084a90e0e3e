"""Which file of ours a resource of a plan comes from, so that a finding says where to mend it."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from plan.model import STACK_TYPE, Plan

ROOT = Path(__file__).resolve().parent.parent
# How a component says what it is (`components.base.Component.kind`).
_KIND = re.compile(r'^    kind = "([a-z_]+:\w+)"$', re.MULTILINE)


def file_of(plan: Plan, urn: str) -> str:
    """`components/tickets.py` for the table of tickets; the program itself for what has no component."""
    resource = plan.by_urn[urn]
    if not resource.custom and resource.type != STACK_TYPE:
        component = resource
    else:
        found = plan.component_of(resource)
        if found is None:
            return "stacks/__main__.py"
        component = found
    return _files()[component.type.partition(":")[2]]


@cache
def _files() -> Mapping[str, str]:
    """Kind of component -> the file that defines it."""
    return {
        kind: path.relative_to(ROOT).as_posix()
        for folder in ("components", "stacks")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for kind in _KIND.findall(path.read_text(encoding="utf-8"))
    }
