"""One customer's socket: asks, reads the answer to its end, and survives whatever the other side does.

Blocking calls on an ordinary socket, so the same client runs in a thread, and under Locust in a greenlet.
"""

import time
from urllib.parse import urlsplit

from websocket import (
    ABNF,
    WebSocket,
    WebSocketBadStatusException,
    WebSocketException,
    WebSocketTimeoutException,
)

from contract.errors import InconclusiveError, WrongUseError
from contract.frames import Ask, FrameError, decode_server, encode
from loadtests.transcript import Transcript

CONNECT_S = 5.0
# A second ending would come on the heels of the first.
LINGER_S = 0.05
CLOSE_S = 0.5
_BREATH_S = 0.001
_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


class UnreachableError(InconclusiveError):
    """Nobody took the connection."""


def socket_url(host: str) -> str:
    """The address of the chat socket on a host: `http://127.0.0.1:8080` -> `ws://127.0.0.1:8080/ws`."""
    parts = urlsplit(host)
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise WrongUseError(f"host {host!r}: must be an address such as http://127.0.0.1:8080")
    path = parts.path if parts.path.strip("/") else "/ws"
    return parts._replace(scheme=_SCHEMES[parts.scheme], path=path).geturl()


class ChatClient:
    """A socket that opens when it is needed, again after it was lost, and carries one message at a time."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._socket: WebSocket | None = None

    @property
    def connected(self) -> bool:
        """Whether there is a socket, as far as it knows."""
        return self._socket is not None

    def open(self) -> None:
        """Connects, unless connected; UnreachableError says in a few words why it could not."""
        if self._socket is not None:
            return
        fresh = WebSocket(skip_utf8_validation=True)  # what reads the JSON looks at every byte anyway
        fresh.settimeout(CONNECT_S)
        try:
            fresh.connect(self.url)  # type: ignore[no-untyped-call]
        except (OSError, WebSocketException) as refused:
            fresh.shutdown()  # type: ignore[no-untyped-call]
            raise UnreachableError(f"{self.url}: {_reason(refused)}") from None
        self._socket = fresh

    def ask(self, ask: Ask, until: float) -> Transcript:
        """Sends a message and reads its answer to the end, or until this moment of `time.monotonic()`."""
        seen = Transcript(ask.request_id, time.monotonic())
        try:
            self.open()
            seen.sent_at = time.monotonic()
            self._send(encode(ask), until)
            while not seen.ended:
                self._read(seen, until)
            self._linger(seen)
        except UnreachableError as refused:
            seen.fail(f"no connection: {refused}")
        except WebSocketTimeoutException:
            seen.fail("no end in time")
            self.close()  # what comes late must not meet the next message
        except (OSError, WebSocketException):
            seen.fail("connection lost")
            self.close()
        return seen

    def breathe(self) -> None:
        """Answers the other side's pings while there is nothing to ask, and notices when it has gone."""
        if self._socket is None:
            return
        try:
            while True:
                self._receive(time.monotonic() + _BREATH_S)
        except WebSocketTimeoutException:
            return
        except (OSError, WebSocketException):
            self.close()

    def close(self) -> None:
        """Says goodbye, but does not wait long for an answer to it."""
        if self._socket is not None:
            leaving, self._socket = self._socket, None
            leaving.close(timeout=CLOSE_S)
            leaving.shutdown()  # type: ignore[no-untyped-call] # close() does nothing once the other side has

    def _linger(self, seen: Transcript) -> None:
        try:
            until = time.monotonic() + LINGER_S
            while True:
                self._read(seen, until)
        except WebSocketTimeoutException:
            return
        except (OSError, WebSocketException):
            self.close()  # after the end anybody may leave

    def _send(self, text: str, until: float) -> None:
        assert self._socket is not None  # noqa: S101 - every caller has opened it
        self._socket.settimeout(max(_BREATH_S, until - time.monotonic()))
        self._socket.send(text)

    def _read(self, seen: Transcript, until: float) -> None:
        """Takes one frame, or a ping, into the transcript."""
        text = self._receive(until)
        if text is None:
            return
        now = time.monotonic()
        try:
            seen.take(decode_server(text), now)
        except FrameError as wrong:
            seen.fail(f"no frame: {wrong}")

    def _receive(self, until: float) -> bytes | None:
        """The next message; None for a ping or pong (websocket-client has answered it)."""
        assert self._socket is not None  # noqa: S101 - every caller has opened it
        left = until - time.monotonic()
        if left <= 0:
            raise WebSocketTimeoutException
        self._socket.settimeout(left)
        # Control frames are asked for, because otherwise every ping would begin the time limit anew.
        opcode, data = self._socket.recv_data(control_frame=True)
        if opcode == ABNF.OPCODE_CLOSE:
            raise WebSocketException
        return data if opcode in {ABNF.OPCODE_TEXT, ABNF.OPCODE_BINARY} else None


def _reason(refused: Exception) -> str:
    """A few words: neither a stack of causes nor the headers of a whole answer."""
    if isinstance(refused, WebSocketBadStatusException):
        return f"HTTP status {refused.status_code} instead of a WebSocket"
    if isinstance(refused, WebSocketTimeoutException | TimeoutError):
        return f"no answer within {CONNECT_S:g} s"
    if isinstance(refused, OSError) and refused.strerror:
        return refused.strerror
    return str(refused).splitlines()[0] if str(refused) else type(refused).__name__
