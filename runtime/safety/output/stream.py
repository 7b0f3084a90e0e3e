"""An answer on its way to the person, checked while it comes (RUN-10).

Text passes as it comes, but for what may still become something else: the beginning of another shop's name or
of an address, and from a number or a sign of money on, the rest of that sentence. So what a model splits over
chunks is seen whole. When the answer is whole, all six checks read it; what they change of what is shown goes
out as a correction.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from typing import Any

from runtime.reply import Reply
from runtime.safety.letters import low
from runtime.safety.output.context import Context, Goods
from runtime.safety.output.money import MAYBE, amounts
from runtime.safety.output.rules import rules
from runtime.safety.output.stages import ASIN, Whole, check, check_part, names_of_shops

Lookup = Callable[[Sequence[str]], Awaitable[Sequence[Goods]]]
MOST_HELD = 600  # letters of a sentence that is waited for
MOST_LOOKED_UP = 8
ASIN_LETTERS = 10
MOST_OF_WORD = 12  # letters of a number in words, of which a part was shown
CHECKED = "checked"
_END = re.compile(r"[.!?][\"')]?\s|[。！？\n]")
LONGEST_ADDRESS = 64  # letters of the part before its sign
_ADDRESS = re.compile(r"[a-z0-9-]{1,64}(?:[._%+][a-z0-9-]{1,64}){1,8}[._%+]?$")  # of mail, so far
_JOINS = re.compile(r"[._%+]")
_BEGINS = re.compile(r"[^\x00-\x7f]|(?<![a-z0-9])[a-z0-9]")  # of words; of other scripts every letter
SHORTEST = 3  # letters of a name that are enough to wait for the rest; one where a letter is a word


class Stream:
    """Hears the ladder in place of the reply. `lookup`: products with their prices, in time or not at all."""

    def __init__(self, reply: Reply, context: Context, lookup: Lookup, before: Sequence[str] = ()) -> None:
        """`before`: products that were spoken of earlier in the conversation."""
        self._reply = reply
        self._context = context
        self._lookup = lookup
        self._before = tuple(before)
        self._asked: set[str] = set()
        self._raw = ""
        self._low = ""  # the same in small plain letters
        self._passed = 0  # so much of it was let through
        self.shown = ""

    def learn(self, data: Mapping[str, Any]) -> None:
        """What a tool gave may be spoken of."""
        self._context = self._context.learning(data)

    async def text(self, chunk: str) -> None:
        """More of it."""
        self._raw += chunk
        self._low += low(chunk)
        await self._let_through()

    async def restart(self, chunk: str, reason: str) -> None:
        """Another rung writes on, or anew."""
        self._raw, self._low = chunk, low(chunk)
        until = _until(self._low, 0, MAYBE.search(self._low))
        await self._know(chunk[:until])
        self.shown, self._passed = check_part("", chunk[:until], self._context) or "", until
        await self._reply.restart(self.shown, reason)

    async def finish(self, text: str) -> Whole:
        """All checks on the whole answer; what they change is told."""
        await self._know(text)
        whole = check(text, self._context)
        if not whole.text.startswith(self.shown):
            await self._reply.restart(whole.text, "; ".join(whole.changes) or CHECKED)
        else:
            if rest := whole.text[len(self.shown) :]:
                await self._reply.text(rest)
            self._reply.changes += whole.changes
        self.shown = whole.text
        return whole

    async def _let_through(self) -> None:
        trigger = MAYBE.search(self._low, _word_begin(self._low, self._passed))
        until = _until(self._low, self._passed, trigger)
        if until <= self._passed:
            return
        part = self._raw[self._passed : until]
        plain = trigger is None or trigger.start() >= until  # no price, number of a product, nobody's data
        near = max(0, self._passed - _longest())  # a name may have begun in what was shown
        if plain and not names_of_shops().find(self._low[near:until]):
            out = part
        else:
            await self._know(self._raw[max(0, self._passed - ASIN_LETTERS) : until])
            checked = check_part(self.shown, part, self._context)
            if checked is None:
                return
            out = checked
        self._passed = until
        self.shown += out
        if out:
            await self._reply.text(out)

    async def _know(self, part: str) -> None:
        """Looks up what is spoken of and not known yet."""
        named = {asin for asin in ASIN.findall(part) if asin not in self._context.asins}
        unpriced = self._before and all(one.cents is None for one in self._context.goods)
        wanted = [*named, *(self._before if unpriced and amounts(part) else ())]
        wanted = [asin for asin in dict.fromkeys(wanted) if asin not in self._asked][:MOST_LOOKED_UP]
        if wanted:
            self._asked.update(wanted)
            self._context = self._context.knowing(await self._lookup(wanted))


def _until(plain: str, passed: int, trigger: re.Match[str] | None) -> int:
    """Up to where a text may pass now. `trigger`: the first after what has."""
    while trigger is not None:
        end = _END.search(plain, trigger.end())
        if end is None:
            if len(plain) - trigger.start() > MOST_HELD:
                return len(plain)
            return max(passed, _word_before(plain, trigger.start()))
        following = MAYBE.search(plain, end.end())
        if following is None:
            return max(end.end(), _word_before(plain, len(plain)))
        trigger = following
    return max(passed, _word_before(plain, len(plain)))


def _word_begin(plain: str, place: int) -> int:
    """Where the word begins that goes on at a place."""
    first = max(0, place - MOST_OF_WORD)
    while place > first and plain[place - 1].isalnum():
        place -= 1
    return place


def _word_before(plain: str, place: int) -> int:
    """Where a word begins that may become the name of another shop, or an address."""
    first = max(0, place - LONGEST_ADDRESS)
    run = plain[max(first, plain.rfind(" ", first, place) + 1) : place]
    word = _ADDRESS.search(run) if _JOINS.search(run) else None
    start = place - len(run) + word.start() if word else place
    near = plain[max(0, place - _longest()) : place]
    if near[-SHORTEST:] not in _tails() and near[-2:] not in _tails() and near[-1:] not in _tails():
        return start
    for begin in _BEGINS.finditer(near):
        if near[begin.start() :] in _beginnings():
            return min(start, place - len(near) + begin.start())
    return start


@cache
def _beginnings() -> frozenset[str]:
    """Of names of other shops, but whole ones."""
    return frozenset(
        name[:length]
        for name in rules().competitors.sure
        for length in range(SHORTEST if name.isascii() else 1, len(name))
    )


@cache
def _tails() -> frozenset[str]:
    """What they end with; the shortest as a whole."""
    return frozenset(one[-SHORTEST:] for one in _beginnings())


@cache
def _longest() -> int:
    return max(map(len, rules().competitors.sure))
