"""One customer's socket: asks, reads the answer to its end, and survives whatever the other side does.

Blocking calls on an ordinary socket, so the same client runs in a thread, and under Locust in a greenlet.
A connection that is lost in the middle of an answer is opened again, the session taken up where the server
gave a token for it, and the ending of the answer asked for once more: as a person's own client does it.
"""

import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from contract.errors import InconclusiveError, WrongUseError
from contract.frames import FrameError
from loadtests import frames
from loadtests.frames import PROTOCOLS, Failure, Reconnect, Resumed
from loadtests.line import Bytes, Line
from loadtests.transcript import Transcript
from loadtests.websocket import ClosedError, Door, WebSocket

CONNECT_S = 5.0
# A second ending would come on the heels of the first.
LINGER_S = 0.05
# So often another connection is tried for one answer, each time after a longer pause.
RECONNECTS, PAUSE_S = 3, 0.3
# Silence in the middle of an answer after which its ending is asked for: longer than any rung may be silent.
RESEND_AFTER_S = 12.0
_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


class UnreachableError(InconclusiveError):
    """Nobody took the connection."""


@dataclass(frozen=True, slots=True)
class Who:
    """Whose socket it is: a customer by name, with a token where one is needed, or a guest."""

    customer: str | None = None
    token: str | None = None

    @property
    def headers(self) -> Mapping[str, str]:
        """What tells the runtime; on a person's own machine the name alone does."""
        if self.token:
            return {"Authorization": f"Bearer {self.token}"}
        return {"X-User": self.customer} if self.customer else {}


@dataclass(slots=True)
class Connections:
    """What became of the attempts to connect since somebody last looked; all users of a process share it."""

    took_ms: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def socket_url(host: str) -> str:
    """The address of the chat socket on a host: `http://127.0.0.1:8080` -> `ws://127.0.0.1:8080/ws`."""
    parts = urlsplit(host)
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise WrongUseError(f"host {host!r}: must be an address such as http://127.0.0.1:8080")
    path = parts.path if parts.path.strip("/") else "/ws"
    return parts._replace(scheme=_SCHEMES[parts.scheme], path=path).geturl()


