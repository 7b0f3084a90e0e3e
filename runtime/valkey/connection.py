"""One connection: commands go out back to back, replies come in the same order (hiredis reads them).

A command that waits too long fails, and its reply is dropped when it comes. One timer serves all that wait:
every command has the same deadline, so the oldest is always the next that may fail.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import hiredis

from runtime.valkey.port import DownError, LateError, RefusedError, Reply, Word

ALMOST_S = 1e-6  # timers may come a rounding error too early
Heard = Callable[[bool], None]  # True: a reply came in time; False: none did


class _Waiting(NamedTuple):
    reply: asyncio.Future[Reply]
    until: float


class Connection(asyncio.Protocol):
    """`heard` is told of every command: answered or late. `lost` is done when the connection has ended."""

    def __init__(self, command_s: float, heard: Heard) -> None:
        self._command_s = command_s
        self._heard = heard
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader()
        self._waiting: deque[_Waiting] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.WriteTransport | None = None
        self.lost: asyncio.Future[None] = self._loop.create_future()

    def send(self, *command: Word) -> asyncio.Future[Reply]:
        """The reply, or `ValkeyError`. Cancelling it only means that nobody waits any more."""
        reply: asyncio.Future[Reply] = self._loop.create_future()
        if self._transport is None or self.lost.done():
            reply.set_exception(DownError("the connection has ended"))
            return reply
        self._transport.write(hiredis.pack_command(command))  # type: ignore[arg-type] # its stub wants one word
        self._waiting.append(_Waiting(reply, self._loop.time() + self._command_s))
        if self._timer is None:
            self._timer = self._loop.call_later(self._command_s, self._give_up)
        return reply

    def close(self) -> None:
        """Ends it now; whoever waits is told."""
        if self._transport is not None:
            self._transport.abort()
        self.connection_lost(None)

    # -- what the event loop calls -----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.WriteTransport):
            raise TypeError(f"a connection needs a transport that writes, not {type(transport).__name__}")
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
            while (said := self._reader.gets()) is not False:
                self._answer(said)
        except (hiredis.ProtocolError, IndexError):  # whose reply the next one is, nobody knows
            self.close()

    def connection_lost(self, _: Exception | None) -> None:
        if self.lost.done():
            return
        self.lost.set_result(None)
        if self._timer is not None:
            self._timer.cancel()
        while self._waiting:
            _fail(self._waiting.popleft().reply, DownError("the connection ended"))

    def _answer(self, said: Reply) -> None:
        reply = self._waiting.popleft().reply
        if reply.done():
            return  # too late, or nobody waits
        self._heard(True)
        if isinstance(said, hiredis.ReplyError):
            _fail(reply, RefusedError(str(said)))
        else:
            reply.set_result(said)

    def _give_up(self) -> None:
        """Fails what has waited too long, and looks again when the next may have."""
        self._timer = None
        now = self._loop.time()
        for reply, until in list(self._waiting):
            if reply.done():
                continue
            if until > now + ALMOST_S:
                self._timer = self._loop.call_at(until, self._give_up)
                return
            _fail(reply, LateError(f"no reply within {self._command_s * 1_000:g} ms"))
            self._heard(False)


def _fail(reply: asyncio.Future[Reply], error: Exception) -> None:
    if not reply.done():
        reply.set_exception(error)
        reply.exception()  # somebody may have left without looking
