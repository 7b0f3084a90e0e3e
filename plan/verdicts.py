"""The changes of one resource, each with its verdict: what the programs changed, what replacements bring.

The order of authorities stands in `plan.diff`; here it is applied.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from plan import compare
from plan.changes import Change, Kind, Mark
from plan.compare import Difference, Path
from plan.model import PROVIDER_PREFIX, Resource
from plan.pairs import Pair, identity, renamed_text
from plan.replacements import Row, lookup

_STEP = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+|\*)\]|([^.\[\]]+)')
_WEIGHT = ("replace", "unknown", "update")
_OPTION = "replaceOnChanges option in the program"
_SET = Row("update", "the provider keeps a set here: another order is no change")
# A set to AWS, which the provider keeps as a list of a block that cannot be changed.
_ORDER_MAY_COUNT = ("nonKeyAttributes",)
_MAY_COUNT = Row("unknown", "AWS keeps a set here, and no source says that the provider does")
_REORDERED = "same values in another order; no change where AWS keeps a set"


@dataclass(frozen=True)
class Names:
    """Who is who in the two plans: old urn -> new urn, and new urn -> the texts a rename changed."""

    successors: Mapping[str, str]
    renamed: Mapping[str, Mapping[str, str]]


@dataclass
class Verdicts:
    """One pair while it is being worked on."""

    pair: Pair
    changes: dict[Path, Change] = field(default_factory=dict)
    follows: set[Path] = field(default_factory=set)
    not_comparable: list[str] = field(default_factory=list)

    @property
    def kind(self) -> Kind:
        if self.pair.before is None:
            return Kind.ADDED
        if self.pair.after is None:
            return Kind.REMOVED
        verdicts = {change.verdict for change in self.changes.values()}
        if "replace" in verdicts:
            return Kind.REPLACED
        if "unknown" in verdicts:
            return Kind.UNKNOWN
        return Kind.CHANGED if verdicts else Kind.UNCHANGED

    def compare(self, names: Names) -> None:
        """What the programs changed."""
        old, new = self.pair.before, self.pair.after
        if old is None or new is None:
            return
        for change in _moved(old, new, names):
            self.changes[(change.path,)] = change
        before = _in_new_names(old, new, names)
        after = _with_ignored(before, new)
        for found in compare.differences(before, after, documents=compare.DOCUMENTS):
            if _ignored(new, found.path):
                continue
            if found.comparable:
                self.changes[found.path] = _change(new, found)
            else:
                self.not_comparable.append(compare.dotted(found.path))

    def follow(self, replaced: Resource, name: str) -> None:
        """Property `name` holds something of a resource that is replaced."""
        old, new = self.pair.before, self.pair.after
        if old is None or new is None or name not in new.inputs:
            return
        texts = identity(replaced).values()
        units = list(compare.units(new.inputs[name], (name,), compare.DOCUMENTS))
        before = dict(compare.units(old.inputs.get(name), (name,), compare.DOCUMENTS))
        holding = [unit for unit in units if renewed(unit[1], texts) != unit[1]]
        for path, value in holding or [((name,), new.inputs[name])]:
            will = _renewed_where_followed(new, path, value, texts)
            if _ignored(new, path) or (holding and will == value):
                continue
            known = next((p for p in self.changes if path[: len(p)] == p), None)
            if known is not None:
                self.changes[known] = self._also(new, known, replaced.label, texts)
                continue
            was, will = compare.masked(before.get(path, value)), compare.masked(will)
            found = Difference(path, was, Mark.NEW if will == was else will)
            self.changes[path] = replace(_change(new, found), because=(replaced.label,))
            self.follows.add(path)

    def _also(self, new: Resource, path: Path, cause: str, texts: Iterable[str]) -> Change:
        """What the program changed keeps its new value; what only follows shows each new id as new."""
        change = self.changes[path]
        after = _renewed_where_followed(new, path, change.after, texts)
        if change.note == _REORDERED:  # it is more than that now
            row = _row(new, Difference(path, change.before, after))
            change = replace(change, verdict=row.verdict, source=row.source, note="")
        because = tuple(dict.fromkeys((*change.because, cause)))
        return replace(change, after=after if path in self.follows else change.after, because=because)


def renewed(value: Any, texts: Iterable[str]) -> Any:
    """The value with what is new in it marked: everything a replaced resource is known by."""
    return compare.texts(value, partial(_renewed_text, texts=sorted(texts, key=len, reverse=True)))


def _renewed_text(text: str, texts: list[str]) -> Any:
    if text in texts:
        return Mark.NEW
    for known in texts:
        text = text.replace(known, Mark.NEW.value)
    return text


def _renewed_where_followed(resource: Resource, path: Path, value: Any, texts: Iterable[str]) -> Any:
    """The same, but for the entries of a list that the program ignores."""
    known = tuple(texts)
    if not isinstance(value, list):
        return renewed(value, known)
    return [item if _ignored(resource, (*path, n)) else renewed(item, known) for n, item in enumerate(value)]


def _change(resource: Resource, found: Difference) -> Change:
    row = _row(resource, found)
    note = _REORDERED if found.only_order else ""
    return Change(compare.dotted(found.path), found.before, found.after, row.verdict, row.source, note=note)


def _row(resource: Resource, found: Difference) -> Row:
    """The verdict on one difference; a block that comes or goes takes everything in it along."""
    if any(_touches(pattern, found) for pattern in resource.options.replace_on_changes):
        return Row("replace", _OPTION)
    appears = Mark.ABSENT in (found.before, found.after)
    names = compare.words(found.path)
    row = lookup(resource.type, names, appears=appears and len(found.path) == 1)
    if found.only_order and row.verdict != "update":
        return _reordered(found.path, row)
    block = found.before if found.after is Mark.ABSENT else found.after
    if not appears or row.verdict == "replace" or not isinstance(block, (Mapping, list)):
        return row
    inside = [lookup(resource.type, compare.words(path)) for path, _ in compare.units(block, found.path)]
    by_weight = sorted((row, *inside), key=lambda part: _WEIGHT.index(part.verdict))
    return by_weight[0]


def _reordered(path: Path, row: Row) -> Row:
    """The verdict on the same plain values in another order."""
    if compare.is_set(path):
        return _SET
    return _MAY_COUNT if path[-1] in _ORDER_MAY_COUNT else row


def _moved(old: Resource, new: Resource, names: Names) -> Iterator[Change]:
    """What is no input and still matters: another type, another provider, another region of the provider."""
    if old.type.startswith(PROVIDER_PREFIX):
        return
    if old.type != new.type:
        yield _unsourced("(type)", old.type, new.type)
    if old.region != new.region and old.inputs.get("region") == new.inputs.get("region"):
        yield _unsourced("(region of the provider)", old.region, new.region)
    if old.provider and new.provider and names.successors.get(old.provider) != new.provider:
        yield _unsourced("(provider)", *(urn.rpartition("::")[2] for urn in (old.provider, new.provider)))


def _unsourced(what: str, before: Any, after: Any) -> Change:
    return Change(what, before, after, "unknown", "no source says what becomes of the resource")


def _in_new_names(old: Resource, new: Resource, names: Names) -> dict[str, Any]:
    """The old inputs as they would read had the resources they point at always been called as now."""
    inputs = dict(old.inputs)
    for name, urns in new.property_dependencies.items():
        texts: dict[str, str] = {}
        for urn in urns:
            texts |= names.renamed.get(urn, {})
        if texts and name in inputs:
            inputs[name] = compare.texts(inputs[name], partial(renamed_text, names=texts))
    return inputs


def _ignored(resource: Resource, path: Path) -> bool:
    return any(_covers(pattern, path) for pattern in resource.options.ignore_changes)


def _with_ignored(before: Mapping[str, Any], new: Resource) -> dict[str, Any]:
    """The new inputs, with every place that `ignoreChanges` names as it was before."""
    inputs = dict(new.inputs)
    for steps in filter(None, map(_steps, new.options.ignore_changes)):
        inputs = _reset(before, inputs, steps)
    return inputs


def _reset(old: Any, new: Any, steps: Sequence[str]) -> Any:
    """`new` with the place that `steps` lead to as it is in `old`; a block that only held it never came."""
    if not steps:
        return old
    if not isinstance(new, (Mapping, list)) or (old is not Mark.ABSENT and type(old) is not type(new)):
        return new
    was, now = _parts(old), _parts(new)
    found = dict(now)
    for key in [key for key in (*now, *(was.keys() - now.keys())) if steps[0] in {"*", str(key)}]:
        found[key] = _reset(was.get(key, Mark.ABSENT), now.get(key, Mark.ABSENT), steps[1:])
    found = {key: part for key, part in found.items() if part is not Mark.ABSENT}
    if now and not found and old is Mark.ABSENT:
        return Mark.ABSENT
    return [found[key] for key in sorted(found)] if isinstance(new, list) else found


def _touches(pattern: str, found: Difference) -> bool:
    """Is the place that an option's property path names different: this one, one around it, or one in it?"""
    steps = _steps(pattern)
    if len(steps) <= len(found.path):
        return _covers(pattern, found.path)
    if not _matches(steps, found.path):
        return False
    rest = steps[len(found.path) :]
    return _places(found.before, rest) != _places(found.after, rest)


def _places(value: Any, steps: Sequence[str]) -> dict[Path, Any]:
    """What stands where `steps` lead to."""
    if not steps:
        return {(): value}
    parts = ((key, part) for key, part in _parts(value).items() if steps[0] in {"*", str(key)})
    return {(key, *path): place for key, part in parts for path, place in _places(part, steps[1:]).items()}


def _parts(value: Any) -> dict[Any, Any]:
    if isinstance(value, list):
        return dict(enumerate(value))
    return dict(value) if isinstance(value, Mapping) else {}


def _covers(pattern: str, path: Path) -> bool:
    """Does an option's property path name this place or one around it?"""
    steps = _steps(pattern)
    return 0 < len(steps) <= len(path) and _matches(steps, path)


def _matches(steps: Sequence[str], path: Path) -> bool:
    return all(step in {"*", str(found)} for step, found in zip(steps, path, strict=False))


def _steps(pattern: str) -> list[str]:
    return [quoted or position or name for quoted, position, name in _STEP.findall(pattern)]
