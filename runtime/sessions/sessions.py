"""Conversations and what was said in them: opened by their owner, added to, shown, deleted (RUN-16, RUN-17).

Opening and adding never fail for the store's sake: the conversation goes on, and its memory says what is not
there. Export, deletion and lists need the store, and say so with ProviderError.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from contract.runtime_settings import SessionsSettings
from runtime.coalesce import Coalesce
from runtime.downstream import ProviderError, Why
from runtime.sessions import wire
from runtime.sessions.memory import Kept, Memory, Turn
from runtime.sessions.nearby import Nearby
from runtime.sessions.table import NotTheirsError
from runtime.sessions.wire import Item, Known, Lives

Clock = Callable[[], datetime]
Redact = Callable[[str], str]
MOST_LETTERS = 16_000  # of one text; an item holds 400 KB
AFTER = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Said:
    """A turn as it happened, before anything is taken out of it."""

    request_id: str
    asked: str
    answered: str
    intent: str = ""
    asins: tuple[str, ...] = ()
    ending: str = ""  # the final frame's JSON without its text, which is `answered`


class Store(Protocol):
    """Where sessions outlive this process: the table, or AgentCore's memory."""

    async def latest(self, session_id: str, owner: str, turns: int) -> Sequence[Item]: ...

    async def everything(self, session_id: str, owner: str) -> Sequence[Item]: ...

    async def append(self, memory: Memory, turn: Turn, lives: Lives, *, summed_up: bool) -> None: ...

    async def delete(self, session_id: str, owner: str, items: Sequence[Item]) -> None: ...

    async def of(self, user: str) -> Sequence[Known]: ...


class Sessions:
    """`redact` takes personal data out of every text before it is kept anywhere (RUN-13)."""

    def __init__(
        self,
        table: Store | None,
        nearby: Nearby,
        settings: SessionsSettings,
        wall: Clock,
        redact: Redact,
    ) -> None:
        """Without a table nothing outlives this process."""
        self._table = table
        self._nearby = nearby
        self._settings = settings
        self._wall = wall
        self._redact = redact
        self._lives = Lives(timedelta(days=settings.metadata_days), timedelta(hours=settings.turns_hours))
        self._loads: Coalesce[tuple[str, str], tuple[str | None, Memory]] = Coalesce()

    async def open(self, session_id: str, user: str) -> Memory:
        """The session as its owner left it, or a new one; NotTheirsError when it is another's."""
        memory = self._nearby.fresh(session_id) or await self._load(session_id, user)
        if memory.user != user:
            raise NotTheirsError
        return memory

    async def append(self, memory: Memory, said: Said) -> Memory:
        """With one more turn, written once however often it comes; what could not be written is `LOCAL`."""
        if memory.knows(said.request_id):
            return memory
        turn = self._turn(memory, said)
        after = memory.with_turn(turn, self._settings.turns, self._settings.summary_tokens)
        kept = await self._write(after, turn, summed_up=after.through != memory.through)
        after = replace(after, kept=Kept.STORED if kept and memory.complete else Kept.LOCAL)
        self._nearby.keep(after)
        return after

    async def export(self, session_id: str, user: str) -> Sequence[Turn] | None:
        """All that is stored of it, the oldest first; None: no such session of theirs."""
        items = await self._theirs(session_id, user)
        return wire.turns_of(items, self._wall()) if items else None

    async def delete(self, session_id: str, user: str) -> bool:
        """False: no such session of theirs."""
        items = await self._theirs(session_id, user)
        self._nearby.forget(session_id)
        if items and self._table is not None:
            await self._table.delete(session_id, user, items)
        return bool(items)

    async def of(self, user: str) -> Sequence[Known]:
        """A user's sessions, the last used first."""
        found = await self._table.of(user) if self._table is not None else ()
        return sorted(found, key=lambda known: known.updated, reverse=True)

    async def _load(self, session_id: str, user: str) -> Memory:
        """A crowd that opens one session is one query."""
        if self._table is None:
            return self._without_store(session_id, user)
        table = self._table
        try:
            asked = session_id, user
            whose, memory = await self._loads.do(asked, lambda: self._ask(table, session_id, user))
        except ProviderError:
            return self._without_store(session_id, user)
        return memory if whose is not None else replace(memory, user=user)

    async def _ask(self, table: Store, session_id: str, user: str) -> tuple[str | None, Memory]:
        """(whose it is, the session); only what is somebody's is kept nearby."""
        items = await table.latest(session_id, user, self._settings.turns)
        try:
            whose = wire.owner(items)
            memory = wire.memory(session_id, whose or "", items, self._wall())
        except (KeyError, ValueError, TypeError) as odd:
            raise ProviderError("sessions-read", Why.BROKEN, f"an item lacks {odd}") from odd
        memory = memory.folded(self._settings.turns, self._settings.summary_tokens)
        if whose is not None:
            self._nearby.keep(memory)
        return whose, memory

    def _without_store(self, session_id: str, user: str) -> Memory:
        last = self._nearby.last(session_id)
        return replace(last, kept=Kept.LOCAL) if last else Memory(session_id, user, Kept.NOTHING)

    async def _write(self, after: Memory, turn: Turn, *, summed_up: bool) -> bool:
        if self._table is None:
            return False
        try:
            await self._table.append(after, turn, self._lives, summed_up=summed_up)
        except ProviderError:
            return False
        return True

    def _turn(self, memory: Memory, said: Said) -> Turn:
        """Its time is after that of the turn before, whatever two clocks say: turns are kept by it."""
        at = self._wall()
        if memory.turns:
            at = max(at, memory.turns[-1].at + AFTER)
        asked, answered = (self._redact(text)[:MOST_LETTERS] for text in (said.asked, said.answered))
        return Turn(said.request_id, at, asked, answered, said.intent, said.asins, said.ending)

    async def _theirs(self, session_id: str, user: str) -> Sequence[Item]:
        items = await self._table.everything(session_id, user) if self._table is not None else ()
        return items if wire.owner(items) == user else ()
