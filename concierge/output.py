"""How every command prints: a person gets a rendering, `--json` gets one JSON document on stdout."""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    Renderable = RenderableType

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]

# A pipe has no width: enough for the widest table, so that `| less -S` and `| grep` see whole lines.
_PIPE_WIDTH = 140


def console() -> "Console":
    """Where text for people goes."""
    from rich.console import Console

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _PIPE_WIDTH
    return Console(width=width, highlight=False, soft_wrap=False)


def show(*parts: "RenderableType") -> None:
    """Prints renderings with an empty line between them."""
    out = console()
    for number, part in enumerate(parts):
        if number:
            out.print()
        out.print(part)


def document(content: Mapping[str, Any]) -> None:
    """Prints one JSON document."""
    print(json.dumps(content, indent=2, sort_keys=False, default=str))


def note(text: str) -> None:
    """A line about what is going on: to stderr, so that stdout stays what was asked for."""
    print(text, file=sys.stderr)


def progress(text: str) -> None:
    """A line of a story as it happens: on stderr, at once, cut to the terminal's width."""
    width = shutil.get_terminal_size().columns if sys.stderr.isatty() else len(text)
    print(text[:width], file=sys.stderr, flush=True)
