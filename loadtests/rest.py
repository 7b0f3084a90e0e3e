"""The REST fallback (NET-4): a message and its whole answer, where a socket cannot be had."""

import json
import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from contract.frames import FrameError
from loadtests import frames
from loadtests.client import Who
from loadtests.frames import Final
from loadtests.http_line import HttpLine
from loadtests.transcript import Transcript
from loadtests.websocket import ClosedError

MESSAGE, GUEST_MESSAGE = "/v1/chat/message", "/v1/guest/chat/message"
TOKEN_HEADER = "X-Resume-Token"  # noqa: S105 - a header's name
# The REST API that hands out tickets; unset: sockets open without one, as on a person's own machine.
TICKETS = "CONCIERGE_LOAD_TICKETS"
_OK = 200


def tickets(who: Who) -> Callable[[float], str] | None:
    """How a person gets tickets, where they are needed."""
    api = os.environ.get(TICKETS)
    return partial(ticket, api, who) if api else None


def ticket(api: str, who: Who, until: float) -> str:
    """Opens one WebSocket behind the gateway; OSError where there is none to be had."""
    line = HttpLine(api)
    path = "/v1/ticket" if who.customer else "/v1/guest/ticket"
    try:
        status, _, answer = line.post(path, {}, who.headers, until)
        if status != _OK:
            raise ClosedError(f"no ticket: {_refusal(status, answer)[1]}")
        return str(json.loads(answer)["ticket"])
    except (ValueError, KeyError):
        raise ClosedError("no ticket: the answer names none") from None
    finally:
        line.close()


class RestClient:
    """One person over HTTP. A guest goes on with the session that the first answer named, by its token."""

    def __init__(self, host: str, who: Who) -> None:
        self._line = HttpLine(host)
        self._who = who
        self._guest_session: tuple[str, str] | None = None

    def ask(self, request_id: str, text: str, session_id: str | None, until: float) -> Transcript:
        """Sends a message and waits for its answer, which comes whole."""
        seen = Transcript(request_id, time.monotonic())
        body: dict[str, Any] = {"request_id": request_id, "text": text}
        headers = dict(self._who.headers)
        if self._who.customer:
            body["session_id"] = session_id
        elif self._guest_session is not None:
            body["session_id"], headers[TOKEN_HEADER] = self._guest_session
        try:
            path = MESSAGE if self._who.customer else GUEST_MESSAGE
            status, told, answer = self._line.post(path, body, headers, until)
        except OSError as lost:
            seen.fail("no end in time" if isinstance(lost.__cause__, TimeoutError) else f"no answer: {lost}")
            return seen
        self._read(seen, status, answer)
        if not self._who.customer and (token := told.get(TOKEN_HEADER)):
            self._guest_session = (_session(answer), token)
        return seen

    def close(self) -> None:
        """Leaves."""
        self._line.close()

    def _read(self, seen: Transcript, status: int, answer: bytes) -> None:
        at = time.monotonic()
        if status != _OK:
            seen.code, words = _refusal(status, answer)
            seen.ended_at = at
            seen.fail(words)
            return
        try:
            frame = frames.decode(answer)
        except FrameError as wrong:
            seen.fail(f"no frame: {wrong}")
            return
        if not isinstance(frame, Final):
            seen.fail("an answer that is no final frame")
            return
        seen.whole(frame, at)


def _session(answer: bytes) -> str:
    return str(json.loads(answer)["session_id"])


class _Refusal(msgspec.Struct):
    code: str = "internal"
    message: str = ""


def _refusal(status: int, answer: bytes) -> tuple[str, str]:
    """The code, and in words."""
    try:
        told = msgspec.json.decode(answer, type=_Refusal)
    except msgspec.MsgspecError:
        return "internal", f"HTTP status {status}"
    return told.code, f"{told.code}: {told.message}"