class ChatClient:
    """A socket that opens when it is needed, again after it was lost, and carries one message at a time."""

    __slots__ = (
        "_asked_past",
        "_come_back_at",
        "_connections",
        "_door",
        "_resume",
        "_socket",
        "_ticket",
        "_unanswered",
        "stall_s",
        "url",
    )

    def __init__(
        self,
        url: str,
        who: Who | None = None,
        connections: Connections | None = None,
        stall_s: float = 1.0,
        protocols: tuple[str, ...] = PROTOCOLS,
        line: Callable[[socket.socket], Bytes] = Line,
        ticket: Callable[[float], str] | None = None,
    ) -> None:
        self.url = url
        self.stall_s = stall_s
        self._door = Door(url, (who or Who()).headers, protocols, line)
        self._connections = connections
        self._ticket = ticket
        self._socket: WebSocket | None = None
        self._resume: tuple[str, str] | None = None  # session and token
        self._come_back_at: float | None = None
        self._unanswered: bytes | None = None  # what is said again when its answer is gone for good
        self._asked_past = False  # for the ending of an answer that was cut off

    @property
    def connected(self) -> bool:
        """Whether there is a socket, as far as it knows."""
        return self._socket is not None

    @property
    def web_socket(self) -> WebSocket | None:
        """What an idle user waits on."""
        return self._socket

    def open(self, within_s: float = CONNECT_S) -> None:
        """Connects, unless connected; UnreachableError says in a few words why it could not."""
        if self._socket is not None:
            return
        begun = time.monotonic()
        try:
            self._socket = WebSocket.connect(self._with_ticket(within_s), max(0.001, within_s))
        except OSError as refused:
            reason = _reason(refused)
            if self._connections is not None:
                self._connections.refused.append(reason)
            raise UnreachableError(f"{self.url}: {reason}") from None
        self._come_back_at = None
        if self._connections is not None:
            self._connections.took_ms.append((time.monotonic() - begun) * 1_000)

    def _with_ticket(self, within_s: float) -> Door:
        """Behind the gateway a ticket opens one socket, and goes along as a protocol (NET-5)."""
        if self._ticket is None:
            return self._door
        ticket = self._ticket(time.monotonic() + within_s)
        return replace(self._door, protocols=(*self._door.protocols, f"ticket.{ticket}"))

    def ask(self, request_id: str, text: str, session_id: str | None, until: float) -> Transcript:
        """Sends a message and reads its answer to the end, or until this moment of `time.monotonic()`."""
        seen = Transcript(request_id, time.monotonic(), self.stall_s)
        message = frames.ask(request_id, text, session_id)
        try:
            self._leave_if_told()
            self.open(min(CONNECT_S, until - time.monotonic()))
            seen.sent_at = time.monotonic()
            self._send(message, until)
            while not seen.ended:
                try:
                    self._read_on(seen, session_id, until)
                except OSError as lost:
                    if isinstance(lost, TimeoutError) or not self._again(seen, session_id, message, until):
                        raise
            self._linger(seen)
        except UnreachableError as refused:
            seen.fail(f"no connection: {refused}")
        except TimeoutError:
            seen.fail("no end in time")
            self.close()  # what comes late must not meet the next message
        except OSError:
            seen.fail("connection lost")
            self._drop()
        return seen

    def breathe(self) -> None:
        """Answers the other side's pings while there is nothing to ask, and notices when it has gone."""
        if self._socket is None:
            return
        try:
            while True:
                self._note(self._socket.receive(0.0))
        except TimeoutError:
            self._leave_if_told()
        except OSError:
            self._drop()

    def close(self) -> None:
        """Says goodbye, but does not wait for an answer to it."""
        if self._socket is not None:
            leaving, self._socket = self._socket, None
            leaving.close()

    def _drop(self) -> None:
        if self._socket is not None:
            leaving, self._socket = self._socket, None
            leaving.drop()

    def _read_on(self, seen: Transcript, session_id: str | None, until: float) -> None:
        """Frames up to the end; after a long silence in the middle the ending is asked for once."""
        patience = RESEND_AFTER_S
        while not seen.ended:
            quiet_until = min(until, time.monotonic() + patience)
            try:
                while not seen.ended:
                    self._read(seen, quiet_until)
                    quiet_until = min(until, time.monotonic() + patience)
            except TimeoutError:
                if quiet_until >= until:
                    raise
                patience = until - time.monotonic()
                self._ask_for_the_end(seen, session_id, until)

    def _ask_for_the_end(self, seen: Transcript, session_id: str | None, until: float) -> None:
        """Version 2 knows no session here: there an ending is remembered with its connection."""
        seen.asked_again()
        self._send(frames.resend(seen.request_id, session_id if self._newest else None), until)

    def _again(self, seen: Transcript, session_id: str | None, message: bytes, until: float) -> bool:
        """Another connection for an answer that was cut off; False: none could be had, or often enough.

        Who is known goes on with the session and asks for the ending, and with the message itself where
        there is none (`_read`). A guest has lost the session with the connection, unless a token was given.
        """
        self._drop()
        while seen.reconnects < RECONNECTS and time.monotonic() < until:
            time.sleep(min(PAUSE_S * seen.reconnects, max(0.0, until - time.monotonic())))
            seen.interrupted()
            try:
                self.open(min(CONNECT_S, until - time.monotonic()))
                self._go_on(seen, session_id, message, until)
            except (UnreachableError, OSError):
                self._drop()
            else:
                return True
        return False

    def _go_on(self, seen: Transcript, session_id: str | None, message: bytes, until: float) -> None:
        self._unanswered = message
        self._asked_past = session_id is not None and self._newest
        if session_id is not None and self._newest:
            self._send(frames.resume(session_id, None), until)
            self._ask_for_the_end(seen, session_id, until)
        else:
            self._take_up(until)
            self._say_again(until)

    @property
    def _newest(self) -> bool:
        return self._socket is not None and self._socket.protocol == PROTOCOLS[0]

    def _take_up(self, until: float) -> None:
        """The session that the server gave a token for when it left."""
        if self._resume is not None and self._newest:
            self._send(frames.resume(*self._resume), until)
            self._resume = None

    def _say_again(self, until: float) -> None:
        message, self._unanswered = self._unanswered, None
        if message is not None:
            self._send(message, until)

    def _leave_if_told(self) -> None:
        """A server that is about to leave has said so, and when to come back."""
        if self._come_back_at is not None and time.monotonic() >= self._come_back_at:
            self.close()
            self.open()
            self._take_up(time.monotonic() + 1.0)

    def _linger(self, seen: Transcript) -> None:
        try:
            until = time.monotonic() + LINGER_S
            while True:
                self._read(seen, until)
        except TimeoutError:
            return
        except OSError:
            self._drop()  # after the end anybody may leave

    def _send(self, text: bytes, until: float) -> None:
        if self._socket is None:
            raise ClosedError("connection lost")
        self._socket.send(text, until)

    def _read(self, seen: Transcript, until: float) -> None:
        """Takes one frame into the transcript."""
        if self._socket is None:
            raise ClosedError("connection lost")
        text = self._socket.receive(until)
        try:
            frame = frames.decode(text)
        except FrameError as wrong:
            seen.fail(f"no frame: {wrong}")
            return
        if isinstance(frame, Resumed | Reconnect):
            self._connection_frame(frame)
        elif isinstance(frame, Failure) and self._is_about_the_past(frame, seen):
            self._say_again(until)
        else:
            seen.take(frame, self._socket.read_at)

    def _is_about_the_past(self, frame: Failure, seen: Transcript) -> bool:
        """After a lost connection: there is no such session, or no ending of the answer that was cut off.

        Both may be told, one after the other; what the message itself is told comes after them.
        """
        if not seen.reconnects or frame.code != "bad_request":
            return False
        if frame.request_id == seen.request_id:
            past, self._asked_past = self._asked_past, False
            return past
        return not frame.request_id

    def _note(self, text: bytes) -> None:
        """A frame that came while nobody waited for one: only those of the connection mean anything."""
        try:
            frame = frames.decode(text)
        except FrameError:
            return
        if isinstance(frame, Resumed | Reconnect):
            self._connection_frame(frame)

    def _connection_frame(self, frame: Resumed | Reconnect) -> None:
        if isinstance(frame, Reconnect):
            self._resume = (frame.session_id, frame.resume_token)
            self._come_back_at = time.monotonic() + frame.after_s


def _reason(refused: OSError) -> str:
    """A few words: neither a stack of causes nor the headers of a whole answer."""
    if isinstance(refused, TimeoutError):
        return f"no answer within {CONNECT_S:g} s"
    if refused.strerror:
        return refused.strerror
    return str(refused).splitlines()[0] if str(refused) else type(refused).__name__
