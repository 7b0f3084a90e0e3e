"""Bytes to text, the same for every format that is text."""

import codecs

from runtime.ingest.reading import ReadingError

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def decoded(content: bytes, said: str = "") -> str:
    """`said`: the encoding a document names. A mark at its start counts more."""
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), said or "utf-8")
    try:
        text = content.decode(encoding)
    except LookupError:
        raise ReadingError(f"encoding {encoding!r} is unknown: save it as UTF-8") from None
    except UnicodeDecodeError as wrong:
        raise ReadingError(f"is no {encoding} at byte {wrong.start}: save it as UTF-8") from None
    if "\0" in text:
        raise ReadingError("holds bytes that are no text")
    return text


def one_line(text: str) -> str:
    return " ".join(text.split())
