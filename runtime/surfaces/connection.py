"""One client on a line that stays open: its messages under way, and the endings it may ask for again (RUN-2).

The line is a WebSocket, or a connection of API Gateway that is answered by its callback URL.
"""

import asyncio
import contextlib
import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

from contract.frames import (
    Ask,
    Confirm,
    Failure,
    FrameError,
    Reconnect,
    Resend,
    Resume,
    ServerFrame,
    ServerMessage,
    Start,
    as_spoken,
    decode_client,
    is_id,
)
from contract.people import Person, guest
from runtime.conversation import Code, Conversation, GoneError
from runtime.surfaces.tokens import Tokens

REMEMBERED = 32  # endings a connection can ask for again
IN_FLIGHT = 16  # requests of one connection at a time
RECONNECT_S = 1.0
NO_ID = ""  # of a bad frame that names none


class Line(Protocol):
    """Where frames go; GoneError when nobody is there any more."""

    async def send(self, text: str) -> None: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Who opened the line, which version they speak, and their session until they name another."""

    person: Person | None
    version: int
    session_id: str

    @classmethod
    def new(cls, person: Person | None, version: int) -> "Caller":
        return cls(person, version, str(uuid4()))


class Connection:
    """Takes one message after another; answers run side by side."""

    def __init__(self, line: Line, caller: Caller, conversation: Conversation, tokens: Tokens) -> None:
        self._line = line
        self._caller = caller
        self._conversation = conversation
        self._tokens = tokens
        self._session_id = caller.session_id
        self._allowed = {caller.session_id}  # sessions of a guest that this line may speak for
        self._running: dict[str, asyncio.Task[None]] = {}
        self._endings: OrderedDict[str, ServerFrame] = OrderedDict()

    @property
    def running(self) -> list[asyncio.Task[None]]:
        return list(self._running.values())

    async def receive(self, data: str | bytes, *, closing: bool) -> None:
        """One message of the client."""
        try:
            frame = decode_client(data)
        except FrameError as wrong:
            return await self._refuse(self._id_in(data), "bad_request", str(wrong))
        match frame:
            case Resume():
                return await self._resume(frame)
            case Confirm():
                return await self._confirm(frame)
            case _:
                return await self._asked(frame, closing=closing)

    async def _asked(self, frame: Ask | Resend, *, closing: bool) -> None:
        if frame.request_id in self._running:
            return None  # sent twice, or asked for again too early: its ending is on the way
        if ending := self._endings.get(frame.request_id):
            return await self._send(ending)
        if isinstance(frame, Resend):
            return await self._resend(frame)
        return await self._take(frame, closing=closing)

    def person(self, session_id: str) -> Person:
        """Who speaks in a session: a guest is nobody but the session's own."""
        return self._caller.person or guest(session_id)

    async def _resume(self, frame: Resume) -> None:
        if self._caller.person is None and frame.session_id not in self._allowed:
            held = frame.resume_token or ""
            if not self._tokens.holds(held, frame.session_id, guest(frame.session_id)):
                reason = "resume_token: none that is good for this session; begin a new one"
                return await self._refuse(NO_ID, "bad_request", reason)
        resumed = await self._conversation.resume(frame.session_id, self.person(frame.session_id))
        if resumed is None:
            return await self._refuse(NO_ID, "bad_request", f"session_id: no session {frame.session_id}")
        self._session_id = frame.session_id
        self._allowed.add(frame.session_id)
        return await self._send(resumed)

    async def _confirm(self, frame: Confirm) -> None:
        """The customer's own yes: signed here, and seen by no model."""
        session_id = frame.session_id or self._session_id
        confirmed = self._conversation.confirm(self.person(session_id), session_id, frame)
        if confirmed is None:
            return await self._refuse(frame.request_id, "bad_request", "confirm: sign in first")
        return await self._send(confirmed)

    async def _resend(self, frame: Resend) -> None:
        """An ending of before this connection is in the session's store."""
        session_id = frame.session_id or self._session_id
        ending = await self._conversation.ending(session_id, self.person(session_id), frame.request_id)
        if ending is None:
            reason = f"request_id: no recent answer to {frame.request_id}"
            return await self._refuse(frame.request_id, "bad_request", reason)
        return await self._send(ending)

    async def _take(self, ask: Ask, *, closing: bool) -> None:
        if closing:
            await self._refuse(ask.request_id, "closed", "This server is restarting.", RECONNECT_S)
        elif len(self._running) >= IN_FLIGHT:
            reason = f"At most {IN_FLIGHT} messages at a time."
            await self._refuse(ask.request_id, "too_many_requests", reason, RECONNECT_S)
        else:
            self._running[ask.request_id] = asyncio.create_task(self._answer(ask))

    async def abandon(self) -> None:
        """The client is gone: everything under way stops now."""
        tasks = self.running
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def part(self, within_s: float) -> None:
        """This server ends: what runs may finish, then the client is told where it left off, and let go."""
        if running := self.running:
            await asyncio.wait(running, timeout=within_s)
        with contextlib.suppress(GoneError):
            token = self._tokens.give(self._session_id, self.person(self._session_id))
            await self._send(Reconnect(after_s=RECONNECT_S, session_id=self._session_id, resume_token=token))
        await self._line.close()

    async def _answer(self, ask: Ask) -> None:
        try:
            with contextlib.suppress(GoneError):
                session_id = ask.session_id or self._session_id
                if not await self._may_use(session_id):
                    reason = "session_id: of another connection; resume it first, with its token"
                    return await self._refuse(ask.request_id, "bad_request", reason)
                ending = await self._conversation.answer(ask, session_id, self._send, self.person(session_id))
                self._remember(ask.request_id, ending)
        finally:
            del self._running[ask.request_id]
        return None

    async def _may_use(self, session_id: str) -> bool:
        """Signed in, a person reaches their own sessions only. A guest's belongs to who holds its token."""
        if self._caller.person is not None or session_id in self._allowed:
            return True
        if await self._conversation.resume(session_id, guest(session_id)) is not None:
            return False
        self._allowed.add(session_id)  # nobody's yet
        return True

    def _remember(self, request_id: str, ending: ServerFrame) -> None:
        if isinstance(ending, Failure) and ending.code != "bad_request":
            return  # who asks again later gets another try
        self._endings[request_id] = ending
        if len(self._endings) > REMEMBERED:
            self._endings.popitem(last=False)

    async def _send(self, frame: ServerMessage) -> None:
        if isinstance(frame, Start) and self._caller.person is None:
            token = self._tokens.give(frame.session_id, guest(frame.session_id))
            frame = frame.model_copy(update={"resume_token": token})
        text = as_spoken(frame, self._caller.version)
        if text is not None:
            await self._line.send(text)

    async def _refuse(
        self, request_id: str, code: Code, message: str, retry_after_s: float | None = None
    ) -> None:
        await self._send(
            Failure(
                request_id=request_id,
                sequence_number=0,
                code=code,
                message=message,
                retry_after_s=retry_after_s,
            )
        )

    def _id_in(self, data: str | bytes) -> str:
        """The id a bad frame names, unless that is the id of a good one, or none that could be sent back."""
        with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
            named = json.loads(data)["request_id"]
            if is_id(named) and named not in self._running and named not in self._endings:
                return named
        return NO_ID
