"""What the SDK's annotations say of a resource type: its inputs and their types, and what it computes.

Annotations only. Nothing here says what forces a replacement, and `plan` reads none of it.
"""

import inspect
import sys
import threading
import types
import typing
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any, Union

import pulumi
import pulumi_aws
from pulumi import _types as sdk

from tests.engine.wire_helpers import ARCHIVE, UNKNOWN, File, Secret

_PLAIN = {str: "a text", bool: "true or false", int: "a whole number", float: "a number"}


@dataclass(frozen=True)
class Kind:
    """One resource type as the SDK declares it."""

    token: str
    inputs: Mapping[str, Any]
    required: frozenset[str]
    # Output name -> its type, for what a resource always has and nobody needs to give.
    computed: Mapping[str, Any]

    @property
    def autonamed(self) -> bool:
        """A `name` that the provider makes up when none is given: it can then make the new one first."""
        return "name" in self.inputs

    def problems(self, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """(input, what is wrong with it)."""
        given = {key: value for key, value in inputs.items() if not key.startswith("__")}
        for name in sorted(self.required - given.keys()):
            yield name, f"missing required property {name!r}"
        for name, value in given.items():
            if name not in self.inputs:
                yield name, f"{self.token} has no property {name!r}"
            else:
                yield from ((name, found) for found in mismatches(value, self.inputs[name], name))


# The SDK loads its parts when they are asked for, and two threads may not ask at once.
_LOADING = threading.Lock()


def kind(token: str) -> Kind:
    """The type of this token; a token the SDK does not have is an error."""
    with _LOADING:
        return _kind(token)


@cache
def _kind(token: str) -> Kind:
    resource = _class(token)
    module, name = sys.modules[resource.__module__], resource.__name__
    # `BucketVersioningArgs` is a block of Bucket; the arguments of BucketVersioning then have another name.
    arguments = getattr(module, f"{name}InitArgs", None) or getattr(module, f"{name}Args")
    hints = sdk._raw_return_hints(resource)
    inputs = _inputs(arguments)
    always = {key: hint for key, hint in hints.items() if key not in {"id", "urn"} and not _optional(hint)}
    return Kind(token, inputs, _required(arguments), always)


def _class(token: str) -> Any:
    """`aws:ec2/vpcEndpoint:VpcEndpoint` is pulumi_aws.ec2.VpcEndpoint, loaded as a program loads it."""
    _, path, name = token.split(":")
    folder = path.partition("/")[0]
    package = getattr(pulumi_aws, folder, None) or getattr(pulumi_aws, f"{folder}_", None)
    found = getattr(package, name, None)
    if found is None or found.pulumi_type != token:
        raise LookupError(f"the SDK has no type {token}")
    return found


def _inputs(arguments: type) -> dict[str, Any]:
    return sdk._raw_return_hints(arguments)


def _required(arguments: type) -> frozenset[str]:
    names = sdk.input_type_py_to_pulumi_names(arguments)
    signature = inspect.signature(arguments).parameters
    return frozenset(
        names[name]
        for name, parameter in signature.items()
        if name in names and parameter.default is inspect.Parameter.empty
    )


def _optional(hint: Any) -> bool:
    return any(member is type(None) for member in _members(hint))


def _members(hint: Any) -> Iterator[Any]:
    """What a value may be: inputs and outputs unwrapped, alternatives one by one."""
    origin = typing.get_origin(hint)
    if origin in {Union, types.UnionType}:
        for member in typing.get_args(hint):
            yield from _members(member)
    elif origin is pulumi.Output or origin is Awaitable or (origin and issubclass(origin, Awaitable)):
        yield from _members(typing.get_args(hint)[0])
    else:
        yield hint


def shape(hint: Any) -> Any:
    """The one type that counts of a hint: no None, no TypedDict beside its class."""
    found = [m for m in dict.fromkeys(_members(hint)) if m is not type(None) and not typing.is_typeddict(m)]
    return found[0] if found else Any


def mismatches(value: Any, hint: Any, path: str) -> list[str]:
    """Where a value is not what the hint allows; nothing is asked of what is not known yet."""
    if isinstance(value, Secret):
        return mismatches(value.value, hint, path)
    if value == UNKNOWN or value is None:
        return []
    results = [_mismatch(value, member, path) for member in dict.fromkeys(_members(hint))]
    return min(results, key=len, default=[])


def _mismatch(value: Any, hint: Any, path: str) -> list[str]:
    wrong = [f"{path} must be {_PLAIN.get(hint, getattr(hint, '__name__', str(hint)))}"]
    arguments = typing.get_args(hint)
    found: list[str] | None = None
    if hint is Any or _is_plain(value, hint):
        found = []
    elif typing.is_typeddict(hint):
        # Beside its class, which says the same: never the better reading.
        found = [*wrong, f"{path}: {hint}"]
    elif isinstance(value, list) and arguments and typing.get_origin(hint) in {Sequence, list}:
        found = _list_mismatches(value, arguments[0], path)
    elif isinstance(value, dict) and arguments and typing.get_origin(hint) in {Mapping, dict}:
        found = _map_mismatches(value, arguments[1], path)
    elif isinstance(value, dict) and isinstance(hint, type) and sdk.is_input_type(hint):
        found = _block_mismatches(value, hint, path)
    return wrong if found is None else found


def _is_plain(value: Any, hint: Any) -> bool:
    """Whether it is a value without parts, and of this type."""
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if not isinstance(hint, type):
        return False
    if issubclass(hint, Enum):
        return value in [item.value for item in hint]
    if issubclass(hint, (pulumi.Asset, pulumi.Archive)):
        return isinstance(value, File) and (value.kind == ARCHIVE) == issubclass(hint, pulumi.Archive)
    return hint in _PLAIN and type(value) is hint


def _list_mismatches(value: list[Any], hint: Any, path: str) -> list[str]:
    return [found for n, item in enumerate(value) for found in mismatches(item, hint, f"{path}[{n}]")]


def _map_mismatches(value: dict[str, Any], hint: Any, path: str) -> list[str]:
    return [found for key, item in value.items() for found in mismatches(item, hint, f"{path}.{key}")]


def _block_mismatches(value: dict[str, Any], block: type, path: str) -> list[str]:
    known = _inputs(block)
    found = [f"{path} has no property {name!r}" for name in value if name not in known]
    found += [f"{path}.{name} is required" for name in sorted(_required(block) - value.keys())]
    for name, item in value.items():
        if name in known:
            found += mismatches(item, known[name], f"{path}.{name}")
    return found
