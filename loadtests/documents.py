"""Reading a TOML document into a shape; every fault is one line that names the file, the key and the fix."""

import difflib
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from contract.errors import WrongUseError

T = TypeVar("T", bound=BaseModel)


class DocumentError(WrongUseError):
    """A file of the load tests that cannot be used."""


def read(path: Path, shape: type[T], beside: Collection[str] = ()) -> T:
    """The document at `path`; DocumentError has a line for each fault.

    `beside`: keys that name another .toml file, which lies beside this one unless its path says otherwise.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as missing:
        raise DocumentError(f"{path.name}: cannot be read: {missing.strerror}: {path}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as broken:
        raise DocumentError(f"{path.name}: is no TOML: {broken}") from None
    for key in beside:
        if str(document.get(key, "")).endswith(".toml"):
            document[key] = str(path.parent / document[key])
    try:
        return shape.model_validate(document)
    except ValidationError as invalid:
        faults = invalid.errors(include_url=False)
        raise DocumentError("\n".join(f"{path.name}: {_fault(fault, shape)}" for fault in faults)) from None


def _fault(fault: Any, shape: type[BaseModel]) -> str:
    """`stages[1].for_s = -3: input should be greater than 0`."""
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault["loc"]).lstrip(".")
    value = fault["input"]
    shown = f" = {value!r}" if isinstance(value, (str, int, float)) and fault["type"] != "missing" else ""
    return f"{place}{shown}: {_fix(fault, shape)}" if place else _fix(fault, shape)


def _fix(fault: Any, shape: type[BaseModel]) -> str:
    match fault["type"]:
        case "extra_forbidden":
            known = _fields(shape, fault["loc"][:-1])
            close = difflib.get_close_matches(str(fault["loc"][-1]), known, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            return f"unknown key; {hint}known keys: {', '.join(known)}"
        case "missing":
            field = _fields(shape, fault["loc"][:-1]).get(fault["loc"][-1])
            return f"is required: {field.description}" if field and field.description else "is required"
        case "value_error":
            return str(fault["ctx"]["error"])
        case _:
            text = str(fault["msg"])
            return text[:1].lower() + text[1:]


def _fields(shape: type[BaseModel], place: tuple[str | int, ...]) -> Mapping[Any, Any]:
    """The fields of the part of the document a fault stands in."""
    for part in place:
        if isinstance(part, str) and part in shape.model_fields:
            inner = shape.model_fields[part].annotation
            # tuple[Stage, ...] holds Stages, Mapping[str, Switch] Switches under names of their own
            inside = [one for one in (inner, *getattr(inner, "__args__", ())) if isinstance(one, type)]
            shape = next((one for one in inside if issubclass(one, BaseModel)), shape)
    return shape.model_fields
