"""One index: its settings, mapping and documents, and what a search sees since the last refresh."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import uuid4
from zlib import crc32

from rehearsal.search.errors import SearchError
from rehearsal.search.vectors import VectorField, Vectors
from rehearsal.search.words import Words

_EXACT = {"keyword", "boolean", "integer", "long", "float", "double", "date", "short", "byte"}
_REFRESH_S = 1.0


class Index:
    """`now`: seconds of the story, for the refresh interval."""

    def __init__(self, name: str, body: Mapping[str, Any], now: Callable[[], float] = time.monotonic) -> None:
        self.name, self.uuid, self._now = name, uuid4().hex[:22], now
        self.created_ms = round(time.time() * 1000)
        self.settings = flat(body.get("settings", {}))
        self.mappings: dict[str, Any] = dict(body.get("mappings", {}))
        self.aliases: dict[str, Any] = dict(body.get("aliases", {}))
        self._sources: dict[str, dict[str, Any]] = {}  # every document, refreshed or not
        self._versions: dict[str, int] = {}
        self._pending: dict[str, dict[str, Any] | None] = {}
        self._refreshed_at = now()
        self._number_of: dict[str, int] = {}
        self.ids: dict[int, str] = {}
        self.visible: dict[int, dict[str, Any]] = {}
        self.vectors: dict[str, Vectors] = {}
        self.words: dict[str, Words] = {}
        self.exact: dict[str, dict[Any, set[int]]] = {}
        self.counts = {"index": 0, "delete": 0, "query": 0, "query_ms": 0}
        self._next = 0
        self._learn()

    @property
    def primaries(self) -> int:
        return int(self.settings.get("number_of_shards", 1))

    @property
    def replicas(self) -> int:
        return int(self.settings.get("number_of_replicas", 1))

    @property
    def properties(self) -> Mapping[str, Mapping[str, Any]]:
        return dict(self.mappings.get("properties", {}))

    @property
    def documents(self) -> Mapping[str, dict[str, Any]]:
        return self._sources

    def shard_of(self, document: str) -> int:
        return crc32(document.encode()) % self.primaries

    def change_mapping(self, body: Mapping[str, Any]) -> None:
        """New fields; what is there keeps its type."""
        for name, mapping in body.get("properties", {}).items():
            if name in self.properties and self.properties[name].get("type") != mapping.get("type"):
                raise SearchError(400, "illegal_argument_exception", f"mapper [{name}] cannot be changed")
        self.mappings = {
            **self.mappings,
            **body,
            "properties": {**self.properties, **body.get("properties", {})},
        }
        self._learn()

    def put(self, document: str, source: dict[str, Any]) -> tuple[str, int]:
        """(created or updated, version). Visible to a search after the next refresh."""
        self._check(source)
        there = document in self._sources
        self._sources[document] = source
        self._pending[document] = source
        self._versions[document] = self._versions.get(document, 0) + 1
        self.counts["index"] += 1
        return ("updated" if there else "created"), self._versions[document]

    def delete(self, document: str) -> tuple[str, int]:
        there = self._sources.pop(document, None) is not None
        if there:
            self._pending[document] = None
            self._versions[document] += 1
            self.counts["delete"] += 1
        return ("deleted" if there else "not_found"), self._versions.get(document, 1)

    def refresh(self) -> None:
        """Lets searches see everything written so far."""
        self._refreshed_at = self._now()
        changed, self._pending = self._pending, {}
        fresh: list[tuple[int, dict[str, Any]]] = []
        for document, source in changed.items():
            self._forget(document)
            if source is not None:
                fresh.append((self._remember(document, source), source))
        for name, vectors in self.vectors.items():
            rows = [(number, source[name]) for number, source in fresh if name in source]
            vectors.add([number for number, _ in rows], [vectors.checked(row) for _, row in rows])

    def refresh_if_due(self) -> None:
        interval = str(self.settings.get("refresh_interval", f"{_REFRESH_S:g}s"))
        if interval != "-1" and self._pending and self._now() - self._refreshed_at >= _seconds(interval):
            self.refresh()

    def ids_where(self, field: str, values: Iterable[Any]) -> set[int]:
        """Documents whose field has one of the values."""
        known = self.exact.get(field, {})
        return set().union(*(known.get(_comparable(value), set()) for value in values))

    def _learn(self) -> None:
        for name, mapping in self.properties.items():
            match mapping.get("type"):
                case "knn_vector" if name not in self.vectors:
                    self.vectors[name] = Vectors(VectorField.of(name, dict(mapping)))
                case "text" if name not in self.words:
                    self.words[name] = Words()
                case kind if kind in _EXACT:
                    self.exact.setdefault(name, {})

    def _check(self, source: Mapping[str, Any]) -> None:
        strict = self.mappings.get("dynamic") in ("strict", False, "false")
        for name, value in source.items():
            if name in self.vectors:
                self.vectors[name].checked(value)
            elif name not in self.properties:
                if strict and self.mappings["dynamic"] == "strict":
                    raise SearchError(
                        400,
                        "strict_dynamic_mapping_exception",
                        f"mapping set to strict, dynamic introduction of [{name}] within [_doc] "
                        "is not allowed",
                    )
                if not strict:
                    self._guess(name, value)

    def _guess(self, name: str, value: Any) -> None:
        """Dynamic mapping: text for text, else what the value is."""
        kinds: list[tuple[type, str]] = [(bool, "boolean"), (int, "long"), (float, "float"), (str, "text")]
        kind = next((kind for type_, kind in kinds if isinstance(value, type_)), "object")
        self.change_mapping({"properties": {name: {"type": kind}}})

    def _remember(self, document: str, source: dict[str, Any]) -> int:
        number, self._next = self._next, self._next + 1
        self._number_of[document], self.ids[number], self.visible[number] = number, document, source
        for name, words in self.words.items():
            if name in source:
                words.add(number, str(source[name]))
        for name, values in self.exact.items():
            for value in _many(source.get(name)):
                values.setdefault(_comparable(value), set()).add(number)
        return number

    def _forget(self, document: str) -> None:
        number = self._number_of.pop(document, None)
        if number is None:
            return
        source = self.visible.pop(number)
        del self.ids[number]
        for vectors in self.vectors.values():
            vectors.remove(number)
        for name, words in self.words.items():
            words.remove(number, str(source.get(name, "")))
        for name, values in self.exact.items():
            for value in _many(source.get(name)):
                values[_comparable(value)].discard(number)


def _comparable(value: Any) -> Any:
    """JSON's true is no 1, and a number may be asked for as text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _many(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _seconds(text: str) -> float:
    for unit, seconds in (("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3_600.0)):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * seconds
    return float(text)


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"index": {"knn": true}}` and `{"index.knn": true}` alike: `{"knn": true}`."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            found |= flat(value, f"{name}.")
        else:
            found[name.removeprefix("index.")] = value
    return found
