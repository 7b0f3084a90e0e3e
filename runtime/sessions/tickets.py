"""Tickets that open a WebSocket (NET-5): handed out here, taken at the door. Stored by their SHA-256 only."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from runtime import aws
from runtime.downstream import Downstream
from runtime.sessions.wire import number, text

BYTES = 32


@dataclass(frozen=True, slots=True)
class Ticket:
    """Good for one connection until it expires. Its text is shown once and kept nowhere."""

    text: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Ticket(expires_at={self.expires_at.isoformat()})"


class Tickets:
    """`at`: the table's own, as `sessions` has one."""

    def __init__(
        self, client: Any, table: str, at: Downstream, life_s: float, wall: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._table = table
        self._at = at
        self._life = timedelta(seconds=life_s)
        self._wall = wall

    async def issue(self, user: str, kind: Literal["user", "guest"]) -> Ticket:
        """For this user; ProviderError where it could not be written, and then there is none."""
        ticket = Ticket(secrets.token_urlsafe(BYTES), self._wall() + self._life)
        item = {
            "ticket": text(hashlib.sha256(ticket.text.encode()).hexdigest()),
            "user": text(user),
            "kind": text(kind),
            "expires_at": number(int(ticket.expires_at.timestamp())),
        }
        await self._at.ask(lambda: self._put(item))
        return ticket

    async def _put(self, item: dict[str, Any]) -> None:
        try:
            await self._client.put_item(TableName=self._table, Item=item)
        except (ClientError, BotoCoreError) as error:
            raise aws.provider_error(self._at, error) from error
