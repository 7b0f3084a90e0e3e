"""The queue that S3's events and the bulk run fill (components/ingest.py): messages in, messages done.

An event is a hint to look at a file, no more: events come twice, late and in any order, and what they say may
no longer be so.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

MOST, WAIT_S = 10, 20  # of SQS


class QueueAwayError(Exception):
    """The queue does not answer, or not to us."""


@dataclass(frozen=True, slots=True)
class Message:
    """`receipt` is what it is deleted by. No `bucket`: it is no event of a file."""

    receipt: str
    bucket: str = ""
    key: str = ""


class Queue:
    """`client`: that of SQS. `wait_s`: for the first message, when there is none."""

    def __init__(self, client: Any, url: str, wait_s: int = WAIT_S) -> None:
        self._client = client
        self._url = url
        self._wait_s = wait_s

    async def receive(self) -> Sequence[Message]:
        """What is there; waits a while for the first."""
        said = await self._asked(
            self._client.receive_message, MaxNumberOfMessages=MOST, WaitTimeSeconds=self._wait_s
        )
        return [_message(one["ReceiptHandle"], one["Body"]) for one in said.get("Messages", ())]

    async def done(self, messages: Sequence[Message]) -> None:
        """Gone for good. One that cannot be deleted comes again, which does no harm."""
        entries = [{"Id": str(n), "ReceiptHandle": one.receipt} for n, one in enumerate(messages)]
        if entries:
            await self._asked(self._client.delete_message_batch, Entries=entries)

    async def later(self, messages: Sequence[Message], seconds: int) -> None:
        """Again after a while; after too many times the queue puts it aside, and somebody is told."""
        entries = [
            {"Id": str(n), "ReceiptHandle": one.receipt, "VisibilityTimeout": seconds}
            for n, one in enumerate(messages)
        ]
        if entries:
            await self._asked(self._client.change_message_visibility_batch, Entries=entries)

    async def _asked(self, call: Any, **how: Any) -> Any:
        try:
            return await call(QueueUrl=self._url, **how)
        except (ClientError, BotoCoreError) as error:
            raise QueueAwayError(f"queue {self._url}: {error}") from error


def _message(receipt: str, body: str) -> Message:
    try:
        detail = json.loads(body)["detail"]
        return Message(receipt, str(detail["bucket"]["name"]), str(detail["object"]["key"]))
    except (ValueError, KeyError, TypeError):
        return Message(receipt)
