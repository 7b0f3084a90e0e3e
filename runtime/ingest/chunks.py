"""Cutting a document by its structure into chunks of 512 to 1,024 tokens (VEC-4).

A chunk ends where a section ends, once it is long enough; a long section is cut between paragraphs, else
between sentences, else between words. Short sections stand together in one chunk. Each chunk but the first
begins with the last sentences of the one before, so that nothing is torn from what it follows. The last may
be shorter.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from contract.ingest_settings import ChunkSettings
from runtime.ingest.reading import BETWEEN, Block

# Han, kana, Hangul and full-width forms: about a token a letter. Else a token is some six letters of a word.
_EACH = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\uff01-\uff9f]")
_WORDS = re.compile(r"[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\uff01-\uff9f]+|[^\w\s]")
_LETTERS = 6
# After a full stop in any of our languages, or at a line's end; what ends it stays with it.
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")
_GAP = "\n\n"


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document that is found on its own. `page`: the one it begins on."""

    text: str
    section: str
    page: int | None


@dataclass(frozen=True, slots=True)
class _Piece:
    """What is never cut. `glue` stood between it and the piece before."""

    text: str
    tokens: int
    block: Block
    glue: str


def tokens(text: str) -> int:
    """About as many as an embedder counts."""
    return len(_EACH.findall(text)) + sum(-(-len(word) // _LETTERS) for word in _WORDS.findall(text))


def cut(blocks: Sequence[Block], settings: ChunkSettings) -> Sequence[Chunk]:
    """All of them, in their order."""
    chunks: list[Chunk] = []
    for pieces in _grouped([piece for block in blocks for piece in _pieces(block, settings)], settings):
        repeated = _tail(chunks[-1].text, settings) if chunks else ""
        text = _joined(pieces)
        chunks.append(
            Chunk(f"{repeated}{_GAP}{text}" if repeated else text, _section(pieces), pieces[0].block.page)
        )
    return chunks


def _grouped(pieces: Sequence[_Piece], settings: ChunkSettings) -> Iterator[Sequence[_Piece]]:
    group: list[_Piece] = []
    held = 0
    for piece in pieces:
        if group and (held + piece.tokens > settings.most_tokens or _ends(group, held, piece, settings)):
            kept, carried = _without_headings(group)
            yield kept
            group = list(carried)
            # What is repeated of the chunk before counts, too.
            held = settings.most_overlap + sum(one.tokens for one in carried)
        group.append(piece)
        held += piece.tokens
    if group:
        yield group


def _ends(group: Sequence[_Piece], held: int, following: _Piece, settings: ChunkSettings) -> bool:
    """A section ends here, and the chunk is long enough."""
    new = following.block.heading and not group[-1].block.heading
    return held >= settings.least_tokens and new


def _without_headings(group: Sequence[_Piece]) -> tuple[Sequence[_Piece], Sequence[_Piece]]:
    """Headings at the end belong to what follows."""
    last = len(group)
    while last > 1 and group[last - 1].block.heading:
        last -= 1
    return (group[:last], group[last:]) if not group[last - 1].block.heading else (group, ())


def _pieces(block: Block, settings: ChunkSettings) -> Iterator[_Piece]:
    """A block, or its sentences where it is too long for a chunk."""
    most = settings.most_tokens - 2 * settings.most_overlap  # room for what is repeated, and for headings
    glue = _GAP
    for part in [block.text] if tokens(block.text) <= most else _sentences(block.text, most):
        yield _Piece(part, tokens(part), block, glue)
        glue = " " if not _EACH.search(part[-1:]) else ""


def _sentences(text: str, most: int) -> Iterator[str]:
    for sentence in filter(None, (part.strip() for part in _SENTENCE.split(text))):
        if tokens(sentence) <= most:
            yield sentence
        else:
            yield from _words(sentence, most)


def _words(sentence: str, most: int) -> Iterator[str]:
    """What has no full stop for so long is cut between words, and where there are none, between letters."""
    kept, held = "", 0
    for word in re.findall(r"\s*\S+", sentence):
        count = tokens(word)
        if count > most:
            yield from filter(None, [kept.strip()])
            kept, held = "", 0
            yield from (word.strip()[start : start + most] for start in range(0, len(word.strip()), most))
            continue
        if held + count > most:
            yield kept.strip()
            kept, held = "", 0
        kept, held = kept + word, held + count
    if kept.strip():
        yield kept.strip()


def _joined(pieces: Sequence[_Piece]) -> str:
    return "".join(piece.glue + piece.text if number else piece.text for number, piece in enumerate(pieces))


def _section(pieces: Sequence[_Piece]) -> str:
    """Where it stands: the heading all of it is below, or the first and the last of those it spans."""
    said = [piece for piece in pieces if not piece.block.heading] or pieces
    sections = list(dict.fromkeys(piece.block.section for piece in said))
    if len(sections) == 1:
        return sections[0]
    paths = [section.split(BETWEEN) for section in sections]
    shared = [parts[0] for parts in takewhile(_alike, zip(*paths, strict=False))]
    if shared:
        return BETWEEN.join(shared)
    return f"{sections[0]} – {sections[-1]}" if all(sections) else ""


def _alike(parts: Sequence[str]) -> bool:
    return len(set(parts)) == 1


def _tail(text: str, settings: ChunkSettings) -> str:
    """Its last sentences, as many as are repeated."""
    kept: list[str] = []
    held = 0
    for sentence in reversed([part.strip() for part in _SENTENCE.split(text) if part.strip()]):
        if held >= settings.least_overlap:
            break
        count = tokens(sentence)
        if held + count > settings.most_overlap:
            if held < settings.least_overlap:
                kept.append(_end(sentence, settings.most_overlap - held))
            break
        kept.append(sentence)
        held += count
    return " ".join(reversed(kept))


def _end(sentence: str, most: int) -> str:
    """The end of a sentence that is too long to be repeated whole."""
    parts = re.findall(r"\s*\S+", sentence)
    if len(parts) == 1 or tokens(parts[-1]) > most:
        return sentence[-most:]
    kept = ""
    for part in reversed(parts):
        if tokens(part + kept) > most:
            break
        kept = part + kept
    return kept.strip()
