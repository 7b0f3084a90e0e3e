"""The frames of one answer on their way out: numbers without a gap, and exactly one ending (RUN-2)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from contract.frames import (
    About,
    Action,
    Banner,
    Card,
    Correction,
    Delta,
    Failure,
    Final,
    ServerFrame,
    Start,
    Usage,
)
from contract.runtime_settings import Rung

Send = Callable[[ServerFrame], Awaitable[None]]
Code = Literal["bad_request", "too_many_requests", "closed", "internal"]


class GoneError(Exception):
    """The client is gone: nobody is left to answer."""


class Reply:
    """Hears the ladder's text; `changes` says in words what became of it on its way."""

    def __init__(self, request_id: str, send: Send) -> None:
        self.arrived = asyncio.get_running_loop().time()
        self.first_text_at: float | None = None
        self.changes: list[str] = []
        self._id = request_id
        self._send = send
        self._count = 0

    def _number(self) -> int:
        """The next frame's; every frame that takes one is sent."""
        self._count += 1
        return self._count - 1

    async def start(self, session_id: str) -> None:
        await self._send(Start(request_id=self._id, sequence_number=self._number(), session_id=session_id))

    async def banner(self, text: str) -> None:
        """Once an answer, right after its start: a client shows it until an answer comes without one."""
        await self._send(Banner(request_id=self._id, sequence_number=self._number(), text=text))

    async def text(self, chunk: str) -> None:
        await self._send(Delta(request_id=self._id, sequence_number=self._number(), text=chunk))
        if self.first_text_at is None:
            self.first_text_at = asyncio.get_running_loop().time()

    async def restart(self, chunk: str, reason: str) -> None:
        number = self._number()
        self.changes.append(reason)
        await self._send(Correction(request_id=self._id, sequence_number=number, text=chunk, reason=reason))
        if chunk and self.first_text_at is None:  # what came before was held back
            self.first_text_at = asyncio.get_running_loop().time()

    def final(
        self,
        rung: Rung,
        text: str,
        *,
        usage: Usage | None = None,
        from_knowledge_base: bool = False,
        cards: Sequence[Card] = (),
        actions: Sequence[Action] = (),
        about: About | None = None,
    ) -> Final:
        told = about or About()
        return Final(
            request_id=self._id,
            sequence_number=self._number(),
            text=text,
            tier=rung.tier,
            rung=rung.name,
            from_knowledge_base=from_knowledge_base,
            usage=usage or Usage(),
            cards=tuple(cards),
            actions=tuple(actions),
            about=told.model_copy(update={"changes": tuple(self.changes)}) if self.changes else told,
        )

    def failure(self, code: Code, message: str, retry_after_s: float | None = None) -> Failure:
        return Failure(
            request_id=self._id,
            sequence_number=self._number(),
            code=code,
            message=message,
            retry_after_s=retry_after_s,
        )
