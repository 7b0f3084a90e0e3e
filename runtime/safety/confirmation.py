"""A person's own yes to money that moves (RUN-14): asked for by their client, apart from any model.

A confirmation is a signed word over who, what, how much and which cart. It holds for minutes, and once. A
model can say whatever it likes: without the word no money moves, and it never sees one.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, NamedTuple, Protocol

from pydantic import Field, ValidationError

from contract.base import Shape

LIVES = timedelta(minutes=5)
LONGEST = 1_024  # letters of a word
SHORTEST_KEY = 16  # bytes
Deed = Literal["pay", "refund"]


class Line(NamedTuple):
    """So many of a product at so much."""

    asin: str
    quantity: int
    cents: int


class Wish(Shape):
    """What is to be confirmed: exactly this and nothing else."""

    deed: Deed
    customer: str = Field(min_length=1)
    session: str = Field(min_length=1)
    cents: int = Field(gt=0)
    currency: str = Field("USD", pattern="^[A-Z]{3}$")
    cart: str = Field(min_length=1, description="`cart_hash` of a cart, or the number of what is refunded")


class No(StrEnum):
    """Why a deed is not done."""

    FORGED = "the confirmation is not ours"
    EXPIRED = "the confirmation is too old: confirm again"
    OTHER = "something else was confirmed: confirm what it is now"
    USED = "the confirmation was used already"


class Used(Protocol):
    """Where it is kept which confirmations were used, for everybody who may be asked."""

    async def first(self, nonce: str, until: datetime) -> bool:
        """True exactly once for each, kept until then at least. Where it fails it raises: nothing moves."""


class _Word(Shape):
    """What is signed."""

    wish: Wish
    nonce: str = Field(min_length=16)
    until: datetime


class Confirmations:
    """`key`: a secret of the runtime; `wall`: the one clock. `older`: keys before it, while they change."""

    def __init__(
        self, key: bytes, wall: Callable[[], datetime], used: Used, older: Sequence[bytes] = ()
    ) -> None:
        if any(len(one) < SHORTEST_KEY for one in (key, *older)):
            raise ValueError(f"a key for confirmations has at least {SHORTEST_KEY} bytes")
        self._keys = (key, *older)
        self._wall = wall
        self._used = used

    def give(self, wish: Wish) -> str:
        """To the customer's own client, once it said yes; never to a model."""
        word = _Word(wish=wish, nonce=secrets.token_urlsafe(18), until=self._wall() + LIVES)
        body = word.model_dump_json().encode()
        return f"{_packed(body)}.{_packed(_sign(self._keys[0], body))}"

    def nonce(self, word: str) -> str | None:
        """What tells one confirmation from any other; None: none of ours. Whether it holds is `take`'s."""
        said = self._said(word)
        return said.nonce if said is not None else None

    def wish(self, word: str) -> Wish | None:
        """What it says yes to."""
        said = self._said(word)
        return said.wish if said is not None else None

    async def take(self, word: str, wish: Wish) -> No | None:
        """None: it is confirmed, and was not before. Only what holds in everything else uses it up."""
        said = self._said(word)
        if said is None:
            return No.FORGED
        if self._wall() >= said.until:
            return No.EXPIRED
        if said.wish != wish:
            return No.OTHER
        return None if await self._used.first(said.nonce, said.until) else No.USED

    def _said(self, word: str) -> "_Word | None":
        body = self._ours(word)
        try:
            return _Word.model_validate_json(body) if body is not None else None
        except ValidationError:
            return None

    def _ours(self, word: str) -> bytes | None:
        head, dot, tail = word.partition(".")
        if not dot or len(word) > LONGEST or not word.isascii():
            return None
        try:
            body, signature = _unpacked(head), _unpacked(tail)
        except (binascii.Error, ValueError):
            return None
        ours = any(hmac.compare_digest(_sign(key, body), signature) for key in self._keys)
        return body if ours else None


def cart_hash(lines: Sequence[Line]) -> str:
    """The same for the same cart in any order, and another for any other."""
    whole: dict[tuple[str, int], int] = {}
    for line in lines:
        whole[line.asin, line.cents] = whole.get((line.asin, line.cents), 0) + line.quantity
    return hashlib.sha256(json.dumps(sorted(whole.items())).encode()).hexdigest()


class UsedHere:
    """For one process: on a person's own machine, and in tests. A fleet needs a store that all share."""

    def __init__(self, wall: Callable[[], datetime]) -> None:
        self._wall = wall
        self._until: dict[str, datetime] = {}

    async def first(self, nonce: str, until: datetime) -> bool:
        """True exactly once for each."""
        now = self._wall()
        self._until = {one: end for one, end in self._until.items() if end > now}
        if nonce in self._until:
            return False
        self._until[nonce] = until
        return True

    @property
    def kept(self) -> Mapping[str, datetime]:
        """Those that would still hold."""
        return self._until


def _sign(key: bytes, body: bytes) -> bytes:
    return hmac.new(key, b"concierge confirmation 1\n" + body, hashlib.sha256).digest()


def _packed(body: bytes) -> str:
    return base64.urlsafe_b64encode(body).rstrip(b"=").decode()


def _unpacked(text: str) -> bytes:
    """Only as it was packed: another spelling of the same bytes is another word."""
    body = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _packed(body) != text:
        raise ValueError("not as it was packed")
    return body
