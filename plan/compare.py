"""How two values differ: nested, with a path for each difference. Knows no resources and judges nothing.

A property known to hold a JSON document (`DOCUMENTS`) counts as what it says, so that the order of its keys
is no difference; any other text is that text. A list of plain values is one value: AWS mostly keeps sets, and
`subnetIds[1]` says less than what came and went. A list of blocks that is a set is compared entry by entry,
whatever their order.
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
# Where a text is a JSON document. The paths are whole: a tag called `policy` is a tag.
DOCUMENTS = frozenset(
    {
        "accessPolicies",
        "assumeRolePolicy",
        "containerDefinitions",
        "dashboardBody",
        "definition",
        "deliveryPolicy",
        "eventPattern",
        "filterPolicy",
        "inlinePolicies.policy",
        "inlinePolicy",
        "policy",
        "policyDocument",
        "redriveAllowPolicy",
        "redrivePolicy",
        # what the bridge hands to a provider, which takes only texts
        "allowedAccountIds",
        "assumeRoles",
        "defaultTags",
        "endpoints",
        "forbiddenAccountIds",
        "ignoreTags",
    }
)
# Lists of blocks, and of plain values, that the provider keeps as sets; so are all lists of ids.
_BLOCK_SETS = frozenset(
    {
        "attributes",
        "egress",
        "globalSecondaryIndexes",
        "ingress",
        "localSecondaryIndexes",
        "placementConstraints",
        "replicas",
        "volumes",
    }
)
_PLAIN_SETS = frozenset(
    {
        "availabilityZones",
        "privateDnsSpecifiedDomains",
        "requiresCompatibilities",
        "securityGroups",
        "subjectAlternativeNames",
        "subnets",
    }
)
_NO_DOCUMENTS: frozenset[str] = frozenset()
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


def differences(
    before: Any, after: Any, path: Path = (), documents: frozenset[str] = _NO_DOCUMENTS
) -> Iterator[Difference]:
    """Every difference, in the order of the keys. `documents`: where a text counts as what it says."""
    if isinstance(before, Secret) or isinstance(after, Secret):
        yield from _secrets(before, after, path)
        return
    if _named(path, documents):
        before, after = _documents(before, after)
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted(before.keys() | after.keys()):
            old, new = before.get(key, Mark.ABSENT), after.get(key, Mark.ABSENT)
            yield from differences(old, new, (*path, str(key)), documents)
    elif isinstance(before, list) and isinstance(after, list) and not (_plain(before) and _plain(after)):
        if _name(path) in _BLOCK_SETS:
            after = _in_order_of(before, after)
        for number, (old, new) in enumerate(zip_longest(before, after, fillvalue=Mark.ABSENT)):
            yield from differences(old, new, (*path, number), documents)
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


def units(
    value: Any, path: Path = (), documents: frozenset[str] = _NO_DOCUMENTS
) -> Iterator[tuple[Path, Any]]:
    """The values a difference could be reported for, each with its path."""
    opened = _document(value) if _named(path, documents) else value
    if isinstance(opened, Mapping):
        for key in sorted(opened):
            yield from units(opened[key], (*path, str(key)), documents)
    elif isinstance(opened, list) and not _plain(opened):
        for number, item in enumerate(opened):
            yield from units(item, (*path, number), documents)
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


def words(path: Path) -> tuple[str, ...]:
    """The names in a path, without list positions."""
    return tuple(step for step in path if isinstance(step, str))


def is_set(path: Path) -> bool:
    """Does the provider keep this list of plain values as a set?"""
    name = _name(path)
    return name.endswith("Ids") or name in _PLAIN_SETS


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


def _name(path: Path) -> str:
    return "".join(words(path)[-1:])


def _named(path: Path, documents: frozenset[str]) -> bool:
    return ".".join(words(path)) in documents


def _in_order_of(before: list[Any], after: list[Any]) -> list[Any]:
    """What is in both stands where it stood; the rest fills the other places."""
    left = list(after)
    places = []
    for old in before:
        here = next((n for n, new in enumerate(left) if _alike(old, new)), None)
        places.append(Mark.ABSENT if here is None else left.pop(here))
    filled = [left.pop(0) if place is Mark.ABSENT and left else place for place in places]
    return filled + left


def _alike(before: Any, after: Any) -> bool:
    """Equal, but perhaps for the order of plain values."""
    return all(difference.only_order for difference in differences(before, after))


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
