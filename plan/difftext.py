"""A comparison of two plans as a person reads it. Only words, no decisions.

By component; what is blocked and what the program itself replaces comes first, what merely follows after it.
Resources of one type to which the same happens share an entry.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from plan.changes import Change, Diff, Kind, Mark, OutputChange, ResourceChange, shown_as_json
from plan.model import PROVIDER_PREFIX, Resource, short_type
from plan.pairs import identity

_SIGNS = {Kind.ADDED: "+", Kind.REMOVED: "-", Kind.CHANGED: "~", Kind.REPLACED: "+/-", Kind.UNKNOWN: "?"}
_STYLES = {
    Kind.ADDED: "green",
    Kind.REMOVED: "red",
    Kind.CHANGED: "yellow",
    Kind.REPLACED: "bold magenta",
    Kind.UNKNOWN: "bold cyan",
    Kind.UNCHANGED: "dim",
}
_VERDICTS = {
    "replace": ("forces replacement", "magenta"),
    "unknown": ("unknown", "cyan"),
    "update": ("update", "yellow"),
}
_MADE_UP = re.compile(r"[0-9a-f]{17}$")
_LOST = "not comparable: a saved plan keeps no secret values"
_VALUE_WIDTH = 48
_NAMES_SHOWN = 4
_VALUES_SHOWN = 9
_CHANGES_SHOWN = 8
_CONTEXT = 12


def render(diff: Diff) -> RenderableType:
    """A tree, the outputs, and the counts at the end."""
    names = _names(diff)
    tree = Tree(_title(diff), guide_style="dim")
    for component, changes in _components(diff).items():
        branch = tree.add(Text(component or "outside of components", style="cyan"))
        for alike in _alike(changes):
            _entry(branch, alike, component, names)
    outputs = [_output(output, names) for output in diff.outputs[:_CHANGES_SHOWN]]
    if len(diff.outputs) > _CHANGES_SHOWN:
        outputs.append(Text(f"and {len(diff.outputs) - _CHANGES_SHOWN} outputs more", style="dim"))
    return Group(tree, *outputs, *_warnings(diff), _summary(diff))


def _title(diff: Diff) -> Text:
    if diff.before == diff.after:
        return Text.assemble((diff.after, "bold"), ": what would change")
    return Text.assemble((diff.before, "bold"), " → ", (diff.after, "bold"), ": what is different")


def _names(diff: Diff) -> Mapping[str, str]:
    """Ids that `plan.identities` made up, which tell nobody anything -> the names in the program."""
    sides = (side for change in diff.resources for side in (change.before, change.after) if side)
    texts = ((text, side.name) for side in sides for text in identity(side).values())
    return {text: name for text, name in texts if _MADE_UP.search(text)}


def _components(diff: Diff) -> Mapping[str, list[ResourceChange]]:
    """Component -> what happens in it, worst first."""
    found: dict[str, list[ResourceChange]] = {}
    for change in sorted(diff.resources, key=_weight):
        if change.kind is not Kind.UNCHANGED or change.renamed_from or change.not_comparable:
            found.setdefault(change.component, []).append(change)
    return found


def _weight(change: ResourceChange) -> tuple[bool, bool, int, str]:
    own = any(not c.because for c in change.decisive)
    return not change.blocked, not own, list(Kind).index(change.kind), change.resource.key


def _alike(changes: Iterable[ResourceChange]) -> Iterator[list[ResourceChange]]:
    """Resources of one type to which the same happens, though with other values."""
    groups: dict[object, list[ResourceChange]] = {}
    for change in changes:
        what = tuple((c.path, c.verdict, c.source, bool(c.because), c.note) for c in change.changes)
        which = (change.kind, change.resource.type, change.blocked, change.note, change.renamed_from)
        groups.setdefault((which, what, change.not_comparable), []).append(change)
    yield from groups.values()


def _entry(branch: Tree, alike: Sequence[ResourceChange], component: str, names: Mapping[str, str]) -> None:
    first, style = alike[0], _STYLES[alike[0].kind]
    line = Text(f"{_SIGNS.get(first.kind, ' '):<3} {_type(first.resource)} ", style=style)
    line.append(f"{len(alike)}: " if len(alike) > 1 else "")
    line.append(_list(_short_name(change, component) for change in alike))
    if first.blocked:
        line.append(f"  blocked: {first.blocked}", style="bold red")
    if first.renamed_from:
        line.append(f"  renamed from {first.renamed_from} (alias)", style="dim")
    if first.note:
        line.append(f"  {first.note}", style="dim")
    entry = branch.add(line)
    shown = [
        n for n, c in enumerate(first.changes) if first.kind is not Kind.REPLACED or c.verdict == "replace"
    ]
    for number in shown[:_CHANGES_SHOWN]:
        following = first.changes[number + 1].source if number + 1 in shown[:_CHANGES_SHOWN] else ""
        of_each = [(_short_name(change, component), change.changes[number]) for change in alike]
        _property(entry, of_each, names, last=first.changes[number].source != following)
    if len(shown) > _CHANGES_SHOWN:
        entry.add(Text(f"and {len(shown) - _CHANGES_SHOWN} properties more", style="dim"))
    aside = [change.path for number, change in enumerate(first.changes) if number not in shown]
    if aside:
        entry.add(Text(f"also changed: {_list(aside)}", style="dim"))
    for path in first.not_comparable:
        entry.add(Text.assemble((path, "bold"), f"  {_LOST}"))


def _type(resource: Resource) -> str:
    kind = short_type(resource.type)
    return f"provider {kind}" if resource.type.startswith(PROVIDER_PREFIX) else kind


def _short_name(change: ResourceChange, component: str) -> str:
    name = change.resource.name
    return name.removeprefix(f"{component}-") if component else name


def _property(
    entry: Tree, alike: Sequence[tuple[str, Change]], names: Mapping[str, str], *, last: bool
) -> None:
    """One property of one or more resources: what becomes of it, the values, and who says so.

    `last`: the next property does not have the same source.
    """
    first = alike[0][1]
    values = [(name, _values(change, names)) for name, change in alike]
    same = len({text for _, text in values}) == 1
    word, style = _VERDICTS[first.verdict]
    follows = bool(first.because) and Mark.NEW.value in _shown(first.after, names)
    line = Text.assemble((first.path, "bold"), f"  {values[0][1]}  " if same and not follows else "  ")
    line.append(word, style=style)
    if first.because:
        line.append(f", because {_because([change.because for _, change in alike])}")
    if first.note:
        line.append(f"  ({first.note})", style="dim")
    node = entry.add(line)
    if not follows and not same:
        for name, text in values[:_VALUES_SHOWN]:
            node.add(Text(f"{name}  {text}"))
        if len(values) > _VALUES_SHOWN:
            node.add(Text(f"and {len(values) - _VALUES_SHOWN} more", style="dim"))
    if first.verdict != "update" and last:
        entry.add(Text(f"↑ {first.source}", style="dim"))


def _because(causes: Sequence[tuple[str, ...]]) -> str:
    """The replaced resource by name where it is one, else by type."""
    every = sorted({cause for found in causes for cause in found})
    if len(every) == 1:
        return f"{every[0]} is replaced"
    kinds = sorted(Counter(cause.partition(" ")[0] for cause in causes[0]).items())
    words = ", ".join(kind if count == 1 else f"{count} {kind}" for kind, count in kinds)
    return f"its {words} {'is' if len(causes[0]) == 1 else 'are'} replaced"


def _values(change: Change, names: Mapping[str, str]) -> str:
    before, after = change.before, change.after
    if change.note:
        return f"{_shown(before, names)} → {_shown(after, names)}"
    return _two(before, after, names)


def _two(before: Any, after: Any, names: Mapping[str, str]) -> str:
    """Both values: of two lists what came and went, of two long texts the part where they begin to differ."""
    if isinstance(before, str) and isinstance(after, str):
        pairs = enumerate(zip(before, after, strict=False))
        same = next((n for n, (old, new) in pairs if old != new), min(len(before), len(after)))
        start = max(0, same - _CONTEXT) if max(len(before), len(after)) > _VALUE_WIDTH else 0
        cut = "…" if start else ""
        return f"{cut}{_shown(before[start:], names)} → {cut}{_shown(after[start:], names)}"
    if isinstance(before, list) and isinstance(after, list):
        gone = [item for item in before if item not in after]
        come = [item for item in after if item not in before]
        if len(gone) < len(before) or len(come) < len(after):
            signs = [f"- {_shown(item, names)}" for item in gone] + [
                f"+ {_shown(item, names)}" for item in come
            ]
            return f"{len(before)} → {len(after)} entries: {_cut(', '.join(signs), 2 * _VALUE_WIDTH)}"
    return f"{_shown(before, names)} → {_shown(after, names)}"


def _shown(value: Any, names: Mapping[str, str]) -> str:
    if isinstance(value, str):
        return _cut(names.get(value, value), _VALUE_WIDTH)
    if isinstance(value, list):
        return _cut(f"[{', '.join(_shown(item, names) for item in value)}]", 2 * _VALUE_WIDTH)
    if isinstance(value, Mark):
        return value.value
    return _cut(json.dumps(shown_as_json(value), ensure_ascii=False), _VALUE_WIDTH)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _list(names: Iterable[str]) -> str:
    every = list(names)
    rest = len(every) - _NAMES_SHOWN
    return ", ".join([*every[:_NAMES_SHOWN], f"{rest} more"] if rest > 0 else every)


def _output(output: OutputChange, names: Mapping[str, str]) -> Text:
    kind = Kind.CHANGED
    if Mark.ABSENT in (output.before, output.after):
        kind = Kind.ADDED if output.before is Mark.ABSENT else Kind.REMOVED
    line = Text.assemble((f"{_SIGNS[kind]:<3} output ", _STYLES[kind]), (output.path, "bold"))
    line.append(f"  {_two(output.before, output.after, names)}")
    return line.append(f", because {_because([output.because])}" if output.because else "")


def _warnings(diff: Diff) -> Iterator[Text]:
    if diff.outputs_not_comparable:
        yield Text(f"outputs {_list(diff.outputs_not_comparable)}: {_LOST}", style="yellow")
    if diff.blocked:
        labels = _list(change.resource.label for change in diff.blocked)
        yield Text(f"blocked: {labels}: protected, `pulumi up` would stop here", style="bold red")


def _summary(diff: Diff) -> Text:
    if diff.empty:
        return Text(f"no difference in {diff.counts[Kind.UNCHANGED]} resources", style="green")
    counted = [Text(f"{count} {kind}", style=_STYLES[kind]) for kind, count in diff.counts.items() if count]
    return Text(", ").join(counted)
