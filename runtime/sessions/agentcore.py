"""Sessions in AgentCore Memory, where the stack's host is AgentCore: the same door as the table (RUN-15).

A turn is one event of its owner's session: what was said, for AgentCore's own extraction, and beside it the
turn as the table would keep it. An owner reaches only events of theirs: another's session does not exist.
"""

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from runtime import aws
from runtime.downstream import Downstream
from runtime.sessions import wire
from runtime.sessions.memory import Memory, Turn
from runtime.sessions.wire import Item, Known, Lives

PAGE = 100
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,99}")
_FAR = datetime(9999, 1, 1, tzinfo=UTC)  # AgentCore ends events itself (`event_expiry_duration`)


class AgentCoreMemory:
    """`memory`: its id. `reads` and `writes` keep time and breaker."""

    def __init__(self, client: Any, memory: str, reads: Downstream, writes: Downstream) -> None:
        self._client = client
        self._memory = memory
        self._reads = reads
        self._writes = writes

    async def latest(self, session_id: str, owner: str, turns: int) -> Sequence[Item]:  # noqa: ARG002
        """Everything there is: events come in no order that could be relied on."""
        return await self.everything(session_id, owner)

    async def everything(self, session_id: str, owner: str) -> Sequence[Item]:
        """As the table's items, the oldest first."""
        events = await self._events(session_id, owner)
        items = [item for event in events for item in _items(event)]
        if not items:
            return ()
        turns = [item for item in items if item["item"]["S"] != wire.SUMMARY]
        summary = [item for item in items if item["item"]["S"] == wire.SUMMARY][-1:]  # the newest holds all
        return [*turns, *summary, wire.meta_item(session_id, owner, _FAR)]

    async def append(self, memory: Memory, turn: Turn, lives: Lives, *, summed_up: bool) -> None:
        """Once for each request: its token is made of it."""
        items = [wire.turn_item(memory.session_id, turn, lives)]
        if summed_up:
            items.append(wire.summary_item(memory, turn.at, lives))
        said = (("USER", turn.asked), ("ASSISTANT", turn.answered))
        payload = [
            *({"conversational": {"role": role, "content": {"text": text}}} for role, text in said if text),
            {"blob": json.dumps(items)},
        ]
        await self._ask(
            self._writes,
            lambda: self._client.create_event(
                **self._of(memory.session_id, memory.user),
                eventTimestamp=turn.at,
                payload=payload,
                clientToken=hashlib.sha256(f"{memory.session_id}\n{turn.request_id}".encode()).hexdigest(),
            ),
        )

    async def delete(self, session_id: str, owner: str, items: Sequence[Item]) -> None:  # noqa: ARG002
        for event in await self._events(session_id, owner, payloads=False):
            await self._ask(
                self._writes,
                partial(self._client.delete_event, **self._of(session_id, owner), eventId=event["eventId"]),
            )

    async def of(self, user: str) -> Sequence[Known]:
        """A user's sessions, in no order. How many turns they have is not told."""
        found = await self._pages(
            "sessionSummaries",
            lambda more: self._client.list_sessions(
                memoryId=self._memory, actorId=user, maxResults=PAGE, **more
            ),
        )
        return [Known(one["sessionId"], one["createdAt"], one["createdAt"], 0) for one in found]

    async def _events(self, session_id: str, owner: str, *, payloads: bool = True) -> Sequence[Any]:
        """The oldest first; none where there is no such session."""
        found = await self._pages(
            "events",
            lambda more: self._client.list_events(
                **self._of(session_id, owner), includePayloads=payloads, maxResults=PAGE, **more
            ),
        )
        return sorted(found, key=lambda event: (event["eventTimestamp"], event["eventId"]))

    def _of(self, session_id: str, owner: str) -> Mapping[str, str]:
        """A session's name as AgentCore takes it."""
        name = session_id if _NAME.fullmatch(session_id) else hashlib.sha256(session_id.encode()).hexdigest()
        return {"memoryId": self._memory, "actorId": owner, "sessionId": name}

    async def _pages(
        self, what: str, ask: Callable[[Mapping[str, str]], Awaitable[Mapping[str, Any]]]
    ) -> Sequence[Any]:
        found: list[Any] = []
        more: dict[str, str] = {}
        while True:
            page = await self._ask(self._reads, partial(ask, more))
            found += page[what]
            if not page.get("nextToken"):
                return found
            more = {"nextToken": page["nextToken"]}

    async def _ask(self, at: Downstream, work: Callable[[], Awaitable[Any]]) -> Any:
        async def once() -> Any:
            try:
                return await work()
            except ClientError as refused:
                if refused.response["Error"].get("Code") == "ResourceNotFoundException":
                    return {"events": [], "sessionSummaries": []}
                raise aws.provider_error(at, refused) from refused
            except BotoCoreError as error:
                raise aws.provider_error(at, error) from error

        return await at.ask(once)


def _items(event: Mapping[str, Any]) -> Sequence[Item]:
    """Of an event of ours; somebody else's has none."""
    blobs = [part["blob"] for part in event.get("payload", ()) if "blob" in part]
    try:
        return [item for blob in blobs for item in json.loads(blob)]
    except (TypeError, ValueError):
        return ()
