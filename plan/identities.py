"""Ids, ARNs and other computed outputs for planned resources: made up, but AWS-shaped and stable.

Shapes are data (`identities.toml`). A computed text output without a shape becomes a token that no input
may contain (`plan.checks` refuses it), so that a missing shape is found where it matters and only there.
"""

import hashlib
import inspect
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pulumi

from plan.answers import ACCOUNT

UNRESOLVED = "unresolved:"
_GLOBAL_REGION = "us-east-1"


def identity(
    urn: str, token: str, name: str, inputs: Mapping[str, Any], region: str | None
) -> tuple[str, dict[str, Any]]:
    """(id, computed outputs) of a resource of this type and name; the same in every stack."""
    shapes = dict(_shapes().get(token, {}))
    fields = _fields(urn.split("::", 2)[2], name, inputs, region)
    fields["id"] = shapes.pop("id", "{name}-{hash}").format_map(fields)
    outputs = {key: _fill(value, fields) for key, value in shapes.items() if key not in inputs}
    for key in _text_outputs(token):
        if key not in inputs and key not in outputs:
            outputs[key] = f"{UNRESOLVED}{token}.{key}:{name}"
    return fields["id"], outputs


def _fields(key: str, name: str, inputs: Mapping[str, Any], region: str | None) -> dict[str, str]:
    fields = _Named(name, {key: value for key, value in inputs.items() if isinstance(value, str)})
    fields.setdefault("name", name)
    fields["logical"] = name
    fields["region"] = region or _GLOBAL_REGION
    fields["account"] = ACCOUNT
    fields["hash"] = hashlib.sha256(key.encode()).hexdigest()[:17]
    return fields


class _Named(dict[str, str]):
    """Text inputs; one that is not given gets the logical name, as AWS would make one up from it."""

    def __init__(self, name: str, inputs: Mapping[str, str]) -> None:
        super().__init__(inputs)
        self._name = name

    def __missing__(self, _: str) -> str:
        return self._name


def _fill(shape: Any, fields: Mapping[str, str]) -> Any:
    if isinstance(shape, str):
        return shape.format_map(fields)
    if isinstance(shape, list):
        return [_fill(item, fields) for item in shape]
    if isinstance(shape, dict):
        return {key: _fill(item, fields) for key, item in shape.items()}
    return shape


@cache
def _shapes() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(Path(__file__).with_name("identities.toml").read_text(encoding="utf-8"))


@cache
def _text_outputs(token: str) -> tuple[str, ...]:
    """Names of the plain text outputs of a resource type, read from its SDK class."""
    kind = next((k for k in _classes(pulumi.CustomResource) if getattr(k, "pulumi_type", "") == token), None)
    if kind is None:
        return ()
    getters = inspect.getmembers(kind, lambda member: isinstance(member, property))
    return tuple(sorted({_wire_name(p) for _, p in getters if _is_text(p)} - {"id", "urn"}))


def _classes(base: type[pulumi.Resource]) -> Iterator[type[pulumi.Resource]]:
    for child in base.__subclasses__():
        yield child
        yield from _classes(child)


def _wire_name(getter: property) -> str:
    return str(getattr(getter.fget, "_pulumi_name", getattr(getter.fget, "__name__", "")))


def _is_text(getter: property) -> bool:
    hint = getattr(getter.fget, "__annotations__", {}).get("return", "")
    return "Output[" in str(hint) and str(hint).endswith(("Output[str]", "Output[_builtins.str]"))
