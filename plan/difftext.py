"""A comparison of two plans as a person reads it, and as JSON. Only words, no decisions.

Grouped by component, worst first. Resources to which the very same happens share one entry.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from plan.changes import Change, Diff, Kind, Mark, OutputChange, ResourceChange
from plan.model import short_type

_SIGNS = {Kind.ADDED: "+", Kind.REMOVED: "-", Kind.CHANGED: "~", Kind.REPLACED: "+/-", Kind.UNKNOWN: "?"}
_STYLES = {
    Kind.ADDED: "green",
    Kind.REMOVED: "red",
    Kind.CHANGED: "yellow",
    Kind.REPLACED: "bold magenta",
    Kind.UNKNOWN: "bold cyan",
    Kind.UNCHANGED: "dim",
}
_VALUE_WIDTH = 48
_NAMES_SHOWN = 4


def render(diff: Diff) -> RenderableType:
    """A tree, the outputs, and the counts at the end."""
    if diff.before == diff.after:
        title = Text.assemble((diff.after, "bold"), ": what would change")
    else:
        title = Text.assemble((diff.before, "bold"), " → ", (diff.after, "bold"), ": what is different")
    parts: list[RenderableType] = []
    tree = Tree(title, guide_style="dim")
    for component, changes in _components(diff).items():
        branch = tree.add(Text(component or "outside of components", style="cyan"))
        for alike in _alike(changes):
            _resources(branch, alike, component)
    parts.append(tree)
    parts += [_output(output) for output in diff.outputs]
    parts += list(_warnings(diff))
    parts.append(_summary(diff))
    return Group(*parts)


def as_json(diff: Diff) -> dict[str, Any]:
    """Everything but the unchanged resources. A value that is not there has no key, a new one is not shown."""
    return {
        "before": diff.before,
        "after": diff.after,
        "counts": {str(kind): count for kind, count in diff.counts.items()},
        "resources": [_resource_json(r) for r in diff.resources if _worth_showing(r)],
        "outputs": [
            {"name": o.name, **_values_json(o.before, o.after), "because": list(o.because)} for o in diff.outputs
        ],
        "outputs_not_comparable": list(diff.outputs_not_comparable),
    }


def _worth_showing(change: ResourceChange) -> bool:
    return bool(change.kind is not Kind.UNCHANGED or change.renamed_from or change.not_comparable)


def _components(diff: Diff) -> Mapping[str, list[ResourceChange]]:
    """Component -> what happens in it, worst first; those with replacements before the others."""
    ranks = list(Kind)
    found: dict[str, list[ResourceChange]] = {}
    for change in sorted(diff.resources, key=lambda c: (ranks.index(c.kind), c.resource.key)):
        if _worth_showing(change):
            found.setdefault(change.component, []).append(change)
    return found


def _alike(changes: Iterable[ResourceChange]) -> Iterator[list[ResourceChange]]:
    """Resources of one type to which the same happens, in the order of the first."""
    groups: dict[object, list[ResourceChange]] = {}
    for change in changes:
        same = (change.kind, change.resource.type, change.blocked, change.note, change.renamed_from)
        groups.setdefault((*same, repr(change.changes), change.not_comparable), []).append(change)
    yield from groups.values()


def _resources(branch: Tree, alike: list[ResourceChange], component: str) -> None:
    first = alike[0]
    style = _STYLES[first.kind]
    line = Text.assemble((f"{_SIGNS.get(first.kind, ' '):<3} ", style), (short_type(first.resource.type), style))
    names = [c.resource.name.removeprefix(component).lstrip("-") or c.resource.name for c in alike]
    line.append(f" {len(alike)}:" if len(alike) > 1 else "")
    line.append(f" {_names(names)}")
    if first.blocked:
        line.append(f"  blocked: {first.blocked}", style="bold red")
    if first.renamed_from:
        line.append(f"  renamed from {first.renamed_from} (alias)", style="dim")
    if first.note:
        line.append(f"  {first.note}", style="dim")
    entry = branch.add(line)
    for change in _by_weight(first):
        _property(entry, change)
    for path in first.not_comparable:
        entry.add(Text.assemble((path, "bold"), "  not comparable: a saved plan keeps no secret values"))


def _by_weight(change: ResourceChange) -> list[Change]:
    """What decides first, then the rest."""
    decisive = change.decisive
    return [*decisive, *(c for c in change.changes if c not in decisive)]


def _property(entry: Tree, change: Change) -> None:
    before, after = _shown_pair(change)
    style = {"replace": "magenta", "unknown": "cyan"}.get(change.verdict, "yellow")
    line = Text.assemble((change.path, "bold"), f"  {before} → {after}  ", (_WORDS[change.verdict], style))
    if change.because:
        verb = "is" if len(change.because) == 1 else "are"
        line.append(f", because {_names(change.because)} {verb} replaced")
    if change.note:
        line.append(f"  ({change.note})", style="dim")
    node = entry.add(line)
    if change.verdict != "update":
        node.add(Text(change.source, style="dim"))


_WORDS = {"replace": "forces replacement", "unknown": "update or replacement, unknown", "update": "update"}


def _shown_pair(change: Change) -> tuple[str, str]:
    """Both values; of two lists only what differs."""
    if isinstance(change.before, list) and isinstance(change.after, list) and not change.note:
        gone = [item for item in change.before if item not in change.after]
        come = [item for item in change.after if item not in change.before]
        return _shown_list(change.before, gone, "-"), _shown_list(change.after, come, "+")
    return _shown(change.before), _shown(change.after)


def _shown_list(whole: list[Any], part: list[Any], sign: str) -> str:
    if len(part) == len(whole):
        return _shown(whole)
    return f"{len(whole)} entries" + (f" ({sign} {_cut(', '.join(map(_shown, part)))})" if part else "")


def _shown(value: Any) -> str:
    if isinstance(value, Mark):
        return value.value
    if isinstance(value, str):
        return _cut(value)
    return _cut(json.dumps(_plain(value), ensure_ascii=False))


def _cut(text: str) -> str:
    return text if len(text) <= _VALUE_WIDTH else f"{text[: _VALUE_WIDTH - 1]}…"


def _names(names: Iterable[str]) -> str:
    every = list(names)
    rest = len(every) - _NAMES_SHOWN
    return ", ".join([*every[:_NAMES_SHOWN], f"{rest} more"] if rest > 0 else every)


def _output(output: OutputChange) -> Text:
    kind = {Mark.ABSENT: Kind.ADDED}.get(output.before) if isinstance(output.before, Mark) else None
    kind = kind or (Kind.REMOVED if output.after is Mark.ABSENT else Kind.CHANGED)
    line = Text.assemble((f"{_SIGNS[kind]:<3} output ", _STYLES[kind]), (output.name, "bold"))
    line.append(f"  {_shown(output.before)} → {_shown(output.after)}")
    if output.because:
        line.append(f", because {_names(output.because)} is replaced")
    return line


def _warnings(diff: Diff) -> Iterator[Text]:
    if diff.outputs_not_comparable:
        names = _names(diff.outputs_not_comparable)
        yield Text(f"not comparable: outputs {names}: a saved plan keeps no secret values", style="yellow")
    if diff.blocked:
        names = _names(change.resource.label for change in diff.blocked)
        yield Text(f"blocked: {names}: protected, so `pulumi up` stops here", style="bold red")


def _summary(diff: Diff) -> Text:
    if diff.empty:
        return Text(f"no difference in {diff.counts[Kind.UNCHANGED]} resources", style="green")
    line = Text()
    for kind in (Kind.REPLACED, Kind.REMOVED, Kind.UNKNOWN, Kind.CHANGED, Kind.ADDED, Kind.UNCHANGED):
        if count := diff.counts[kind]:
            line.append(", " if line else "")
            line.append(f"{count} {kind}", style=_STYLES[kind])
    return line


def _resource_json(change: ResourceChange) -> dict[str, Any]:
    found: dict[str, Any] = {
        "key": change.resource.key,
        "type": change.resource.type,
        "name": change.resource.name,
        "component": change.component,
        "kind": str(change.kind),
        "changes": [
            {
                "path": c.path,
                **_values_json(c.before, c.after),
                "verdict": c.verdict,
                "source": c.source,
                "because": list(c.because),
                "note": c.note,
            }
            for c in change.changes
        ],
        "not_comparable": list(change.not_comparable),
        "note": change.note,
    }
    return found | {"renamed_from": change.renamed_from, "blocked": change.blocked}


def _values_json(before: Any, after: Any) -> dict[str, Any]:
    sides = {"before": before, "after": after}
    return {side: _plain(value) for side, value in sides.items() if value is not Mark.ABSENT}


def _plain(value: Any) -> Any:
    """Marks as their texts, however deep."""
    if isinstance(value, Mark):
        return value.value
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
