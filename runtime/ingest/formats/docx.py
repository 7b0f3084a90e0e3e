"""DOCX: a zip of XML, of which paragraphs, tables, headings and page breaks are read (ECMA-376).

The standard library does it: what would bring a parser of its own weighs more than the rest of the agent.
"""

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from xml.etree.ElementTree import Element, ParseError, fromstring

from runtime.ingest.formats.plain import one_line
from runtime.ingest.reading import Block, Outline, Reading, ReadingError, labelled

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_MOST_BYTES = 256 * 1024 * 1024  # unpacked: a zip may promise anything
_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
_TITLE = "title"


def read(content: bytes) -> Sequence[Reading]:
    try:
        with zipfile.ZipFile(BytesIO(content)) as file:
            body, styles = _part(file, "word/document.xml"), _part(file, "word/styles.xml")
            core = _part(file, "docProps/core.xml")
    # RuntimeError: zipfile's word for a password, or a compression it does not know.
    except (zipfile.BadZipFile, zipfile.LargeZipFile, RuntimeError, EOFError) as wrong:
        raise ReadingError(f"is no DOCX that can be read: {wrong}") from None
    if body is None:
        raise ReadingError("is no DOCX: there is no word/document.xml in it")
    reader = _Reader(_levels(styles))
    found = list(reader.blocks(body))
    blocks = tuple(found) if reader.title else reader.outline.below_title(found)
    said = {name: _said(core, name) for name in ("title", "language")}
    said["title"] = said["title"] or reader.title or reader.outline.first
    said["genre"] = _said(core, "type")
    return [Reading(blocks, labelled(said))]


def _part(file: zipfile.ZipFile, name: str) -> Element | None:
    if name not in file.namelist():
        return None
    if file.getinfo(name).file_size > _MOST_BYTES:
        raise ReadingError(f"{name} in it unpacks to more than {_MOST_BYTES >> 20} MB")
    text = file.read(name)
    if b"<!DOCTYPE" in text:  # none of the format's; entities could blow it up
        raise ReadingError(f"{name} in it declares a document type, which no DOCX does")
    try:
        return fromstring(text)  # noqa: S314 - nothing but elements: no entity is left to expand
    except ParseError as wrong:
        raise ReadingError(f"{name} in it is broken: {wrong}") from None


def _said(core: Element | None, name: str) -> str:
    return (core.findtext(f"{_DC}{name}") or "") if core is not None else ""


def _levels(styles: Element | None) -> Mapping[str, int]:
    """Style -> level of heading; 0: the document's title."""
    found = {}
    for style in styles.iter(f"{_W}style") if styles is not None else ():
        named = style.find(f"{_W}name")
        name = named.get(f"{_W}val", "") if named is not None else ""
        level = _HEADING.fullmatch(name)
        if level or name.lower() == _TITLE:
            found[style.get(f"{_W}styleId", "")] = int(level[1]) if level else 0
    return found


class _Reader:
    """Walks the body, page by page."""

    def __init__(self, levels: Mapping[str, int]) -> None:
        self._levels = levels
        self._page = self._began = 1
        self._rendered = False
        self.title = ""
        self.outline = Outline()

    def blocks(self, body: Element) -> Iterator[Block]:
        inside = body.find(f"{_W}body")
        # Word says where it broke pages; whoever else wrote the file, at least where a break was asked for.
        self._rendered = any(True for _ in body.iter(f"{_W}lastRenderedPageBreak"))
        for element in inside if inside is not None else ():
            if element.tag == f"{_W}p":
                yield from self._paragraph(element)
            elif element.tag == f"{_W}tbl":
                yield from self._table(element)
            else:  # content controls and the like hold paragraphs of their own
                for paragraph in element.iter(f"{_W}p"):
                    yield from self._paragraph(paragraph)

    def _paragraph(self, element: Element) -> Iterator[Block]:
        text = self._text(element).strip()
        if not text:
            return
        level = self._levels.get(_style(element))
        if level == 0:
            self.title = self.title or one_line(text)
        elif level is not None:
            self.outline.heading(level, one_line(text))
        yield Block(text, self.outline.section, self._began, heading=level is not None)

    def _table(self, element: Element) -> Iterator[Block]:
        page = self._page
        rows = [
            " | ".join(
                one_line(" ".join(self._text(p) for p in cell.iter(f"{_W}p"))) for cell in row.iter(f"{_W}tc")
            )
            for row in element.iter(f"{_W}tr")
        ]
        text = "\n".join(row for row in rows if row.strip(" |"))
        if text:
            yield Block(text, self.outline.section, page)

    def _text(self, paragraph: Element) -> str:
        """Its words; what was deleted with changes tracked is gone, what is a break may be a page's."""
        said: list[str] = []
        for element in paragraph.iter():
            match element.tag.removeprefix(_W):
                case "t":
                    self._began = self._began if said else self._page
                    said.append(element.text or "")
                case "tab":
                    said.append("\t")
                case "lastRenderedPageBreak":
                    self._page += 1
                case "br" if element.get(f"{_W}type") == "page":
                    self._page += not self._rendered
                case "br" | "cr":
                    said.append("\n")
        return "".join(said)


def _style(paragraph: Element) -> str:
    style = paragraph.find(f"{_W}pPr/{_W}pStyle")
    return style.get(f"{_W}val", "") if style is not None else ""
