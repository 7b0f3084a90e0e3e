"""A plain connection in a greenlet (see `line`), and the one clock of all their deadlines. Needs gevent."""

import socket
import time
from _socket import socket as _plain_socket
from contextlib import suppress
from typing import Any

import gevent
from gevent import getcurrent
from gevent import socket as green_socket
from gevent.hub import get_hub

from loadtests.line import READ_BYTES, TICK_S

_READ = 1


class GreenLine:
    """Takes over a connected socket. One greenlet uses it at a time."""

    __slots__ = ("_descriptor", "_greenlet", "_io", "_socket", "until")

    def __init__(self, connected: socket.socket) -> None:
        self._descriptor = connected.detach()
        self._socket = _plain_socket(fileno=self._descriptor)
        self._socket.setblocking(False)
        self._io: Any = None
        self._greenlet: Any = None
        self.until = 0.0

    def read(self, until: float) -> bytes:
        if until > time.monotonic():
            self._wait(until)
        try:
            return self._socket.recv(READ_BYTES)
        except BlockingIOError:
            raise TimeoutError from None

    def write(self, data: bytes, until: float) -> None:
        sent = 0
        with suppress(BlockingIOError):
            sent = self._socket.send(data)
        while sent < len(data):  # a full buffer: the other side reads slower than we write
            green_socket.wait_write(self._descriptor, timeout=max(0.001, until - time.monotonic()))
            sent += self._socket.send(data[sent:])

    def fileno(self) -> int:
        return self._descriptor

    def close(self) -> None:
        if self._io is not None:
            self._io.close()
            self._io = None
        self._socket.close()

    def expire(self) -> None:
        """Its moment has come: the reader goes on, and finds nothing. It may have gone on since, and wait
        anew."""
        if self.until <= time.monotonic():
            self._wake()

    def _wait(self, until: float) -> None:
        hub = get_hub()
        if self._io is None:
            self._io = hub.loop.io(self._descriptor, _READ)
        self._greenlet, self.until = getcurrent(), until
        self._io.start(self._wake)
        CLOCK.waiting.add(self)
        CLOCK.run()
        try:
            hub.switch()
        finally:
            self._greenlet = None
            CLOCK.waiting.discard(self)
            if self._io is not None:
                self._io.stop()

    def _wake(self) -> None:
        greenlet, self._greenlet = self._greenlet, None
        if greenlet is not None:
            greenlet.switch()


class _Clock:
    """Looks at all who wait, every now and then: a timer for each wait would cost more than the reading."""

    def __init__(self) -> None:
        self.waiting: set[GreenLine] = set()
        self._greenlet: Any = None

    def run(self) -> None:
        """Goes until nobody waits."""
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._tick)

    def _tick(self) -> None:
        while self.waiting:
            gevent.sleep(TICK_S)
            now = time.monotonic()
            for line in [line for line in self.waiting if line.until <= now]:
                get_hub().loop.run_callback(line.expire)
        self._greenlet = None


CLOCK = _Clock()
