"""PDF: the text of each page, with the bookmark it stands under. Pictures of text are none to us."""

import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from runtime.ingest.reading import Block, Outline, Reading, ReadingError, labelled

if TYPE_CHECKING:
    from pypdf import PdfReader

_HYPHEN = re.compile(r"(\w)-\n(?=[a-z])")
_PARAGRAPH = re.compile(r"\n\s*\n")
_DIGITS = re.compile(r"\d+")
_REPEATS, _SHARE = 3, 0.6  # a line on so many pages, and on such a share of them, is a header or a footer


def read(content: bytes) -> Sequence[Reading]:
    from pypdf import PdfReader  # read by ingest alone: no other service waits for it
    from pypdf.errors import PyPdfError

    logging.getLogger("pypdf").setLevel(logging.ERROR)  # it warns of every oddity it can live with
    try:
        file = PdfReader(BytesIO(content))
        if file.is_encrypted and not file.decrypt(""):
            raise ReadingError("is locked with a password")
        pages = [page.extract_text() for page in file.pages]
        marks, about = _marks(file), file.metadata
    except ReadingError:
        raise
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as wrong:
        raise ReadingError(f"is no PDF that can be read: {wrong}") from None
    if not any(page.strip() for page in pages):
        raise ReadingError("holds no text: it may be scanned, and needs OCR first")
    language = _language(file)
    title = str(about.title or "") if about else ""
    blocks = tuple(_blocks(_bare(pages), marks))
    return [Reading(blocks, labelled({"title": title, "language": language}))]


def _blocks(pages: Sequence[str], marks: Mapping[int, Sequence[tuple[int, str]]]) -> Iterator[Block]:
    outline = Outline()
    for number, page in enumerate(pages):
        for level, heading in marks.get(number, ()):
            outline.heading(level + 1, heading)  # below the document's own title
        for text in _PARAGRAPH.split(_HYPHEN.sub(r"\1", page)):
            if text.strip():
                yield Block(text.strip(), outline.section, number + 1)


def _bare(pages: Sequence[str]) -> Sequence[str]:
    """The pages without the lines that stand on most of them; numbers in those may differ."""
    alike = Counter(key for page in pages for key in {_key(line) for line in page.split("\n")} if key)
    often = {key for key, count in alike.items() if count >= _REPEATS and count >= _SHARE * len(pages)}
    return ["\n".join(line for line in page.split("\n") if _key(line) not in often) for page in pages]


def _key(line: str) -> str:
    return _DIGITS.sub("#", line.strip())


def _marks(file: "PdfReader") -> Mapping[int, Sequence[tuple[int, str]]]:
    """Page -> (level, heading) of the bookmarks that lead there."""
    found: dict[int, list[tuple[int, str]]] = {}

    def walk(marks: Sequence[Any], level: int) -> None:
        for mark in marks:
            if isinstance(mark, list):
                walk(mark, level + 1)
            elif (page := file.get_destination_page_number(mark)) is not None and mark.title:
                found.setdefault(page, []).append((level, str(mark.title).strip()))

    walk(file.outline, 1)
    return found


def _language(file: "PdfReader") -> str:
    root: Any = file.trailer["/Root"]
    return str(root.get("/Lang", ""))
