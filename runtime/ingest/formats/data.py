"""JSON: one document or a list of them, or one on each line (`.jsonl`).

{"id": "returns", "title": "Returns", "language": "en", "genre": "faq", "category": "books",
 "text": "..."}                             or   "sections": [{"title": "...", "text": "...", "page": 3}]
"""

import json
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from runtime.ingest.formats.plain import decoded
from runtime.ingest.reading import LABELS, Block, Reading, ReadingError, labelled

_READ = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, config=_READ)
class _Section:
    text: str
    title: str = ""
    page: int | None = None


@dataclass(frozen=True, slots=True, config=_READ)
class _Document:
    """A key nobody knows is an error: a misspelt one would be lost in silence."""

    id: Annotated[str, Field(max_length=200)] = ""
    title: str = ""
    language: str = ""
    genre: str = ""
    category: str = ""
    source: str = ""
    text: str = ""
    sections: tuple[_Section, ...] = ()


_ONE: TypeAdapter[_Document] = TypeAdapter(_Document)


def read(content: bytes) -> Sequence[Reading]:
    found = _parsed(decoded(content), "")
    if not isinstance(found, list):
        return [_reading(found, "", alone=True)]
    return _several([(item, f"document {number}: ") for number, item in enumerate(found, 1)])


def read_lines(content: bytes) -> Sequence[Reading]:
    lines = enumerate(decoded(content).splitlines(), 1)
    return _several([(_parsed(line, f"line {n}: "), f"line {n}: ") for n, line in lines if line.strip()])


def _several(found: Sequence[tuple[Any, str]]) -> Sequence[Reading]:
    """Each must say which it is: a place in a list is nobody's name once another is put before it."""
    readings = [_reading(item, where, alone=False) for item, where in found]
    keys = [reading.key for reading in readings]
    if twice := next((key for key in keys if keys.count(key) > 1), None):
        raise ReadingError(f"two documents have the id {twice!r}: ids must differ")
    return readings


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as wrong:
        raise ReadingError(f"{where}is no JSON: {wrong}") from None
    except RecursionError:
        raise ReadingError(f"{where}is nested too deep") from None


def _reading(found: Any, where: str, *, alone: bool) -> Reading:
    try:
        said = _ONE.validate_python(found)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "document"
        raise ReadingError(f"{where}{place}: {first['msg']}") from None
    if not alone and not said.id:
        raise ReadingError(f"{where}id: is missing; each of several documents needs one that stays")
    labels = labelled({name: getattr(said, name) for name in LABELS})
    return Reading(tuple(_blocks(said)), labels, "" if alone else said.id)


def _blocks(said: _Document) -> Sequence[Block]:
    blocks = [Block(part.strip()) for part in said.text.split("\n\n") if part.strip()]
    for section in said.sections:
        if section.title:
            blocks.append(Block(section.title, section.title, section.page, heading=True))
        parts = (part.strip() for part in section.text.split("\n\n"))
        blocks += [Block(part, section.title, section.page) for part in parts if part]
    return blocks
