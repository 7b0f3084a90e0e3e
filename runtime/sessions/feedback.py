"""A shopper's verdict on an answer; the last one counts. Takes a session, which only its owner can open."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from runtime import aws
from runtime.downstream import Downstream
from runtime.sessions.memory import Memory
from runtime.sessions.wire import number, text

MOST_LETTERS = 2_000


class Feedback:
    def __init__(
        self,
        client: Any,
        table: str,
        at: Downstream,
        wall: Callable[[], datetime],
        redact: Callable[[str], str],
    ) -> None:
        self._client = client
        self._table = table
        self._at = at
        self._wall = wall
        self._redact = redact

    async def write(self, memory: Memory, answer: str, rating: int, comment: str = "") -> None:
        """`answer`: its request id; `rating`: 1 to 5. Nobody's name goes with it."""
        item = {
            "session": text(memory.session_id),
            "answer": text(answer),
            "rating": number(rating),
            "comment": text(self._redact(comment)[:MOST_LETTERS]),
            "at": text(self._wall().isoformat()),
        }
        await self._at.ask(lambda: self._put(item))

    async def _put(self, item: dict[str, Any]) -> None:
        try:
            await self._client.put_item(TableName=self._table, Item=item)
        except (ClientError, BotoCoreError) as error:
            raise aws.provider_error(self._at, error) from error
