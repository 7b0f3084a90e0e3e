"""`/v1/...` (NET-4): messages where a socket cannot be had, sessions, tickets and feedback.

The same paths as `components/rest_api.yaml`, which validates first: here everything is checked again, for
nothing says that only the gateway calls. Errors are JSON with `code` and `message`, as frames have them.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar
from uuid import uuid4

from aiohttp import web
from pydantic import Field, ValidationError

from contract.base import Shape
from contract.frames import (
    Ask,
    Confirm,
    Confirmed,
    Failure,
    Final,
    FrameError,
    Id,
    Proposal,
    Resumed,
    ServerFrame,
    decode_client,
    encode,
)
from contract.people import Person, guest
from runtime.conversation import Code, Conversation, GoneError
from runtime.downstream import ProviderError
from runtime.surfaces.identity import DeniedError, Identity
from runtime.surfaces.tokens import Tokens

TOKEN_HEADER = "X-Resume-Token"  # noqa: S105 - a header's name
STATUSES: Mapping[Code, int] = {"bad_request": 400, "too_many_requests": 429, "closed": 503, "internal": 500}
T = TypeVar("T", bound=Shape)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Feedback(Shape):
    """What a person thinks of one answer."""

    session_id: Id
    request_id: Id
    rating: int = Field(ge=1, le=5)
    comment: str = Field("", max_length=2_000)


class Yes(Shape):
    """A customer's own yes to money that moves (RUN-14)."""

    session_id: Id
    proposal: Proposal


class Ticket(Shape):
    """Opens one WebSocket: offered as `ticket.<ticket>` in `Sec-WebSocket-Protocol`."""

    ticket: str
    expires_in_s: int
    offered: bool = Field(
        True,
        description="whether to offer the chat to people who have not opened it (control `widget`)",
    )


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing REST offers. `user`: only for somebody signed in. The gateway offers the same."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    does: str
    user: bool
    body: type[Shape] | None = None
    answer: type[Shape] | None = None


MESSAGE = "one message and its whole answer; with `Accept: text/event-stream`, every frame as it comes"
OPERATIONS = (
    Operation("POST", "/v1/chat/message", MESSAGE, user=True, body=Ask, answer=Final),
    Operation("POST", "/v1/guest/chat/message", f"{MESSAGE}; for guests", user=False, body=Ask, answer=Final),
    Operation("POST", "/v1/ticket", "a ticket that opens one WebSocket", user=True, answer=Ticket),
    Operation("POST", "/v1/guest/ticket", "the same for a guest", user=False, answer=Ticket),
    Operation(
        "GET",
        "/v1/sessions/{id}",
        "what was said last; with `?all=1` everything there is of it, as a file",
        user=True,
        answer=Resumed,
    ),
    Operation("DELETE", "/v1/sessions/{id}", "forgets a session", user=True),
    Operation(
        "POST",
        "/v1/confirmations",
        "says yes to a proposal: the word for the message that pays or refunds; no model is asked",
        user=True,
        body=Yes,
        answer=Confirmed,
    ),
    Operation("POST", "/v1/feedback", "what a person thinks of an answer", user=True, body=Feedback),
)


# Keep a verdict, if the session is theirs; hand out a ticket. None where there is no table for them.
Rate = Callable[[Person, Feedback], Awaitable[bool]]
HandOut = Callable[[Person], Awaitable[Ticket]]


