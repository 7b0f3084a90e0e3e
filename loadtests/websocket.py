"""A WebSocket of a client (RFC 6455), and nothing more: whole messages in, whole messages out.

Ordinary blocking calls on an ordinary socket, so it works in a thread, and under gevent in a greenlet. It
is our
own because a connected user of a load test has to cost little: `bench/load.py` measures it beside a library.
It takes no extension, so what arrives is what was sent. What messages mean is not its business.
"""

import base64
import os
import socket
import ssl
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha1
from http.client import HTTPException, parse_headers
from io import BytesIO
from typing import Self
from urllib.parse import urlsplit

from loadtests.line import READ_BYTES, Bytes, Line

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT, _BINARY, _CLOSE, _PING, _PONG = 1, 2, 8, 9, 10
_FINAL = 0x80
_WHOLE = (_FINAL | _TEXT, _FINAL | _BINARY)
_HEAD_BYTES = 16 * 1024
MESSAGE_BYTES = 1024 * 1024
NORMAL, GOING_AWAY = 1000, 1001


class WebSocketError(OSError):
    """The other side does not speak as it should, or did not want us."""


class ClosedError(WebSocketError):
    """The other side said goodbye, or was gone."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where a socket is to be had. `headers` go with the handshake, `protocols` are offered in it."""

    url: str
    headers: Mapping[str, str]
    protocols: Sequence[str] = ()
    line: Callable[[socket.socket], Bytes] = Line


class WebSocket:
    """One connection. Every wait ends at a moment of `time.monotonic()` with TimeoutError."""

    __slots__ = ("_at", "_data", "_line", "_parts", "protocol", "read_at")

    def __init__(self, line: Bytes, protocol: str, rest: bytes) -> None:
        self._line = line
        self.protocol = protocol  # what both sides agreed on; "": nothing was said
        self.read_at = 0.0  # when the bytes of the last message came in
        self._data, self._at = rest, 0  # read and not yet taken: nothing, while there is nothing to take
        self._parts: list[bytes] = []  # of a message that comes in fragments

    @classmethod
    def connect(cls, door: Door, within_s: float) -> Self:
        """Opens one, or raises OSError: WebSocketError where somebody answered, but not as a WebSocket."""
        place = urlsplit(door.url)
        port = place.port or (443 if place.scheme == "wss" else 80)
        raw = socket.create_connection((place.hostname or "", port), timeout=within_s)
        try:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if place.scheme == "wss":
                raw = ssl.create_default_context().wrap_socket(raw, server_hostname=place.hostname)
            key = base64.b64encode(os.urandom(16))
            raw.sendall(_request(door, key))
            head, rest = _read_head(raw)
            protocol = _agreed(head, key, door.protocols)
            return cls(Line(raw) if isinstance(raw, ssl.SSLSocket) else door.line(raw), protocol, rest)
        except BaseException:
            raw.close()
            raise

    def fileno(self) -> int:
        """For whoever waits until something can be read."""
        return self._line.fileno()

    def send(self, text: bytes, until: float) -> None:
        """One text message."""
        self._line.write(_frame(_TEXT, text), until)

    def receive(self, until: float) -> bytes:
        """The next message; pings on the way are answered. ClosedError when there will be none."""
        while True:
            data, at = self._data, self._at
            have = len(data) - at
            if have >= 2:
                start, length = at + 2, data[at + 1]
                if length > 125:
                    start, length = _long(data, at, have, length)
                end = start + length
                if end <= len(data):
                    self._at = end
                    if data[at] in _WHOLE and not self._parts:
                        return data[start:end]
                    if (message := self._other(data[at], data[start:end])) is not None:
                        return message
                    continue
            self._fill(until)

    def close(self, code: int = NORMAL) -> None:
        """Says goodbye without waiting for an answer to it."""
        try:
            self._line.write(_frame(_CLOSE, struct.pack("!H", code)), time.monotonic() + 0.1)
        except OSError:
            pass
        finally:
            self._line.close()

    def drop(self) -> None:
        """Leaves without a word, as a client whose network is gone."""
        self._line.close()

    def _fill(self, until: float) -> None:
        fresh = self._line.read(until)
        if not fresh:
            raise ClosedError("connection lost")
        self.read_at = time.monotonic()
        self._data = self._data[self._at :] + fresh if self._at < len(self._data) else fresh
        self._at = 0

    def _other(self, first: int, body: bytes) -> bytes | None:
        """Anything but a whole message: a fragment, or a word between the two sockets themselves."""
        kind = first & 0x0F
        if first & 0x70:
            raise WebSocketError("a frame with an extension that was not agreed on")
        if kind == _CLOSE:
            code = struct.unpack("!H", body[:2])[0] if len(body) >= 2 else NORMAL
            raise ClosedError(f"closed by the other side ({code})")
        if kind == _PING:
            self._line.write(_frame(_PONG, body), time.monotonic() + 1.0)
            return None
        if kind == _PONG:
            return None
        if kind > _BINARY or (kind == 0) != bool(self._parts):
            raise WebSocketError("frames in an order that no WebSocket has")
        self._parts.append(body)
        if sum(map(len, self._parts)) > MESSAGE_BYTES:
            raise WebSocketError(f"a message of more than {MESSAGE_BYTES} bytes")
        if not first & _FINAL:
            return None
        whole, self._parts = b"".join(self._parts), []
        return whole


