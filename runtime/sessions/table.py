"""The table of sessions as it is asked: one query to open one, one transaction to add a turn."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from runtime import aws
from runtime.downstream import Downstream, ProviderError, Why
from runtime.sessions import wire
from runtime.sessions.memory import Memory, Turn
from runtime.sessions.wire import Item, Known, Lives

T = TypeVar("T")
TRIES = 4
FIRST_WAIT_S = 0.02
AT_ONCE = 50  # items of one transaction; a hundred are allowed
BESIDES_TURNS = 2  # summary and metadata
_FAILED = "ConditionalCheckFailed"


class NotTheirsError(Exception):
    """The session is somebody else's (RUN-17). To whoever asks, it does not exist."""


class Table:
    """`reads` and `writes` keep time and breaker; a throttled call is repeated within that, with jitter."""

    def __init__(
        self, client: Any, name: str, reads: Downstream, writes: Downstream, longest_wait_s: float
    ) -> None:
        self._client = client
        self._name = name
        self._reads = reads
        self._writes = writes
        self._longest_wait_s = longest_wait_s

    async def latest(self, session_id: str, owner: str, turns: int) -> Sequence[Item]:  # noqa: ARG002
        """What it takes to go on: metadata, summary, and the last turns. Whose it is, the items say."""
        found = await self._read(
            self._partition(session_id, "AND #item >= :from", {":from": wire.text(wire.TURN)}),
            ScanIndexForward=False,
            Limit=turns + BESIDES_TURNS,
        )
        return list(found["Items"])

    async def everything(self, session_id: str, owner: str) -> Sequence[Item]:  # noqa: ARG002
        """All items, in their order."""
        return await self._pages(self._partition(session_id))

    async def of(self, user: str) -> Sequence[Known]:
        """A user's sessions, in no order."""
        asked = {
            "IndexName": "user",
            "KeyConditionExpression": "#user = :user AND #item = :item",
            "ExpressionAttributeNames": {"#user": "user", "#item": "item"},
            "ExpressionAttributeValues": {":user": wire.text(user), ":item": wire.text(wire.META)},
        }
        return [wire.known(item) for item in await self._pages(asked)]

    async def append(self, memory: Memory, turn: Turn, lives: Lives, *, summed_up: bool) -> None:
        """Writes a turn, once for each request; NotTheirsError when the session is another's."""
        puts: list[Mapping[str, Any]] = [wire.turn_item(memory.session_id, turn, lives)]
        if summed_up:
            puts.append(wire.summary_item(memory, turn.at, lives))
        once = {
            "TableName": self._name,
            "Item": wire.done_item(memory.session_id, turn, lives),
            "ConditionExpression": "attribute_not_exists(#item)",
            "ExpressionAttributeNames": {"#item": "item"},
        }
        meta = wire.meta_update(memory.session_id, memory.user, turn.at, lives)
        steps = [
            {"Put": once},
            {"Update": {"TableName": self._name, **meta}},
            *({"Put": {"TableName": self._name, "Item": item}} for item in puts),
        ]
        theirs = await self._writes.ask(lambda: self._patiently(lambda: self._append(steps)), again=False)
        if not theirs:
            raise NotTheirsError

    async def delete(self, session_id: str, owner: str, items: Sequence[Item]) -> None:  # noqa: ARG002
        """In their order, so the metadata last: what was cut short can be begun again by its owner."""
        for start in range(0, len(items), AT_ONCE):
            steps = [
                {"Delete": {"TableName": self._name, "Key": {k: item[k] for k in ("shard", "item")}}}
                for item in items[start : start + AT_ONCE]
            ]
            await self._write(steps)

    async def _append(self, steps: Sequence[Mapping[str, Any]]) -> bool:
        """False: the session is somebody else's."""
        try:
            await self._client.transact_write_items(TransactItems=steps)
        except (ClientError, BotoCoreError) as error:
            done, owned, *_ = _reasons(error) or ("", "")
            if _FAILED not in (done, owned):
                raise self._error(self._writes, error) from error
            return owned != _FAILED  # else it was written before
        return True

    async def _write(self, steps: Sequence[Mapping[str, Any]]) -> None:
        async def once() -> None:
            try:
                await self._client.transact_write_items(TransactItems=steps)
            except (ClientError, BotoCoreError) as error:
                raise self._error(self._writes, error) from error

        await self._writes.ask(lambda: self._patiently(once), again=False)

    async def _pages(self, asked: Mapping[str, Any]) -> Sequence[Item]:
        items: list[Item] = []
        more: dict[str, Any] = {}
        while True:
            page = await self._read(asked, **more)
            items += page["Items"]
            if not page.get("LastEvaluatedKey"):
                return items
            more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    async def _read(self, asked: Mapping[str, Any], **more: Any) -> Mapping[str, Any]:
        # Whoever goes on elsewhere must see what was said a moment ago. An index has no such reads.
        consistent = "IndexName" not in asked

        async def once() -> Mapping[str, Any]:
            try:
                page: Mapping[str, Any] = await self._client.query(
                    TableName=self._name, ConsistentRead=consistent, **asked, **more
                )
            except (ClientError, BotoCoreError) as error:
                raise self._error(self._reads, error) from error
            return page

        return await self._reads.ask(lambda: self._patiently(once), again=False)

    def _partition(
        self, session_id: str, also: str = "", values: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        return {
            "KeyConditionExpression": f"shard = :shard {also}".strip(),
            "ExpressionAttributeValues": {":shard": wire.text(wire.shard(session_id)), **(values or {})},
            **({"ExpressionAttributeNames": {"#item": "item"}} if also else {}),
        }

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        try:
            return await work()
        except ProviderError as error:
            if not _passes(error):
                raise
            return await self._again(error, work)

    async def _again(self, made: ProviderError, work: Callable[[], Awaitable[T]]) -> T:
        """Further tries, each after a wait; `made`: what the first came to."""
        # Imported with the first of them: a process should start before it has to be patient.
        from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

        first = [made]

        async def once() -> T:
            if first:
                raise first.pop()
            return await work()

        retrying = AsyncRetrying(
            retry=retry_if_exception(_passes),
            stop=stop_after_attempt(TRIES),
            wait=wait_random_exponential(multiplier=FIRST_WAIT_S, max=self._longest_wait_s),
            sleep=asyncio.sleep,
            reraise=True,
        )
        return await retrying(once)

    def _error(self, at: Downstream, error: ClientError | BotoCoreError) -> ProviderError:
        reasons = _reasons(error)
        if "TransactionConflict" in reasons:
            return at.error(Why.THROTTLED, "TransactionConflict")
        if any("Throttl" in reason or "ThroughputExceeded" in reason for reason in reasons):
            return at.error(Why.THROTTLED, "a transaction was throttled")
        return aws.provider_error(at, error)


def _passes(error: BaseException) -> bool:
    return isinstance(error, ProviderError) and (error.why is Why.THROTTLED or error.passing)


def _reasons(error: Exception) -> Sequence[str]:
    """Of a transaction that was cancelled, step by step; empty for any other error."""
    if not isinstance(error, ClientError):
        return ()
    reasons: Any = error.response.get("CancellationReasons", ())
    return [str(reason.get("Code", "")) for reason in reasons]
