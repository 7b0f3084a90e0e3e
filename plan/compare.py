"""How two values differ: nested, with a path for each difference. Knows no resources and judges nothing.

A text that is a JSON document counts as what it says, so that the order of its keys is no difference. A list
of plain values is one value: AWS mostly keeps sets, and `subnetIds[1]` says less than what came and went.
Secrets are compared and never handed on; one whose value a file did not keep is not comparable.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from plan.changes import Mark
from plan.model import Secret

Path = tuple[str | int, ...]
_PLAIN_KEY = re.compile(r"^[A-Za-z_][\w-]*$")
_SCALAR = (str, int, float, bool, type(None))


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two values are not the same. `comparable` is false for a secret that nobody kept."""

    path: Path
    before: Any
    after: Any
    comparable: bool = True

    @property
    def only_order(self) -> bool:
        """The same plain values in another order, which is no change where AWS keeps a set."""
        lists = isinstance(self.before, list) and isinstance(self.after, list)
        return lists and Counter(map(repr, self.before)) == Counter(map(repr, self.after))


def differences(before: Any, after: Any, path: Path = ()) -> Iterator[Difference]:
    """Every difference, in the order of the keys."""
    if isinstance(before, Secret) or isinstance(after, Secret):
        yield from _secrets(before, after, path)
        return
    before, after = _documents(before, after)
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted(before.keys() | after.keys()):
            yield from differences(
                before.get(key, Mark.ABSENT), after.get(key, Mark.ABSENT), (*path, str(key))
            )
    elif isinstance(before, list) and isinstance(after, list) and not (_plain(before) and _plain(after)):
        for number, (old, new) in enumerate(zip_longest(before, after, fillvalue=Mark.ABSENT)):
            yield from differences(old, new, (*path, number))
    elif not _same(before, after):
        yield Difference(path, masked(before), masked(after))


def masked(value: Any) -> Any:
    """The value as it may be shown."""
    if isinstance(value, Secret):
        return Mark.SECRET
    if isinstance(value, Mapping):
        return {key: masked(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(item) for item in value]
    return value


def units(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The values a difference could be reported for, each with its path."""
    opened = _document(value)
    if isinstance(opened, Mapping):
        for key in sorted(opened):
            yield from units(opened[key], (*path, str(key)))
    elif isinstance(opened, list) and not _plain(opened):
        for number, item in enumerate(opened):
            yield from units(item, (*path, number))
    else:
        yield path, value


def texts(value: Any, change: Callable[[str], Any]) -> Any:
    """The value with each text in it passed through `change`; secrets are left alone."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: texts(item, change) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [texts(item, change) for item in value]
    return value


def dotted(path: Path) -> str:
    """`ingress[0].cidrBlock`, `tags["a.b"]`: as Pulumi writes property paths."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.match(step):
            text += f".{step}" if text else step
        else:
            text += f'["{step}"]'
    return text


def _secrets(before: Any, after: Any, path: Path) -> Iterator[Difference]:
    if Mark.ABSENT in (before, after):
        yield Difference(path, masked(before), masked(after))
        return
    lost = any(isinstance(side, Secret) and side.value is None for side in (before, after))
    old, new = (side.value if isinstance(side, Secret) else side for side in (before, after))
    if lost or not _same(old, new):
        yield Difference(path, Mark.SECRET, Mark.SECRET, comparable=not lost)


def _documents(before: Any, after: Any) -> tuple[Any, Any]:
    """Both sides opened if both are JSON documents of the same shape; else both as they are."""
    opened = _document(before), _document(after)
    if isinstance(before, str) and isinstance(after, str) and type(opened[0]) is type(opened[1]):
        return opened
    return before, after


def _document(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _plain(values: list[Any]) -> bool:
    return all(isinstance(value, _SCALAR) for value in values)


def _same(before: Any, after: Any) -> bool:
    """Equal, and not only because Python takes True for 1."""
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(_same, before, after))
    return bool(before == after) and isinstance(before, bool) == isinstance(after, bool)
