"""Entries in Valkey: found fresh, due for renewal, past their time or not at all; and who makes the next.

An entry ends early for one asker now and then, the more likely the nearer its end and the longer it took to
make (XFetch): so a popular one is renewed before all miss it at once. Making one is leased, so that of all
tasks one makes it. A tag that is invalidated ends every entry that was begun before: one key, whatever there
is. Everything is by the server's clock. Nothing here raises.
"""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Generic, Literal, TypeVar

from contract.traffic_settings import CacheSettings
from runtime.valkey import Script, Store, ValkeyError, word

T = TypeVar("T")
FORMAT = "c1"  # of the first line of an entry
ROOT = "concierge:{cache}:"  # the braces keep all on one shard, where one script may see them
TAG = ROOT + "tag:"
State = Literal["fresh", "early", "stale", "none", "down"]

STATES: Mapping[bytes, State] = {b"fresh": "fresh", b"early": "early", b"stale": "stale", b"none": "none"}


@dataclass(frozen=True)
class Codec(Generic[T]):
    """How a value is written. Another `version` makes what older tasks wrote a miss, as does `ValueError`."""

    version: int
    encode: Callable[[T], bytes]
    decode: Callable[[bytes], T]


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """What was on the shelf. `mine`: the asker is to make the next one; else somebody else does."""

    state: State
    value: T | None = None
    began: str = "0"  # the server's microseconds when it was looked at
    mine: bool = True


class Shelf(Generic[T]):
    """The entries of one kind. `chance` gives 0 to 1."""

    def __init__(
        self,
        name: str,
        store: Store,
        codec: Codec[T],
        settings: CacheSettings,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self._store = store
        self._codec = codec
        self._settings = settings
        self._chance = chance
        self._format = f"{FORMAT}v{codec.version}"
        self._task = f"{random.getrandbits(64):016x}"  # tells tasks apart, protects nothing
        self._leases = count()

    def token(self) -> str:
        """A name for one asker, unlike that of any other in any task."""
        return f"{self._task}-{next(self._leases)}"

    async def look(self, key: str, token: str) -> Seen[T]:
        """One round trip, at most one deadline."""
        draw = -math.log(1.0 - self._chance()) * self._settings.beta if self._settings.early else 0.0
        lease = _ms(self._settings.lease_s) if self._settings.coalesce else 0
        return await self._look(key, token, draw=draw, lease_ms=lease)

    async def peek(self, key: str) -> Seen[T]:
        """The same without the wish to make a new one: it leaves no lease behind."""
        return await self._look(key, "", draw=0.0, lease_ms=0)

    async def put(
        self,
        key: str,
        token: str,
        value: T,
        *,
        began: str,
        took_s: float,
        ttl_s: float,
        tags: Sequence[str] = (),
    ) -> None:
        """For `ttl_s`, and a while longer for when no new one can be made."""
        named = " ".join(tag_word(tag) for tag in tags)
        first = f"{self._format} {began} {_ms(took_s)} {named}\n"
        kept = _ms(ttl_s + self._settings.stale_s)
        await self._give_back(key, token, first.encode() + self._codec.encode(value), kept)

    async def release(self, key: str, token: str) -> None:
        """Nothing came of it: the next may try."""
        await self._give_back(key, token)

    async def _give_back(self, key: str, *words: str | bytes | int) -> None:
        try:
            await self._store.run(_script("put"), self._keys(key), *words)
        except ValkeyError:
            return  # the lease ends by itself

    async def _look(self, key: str, token: str, *, draw: float, lease_ms: int) -> Seen[T]:
        if not self._store.up:
            return Seen("down")
        arguments = (self._format, TAG, f"{draw:.6f}", _ms(self._settings.stale_s), lease_ms, token)
        try:
            return self._seen(await self._store.run(_script("look"), self._keys(key), *arguments))
        except ValkeyError:
            return Seen("down")

    def _keys(self, key: str) -> tuple[str, str]:
        whole = f"{ROOT}{self.name}:{key}"
        return whole, whole + ":lease"

    def _seen(self, reply: object) -> Seen[T]:
        match reply:
            case [bytes(found), bytes(entry), bytes(now), int(mine)] if found in STATES:
                value = self._value(entry) if entry else None
                state = "none" if value is None else STATES[found]
                return Seen(state, value, now.decode(), bool(mine) or (state == "none" and found == b"fresh"))
        return Seen("down")

    def _value(self, entry: bytes) -> T | None:
        try:
            return self._codec.decode(entry.partition(b"\n")[2])
        except ValueError:
            return None


async def invalidate(store: Store, tag: str, longest_s: float) -> bool:
    """Ends every entry with this tag that was begun before now; False where that could not be done."""
    try:
        await store.run(_CHANGED, [TAG + tag_word(tag)], _ms(longest_s))
    except ValkeyError:
        return False
    return True


# It must outlive every entry from before.
_CHANGED = Script("""
local time = redis.call('TIME')
local now = string.format('%.0f', tonumber(time[1]) * 1000000 + tonumber(time[2]))
return redis.call('SET', KEYS[1], now, 'PX', ARGV[1])
""")


def tag_word(tag: str) -> str:
    """Tags stand in the first line of an entry, with blanks between them."""
    return tag if tag.isascii() and tag.isalnum() else word(tag)


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1_000)) if seconds > 0 else 0


@cache
def _script(name: str) -> Script:
    return Script(Path(__file__).with_name(f"{name}.lua").read_text(encoding="utf-8"))
