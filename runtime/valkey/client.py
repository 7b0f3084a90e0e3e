"""The connection that the runtime keeps to Valkey, and the breaker that makes a dead one cost nothing.

A late reply costs three points, a good one gives one back; at nine it is given up: after three in a row, or
when more than a quarter are late. From then on nobody asks it but the client itself, beside the traffic:
connect, sign in, a few PINGs in time. Waits between tries grow, and are drawn at random, so that a fleet does
not come back in step.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from typing import Protocol, Self

from contract.traffic_settings import ValkeySettings
from runtime.valkey.connection import Connection, Heard
from runtime.valkey.port import DownError, RefusedError, Reply, Script, ValkeyError, Word

LATE, GIVEN_UP = 3, 9
PROBES = 3
# The server is there, but no help: a replica after a failover, or one that is still loading.
NO_HELP = ("READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "NOAUTH")
Changed = Callable[[bool, str], None]


class Dials(Protocol):
    """How connections are made: `address.Dialler`, or that of a test."""

    async def connect(self, command_s: float, heard: Heard) -> Connection: ...

    async def sign_in(self, connection: Connection) -> None: ...


class Valkey:
    """A `Store`, kept connected inside `async with`.

    `changed` hears whether it is up: when it comes, when it goes, and of each new reason why it is away.
    """

    def __init__(
        self,
        dialler: Dials,
        settings: ValkeySettings,
        changed: Changed,
        spread: Callable[[], float] = random.random,
    ) -> None:
        self._dialler = dialler
        self._settings = settings
        self._changed = changed
        self._spread = spread
        self._connection: Connection | None = None  # only while it may be used
        self._points = 0
        self._told: str | None = None
        self._keeping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Waits for the first try, so that a healthy cache is there from the first message on."""
        tried = asyncio.Event()
        self._keeping = asyncio.create_task(self._keep(tried))
        await tried.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)

    # -- what others ask ---------------------------------------------------------------------------------

    @property
    def up(self) -> bool:
        return self._connection is not None

    async def ask(self, *command: Word) -> Reply:
        connection = self._connection
        if connection is None:
            raise DownError("Valkey is given up for now")
        try:
            return await connection.send(*command)
        except RefusedError as refused:
            if str(refused).startswith(NO_HELP):
                self._drop(str(refused))
            raise

    async def run(self, script: Script, keys: Sequence[str], *arguments: Word) -> Reply:
        try:
            return await self.ask("EVALSHA", script.sha1, len(keys), *keys, *arguments)
        except RefusedError as refused:
            if not str(refused).startswith("NOSCRIPT"):
                raise
            return await self.ask("EVAL", script.text, len(keys), *keys, *arguments)

    # -- what it does by itself --------------------------------------------------------------------------

    def _heard(self, answered: bool) -> None:
        self._points = max(0, self._points - 1) if answered else self._points + LATE
        if self._points >= GIVEN_UP:
            self._drop("it answers too late")

    def _drop(self, why: str) -> None:
        """Nobody uses this connection any more."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._tell(why)
            connection.close()

    async def _keep(self, tried: asyncio.Event) -> None:
        failures = 0
        while True:
            try:
                connection = await self._opened()
            except (OSError, ValkeyError, TimeoutError) as error:
                self._tell(str(error) or type(error).__name__)
                failures += 1
            except Exception as error:  # noqa: BLE001 - signing in goes through AWS's libraries
                self._tell(repr(error))
                failures += 1
            else:
                failures = 0
                self._connection, self._points = connection, 0
                self._tell(None)
                tried.set()
                await self._used(connection)
            tried.set()
            longest = min(
                self._settings.longest_pause_s, self._settings.first_pause_s * 2 ** min(failures, 20)
            )
            await asyncio.sleep(longest * self._spread())

    async def _opened(self) -> Connection:
        async with asyncio.timeout(self._settings.connect_s):
            connection = await self._dialler.connect(self._settings.command_s, self._heard)
            try:
                await self._dialler.sign_in(connection)
                for _ in range(PROBES):
                    await connection.send("PING")
            except BaseException:
                connection.close()
                raise
            return connection

    async def _used(self, connection: Connection) -> None:
        """Until it is lost; signs in again before the old sign-in ends."""
        try:
            while not connection.lost.done():
                await asyncio.wait([connection.lost], timeout=self._settings.renew_s)
                if not connection.lost.done():
                    await self._dialler.sign_in(connection)
            self._drop("the connection ended")
        except Exception as error:  # noqa: BLE001 - as above; the next connection signs in anew
            self._drop(f"signing in again failed: {error!r}")
        finally:
            self._connection = None
            with contextlib.suppress(Exception):
                connection.close()

    def _tell(self, trouble: str | None) -> None:
        """Of every change, once; and of a new reason only when it is one."""
        if trouble != self._told or trouble is None:
            self._told = trouble
            self._changed(trouble is None, trouble or "")
