"""Reading `Pulumi.yaml` and `Pulumi.<stack>.yaml` as Pulumi does, and saying what is wrong with them.

Knows files, lines and words; what the keys mean is in `stacks.settings`.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from contract.errors import WrongUseError

NAMESPACE = "concierge"
TOP_LEVEL = ("config", "encryptionsalt", "encryptedkey", "secretsprovider")
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


class SettingsError(WrongUseError):
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

    def changed(self, changes: Mapping[str, str]) -> StackFile:
        """The same with single knobs turned: `{"network.nat": "none"}`, values as YAML would read them."""
        config = dict(self.config)
        for key, text in changes.items():
            section, *path = key.removeprefix(f"{NAMESPACE}:").split(".")
            name = f"{NAMESPACE}:{section}"
            if not path or not all(path):
                raise _error(self.path, None, key, "name a knob, for example network.nat=none")
            tree = json.loads(config.get(name, "{}"))
            config[name] = json.dumps(_with(tree, path, _parsed(text)))
        return replace(self, config=config)


def _with(tree: Any, path: list[str], value: Any) -> Any:
    """A copy of a nested mapping with one value replaced."""
    if not path:
        return value
    inner = tree if isinstance(tree, dict) else {}
    return {**inner, path[0]: _with(inner.get(path[0]), path[1:], value)}


def _parsed(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def root_of(start: Path | None = None) -> Path:
    """The folder with Pulumi.yaml: this one or the nearest above, else the checkout this code is in."""
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "Pulumi.yaml").is_file():
            return folder
    return Path(__file__).resolve().parent.parent


def stacks(root: Path) -> tuple[str, ...]:
    """Names of the stacks that have a file."""
    return tuple(
        sorted(p.name.removeprefix("Pulumi.").removesuffix(".yaml") for p in root.glob("Pulumi.*.yaml"))
    )


def read(stack: str, root: Path | None = None) -> StackFile:
    """The file of one stack, flattened to what `pulumi.Config` would return."""
    folder = root_of(root)
    path = folder / f"Pulumi.{stack}.yaml"
    if not path.is_file():
        known = ", ".join(stacks(folder)) or "none"
        raise _error(path, None, f"stack {stack!r}", f"there is no such file; stacks here are: {known}")
    document, lines = _parse(path)
    if found := [*_misnamed(path, document, lines)]:
        raise SettingsError(found)
    flat = {key: _as_engine(value, key) for key, value in (document.get("config") or {}).items()}
    return StackFile(path, _project(folder), flat, {k.removeprefix("config."): n for k, n in lines.items()})


def _misnamed(path: Path, document: Mapping[str, Any], lines: Mapping[str, int]) -> Iterator[Problem]:
    """Keys that Pulumi would pass over, or give to somebody else."""
    for key in document:
        if key == "environment":
            yield Problem(
                path.name,
                lines.get(key),
                key,
                None,
                "a plan cannot see Pulumi ESC: write values under config",
            )
        elif key not in TOP_LEVEL:
            yield Problem(path.name, lines.get(key), key, None, unknown_key(key, TOP_LEVEL))
    config = document.get("config") or {}
    if not isinstance(config, dict):
        yield Problem(
            path.name, lines.get("config"), "config", None, "must be a mapping of concierge:<section> keys"
        )
        return
    for key in config:
        namespace, colon, name = key.partition(":")
        if not colon:
            fix = f"needs a namespace: write {NAMESPACE}:{key}"
        elif namespace not in (NAMESPACE, *FOREIGN):
            fix = f"unknown namespace; write {NAMESPACE}:{name}"
        else:
            continue
        yield Problem(path.name, lines.get(f"config.{key}"), key, None, fix)


def _project(folder: Path) -> str:
    path = folder / "Pulumi.yaml"
    document, _ = _parse(path) if path.is_file() else ({}, {})
    name = document.get("name")
    if not isinstance(name, str):
        raise _error(path, None, "name", "is required: the name of the Pulumi project")
    return name


class _Loader(yaml.SafeLoader):
    """Reads as the engine does, to whom `yes` and `on` are texts and every key is one."""


_BOOL = "tag:yaml.org,2002:bool"
_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in known if tag != _BOOL]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOL, re.compile("^(true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


def _parse(path: Path) -> tuple[dict[str, Any], dict[str, int]]:
    """(document, dotted key -> line); a key written twice is refused: YAML would keep the last silently."""
    try:
        loader = _Loader(path.read_text(encoding="utf-8"))
        node = loader.get_single_node()
        document = loader.construct_document(node) if node is not None else {}
    except yaml.MarkedYAMLError as broken:
        line = broken.problem_mark.line + 1 if broken.problem_mark else None
        fix = f"cannot be read: {broken.problem}: check indentation, brackets and quotes here and just above"
        raise _error(path, line, "YAML", fix) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as broken:
        raise _error(path, None, "file", f"cannot be read: {' '.join(str(broken).split())}") from None
    if document is None:
        return {}, {}
    if not isinstance(document, dict):
        raise _error(path, 1, "YAML", "must be a mapping with a 'config' key")
    lines: dict[str, int] = {}
    twice = []
    for key, line in _lines(node, ()):
        if key in lines:
            shown = key.removeprefix("config.")
            twice.append(
                Problem(
                    path.name, line, shown, None, f"is written twice, first in line {lines[key]}: keep one"
                )
            )
        else:
            lines[key] = line
    if twice:
        raise SettingsError(twice)
    return _text_keys(document), lines


def _text_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _text_keys(item) for key, item in value.items()}
    return [_text_keys(item) for item in value] if isinstance(value, list) else value


def _lines(node: yaml.Node | None, above: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    """(dotted key, line) of everything in the file; list items are numbered from 0."""
    seen: set[str] = set()
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield ".".join((*above, key.value)), key.start_mark.line + 1
            if key.value not in seen:
                yield from _lines(value, (*above, key.value))
            seen.add(key.value)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield ".".join((*above, str(number))), item.start_mark.line + 1
            yield from _lines(item, (*above, str(number)))


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


def is_sealed(value: Any) -> bool:
    """Whether this is the stand-in of a sealed value."""
    return isinstance(value, str) and _SEALED.fullmatch(value) is not None


_SEALED = re.compile("sealed-[0-9a-f]{24}")


def _error(path: Path, line: int | None, key: str, fix: str) -> SettingsError:
    return SettingsError([Problem(path.name, line, key, None, fix)])


def unknown_key(key: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"unknown key; {hint}known keys: {', '.join(known)}"
