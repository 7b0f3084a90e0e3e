"""The files of the artifact: what others wrote, trimmed, beside what is ours, as relative path -> content."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from artifact.errors import ArgumentError
from artifact.recipe import Recipe

Tree = Mapping[str, bytes]

ENTRY = "main.py"
# AgentCore starts a file. No bytecode is shipped: it would be another for each patch of Python.
_MAIN = b'''"""Starts the agent: AgentCore's entry point, and the image's."""

import sys

from runtime.__main__ import main

sys.exit(main())
'''
_MODELS = "botocore/data/"


def assemble(site: Path, root: Path, recipe: Recipe) -> Tree:
    """Everything in the order of its paths."""
    files = dict(_theirs(site, recipe))
    for path, content in _ours(root, recipe):
        if path in files:
            raise ArgumentError(f"{path} is ours, and a dependency brings one too")
        files[path] = content
    files[ENTRY] = _MAIN
    return dict(sorted(files.items()))


def _theirs(site: Path, recipe: Recipe) -> Iterator[tuple[str, bytes]]:
    for path in _files(site):
        if not any(fnmatchcase(path, pattern) for pattern in recipe.drop) and _wanted(path, recipe):
            yield path, (site / path).read_bytes()


def _wanted(path: str, recipe: Recipe) -> bool:
    """Of botocore's models those of the services we call; files beside the folders are about all of them."""
    if not path.startswith(_MODELS):
        return True
    service, _, rest = path.removeprefix(_MODELS).partition("/")
    return not rest or service in recipe.services


def _ours(root: Path, recipe: Recipe) -> Iterator[tuple[str, bytes]]:
    for room in recipe.rooms:
        if not (root / room).is_dir():
            raise ArgumentError(f"there is no {room}/ in {root}: run this inside the repository")
        for path in _files(root / room):
            whole = f"{room}/{path}"
            left_out = any(whole.startswith(f"{part}/") for part in recipe.leave_out)
            if not left_out and "__pycache__" not in whole and not whole.endswith(".pyc"):
                yield whole, (root / whole).read_bytes()


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def top(path: str) -> str:
    """The package, module or room a file belongs to."""
    return path.partition("/")[0]
