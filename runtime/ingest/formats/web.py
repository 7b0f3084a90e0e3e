"""HTML: what a person would read of a page. Menus, scripts and what is hidden are not part of it."""

import re
from collections.abc import Sequence
from html.parser import HTMLParser

from runtime.ingest.formats.plain import decoded, one_line
from runtime.ingest.reading import LABELS, Block, Outline, Reading, labelled

_LEFT_OUT = frozenset(
    {"script", "style", "template", "noscript", "nav", "aside", "svg", "iframe", "form", "head"}
)
_ALONE = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_BLOCKS = frozenset(
    {"address", "article", "blockquote", "body", "dd", "details", "div", "dl", "dt", "figcaption", "figure"}
    | {"footer", "header", "li", "main", "ol", "p", "pre", "section", "summary", "table", "tr", "ul"}
)
_CELLS = frozenset({"td", "th"})
_HEADING = re.compile(r"h[1-6]")
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d]*[1-9])", re.IGNORECASE
)
_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w-]+)", re.IGNORECASE)
_HEAD_BYTES = 2_048


def read(content: bytes) -> Sequence[Reading]:
    charset = _CHARSET.search(content[:_HEAD_BYTES])
    page = _Page()
    page.feed(decoded(content, charset[1].decode() if charset else ""))
    page.close()
    page.end_block()
    title = page.title or page.outline.first
    return [Reading(page.outline.below_title(page.blocks), labelled({"title": title, **page.said}))]


def words_of(text: str) -> str:
    """A piece of HTML without its tags."""
    page = _Page()
    page.feed(text)
    page.close()
    page.end_block()
    return "\n".join(block.text for block in page.blocks)


class _Page(HTMLParser):
    """Collects blocks while it goes down the page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self.said: dict[str, str] = {}
        self.title = ""
        self.outline = Outline()
        self._open: list[str] = []  # within what is left out
        self._words: list[str] = []
        self._level = 0
        self._in_title = self._in_pre = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        self._note(tag, told)
        if self._open:
            if tag not in _ALONE:
                self._open.append(tag)
            return
        if tag in _ALONE:
            self._words.append("\n" if tag == "br" else "")
        elif tag in _LEFT_OUT or _hidden(told):
            self._open.append(tag)
        elif _HEADING.fullmatch(tag):
            self.end_block()
            self._level = int(tag[1])
        elif tag in _BLOCKS:
            self.end_block()
            self._in_pre = tag == "pre"
        elif tag in _CELLS and any(word.strip() for word in self._words):
            self._words.append(" | ")

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        if self._open:
            if tag in self._open:  # what was never closed ends with what it stands in
                while self._open.pop() != tag:
                    pass
            return
        if _HEADING.fullmatch(tag) or tag in _BLOCKS:
            self.end_block()

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title = one_line(f"{self.title} {data}")
        elif not self._open:
            self._words.append(data)

    def end_block(self) -> None:
        said = "".join(self._words)
        text = (
            said.strip("\n") if self._in_pre else "\n".join(filter(None, map(one_line, said.split("\n\n"))))
        )
        level, self._words, self._level, self._in_pre = self._level, [], 0, False
        if not text.strip():
            return
        if level:
            self.outline.heading(level, one_line(text))
        self.blocks.append(Block(text, self.outline.section, heading=bool(level)))

    def _note(self, tag: str, told: dict[str, str]) -> None:
        """What the page says of itself."""
        if tag == "html" and told.get("lang"):
            self.said["language"] = told["lang"]
        elif tag == "title" and not self.title:
            self._in_title = "svg" not in self._open
        elif tag == "meta" and told.get("name", "").lower() in LABELS:
            self.said[told["name"].lower()] = told.get("content", "")
        elif tag == "link" and told.get("rel", "").lower() == "canonical":
            self.said["source"] = told.get("href", "")


def _hidden(told: dict[str, str]) -> bool:
    hidden = "hidden" in told or told.get("aria-hidden", "").lower() == "true"
    return hidden or bool(_HIDDEN.search(told.get("style", "")))
