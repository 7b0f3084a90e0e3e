"""Short cuts through Pulumi's bookkeeping, which is made for an engine that answers over a wire, one by one.

Here every answer is at hand at once, so that keeping the books is most of what a plan costs. What a short
cut leaves out shows in no plan: where in the source a resource stands, and a task for every value that needs
none. The functions replaced are Pulumi's own affair: each is replaced while a program runs, and only in the
release they were read in. In any other a plan takes longer and says the same.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from importlib.metadata import version
from typing import Any

import pulumi
from pulumi import Output, _types
from pulumi.output import Unknown, _OutputData
from pulumi.runtime import resource, rpc
from pulumi.runtime.proto import source_pb2

SDK = "3.272.0"

_FLAT = frozenset({str, int, float, bool, type(None)})
_from_input = Output.from_input


class Outputs:
    """The outputs a program still waits for, handed to Pulumi as one: all are done, or one has failed.

    Pulumi would wait for any one, take stock of all that are left, and begin again: the square of their
    number. The methods are those it calls on the set that it has here.
    """

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[Any], None] = {}
        self.remove = self._waiting.__delitem__
        self.clear = self._waiting.clear

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator["asyncio.Future[Any]"]:
        return iter([asyncio.ensure_future(_all_of(list(self._waiting)))] if self._waiting else [])

    def add(self, output: "asyncio.Future[Any]") -> None:
        self._waiting[output] = None

    def discard(self, output: "asyncio.Future[Any]") -> None:
        self._waiting.pop(output, None)


async def _all_of(outputs: list["asyncio.Future[Any]"]) -> None:
    done, _ = await asyncio.wait(outputs, return_when=asyncio.FIRST_EXCEPTION)
    for output in outputs:  # in the order they were made, so that one failure is told every time
        if output in done:
            output.result()


@contextmanager
def short_cuts() -> Iterator[None]:
    """While this is open, Pulumi's runtime takes the ways below."""
    if version("pulumi") != SDK:
        yield
        return
    kept = [(owner, name, vars(owner)[name]) for owner, name, _ in _WAYS]
    for owner, name, ours in _WAYS:
        setattr(owner, name, ours)
    try:
        yield
    finally:
        for owner, name, theirs in kept:
            setattr(owner, name, theirs)


def _no_stack_trace() -> source_pb2.StackTrace:
    """Pulumi reads the whole call stack for every resource, only to tell an engine the line it stands in."""
    return source_pb2.StackTrace()


def _transfer_properties(
    owner: pulumi.Resource, names: Mapping[str, Any], custom: bool
) -> dict[str, Callable[..., None]]:
    """Gives a resource an output for every property, and returns what settles each: one future, not four."""
    settle: dict[str, Callable[..., None]] = {}
    for name in names:
        if name == "urn" or (name == "id" and custom):
            continue
        future: asyncio.Future[_OutputData[Any]] = asyncio.Future()
        owner.__dict__[name] = _output(future)
        settle[name] = partial(_settle, owner, future)
    return settle


def _settle(
    owner: pulumi.Resource,
    future: "asyncio.Future[_OutputData[Any]]",
    value: Any,
    known: bool,
    secret: bool,
    sources: set[pulumi.Resource] | None,
    failed: Exception | None,
) -> None:
    if failed is None:
        future.set_result(_OutputData({owner, *(sources or ())}, value, known, secret))
    else:
        future.set_exception(failed)
        future.exception()  # told by the registration that failed, not once more by every property


def _quick_from_input(value: Any) -> Output[Any]:
    """A value without outputs in it is known at once: no output for each of its leaves."""
    if not _is_plain(value):
        return _from_input(value)
    future: asyncio.Future[_OutputData[Any]] = asyncio.Future()
    future.set_result(_OutputData(set(), _copied(value), is_known=True, is_secret=False))
    return _output(future)


def _output(future: "asyncio.Future[_OutputData[Any]]") -> Output[Any]:
    made: Output[Any] = object.__new__(Output)
    made._data = future
    return made


def _is_plain(value: Any) -> bool:
    """Pulumi looks into what a dict holds only when the program lets go, so a dict of dicts is left to it."""
    kind = type(value)
    if kind is dict:
        return all(type(key) is str and type(item) in _FLAT for key, item in value.items())
    if kind is list or kind is tuple:
        return all(map(_is_plain, value))
    return kind in _FLAT


def _copied(value: Any) -> Any:
    """As Pulumi does it: what a program adds later does not reach the output, unless nothing was there."""
    kind = type(value)
    if not value or kind in _FLAT:
        return value
    return dict(value) if kind is dict else kind(map(_copied, value))


def _contains_unknowns(value: Any) -> bool:
    """Asked of every value on its way; most hold none and are flat. A value is a tree: none holds itself."""
    kind = type(value)
    if kind in _FLAT:
        return False
    if isinstance(value, dict):
        return any(map(_contains_unknowns, dict.values(value)))  # an output type may have a property `values`
    if isinstance(value, list):
        return any(map(_contains_unknowns, value))
    return isinstance(value, Unknown)


_unwrap_type = cache(_types.unwrap_type)
_unwrap_optional_type = cache(_types.unwrap_optional_type)

_WAYS: tuple[tuple[Any, str, Any], ...] = (
    (resource, "_get_stack_trace", _no_stack_trace),
    (rpc, "transfer_properties", _transfer_properties),
    (rpc, "contains_unknowns", _contains_unknowns),
    (_types, "unwrap_type", _unwrap_type),
    (_types, "unwrap_optional_type", _unwrap_optional_type),
    (Output, "from_input", staticmethod(_quick_from_input)),
)
