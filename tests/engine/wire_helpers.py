"""The engine's wire format: JSON-like values with marks for what JSON has no type for."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import struct_pb2

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
ASSET = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
# What stands where a value is not known before `up`.
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


@dataclass(frozen=True)
class Secret:
    """A value the engine encrypts wherever it writes it."""

    value: Any


@dataclass(frozen=True)
class File:
    """An asset or archive: compared by what is in it, told to nobody."""

    kind: str
    mark: Mapping[str, Any]

    @property
    def digest(self) -> str:
        return str(self.mark.get("hash"))


def read(struct: struct_pb2.Struct) -> dict[str, Any]:
    """A request's properties; what is not set is left out."""
    found = {key: _read(value) for key, value in struct.fields.items()}
    return {key: value for key, value in found.items() if value is not None}


def _read(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _marked(read(value.struct_value))
    if kind == "list_value":
        return [_read(item) for item in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    return None if kind in {None, "null_value"} else getattr(value, kind)


def _marked(found: dict[str, Any]) -> Any:
    mark = found.get(SIGNATURE)
    if mark == SECRET:
        return Secret(found.get("value"))
    return File(mark, found) if mark in {ASSET, ARCHIVE} else found


def write(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """The opposite of `read`."""
    struct = struct_pb2.Struct()
    struct.update({key: _write(value) for key, value in values.items()})
    return struct


def _write(value: Any) -> Any:
    if isinstance(value, Secret):
        return {SIGNATURE: SECRET, "value": _write(value.value)}
    if isinstance(value, File):
        return _write(dict(value.mark))
    if isinstance(value, Mapping):
        return {key: _write(item) for key, item in value.items()}
    return [_write(item) for item in value] if isinstance(value, list) else value


def opened(value: Any) -> Any:
    """The value with nothing secret in it, as AWS would get it."""
    if isinstance(value, Secret):
        return opened(value.value)
    if isinstance(value, File):
        return value.digest
    if isinstance(value, Mapping):
        return {key: opened(item) for key, item in value.items()}
    return [opened(item) for item in value] if isinstance(value, list) else value


def texts(value: Any) -> Iterator[str]:
    """Every text in an opened value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


def is_unknown(value: Any) -> bool:
    """Whether anything in it is not known yet."""
    return UNKNOWN in texts(opened(value))


def same(one: Any, other: Any) -> bool:
    """As the provider compares: a JSON document is what it says."""
    one, other = opened(one), opened(other)
    return one == other or (_document(one) is not None and _document(one) == _document(other))


def _document(value: Any) -> Any:
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(value)
    except ValueError:
        return None


def digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:17]
