"""Reading what sizing is told: TOML and JSON into shapes; a fault is one line with the file and the key.

And writing what it says: all of a file, or nothing.
"""

import json
import tempfile
import tomllib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from contract.errors import WrongUseError

DATA = Path(__file__).with_name("data")
T = TypeVar("T", bound=BaseModel)


class SizingError(WrongUseError):
    """Something sizing was given cannot be used."""


def read(path: Path, shape: type[T]) -> T:
    """A document of that shape; `.json` is JSON, anything else TOML."""
    parse: Callable[[str], Any] = json.loads if path.suffix == ".json" else tomllib.loads
    try:
        return shape.model_validate(parse(text(path)))
    except ValidationError as invalid:
        raise SizingError("\n".join(f"{path}: {_fault(error)}" for error in invalid.errors())) from None
    except ValueError as broken:
        raise SizingError(f"{path}: cannot be read: {broken}") from None


def text(path: Path) -> str:
    """The file's text, or one line that says why there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as missing:
        raise SizingError(f"{path}: cannot be read: {missing.strerror}") from None
    except UnicodeDecodeError:
        raise SizingError(f"{path}: is no text: export it as UTF-8") from None


def ready(folder: Path) -> None:
    """Makes the folder, and finds out whether files can be written there: before the work, not after it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as refused:
        raise _unwritable(folder, refused) from None


def write(path: Path, content: str | bytes) -> None:
    """All of a file or nothing; the folder is made."""
    if path.is_dir():
        raise SizingError(f"{path}: is a folder: name a file")
    draft = path.with_name(f".{path.name}.draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(content.encode() if isinstance(content, str) else content)
        draft.replace(path)
    except OSError as refused:
        raise _unwritable(path, refused) from None
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _unwritable(path: Path, refused: OSError) -> SizingError:
    return SizingError(f"{path}: cannot be written: {refused.strerror}: choose another folder")


def _fault(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"])
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
