"""Markdown (CommonMark with tables). What a document says of itself stands between `---` lines at the top."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import zip_longest
from typing import TYPE_CHECKING

from runtime.ingest.formats.plain import decoded
from runtime.ingest.reading import Block, Outline, Reading, labelled

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_FRONT = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_SAID = re.compile(r"^([a-z_]+):[ \t]*(.+?)[ \t]*$", re.MULTILINE)


def read(content: bytes) -> Sequence[Reading]:
    said, text = _front(decoded(content).replace("\r\n", "\n"))
    lines, outline = text.split("\n"), Outline()
    blocks = [
        block
        for opening, inside in _top(_parser().parse(text))
        if (block := _block(opening, inside, lines, outline))
    ]
    return [Reading(outline.below_title(blocks), labelled({"title": outline.first, **said}))]


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt  # read by ingest alone: no other service waits for it

    return MarkdownIt("commonmark").enable("table")


def _front(text: str) -> tuple[Mapping[str, str], str]:
    found = _FRONT.match(text)
    if found is None:
        return {}, text
    return {name: value.strip("'\"") for name, value in _SAID.findall(found[1])}, text[found.end() :]


def _top(tokens: "Sequence[Token]") -> "Sequence[tuple[Token, Token | None]]":
    """What opens at the top, and the token that follows it: a heading's words."""
    return [
        (token, after)
        for token, after in zip_longest(tokens, tokens[1:])
        if token.level == 0 and token.nesting >= 0 and token.map
    ]


def _block(opening: "Token", inside: "Token | None", lines: Sequence[str], outline: Outline) -> Block | None:
    if opening.type == "heading_open" and inside is not None:
        words = inside.content.strip()
        if not words:
            return None
        outline.heading(int(opening.tag[1:]), words)
        return Block(words, outline.section, heading=True)
    first, last = opening.map or (0, 0)
    text = "\n".join(lines[first:last]).strip()
    if opening.type == "html_block":
        from runtime.ingest.formats.web import words_of

        text = words_of(text)
    return Block(text, outline.section) if text and opening.type != "hr" else None
