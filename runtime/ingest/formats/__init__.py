"""The formats that can be read, by the ending of a name. Each is one module that makes readings of bytes."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath

from runtime.ingest.formats import data, docx, markdown, pdf, web
from runtime.ingest.reading import Reading, ReadingError

Read = Callable[[bytes], Sequence[Reading]]
READERS: Mapping[str, Read] = {
    ".md": markdown.read,
    ".markdown": markdown.read,
    ".html": web.read,
    ".htm": web.read,
    ".pdf": pdf.read,
    ".docx": docx.read,
    ".json": data.read,
    ".jsonl": data.read_lines,
}


def known(name: str) -> bool:
    return _ending(name) in READERS


def read(name: str, content: bytes) -> Sequence[Reading]:
    """What stands in a file; ReadingError says why it cannot be read."""
    reader = READERS.get(_ending(name))
    if reader is None:
        raise ReadingError(f"format {_ending(name) or 'without an ending'} is none of {', '.join(READERS)}")
    readings = [reading for reading in reader(content) if reading.text.strip()]
    if not readings:
        raise ReadingError("there is no text in it")
    return readings


def _ending(name: str) -> str:
    return PurePosixPath(name).suffix.lower()
