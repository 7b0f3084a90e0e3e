"""What the CloudFormation resource schemas that cfn-lint ships say of each property."""

import importlib.metadata
import importlib.util
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

VERSION = importlib.metadata.version("cfn-lint")
# The schemas of one region; which properties can be updated does not differ between regions.
_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Word:
    """What the schema says; `where` is the list it stands in."""

    verdict: Literal["replace", "update", "unknown"]
    where: str


@dataclass(frozen=True)
class Schema:
    """One resource type. Paths are property names from the top, without list positions."""

    name: str
    document: Mapping[str, Any]

    def word_on(self, path: Sequence[str]) -> Word | None:
        """None when the property is unknown here, or computed, or the type cannot be updated at all."""
        if not self.knows(path) or self._under("readOnlyProperties", path):
            return None
        if found := self._under("createOnlyProperties", path):
            return Word("replace", f"createOnlyProperties/{found}")
        if found := self._under("conditionalCreateOnlyProperties", path):
            return Word("unknown", f"conditionalCreateOnlyProperties/{found}")
        if "update" not in self.document.get("handlers", {}):
            return None
        return Word("update", f"properties/{'/'.join(path)}, not createOnly")

    def knows(self, path: Sequence[str]) -> bool:
        return self._resolve(path) is not None

    def find(self, above: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...] | None:
        """The property below `above` whose name is `wanted` joined, capitals and signs aside."""
        key = normalised("".join(wanted))
        for name in self._properties(self._resolve(above)):
            if normalised(name) == key:
                return (*above, name)
        return None

    def _under(self, kind: str, path: Sequence[str]) -> str | None:
        """The entry of a list that names this property or one it is inside of."""
        for end in range(len(path), 0, -1):
            if tuple(path[:end]) in self._lists[kind]:
                return "/".join(path[:end])
        return None

    @cached_property
    def _lists(self) -> Mapping[str, frozenset[tuple[str, ...]]]:
        kinds = ("readOnlyProperties", "createOnlyProperties", "conditionalCreateOnlyProperties")
        return {kind: frozenset(map(_steps, self.document.get(kind, ()))) for kind in kinds}

    def _resolve(self, path: Sequence[str]) -> Mapping[str, Any] | None:
        node: Mapping[str, Any] | None = self.document
        for step in path:
            node = self._properties(node).get(step)
            if node is None:
                return None
        return node

    def _properties(self, node: Mapping[str, Any] | None) -> Mapping[str, Any]:
        found: dict[str, Any] = {}
        for part in self._parts(node or {}):
            found.update(part.get("properties", {}))
        return found

    def _parts(self, node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """The node and what it refers to or is made of; a list is as good as its entries."""
        yield node
        reference = str(node.get("$ref", ""))
        if reference.startswith("#/definitions/"):
            yield from self._parts(self.document["definitions"][reference.rpartition("/")[2]])
        if isinstance(node.get("items"), dict):
            yield from self._parts(node["items"])
        for word in ("oneOf", "anyOf", "allOf"):
            for part in node.get(word, ()):
                yield from self._parts(part)


def schema(name: str) -> Schema:
    """The schema of one resource type, such as AWS::EC2::Subnet."""
    file = _index()[name]
    return Schema(name, json.loads((_folder() / "resources" / f"{file}.json").read_text(encoding="utf-8")))


def normalised(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _steps(pointer: str) -> tuple[str, ...]:
    """`/properties/Rules/*/Prefix` -> (Rules, Prefix)."""
    return tuple(s for s in pointer.split("/") if s not in {"", "*", "properties", "items"})


@cache
def _index() -> Mapping[str, str]:
    found: dict[str, str] = json.loads(
        (_folder() / "providers" / f"{_REGION}.json").read_text(encoding="utf-8")
    )
    return found


@cache
def _folder() -> Path:
    found = importlib.util.find_spec("cfnlint")
    if found is None or found.origin is None:
        raise LookupError("cfn-lint is not installed")
    return Path(found.origin).parent / "data" / "schemas"
