"""What the docstrings of the installed pulumi_aws SDK say of each property. Reads text, imports nothing.

Importing the SDK costs seconds; its generated files are regular enough to cut out one class at a time.
"""

import ast
import importlib.metadata
import importlib.util
import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

VERSION = importlib.metadata.version("pulumi-aws")
_WORDS = 15

# A sentence that says so without an if.
_ALWAYS = re.compile(
    r"^\W*(note:\W*)?((chang|modify)ing (this|the)( (value|argument|property|field))?( `\w+`)?|this)?\W*"
    r"(will )?(forces?|trigger|re-?creates?|creates?) (an? |the )?"
    r"(new resource|replacement|re-?creation|resource)"
    r"|cannot change this definition after you have created the resource",
    re.IGNORECASE,
)
# A sentence that says so under some condition, in words no table can hold.
_SOMETIMES = re.compile(
    r"(forces?|trigger) (an? |the )?(new resource|replacement|(resource )?re-?creation)"
    r"|re-?creates? the resource|destroyed and re-?created",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Property:
    """One input property. `path` names its blocks; `block` says that it has properties of its own."""

    path: tuple[str, ...]
    doc: str
    block: bool


@dataclass(frozen=True, slots=True)
class Word:
    """What the docs say: always a replacement, or `unknown` when it depends on something."""

    verdict: Literal["replace", "unknown"]
    quote: str


def properties(token: str) -> Iterator[Property]:
    """Every input property of a resource type, blocks before what is in them."""
    _, middle, kind = token.split(":")
    module, _, file = middle.partition("/")
    folder = _root() / (f"{module}_" if keyword.iskeyword(module) else module)
    text = (folder / f"{_snake(file)}.py").read_text(encoding="utf-8")
    names = re.findall(rf"^class ({kind}(?:Init)?Args)\b", text, re.MULTILINE)
    yield from _of_class(folder, text, names[0], (), frozenset())


def word_on(doc: str) -> Word | None:
    """The first sentence of a docstring about replacement."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", " ".join(doc.split()))
    for sentence in re.split(r"(?<=[.!;])\s+", text):
        if found := _ALWAYS.search(sentence):
            return Word("replace", _quote(sentence, found.start()))
        if found := _SOMETIMES.search(sentence):
            return Word("unknown", _quote(sentence, found.start()))
    return None


def _of_class(
    folder: Path, text: str, name: str, above: tuple[str, ...], inside: frozenset[str]
) -> Iterator[Property]:
    for prop, doc, annotation in _getters(_class(text, name)):
        # What may be text as well is written as text: a policy document is a value, not a block.
        shapes = [] if "Union[_builtins.str" in annotation else re.findall(r"'(\w+Args)'", annotation)
        nested = shapes[0] if shapes else None
        path = (*above, prop)
        yield Property(path, doc, nested is not None)
        if nested is not None and nested not in inside:
            yield from _of_class(folder, _inputs(folder), nested, path, inside | {nested})


def _class(text: str, name: str) -> ast.ClassDef:
    source = re.search(rf"^class {name}(\(.*\))?:\n(?:(?: +.*)?\n)+", text, re.MULTILINE)
    if source is None:
        raise LookupError(f"the SDK has no class {name}: its files are laid out in a new way")
    node = ast.parse(source.group(0)).body[0]
    assert isinstance(node, ast.ClassDef)  # noqa: S101 - the pattern begins with `class`
    return node


def _getters(node: ast.ClassDef) -> Iterator[tuple[str, str, str]]:
    """(name on the wire, docstring, annotation) of each property."""
    for function in node.body:
        if not isinstance(function, ast.FunctionDef) or function.returns is None:
            continue
        for decorator in function.decorator_list:
            named = re.fullmatch(r"pulumi\.getter(?:\(name='(\w+)'\))?", ast.unparse(decorator))
            if named:
                doc = ast.get_docstring(function) or ""
                yield named[1] or function.name, doc, ast.unparse(function.returns)


def _quote(sentence: str, start: int) -> str:
    """At most fifteen words, from where it matters; no double quotes, because it stands in some."""
    words = sentence.replace('"', "'").split()
    skipped = 0 if len(words) <= _WORDS else min(len(sentence[:start].split()), len(words) - _WORDS)
    kept = words[skipped : skipped + _WORDS]
    return " ".join(["…"] * (skipped > 0) + kept + ["…"] * (skipped + _WORDS < len(words)))


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


@cache
def _inputs(folder: Path) -> str:
    return (folder / "_inputs.py").read_text(encoding="utf-8")


@cache
def _root() -> Path:
    found = importlib.util.find_spec("pulumi_aws")
    if found is None or found.origin is None:
        raise LookupError("pulumi_aws is not installed")
    return Path(found.origin).parent
