"""Where a text speaks of which product, and which of them an amount belongs to."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from runtime.safety.letters import low
from runtime.safety.output.context import Goods

_ENDS = re.compile(r"[.!?](?=[\s\"')]|$)|[。！？\n]")
_CUT = re.compile(r"\s*[,、(（|/–]|\s-\s")
_MODEL = re.compile(r"(?=[a-z0-9-]{0,20}\d)(?=[a-z0-9-]{0,20}[a-z])[a-z0-9][a-z0-9-]{2,20}")
SHORTEST = 3  # letters of a name that is looked for
REMEMBERED = 256  # messages under way; a part of an answer after another names the same products


class Mention(NamedTuple):
    start: int
    end: int
    number: int  # of the product


class Page:
    """A text with its sentences and the products it names."""

    def __init__(self, plain: str, goods: tuple[Goods, ...]) -> None:
        """`plain`: in small plain letters."""
        self.plain = plain
        self.goods = goods
        self.mentions = _mentions(self.plain, goods)
        self._ends = [found.end() for found in _ENDS.finditer(self.plain)]

    def sentence(self, place: int) -> tuple[int, int]:
        """Start and end of the one a place is in."""
        number = bisect_left(self._ends, place + 1)
        start = self._ends[number - 1] if number else 0
        return start, self._ends[number] if number < len(self._ends) else len(self.plain)

    def tied(self, place: int, places: Sequence[int]) -> Goods | None:
        """The product that an amount here belongs to. `places`: where all amounts are, in their order."""
        start, end = self.sentence(place)
        first, last = (bisect_left(self.mentions, edge, key=_start) for edge in (start, end))
        here = self.mentions[first:last]
        mine = places[bisect_left(places, start) : bisect_left(places, end)]
        if (paired := _paired(here, mine, place)) is not None:
            return self.goods[paired.number]
        split = bisect_left(here, place, key=_start)
        before, after = here[:split], here[split:]
        earlier = self.mentions[max(0, first - 1) : first]
        chosen = (*before[-1:], *after[:1], *earlier)
        if chosen:
            return self.goods[chosen[0].number]
        return self.goods[0] if len(self.goods) == 1 else None


def sentence_before(plain: str, place: int) -> int:
    """Where the sentence begins that stands before the one of a place: `Rs. 4,999` looks like two."""
    ends = [end for found in _ENDS.finditer(plain) if (end := found.end()) <= place]
    return ends[-2] if len(ends) > 1 else 0


def _paired(here: Sequence[Mention], amounts: Sequence[int], place: int) -> Mention | None:
    """`A and B cost x and y`, `x for A and y for B`: as many amounts as products, in a plain order."""
    if len(here) < 2 or len(here) != len(amounts) or len({one.number for one in here}) != len(here):
        return None
    apart = here[-1].start < amounts[0] or amounts[-1] < here[0].start
    starts = [one.start for one in here]
    by_turns = all(amount < start for amount, start in zip(amounts, starts, strict=True)) and all(
        start < amount for start, amount in _followed(starts, amounts)
    )
    return here[amounts.index(place)] if apart or by_turns else None


def _followed(starts: Sequence[int], amounts: Sequence[int]) -> Iterable[tuple[int, int]]:
    """Each product with the amount after it."""
    return zip(starts, amounts[1:], strict=False)


def _mentions(plain: str, goods: tuple[Goods, ...]) -> list[Mention]:
    found = [
        Mention(place, place + len(name), number)
        for name, number in _called(goods)
        if name in plain
        for place in _places(plain, name)
    ]
    apart: list[Mention] = []
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        if not apart or one.start >= apart[-1].end:
            apart.append(one)
    return apart


def _places(plain: str, name: str) -> Iterator[int]:
    """Where a name stands as words of its own."""
    place = plain.find(name)
    while place >= 0:
        end = place + len(name)
        if not (place and _latin(plain[place - 1])) and not (end < len(plain) and _latin(plain[end])):
            yield place
        place = plain.find(name, end)


def _latin(sign: str) -> bool:
    return sign.isascii() and sign.isalnum()


@lru_cache(REMEMBERED)
def _called(goods: tuple[Goods, ...]) -> Sequence[tuple[str, int]]:
    """Names that mean one of these products and no other."""
    names = [_names(one) for one in goods]
    shared = Counter(name for each in names for name in each)
    return [(name, number) for number, each in enumerate(names) for name in each if shared[name] == 1]


def _start(mention: Mention) -> int:
    return mention.start


def _names(goods: Goods) -> set[str]:
    """All ways to call a product: its number, its title, the beginning of that, the model in it."""
    names = {goods.asin.lower()}
    for title in goods.titles:
        small = low(title)
        head = _CUT.split(small, maxsplit=1)[0]
        words = head.split()
        names |= {small, head, *_MODEL.findall(small)}
        names |= {" ".join(words[:count]) for count in range(1, len(words))}
        names |= {word for word in words if len(word) > SHORTEST}
    return {name for name in names if len(name) >= SHORTEST}