class Rest:
    """All requests under way."""

    def __init__(
        self,
        conversation: Conversation,
        identity: Identity,
        tokens: Tokens,
        rate: Rate | None = None,
        hand_out: HandOut | None = None,
    ) -> None:
        self._conversation = conversation
        self._identity = identity
        self._tokens = tokens
        self._rate = rate
        self._hand_out = hand_out
        self._running: set[asyncio.Task[Any]] = set()
        self._draining = False

    def routes(self) -> list[web.RouteDef]:
        """One handler for each of OPERATIONS."""
        handlers: Mapping[tuple[str, str], Handler] = {
            ("POST", "/v1/chat/message"): self._named(self._message),
            ("POST", "/v1/guest/chat/message"): self._counted(self._guest_message),
            ("POST", "/v1/ticket"): self._named(self._ticket),
            ("POST", "/v1/guest/ticket"): self._counted(self._guest_ticket),
            ("GET", "/v1/sessions/{id}"): self._named(self._session),
            ("DELETE", "/v1/sessions/{id}"): self._named(self._forget),
            ("POST", "/v1/confirmations"): self._named(self._confirm),
            ("POST", "/v1/feedback"): self._named(self._feedback),
        }
        return [web.route(one.method, one.path, handlers[one.method, one.path]) for one in OPERATIONS]

    async def drain(self, within_s: float) -> None:
        """Takes nothing new, lets what runs finish for so long."""
        self._draining = True
        if self._running:
            await asyncio.wait(self._running, timeout=within_s)

    def _counted(self, handler: Handler) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            if self._draining:
                return _refused("closed", "This server is restarting.", retry_after_s=1)
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - a handler always runs in one
            self._running.add(task)
            try:
                return await handler(request)
            except FrameError as wrong:
                return _refused("bad_request", str(wrong))
            except ProviderError:  # told and counted where it happened
                return _refused("closed", "What is remembered cannot be reached right now.", 2.0)
            finally:
                self._running.discard(task)

        return handle

    def _named(self, handler: Callable[[web.Request, Person], Awaitable[web.StreamResponse]]) -> Handler:
        """For those signed in."""

        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                person = await self._identity.of_bearer(request.headers)
            except DeniedError as denied:
                return _said(401, "denied", str(denied))
            if person is None or not person.signed_in:
                return _said(401, "denied", "sign in: send a bearer token, or use /v1/guest/...")
            return await handler(request, person)

        return self._counted(handle)

    async def _message(self, request: web.Request, person: Person) -> web.StreamResponse:
        ask = _ask(await request.text())
        return await self._answered(request, ask, ask.session_id or str(uuid4()), person)

    async def _guest_message(self, request: web.Request) -> web.StreamResponse:
        """A guest goes on with a session by its token, which each answer carries."""
        ask = _ask(await request.text())
        session_id = ask.session_id or str(uuid4())
        person = guest(session_id)
        if ask.session_id is not None:
            held = request.headers.get(TOKEN_HEADER, "")
            if not self._tokens.holds(held, session_id, person):
                raise FrameError(f"session_id: send its token in {TOKEN_HEADER}, or begin a new session")
        return await self._answered(request, ask, session_id, person)

    async def _answered(
        self, request: web.Request, ask: Ask, session_id: str, person: Person
    ) -> web.StreamResponse:
        if "text/event-stream" in request.headers.get("Accept", ""):
            return await self._streamed(request, ask, session_id, person)

        async def nothing(_: ServerFrame) -> None:
            """Only the ending is sent."""

        ending = await self._conversation.answer(ask, session_id, nothing, person, request.headers)
        if isinstance(ending, Failure):
            return _refused(ending.code, ending.message, ending.retry_after_s)
        said = json.loads(encode(ending)) | {"session_id": session_id}
        return web.json_response(said, headers=self._token(session_id, person))

    async def _streamed(
        self, request: web.Request, ask: Ask, session_id: str, person: Person
    ) -> web.StreamResponse:
        reply = event_stream(self._token(session_id, person))
        await reply.prepare(request)
        with contextlib.suppress(GoneError):
            await self._conversation.answer(ask, session_id, sender(reply), person, request.headers)
        return reply

    def _token(self, session_id: str, person: Person) -> dict[str, str]:
        return {} if person.signed_in else {TOKEN_HEADER: self._tokens.give(session_id, person)}

    async def _ticket(self, request: web.Request, person: Person) -> web.StreamResponse:
        _body(await request.text(), Shape)
        if self._hand_out is None:
            return _refused("closed", "Tickets are not set up here: connect to /ws without one.")
        ticket = await self._hand_out(person)
        return web.json_response(ticket.model_dump(), headers={"Cache-Control": "no-store"})

    async def _guest_ticket(self, request: web.Request) -> web.StreamResponse:
        return await self._ticket(request, guest(str(uuid4())))

    async def _session(self, request: web.Request, person: Person) -> web.StreamResponse:
        """The last turns; `?all=1` for everything there is of it, as a file."""
        name = request.match_info["id"]
        if request.query.get("all"):
            export = await self._conversation.export(name, person)
            headers = {"Content-Disposition": f'attachment; filename="session-{_plain(name)}.json"'}
            return _no_session(name) if export is None else web.json_response(export, headers=headers)
        found: Resumed | None = await self._conversation.resume(name, person)
        return _no_session(name) if found is None else web.json_response(text=encode(found))

    async def _forget(self, request: web.Request, person: Person) -> web.StreamResponse:
        """Gone with all its turns; again, and it is still gone."""
        if not await self._conversation.forget(request.match_info["id"], person):
            return _no_session(request.match_info["id"])
        return web.Response(status=204)

    async def _confirm(self, request: web.Request, person: Person) -> web.StreamResponse:
        yes = _body(await request.text(), Yes)
        frame = Confirm(request_id=str(uuid4()), session_id=yes.session_id, proposal=yes.proposal)
        confirmed = self._conversation.confirm(person, yes.session_id, frame)
        if confirmed is None:
            return _refused("closed", "Nothing can be paid here.")
        return web.json_response(text=encode(confirmed), headers={"Cache-Control": "no-store"})

    async def _feedback(self, request: web.Request, person: Person) -> web.StreamResponse:
        verdict = _body(await request.text(), Feedback)
        if self._rate is None:
            return _refused("closed", "Feedback is not kept here.")
        if not await self._rate(person, verdict):
            return _no_session(verdict.session_id)
        return web.Response(status=204)


