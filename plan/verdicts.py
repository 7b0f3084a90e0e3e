"""The changes of one resource, each with its verdict: what the programs changed, what replacements bring.

The order of authorities stands in `plan.diff`; here it is applied.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
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
        for found in compare.differences(_in_new_names(old, new, names), dict(new.inputs)):
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
        units = list(compare.units(new.inputs[name], (name,)))
        before = dict(compare.units(old.inputs.get(name), (name,)))
        holding = [unit for unit in units if renewed(unit[1], texts) != unit[1]]
        for path, value in holding or [((name,), new.inputs[name])]:
            known = next((p for p in self.changes if path[: len(p)] == p), None)
            if known is not None:
                self.changes[known] = self._also(known, replaced.label, texts)
            elif not _ignored(new, path):
                was, will = (compare.masked(v) for v in (before.get(path, value), renewed(value, texts)))
                found = Difference(path, was, Mark.NEW if will == was else will)
                self.changes[path] = replace(_change(new, found), because=(replaced.label,))
                self.follows.add(path)

    def _also(self, path: Path, cause: str, texts: Iterable[str]) -> Change:
        """What the program changed keeps its new value; what only follows shows each new id as new."""
        change = self.changes[path]
        after = renewed(change.after, texts) if path in self.follows else change.after
        return replace(change, after=after, because=tuple(dict.fromkeys((*change.because, cause))))


def renewed(value: Any, texts: Iterable[str]) -> Any:
    """The value with what is new in it marked: everything a replaced resource is known by."""
    return compare.texts(value, partial(_renewed_text, texts=sorted(texts, key=len, reverse=True)))


def _renewed_text(text: str, texts: list[str]) -> Any:
    if text in texts:
        return Mark.NEW
    for known in texts:
        text = text.replace(known, Mark.NEW.value)
    return text


def _change(resource: Resource, found: Difference) -> Change:
    row = _row(resource, found)
    note = _REORDERED if found.only_order else ""
    return Change(compare.dotted(found.path), found.before, found.after, row.verdict, row.source, note=note)


def _row(resource: Resource, found: Difference) -> Row:
    """The verdict on one difference; a block that comes or goes takes everything in it along."""
    if any(_covers(pattern, found.path) for pattern in resource.options.replace_on_changes):
        return Row("replace", "replaceOnChanges option in the program")
    appears = Mark.ABSENT in (found.before, found.after)
    row = lookup(resource.type, _words(found.path), appears=appears and len(found.path) == 1)
    block = found.before if found.after is Mark.ABSENT else found.after
    if appears and row.verdict != "replace" and isinstance(block, (Mapping, list)):
        inside = (lookup(resource.type, _words(path)) for path, _ in compare.units(block, found.path))
        row = next((part for part in inside if part.verdict == "replace"), row)
    return row


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


def _covers(pattern: str, path: Path) -> bool:
    """Does an option's property path name this place or one around it?"""
    steps = [quoted or position or name for quoted, position, name in _STEP.findall(pattern)]
    if not 0 < len(steps) <= len(path):
        return False
    return all(step in {"*", str(found)} for step, found in zip(steps, path, strict=False))


def _words(path: Path) -> tuple[str, ...]:
    return tuple(step for step in path if isinstance(step, str))
