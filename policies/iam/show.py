"""`words` for a person's eyes, and for a program's."""

from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from policies.iam.roles import Can, Words


def render(found: Sequence[Words]) -> RenderableType:
    """A tree for each role: service, what is done to what, by which actions, under which conditions."""
    return Group(*(_role(words) for words in found))


def as_json(found: Sequence[Words]) -> dict[str, Any]:
    return {"roles": [asdict(words) for words in found]}


def _role(words: Words) -> RenderableType:
    root = Tree(Text(f"{words.role} can", style="bold"))
    for service, group in groupby(words.can, key=lambda can: can.service):
        branch = root.add(Text(service, style="bold"))
        for can in group:
            branch.add(_line(can))
    return Group(root, *(Text(note, style="yellow") for note in _notes(words)))


def _line(can: Can) -> Text:
    line = Text(f"{can.verb} {can.what}")
    if can.only:
        line.append(f", only where {' and '.join(can.only)}")
    line.append(f"  ({', '.join(can.actions)})", style="dim")
    if can.refused:
        line.stylize("strike")
        line.append(f"  not so: its boundary refuses it ({can.refused})", style="yellow")
    return line


def _notes(words: Words) -> list[str]:
    if words.boundary is None:
        held = "It carries no permission boundary (identity.permission_boundary_arn in the stack's file)."
    else:
        held = f"Its boundary is {words.boundary}, read from stacks/bootstrap.yaml."
    return [held, *(f"It also has AWS's own policy {arn}, which is not read here." for arn in words.managed)]