def event_stream(headers: Mapping[str, str] | None = None) -> web.StreamResponse:
    """A response of server-sent events."""
    usual = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    return web.StreamResponse(headers={**usual, **(headers or {})})


def sender(reply: web.StreamResponse) -> Callable[[ServerFrame], Awaitable[None]]:
    """Sends each frame as one event; GoneError when nobody reads."""

    async def send(frame: ServerFrame) -> None:
        try:
            await reply.write(f"data: {encode(frame)}\n\n".encode())
        except ConnectionError as gone:
            raise GoneError from gone

    return send


def _ask(text: str) -> Ask:
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        raise FrameError('the body must be JSON such as {"request_id": "r1", "text": "Hello"}') from None
    if not isinstance(given, dict):
        raise FrameError('the body must be an object such as {"request_id": "r1", "text": "Hello"}')
    frame = decode_client(json.dumps({"type": "message", **given}))
    if not isinstance(frame, Ask):
        raise FrameError("type: only messages are answered here")
    return frame


def _body(text: str, shape: type[T]) -> T:
    try:
        return shape.model_validate_json(text or "{}")
    except ValidationError as invalid:
        first = invalid.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "body"
        raise FrameError(f"{place}: {first['msg']}") from None


def _refused(code: Code, message: str, retry_after_s: float | None = None) -> web.Response:
    return _said(STATUSES[code], code, message, retry_after_s)


def _said(status: int, code: str, message: str, retry_after_s: float | None = None) -> web.Response:
    said: dict[str, Any] = {"code": code, "message": message}
    headers = {}
    if retry_after_s is not None:
        said["retry_after_s"] = retry_after_s
        headers["Retry-After"] = str(max(1, round(retry_after_s)))
    return web.json_response(said, status=status, headers=headers)


def _no_session(name: str) -> web.Response:
    return _said(404, "not_found", f"no session {name} of yours")


def _plain(name: str) -> str:
    return "".join(letter for letter in name if letter.isalnum() or letter == "-")
