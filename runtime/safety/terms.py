"""Many terms of several kinds, found where they stand in one pass over a text (Aho-Corasick)."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick, Implementation

from runtime.safety.letters import flat, small

MOST = 300  # terms of a text; nobody writes more, and whoever finds so many says nothing of the rest


class Place(NamedTuple):
    """A term where it stands."""

    kind: str
    start: int
    end: int


class _Term(NamedTuple):
    kind: str
    begins: bool  # where a word does
    ends: bool  # so does not one that may go on (`*`)


class Terms:
    """A Latin term is a word of its own; `*` at its end: it may go on."""

    def __init__(self, kinds: Mapping[str, Iterable[str]]) -> None:
        rows = [(small(flat(term)), kind) for kind, terms in kinds.items() for term in terms]
        self._terms = [_Term(kind, *_sides(term)) for term, kind in rows]
        self._found = AhoCorasick(
            [term.rstrip("*") for term, _ in rows], implementation=Implementation.DFA, store_patterns=False
        )

    def find(self, plain: str) -> list[Place]:
        """From left to right, MOST of them. `plain`: in small plain letters (`letters`)."""
        places = []
        last = len(plain)
        for number, start, end in self._found.find_matches_as_indexes(plain, overlapping=True):
            kind, begins, ends = self._terms[number]
            if begins and start and _letter(plain[start - 1]):
                continue
            if ends and end < last and _letter(plain[end]):
                continue
            places.append(Place(kind, start, end))
            if len(places) == MOST:
                break
        return places


def _sides(term: str) -> tuple[bool, bool]:
    """Whether it begins and ends where a word does. Digits may stand beside a word: `tel03-1234`."""
    return _letter(term[0]), _letter(term[-1])


def _letter(sign: str) -> bool:
    return sign.isascii() and sign.isalpha()
