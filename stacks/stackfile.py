"""Reading `Pulumi.yaml` and `Pulumi.<stack>.yaml` as Pulumi does, and saying what is wrong with them.

Knows files, lines and words; what the keys mean is in `stacks.settings`.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
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
# Far above any real file, far below what takes seconds to read.
MOST_BYTES, MOST_VALUES, MOST_LEVELS, MOST_DIGITS = 1_000_000, 5_000, 20, 80
MOST_LISTED = 20
_NAME = re.compile("[a-z][a-z0-9-]{0,19}")
_OURS = re.compile(r"""^main:\s*["']?(?:\./)?stacks/?["']?\s*(?:#.*)?$""", re.MULTILINE)


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
        shown = f" = {_clipped(self.value)}" if self.value is not None else ""
        return f"{_clipped(place)}: {_clipped(self.key)}{shown}: {_clipped(self.fix, 1000)}"


def _clipped(text: str, most: int = 80) -> str:
    """One short line: no control character of a file reaches a terminal, and no long text fills it."""
    short = text if len(text) <= most else f"{text[: most - 3]}..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in short)


class SettingsError(WrongUseError):
    """The settings cannot be used; `problems` has one entry a fault."""

    def __init__(self, problems: list[Problem]) -> None:
        listed = [str(problem) for problem in problems[:MOST_LISTED]]
        more = len(problems) - len(listed)
        super().__init__("\n".join([*listed, f"and {more} more"] if more else listed))
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
            config[name] = json.dumps(_with(_tree(config.get(name, "{}")), path, _parsed(text)))
        return replace(self, config=config)


def _with(tree: Any, path: list[str], value: Any) -> Any:
    """A copy of a nested mapping with one value replaced."""
    if not path:
        return value
    inner = tree if isinstance(tree, dict) else {}
    return {**inner, path[0]: _with(inner.get(path[0]), path[1:], value)}


def _tree(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return {}


def _parsed(text: str) -> Any:
    """What a value says in a stack file; what cannot stand there is taken for text."""
    try:
        return _document(text)[0]
    except (_RefusedError, yaml.YAMLError, ValueError, OverflowError):
        return text


def root_of(start: Path | None = None) -> Path:
    """The folder with our Pulumi.yaml: this one or the nearest above, else the checkout this code is in."""
    here = (start or Path.cwd()).resolve()
    return next((folder for folder in (here, *here.parents) if _is_ours(folder)), _CHECKOUT)


_CHECKOUT = Path(__file__).resolve().parent.parent


def _is_ours(folder: Path) -> bool:
    """Whether its Pulumi.yaml runs `stacks/`; it need not be right otherwise, to be refused in our words."""
    path = folder / "Pulumi.yaml"
    try:
        return path.is_file() and _OURS.search(_text_of(path)) is not None
    except (OSError, UnicodeDecodeError, _RefusedError):
        return False


def stacks(root: Path) -> tuple[str, ...]:
    """Names of the stacks that have a file."""
    names = (
        p.name.removeprefix("Pulumi.").removesuffix(".yaml")
        for p in root.glob("Pulumi.*.yaml")
        if p.is_file()
    )
    return tuple(sorted(name for name in names if _NAME.fullmatch(name)))


def check_name(stack: str) -> None:
    """Refuses a name that no bucket or role could carry."""
    if not _NAME.fullmatch(stack):
        fix = (
            "a stack is named by a lower-case letter, then up to 19 letters, digits or hyphens: "
            "names of buckets and roles are made of it, and AWS allows no more there"
        )
        raise SettingsError([Problem("Pulumi.<stack>.yaml", None, f"stack {stack!r}", None, fix)])


def read(stack: str, root: Path | None = None) -> StackFile:
    """The file of one stack, flattened to what `pulumi.Config` would return."""
    check_name(stack)
    folder = root_of(root)
    path = folder / f"Pulumi.{stack}.yaml"
    if os.path.lexists(path):
        _check_is_file(path)
    else:
        known = ", ".join(stacks(folder)) or "none"
        raise _error(path, None, f"stack {stack!r}", f"there is no such file; stacks here are: {known}")
    document, lines = _parse(path)
    if found := [*_misnamed(path, document, lines)]:
        raise SettingsError(found)
    flat = {key: _as_engine(value, key) for key, value in (document.get("config") or {}).items()}
    return StackFile(path, _project(folder), flat, {k.removeprefix("config."): n for k, n in lines.items()})


def _check_is_file(path: Path) -> None:
    if path.is_file():
        return
    kind = "a folder" if path.is_dir() else "no ordinary file" if path.exists() else "a link to nothing"
    raise _error(path, None, "file", f"is {kind}: a stack needs a file of that name")


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
    config = document.get("config")
    if config is None:
        return
    if not isinstance(config, dict):
        yield Problem(
            path.name, lines.get("config"), "config", None, "must be a mapping of concierge:<section> keys"
        )
        return
    for key in config:
        namespace, colon, name = key.partition(":")
        if not colon:
            fix = f"needs a namespace: write {NAMESPACE}:{_clipped(key)}"
        elif namespace not in (NAMESPACE, *FOREIGN):
            fix = f"unknown namespace; write {NAMESPACE}:{_clipped(name)}"
        else:
            continue
        yield Problem(path.name, lines.get(f"config.{key}"), key, None, fix)


def _project(folder: Path) -> str:
    path = folder / "Pulumi.yaml"
    document, lines = _parse(path) if path.is_file() else ({}, {})
    if found := [
        Problem(path.name, lines[key], key, None, fix) for key, fix in _UNREAD.items() if key in document
    ]:
        raise SettingsError(found)
    name = document.get("name")
    if not isinstance(name, str):
        raise _error(path, None, "name", "is required: the name of the Pulumi project")
    return name


_UNREAD = {
    "config": "is not read here: write it into Pulumi.<stack>.yaml",
    "stackConfigDir": "is not read here: stack files stand beside Pulumi.yaml",
}


class _RefusedError(Exception):
    """A text that is YAML, and still no settings."""

    def __init__(self, line: int | None, key: str, fix: str) -> None:
        super().__init__(fix)
        self.line, self.key, self.fix = line, key, fix


def _refused(node: yaml.Node, fix: str) -> _RefusedError:
    return _RefusedError(node.start_mark.line + 1, "YAML", fix)


_TAG = "tag:yaml.org,2002:"
_PLAIN = ("bool", "float", "int", "map", "merge", "null", "seq", "str")


class _Loader(yaml.SafeLoader):
    """Reads as the engine does, to whom `yes` and `1:30` are texts and every key is one."""

    levels = 0
    values = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self.levels += 1
        self.values += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self.levels -= 1
        return node

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        self._check_size()
        node = super().compose_mapping_node(anchor)
        node.value = [(_text_key(key), value) for key, value in node.value]
        return node

    def compose_sequence_node(self, anchor: Any) -> yaml.SequenceNode:
        self._check_size()
        return super().compose_sequence_node(anchor)

    def compose_scalar_node(self, anchor: Any) -> yaml.ScalarNode:
        self._check_size()
        return super().compose_scalar_node(anchor)

    def _check_size(self) -> None:
        """Before any more is read: the reader descends with the text."""
        here = self.peek_event()  # type: ignore[no-untyped-call]  # PyYAML's stubs leave it open
        if self.levels > MOST_LEVELS:
            raise _refused(here, _TOO_DEEP)
        if self.values > MOST_VALUES:
            raise _refused(here, _TOO_MANY)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        kind = node.tag.removeprefix(_TAG)
        if kind == "timestamp":
            raise _refused(node, "is read as a date by some: put it in quotes")
        if kind not in _PLAIN:
            fix = "write plain text, numbers, lists and mappings only"
            raise _refused(node, f"has the type {_clipped(node.tag.replace(_TAG, '!!'))}: {fix}")
        if kind == "int" and len(node.value) > MOST_DIGITS:
            raise _refused(node, "is too long a number: no setting takes one")
        if kind in {"int", "float"} and ":" in node.value:
            raise _refused(node, f"is no {kind}: correct it, or put it in quotes")
        try:
            return super().construct_object(node, deep)
        except (ValueError, KeyError):
            raise _refused(node, f"is no {kind}: correct it, or put it in quotes") from None


def _text_key(key: yaml.Node) -> yaml.Node:
    if not isinstance(key, yaml.ScalarNode):
        raise _refused(key, "has a list or mapping for a key: keys are plain text")
    if key.tag == f"{_TAG}merge":
        return key
    return yaml.ScalarNode(f"{_TAG}str", key.value, key.start_mark, key.end_mark)


_TOO_DEEP = f"is nested deeper than {MOST_LEVELS} levels: no setting is"
_TOO_MANY = f"has more than {MOST_VALUES} values, aliases written out: no settings are so many"
# PyYAML knows more than Pulumi's reader: `yes` for true, 1:30 for 90, `=` for a default value.
_FORMS = {
    "bool": ("true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": ("[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)", "-+0123456789"),
    "float": (
        r"[-+]?([0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
}
_OTHERS = {f"{_TAG}{kind}" for kind in (*_FORMS, "value")}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in known if tag not in _OTHERS]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _kind, (_form, _first) in _FORMS.items():
    _Loader.add_implicit_resolver(f"{_TAG}{_kind}", re.compile(f"^(?:{_form})$"), list(_first))


def _text_of(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise _RefusedError(None, "file", f"is larger than {MOST_BYTES // 1_000_000} MB: no settings are")
    return content.decode("utf-8")


def _document(text: str) -> tuple[Any, list[tuple[str, int]]]:
    """(what it says, each dotted key with its line), as long as it is no larger than settings are."""
    loader = _Loader(text)
    node = loader.get_single_node()
    if node is None:
        return None, []
    for number, _ in enumerate(_written_out(node, ()), 1):
        if number > MOST_VALUES:
            raise _refused(node, _TOO_MANY)
    # Before it is constructed: that puts what `<<` merges among a mapping's own keys.
    lines = [*_lines(node, ())]
    return loader.construct_document(node), lines


def _written_out(node: yaml.Node, above: tuple[yaml.Node, ...]) -> Iterator[yaml.Node]:
    """Every value, those behind an alias once for each."""
    if node in above:
        raise _refused(node, "an alias leads to itself: write the value out")
    if len(above) >= MOST_LEVELS:
        raise _refused(node, _TOO_DEEP)
    yield node
    if isinstance(node, yaml.CollectionNode):
        for item in node.value:
            for inner in item if isinstance(item, tuple) else (item,):
                yield from _written_out(inner, (*above, node))


def is_shallow(value: Any) -> bool:
    """Whether a value is nested no deeper than a file may be."""
    layer = [value]
    for _ in range(MOST_LEVELS):
        inner = [
            item.values() if isinstance(item, dict) else item
            for item in layer
            if isinstance(item, (dict, list))
        ]
        layer = [item for items in inner for item in items]
    return not layer


def _parse(path: Path) -> tuple[dict[str, Any], dict[str, int]]:
    """(document, dotted key -> line); a key written twice is refused: YAML would keep the last silently."""
    try:
        document, found = _document(_text_of(path))
    except _RefusedError as refused:
        raise _error(path, refused.line, refused.key, refused.fix) from None
    except yaml.MarkedYAMLError as broken:
        line = broken.problem_mark.line + 1 if broken.problem_mark else None
        fix = f"cannot be read: {broken.problem}: check indentation, brackets and quotes here and just above"
        raise _error(path, line, "YAML", fix) from None
    except (OSError, ValueError, OverflowError, yaml.YAMLError) as broken:
        raise _error(path, None, "file", f"cannot be read: {' '.join(str(broken).split())}") from None
    if document is None:
        return {}, {}
    if not isinstance(document, dict):
        raise _error(path, 1, "YAML", "must be a mapping with a 'config' key")
    lines: dict[str, int] = {}
    twice = []
    for key, line in found:
        if key in lines:
            fix = f"is written twice, first in line {lines[key]}: keep one"
            twice.append(Problem(path.name, line, key.removeprefix("config."), None, fix))
        else:
            lines[key] = line
    if twice:
        raise SettingsError(twice)
    return document, lines


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
            return f"sealed-{hashlib.sha256(sealed.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"
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
    close = difflib.get_close_matches(key[:80], known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"unknown key; {hint}known keys: {', '.join(known)}"
