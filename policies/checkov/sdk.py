"""What Pulumi's AWS SDK says of the inputs of a resource type: which are blocks, which are plain maps.

The SDK was generated from the Terraform provider, and its annotations still show the shape: a class of
arguments stands where Terraform has a nested block, a mapping where it has a map. Nothing here knows a
Terraform name; that is `names`.
"""

import importlib
import sys
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import NoneType
from typing import Any

import pulumi

from contract.errors import ConciergeError

PACKAGE = "aws"


class UnknownTypeError(ConciergeError):
    """The SDK has no class for a resource of the plan."""


@dataclass(frozen=True)
class Field:
    """One input: its name in snake case, and for a block the class of its arguments."""

    name: str
    many: bool = False
    block: type | None = None


# Names that the annotation of `Input` itself uses and the generated modules do not import.
_OURS = {"Output": pulumi.Output, "T": NoneType}

Shape = Mapping[str, Field]


def shape(token: str) -> Shape:
    """The inputs of `aws:s3/bucket:Bucket`, by the names a plan uses."""
    return block_shape(_arguments(token))


@cache
def block_shape(arguments: type) -> Shape:
    """The inputs of one class of arguments."""
    return {wire: _field(arguments, name, getter) for name, wire, getter in _getters(arguments)}


@cache
def _arguments(token: str) -> type:
    """The class of arguments beside the resource's own class."""
    package, _, rest = token.partition(":")
    module, _, name = rest.partition(":")
    if package != PACKAGE:
        raise UnknownTypeError(f"{token}: only resources of the AWS provider can be shown to checkov")
    try:
        resource = getattr(_module(module.partition("/")[0]), name)
    except (ImportError, AttributeError) as error:
        raise UnknownTypeError(f"{token}: the AWS SDK that is installed has no such type") from error
    home = sys.modules[resource.__module__]
    # `BucketArgs`, or `BucketInitArgs` where a block of another type has taken that name.
    found = getattr(home, f"{name}Args", None)
    if found is None or found.__module__ != home.__name__:
        found = getattr(home, f"{name}InitArgs")
    return typing.cast("type", found)


def _module(name: str) -> Any:
    """`lambda` is a word of Python's, so the SDK calls that module `lambda_`."""
    try:
        return importlib.import_module(f"pulumi_aws.{name}")
    except ModuleNotFoundError:
        return importlib.import_module(f"pulumi_aws.{name}_")


def _getters(arguments: type) -> Iterator[tuple[str, str, Any]]:
    """Python name, wire name and function of every input."""
    for name, member in vars(arguments).items():
        wire = getattr(getattr(member, "fget", None), "_pulumi_name", None)
        if wire is not None:
            yield name, wire, member.fget


def _field(arguments: type, name: str, getter: Any) -> Field:
    hints = typing.get_type_hints(getter, vars(sys.modules[arguments.__module__]), _OURS)
    block, many = _reduced(hints["return"])
    return Field(name, many, block)


def _reduced(hint: Any) -> tuple[type | None, bool]:
    """The class of arguments an annotation ends in, and whether there may be several."""
    if isinstance(hint, type):
        return (hint if hasattr(hint, "_pulumi_input_type") else None), False
    origin = typing.get_origin(hint)
    if origin in {dict, Mapping}:
        return None, False
    found = [_reduced(part) for part in typing.get_args(hint) if part is not NoneType]
    block = next((block for block, _ in found if block is not None), None)
    is_list = isinstance(origin, type) and issubclass(origin, typing.Sequence)
    return block, is_list or any(many for _, many in found)
