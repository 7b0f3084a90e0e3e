"""Bytes in and out of a connection until a moment: in a thread, or in a greenlet among thousands of others.

`Line` is an ordinary socket, under gevent too. `GreenLine` does for a plain connection what gevent's own
sockets do,
but for a third of the processor: it waits before it reads, keeps its place in the event loop, and shares
one clock for all deadlines, which therefore come up to `TICK_S` late.
"""

import socket
import ssl
import time
from typing import Protocol

READ_BYTES = 16 * 1024
TICK_S = 0.02


class Bytes(Protocol):
    """What a WebSocket needs of a connection. TimeoutError when the moment has come, OSError when it is
    lost."""

    def read(self, until: float) -> bytes:
        """Some bytes; none: the other side has closed."""

    def write(self, data: bytes, until: float) -> None:
        """All of them."""

    def fileno(self) -> int:
        """For whoever waits until something can be read."""

    def close(self) -> None:
        """Leaves without a word."""


class Line:
    """A socket, TLS or not."""

    __slots__ = ("_socket",)

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected

    def read(self, until: float) -> bytes:
        self._socket.settimeout(max(0.0, until - time.monotonic()))
        try:
            return self._socket.recv(READ_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError):
            raise TimeoutError from None

    def write(self, data: bytes, until: float) -> None:
        self._socket.settimeout(max(0.001, until - time.monotonic()))
        self._socket.sendall(data)

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()
