"""A Valkey in this process, on the loop's time: the real commands, scripts and bytes, and trouble at will."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import fakeredis
from fakeredis import _helpers
from fakeredis._clients._sync import FakeRedisConnection
from fakeredis._clients._tcp_server import encode_reply
from fakeredis._socket import _base
from fakeredis._typing import RaiseErrorTypes
from fakeredis.commands_mixins import server_mixin

from contract.traffic_settings import ValkeySettings
from runtime.valkey import Valkey
from runtime.valkey.connection import Connection, Heard

EPOCH_S = 1_900_000_000
CLOCKED: tuple[Any, ...] = (_helpers, _base, server_mixin)  # where fakeredis asks what time it is


class MemoryValkey:
    """One server and the way to it. Make it inside the loop, and inside `on_the_loops_time`."""

    def __init__(self) -> None:
        self.latency_s = 0.0005
        self.refuses = False  # connections, and ends those there are with their next command
        self.silent = False
        self.commands = 0  # that reached it
        self.connections = 0
        self._server = fakeredis.FakeServer(server_type="valkey")

    async def connect(self, command_s: float, heard: Heard) -> Connection:
        await asyncio.sleep(self.latency_s)
        if self.refuses:
            raise ConnectionRefusedError("connection refused")
        self.connections += 1
        connection = Connection(command_s, heard)
        connection.connection_made(_Pipe(self, connection))
        return connection

    async def sign_in(self, connection: Connection) -> None:
        """Nobody has a password here."""

    def client(self, settings: ValkeySettings | None = None, changed: Any = lambda *_: None) -> Valkey:
        """What a runtime has: open it with `async with`."""
        return Valkey(self, settings or ValkeySettings(), changed, lambda: 0.5)

    def session(self) -> FakeRedisConnection:
        return FakeRedisConnection(server=self._server, protocol=2)


class _Pipe(asyncio.WriteTransport):
    """Carries bytes to the server and its replies back, in order, each way taking half the latency."""

    def __init__(self, server: MemoryValkey, connection: Connection) -> None:
        super().__init__()
        self._server, self._connection = server, connection
        self._session = server.session()
        self._session.connect()
        self._there = _Way(server, self._arrive)
        self._back = _Way(server, self._hand_back)
        self._ended = False

    def write(self, data: Any) -> None:
        if self._server.refuses:
            asyncio.get_running_loop().call_soon(self._connection.connection_lost, None)
        else:
            self._there.carry(bytes(data))

    def _arrive(self, data: bytes) -> None:
        self._server.commands += 1
        self._session.get_socket().sendall(data)
        replies = b""
        while self._session.can_read():
            try:
                said = self._session.read_response()
            except RaiseErrorTypes as error:
                said = error
            replies += encode_reply(said, 2)
        if not self._server.silent:
            self._back.carry(replies)

    def _hand_back(self, replies: bytes) -> None:
        if not self._ended:
            self._connection.data_received(replies)

    def abort(self) -> None:
        self._ended = True

    def close(self) -> None:
        self._ended = True


class _Way:
    """What goes in first comes out first, whatever the latency is meanwhile."""

    def __init__(self, server: MemoryValkey, arrive: Callable[[bytes], None]) -> None:
        self._server, self._arrive = server, arrive
        self._loop = asyncio.get_running_loop()
        self._under_way: deque[bytes] = deque()
        self._last = 0.0

    def carry(self, data: bytes) -> None:
        self._last = max(self._last, self._loop.time() + self._server.latency_s / 2)
        self._under_way.append(data)
        self._loop.call_at(self._last, lambda: self._arrive(self._under_way.popleft()))


@contextmanager
def on_the_loops_time() -> Iterator[None]:
    """The server's clock is the running loop's, from EPOCH_S on, to the microsecond."""

    def now() -> float:
        return EPOCH_S + round(asyncio.get_running_loop().time(), 6)

    before = [module.time for module in CLOCKED]
    for module in CLOCKED:
        module.time = SimpleNamespace(time=now)
    try:
        yield
    finally:
        for module, clock in zip(CLOCKED, before, strict=True):
            module.time = clock
