"""Finds a question that was answered before and means the same.

A group holds the questions that differ in their words only, and of each its vector, its guard and the key of
its answer: never its text. Groups are in Valkey, a sorted set each by the server's time of writing; a task
keeps those it uses, and asks for what is new in them every few seconds.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from heapq import nsmallest

from contract.traffic_settings import CacheSettings
from runtime.caches.question import GUARD, WORD, Guard, Question
from runtime.caches.shelf import ROOT
from runtime.caches.vectors import Vector, cosine, nearness, unpack
from runtime.valkey import Script, Store, ValkeyError

COMPARED = 3  # of the nearest by sign
LIKE = "like1"  # the form of what is in a group: another is another key
NEVER = float("-inf")

# KEYS: the group. ARGV: the question; most of them; milliseconds.
_ADD = Script("""
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], string.format('%.0f', tonumber(time[1]) * 1000000 + tonumber(time[2])), ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - tonumber(ARGV[2]))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
""")


@dataclass(slots=True)
class _Group:
    """What this task knows of one: key of the answer -> guard and vector, the oldest first."""

    known: OrderedDict[str, tuple[Guard, Vector]] = field(default_factory=OrderedDict)
    newest: str = "-inf"
    looked_at: float = NEVER


class Similar:
    """The questions of one cache."""

    def __init__(self, name: str, store: Store, settings: CacheSettings) -> None:
        self._name = name
        self._store = store
        self._settings = settings
        self._groups: OrderedDict[str, _Group] = OrderedDict()

    async def find(self, question: Question, packed: bytes, threshold: float) -> str | None:
        """The key of the nearest one's answer, if it is near enough and no guard forbids it."""
        name = question.group
        group = self._group(name)
        await self._refresh(name, group)
        guard, asked = question.guard, unpack(packed)
        same = [(key, vector) for key, (kept, vector) in group.known.items() if guard.allows(kept)]
        near = nsmallest(COMPARED, same, key=lambda pair: nearness(asked, pair[1]))
        best = max(near, key=lambda pair: cosine(asked, pair[1]), default=None)
        if best is None or cosine(asked, best[1]) < threshold:
            return None
        return best[0]

    async def learn(self, question: Question, packed: bytes, ttl_s: float) -> None:
        """There is an answer to this one now."""
        name, key, guard = question.group, question.key, question.guard
        self._remember(self._group(name), key, guard, packed)
        try:
            member = (key + guard.text()).encode() + packed
            most, ttl_ms = self._settings.group, round(ttl_s * 1_000)
            await self._store.run(_ADD, [self._at(name)], member, most, ttl_ms)
        except ValkeyError:
            return  # the other tasks learn it by themselves

    def forget(self, question: Question, key: str) -> None:
        """Its answer is gone."""
        if (group := self._groups.get(question.group)) is not None:
            group.known.pop(key, None)

    async def _refresh(self, name: str, group: _Group) -> None:
        """What other tasks have added since."""
        now = asyncio.get_running_loop().time()
        if now - group.looked_at < self._settings.mirror_s:
            return
        group.looked_at = now
        since = group.newest if group.newest == "-inf" else f"({group.newest}"
        try:
            reply = await self._store.ask("ZRANGE", self._at(name), since, "+inf", "BYSCORE", "WITHSCORES")
        except ValkeyError:
            return
        for member, score in zip(reply[::2], reply[1::2], strict=True):
            key, guard = (
                member[:WORD].decode("ascii"),
                Guard.parse(member[WORD : WORD + GUARD].decode("ascii")),
            )
            self._remember(group, key, guard, member[WORD + GUARD :])
            group.newest = score.decode("ascii")

    def _remember(self, group: _Group, key: str, guard: Guard, packed: bytes) -> None:
        group.known.pop(key, None)
        group.known[key] = (guard, unpack(packed))
        if len(group.known) > self._settings.group:
            group.known.popitem(last=False)

    def _group(self, name: str) -> _Group:
        """The least recently used is forgotten first."""
        group = self._groups.setdefault(name, _Group())
        self._groups.move_to_end(name)
        if len(self._groups) > self._settings.groups:
            self._groups.popitem(last=False)
        return group

    def _at(self, name: str) -> str:
        return f"{ROOT}{self._name}:{LIKE}:{name}"
