"""A document as it was read, whatever its format was: blocks of text, each with where it stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

# What a document may say of itself; the rest of what it says is nobody's business.
LABELS = ("title", "language", "genre", "category", "source")
BETWEEN = " / "  # the headings above a block


class ReadingError(Exception):
    """A document that cannot be read: it is reported, and the others go on."""


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list or table. `section`: the headings above it; `heading`: it is one itself."""

    text: str
    section: str = ""
    page: int | None = None
    heading: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """`key` tells several documents of one file apart; `labels`: what the document says of itself."""

    blocks: tuple[Block, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    key: str = ""

    @property
    def text(self) -> str:
        return "\n\n".join(block.text for block in self.blocks)


class Outline:
    """The headings above what comes next."""

    def __init__(self) -> None:
        self._above: list[tuple[int, str]] = []
        self._tops = 0
        self.first = ""

    def heading(self, level: int, text: str) -> None:
        self._above = [(above, said) for above, said in self._above if above < level]
        self._above.append((level, text))
        self.first = self.first or text
        self._tops += level == 1

    @property
    def section(self) -> str:
        return BETWEEN.join(text for _, text in self._above)

    def below_title(self, blocks: Sequence[Block]) -> tuple[Block, ...]:
        """The blocks, when all is written: a first heading that stands alone at the top is no section."""
        title = self.first
        if self._tops != 1 or not any(text == title for level, text in self._above if level == 1):
            return tuple(blocks)
        return tuple(replace(block, section=_below(title, block.section)) for block in blocks)


def _below(title: str, section: str) -> str:
    return "" if section == title else section.removeprefix(f"{title}{BETWEEN}")


def labelled(found: Mapping[str, str | None]) -> dict[str, str]:
    """Of what a document says of itself, what counts."""
    return {name: said.strip() for name, said in found.items() if name in LABELS and said and said.strip()}
