"""Where Valkey is and how to sign in, as its URL says.

    redis://127.0.0.1:6379/0               the stand-in
    rediss://USER@HOST:6379?iam=GROUP      ElastiCache: TLS, and the task's own role
    rediss://USER:PASSWORD@HOST:6379       TLS and a password

With `iam` the password is a request for the group GROUP that the role has signed. It counts for a quarter of
an hour, the connection for twelve hours, or until it signs in again.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from contract.errors import WrongUseError
from runtime.valkey.connection import Connection, Heard

PORT = 6379
TOKEN_S = 900
SCHEMES = {"redis": False, "rediss": True, "valkey": False, "valkeys": True}


class AddressError(WrongUseError):
    """The URL of the cache cannot be used."""


@dataclass(frozen=True)
class Address:
    """What the URL says; the password stays out of logs."""

    host: str
    port: int = PORT
    tls: bool = False
    user: str = ""
    password: str = field(default="", repr=False)
    database: int = 0
    iam: str = ""

    @property
    def renews(self) -> bool:
        """Whether the connection ends unless it signs in again."""
        return bool(self.iam)


def parse(url: str) -> Address:
    """`AddressError` says what is wrong, without the password."""
    try:
        parts = urlsplit(url)
        port, host = parts.port or PORT, parts.hostname
        database = int(parts.path.strip("/") or 0)
    except ValueError as wrong:
        raise AddressError("the cache's URL has a port or database that is no number") from wrong
    if parts.scheme not in SCHEMES or not host:
        raise AddressError("the cache's URL must be redis://HOST:PORT/DATABASE, or rediss:// with TLS")
    iam = parse_qs(parts.query).get("iam", [""])[0]
    address = Address(
        host,
        port,
        SCHEMES[parts.scheme],
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        database,
        iam,
    )
    if iam and not (address.tls and address.user):
        raise AddressError("a cache that is signed in to with IAM needs rediss:// and a user in its URL")
    return address


Password = Callable[[], Awaitable[str]]
Connect = Callable[[float, Heard], Awaitable[Connection]]


def iam_token(address: Address, region: str) -> Password:
    """Signs a password with the credentials of the task's role, by the rules of ElastiCache."""

    async def sign() -> str:
        from aiobotocore.session import AioSession  # only where there is an ElastiCache
        from aiobotocore.signers import AioRequestSigner
        from botocore.model import ServiceId

        session = AioSession()
        credentials = await session.get_credentials()
        emitter = session.get_component("event_emitter")
        signer = AioRequestSigner(ServiceId("elasticache"), region, "elasticache", "v4", credentials, emitter)
        query = urlencode({"Action": "connect", "User": address.user})
        asked = {
            "method": "GET",
            "url": f"https://{address.iam}/?{query}",
            "body": {},
            "headers": {},
            "context": {},
        }
        signed = await signer.generate_presigned_url(
            asked, operation_name="connect", expires_in=TOKEN_S, region_name=region
        )
        return str(signed).removeprefix("https://")

    return sign


class Dialler:
    """Opens connections to one address. `password` is asked each time, as tokens get old."""

    def __init__(self, address: Address, password: Password | None = None) -> None:
        self.address = address
        self._password = password
        self._tls: ssl.SSLContext | Literal[False] = ssl.create_default_context() if address.tls else False

    async def connect(self, command_s: float, heard: Heard) -> Connection:
        """An open connection, not signed in yet. `OSError` where nobody answers."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: Connection(command_s, heard), self.address.host, self.address.port, ssl=self._tls or None
        )
        return connection

    async def sign_in(self, connection: Connection) -> None:
        """As whoever the address says, into its database."""
        password = await self._password() if self._password else self.address.password
        if password:
            user = (self.address.user,) if self.address.user else ()
            await connection.send("AUTH", *user, password)
        if self.address.database:
            await connection.send("SELECT", self.address.database)
