"""Reading `Pulumi.yaml` and `Pulumi.<stack>.yaml` as Pulumi does, and saying what is wrong with them.

Knows files, lines and words; what the keys mean is in `stacks.settings`.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

NAMESPACE = "concierge"
TOP_LEVEL = ("config", "encryptionsalt", "encryptedkey", "environment", "secretsprovider")
# Pulumi's own settings, and those of a plugin: not ours to judge.
FOREIGN = ("pulumi", "aws")


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the settings, as one line."""

    file: str
    line: int | None
    key: str
    value: str | None
    fix: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        shown = f" = {self.value}" if self.value is not None else ""
        return f"{place}: {self.key}{shown}: {self.fix}"


class SettingsError(Exception):
    """The settings cannot be used; `problems` has one entry a fault."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True)
class StackFile:
    """One stack file: its config as the engine would hand it over, and where each key stands."""

    path: Path
    project: str
    config: Mapping[str, str]
    lines: Mapping[str, int]


def root_of(start: Path | None = None) -> Path:
    """The folder with Pulumi.yaml: this one or the nearest above, else the checkout this code is in."""
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "Pulumi.yaml").is_file():
            return folder
    return Path(__file__).resolve().parent.parent


def stacks(root: Path) -> tuple[str, ...]:
    """Names of the stacks that have a file."""
    return tuple(sorted(p.name.split(".", 2)[1] for p in root.glob("Pulumi.*.yaml")))


def read(stack: str, root: Path | None = None) -> StackFile:
    """The file of one stack, flattened to what `pulumi.Config` would return."""
    folder = root_of(root)
    path = folder / f"Pulumi.{stack}.yaml"
    if not path.is_file():
        known = ", ".join(stacks(folder)) or "none"
        raise _error(path, None, f"stack {stack!r}", f"there is no such file; stacks here are: {known}")
    document, lines = _parse(path)
    for key in document:
        if key not in TOP_LEVEL:
            raise _error(path, lines.get(key), key, unknown_key(key, list(TOP_LEVEL)))
    config = document.get("config") or {}
    if not isinstance(config, dict):
        raise _error(path, lines.get("config"), "config", "must be a mapping of concierge:<section> keys")
    for key in config:
        if ":" not in key:
            raise _error(path, lines.get(f"config.{key}"), key, f"needs a namespace: write {NAMESPACE}:{key}")
        if key.split(":")[0] not in (NAMESPACE, *FOREIGN):
            raise _error(
                path, lines.get(f"config.{key}"), key, f"unknown namespace; write {NAMESPACE}:<section>"
            )
    flat = {key: _as_engine(value, key) for key, value in config.items()}
    return StackFile(path, _project(folder), flat, {k.removeprefix("config."): n for k, n in lines.items()})


def _project(folder: Path) -> str:
    path = folder / "Pulumi.yaml"
    document, _ = _parse(path) if path.is_file() else ({}, {})
    name = document.get("name")
    if not isinstance(name, str):
        raise _error(path, None, "name", "is required: the name of the Pulumi project")
    return name


def _parse(path: Path) -> tuple[dict[str, Any], dict[str, int]]:
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, yaml.SafeLoader)
        document = yaml.safe_load(text)
    except yaml.MarkedYAMLError as broken:
        line = broken.problem_mark.line + 1 if broken.problem_mark else None
        raise _error(path, line, "YAML", f"cannot be read: {broken.problem}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as broken:
        raise _error(path, None, "file", f"cannot be read: {broken}") from None
    if document is None:
        return {}, {}
    if not isinstance(document, dict):
        raise _error(path, 1, "YAML", "must be a mapping with a 'config' key")
    return document, dict(_lines(path, node, ()))


def _lines(path: Path, node: yaml.Node | None, above: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    """Dotted key -> line; a key written twice is an error, because YAML would keep the last silently."""
    if not isinstance(node, yaml.MappingNode):
        return
    seen = set()
    for key, value in node.value:
        name = str(key.value)
        line = key.start_mark.line + 1
        if name in seen:
            raise _error(path, line, name, "is written twice; keep one")
        seen.add(name)
        yield ".".join((*above, name)), line
        yield from _lines(path, value, (*above, name))


def _as_engine(value: Any, key: str) -> str:
    """The text the engine would pass: scalars as text, the rest as JSON, secrets opened."""
    opened = _open(value, key)
    if isinstance(opened, str):
        return opened
    return json.dumps(opened, default=str)


def _open(value: Any, path: str) -> Any:
    """Replaces each `secure:` ciphertext by a stand-in that only shares its identity.

    Without the passphrase the text is not known; a plan needs only to see where it goes and that it changed.
    """
    if isinstance(value, dict):
        if set(value) == {"secure"}:
            sealed = f"{path}={value['secure']}"
            return f"sealed-{hashlib.sha256(sealed.encode()).hexdigest()[:24]}"
        return {key: _open(item, f"{path}.{key}") for key, item in value.items()}
    if isinstance(value, list):
        return [_open(item, f"{path}.{n}") for n, item in enumerate(value)]
    return value


def _error(path: Path, line: int | None, key: str, fix: str) -> SettingsError:
    return SettingsError([Problem(path.name, line, key, None, fix)])


def ancestors(path: list[str]) -> Iterator[str]:
    """The key and those above it, nearest first, as they stand in the file."""
    for end in range(len(path), 0, -1):
        yield f"{NAMESPACE}:{'.'.join(path[:end])}"


def unknown_key(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"unknown key; {hint}known keys: {', '.join(known)}"


def model_in(annotation: Any) -> type[BaseModel] | None:
    """The settings model inside an annotation such as `RegionSettings | None`."""
    for candidate in (annotation, *typing.get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


_WORDS = {
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "string_type": "must be text",
    "tuple_type": "must be a list, for example [use1-az1, use1-az2]",
    "string_too_short": "must not be empty",
}


def plain_words(kind: str, error: Any) -> str:
    if kind in _WORDS:
        return _WORDS[kind]
    context = error.get("ctx", {})
    if kind == "greater_than":
        return f"must be more than {context['gt']}"
    if kind == "too_short":
        return f"needs at least {context['min_length']} entries, has {context['actual_length']}"
    if kind == "too_long":
        return f"takes at most {context['max_length']} entries, has {context['actual_length']}"
    return str(error["msg"]).lower()