def _long(data: bytes, at: int, have: int, length: int) -> tuple[int, int]:
    """Where a longer frame's body begins, and its length; beyond everything while that is not there yet."""
    if length == 126:
        return (at + 4, int.from_bytes(data[at + 2 : at + 4])) if have >= 4 else (len(data), 1)
    if length > 127:
        raise WebSocketError("a masked frame: servers do not mask")
    if have < 10:
        return len(data), 1
    size = int.from_bytes(data[at + 2 : at + 10])
    if size > MESSAGE_BYTES:
        raise WebSocketError(f"a message of more than {MESSAGE_BYTES} bytes")
    return at + 10, size


def _frame(kind: int, body: bytes) -> bytes:
    """A whole frame, masked as clients must."""
    size = len(body)
    if size < 126:
        head = bytes((_FINAL | kind, _FINAL | size))
    elif size < 65_536:
        head = struct.pack("!BBH", _FINAL | kind, _FINAL | 126, size)
    else:
        head = struct.pack("!BBQ", _FINAL | kind, _FINAL | 127, size)
    mask = os.urandom(4)
    # One long number is masked at once: bytes one by one would take a hundred times as long.
    pad = (mask * (size // 4 + 1))[:size]
    return head + mask + (int.from_bytes(body) ^ int.from_bytes(pad)).to_bytes(size)


def _request(door: Door, key: bytes) -> bytes:
    place = urlsplit(door.url)
    path = (place.path or "/") + (f"?{place.query}" if place.query else "")
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {place.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key.decode()}",
        "Sec-WebSocket-Version: 13",
        *([f"Sec-WebSocket-Protocol: {', '.join(door.protocols)}"] if door.protocols else []),
        *(f"{name}: {value}" for name, value in door.headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def _read_head(raw: socket.socket) -> tuple[bytes, bytes]:
    """The answer's head, and what has come after it already."""
    data = b""
    while b"\r\n\r\n" not in data:
        fresh = raw.recv(READ_BYTES)
        if not fresh:
            raise WebSocketError("closed before the handshake was answered")
        data += fresh
        if len(data) > _HEAD_BYTES:
            raise WebSocketError("no WebSocket: its answer has no end")
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def _agreed(head: bytes, key: bytes, offered: Sequence[str]) -> str:
    """The protocol that was chosen; WebSocketError when this is no WebSocket."""
    line, _, fields = head.partition(b"\r\n")
    words = line.split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/"):
        raise WebSocketError("no WebSocket: does not speak HTTP")
    if words[1] != b"101":
        raise WebSocketError(f"HTTP status {words[1].decode('ascii', 'replace')} instead of a WebSocket")
    try:
        found = parse_headers(BytesIO(fields + b"\r\n\r\n"))
    except HTTPException as broken:
        raise WebSocketError(f"no WebSocket: {broken}") from None
    wanted = base64.b64encode(sha1(key + _GUID, usedforsecurity=False).digest()).decode()
    if found.get("Sec-WebSocket-Accept", "").strip() != wanted:
        raise WebSocketError("no WebSocket: the handshake is answered with a wrong key")
    chosen = found.get("Sec-WebSocket-Protocol", "").strip()
    if chosen and chosen not in offered:
        raise WebSocketError(f"speaks protocol {chosen!r}, which was not offered")
    return chosen
