"""Each customer's own key (DATA-9): made once, wrapped by KMS, in a table of its own; gone with its item.

KMS wraps it for this customer alone (encryption context). An opened one is kept for a minute, so that a busy
conversation is one call; whatever is written with it checks in the same transaction that its item still is
there, so nothing is sealed for somebody who was erased meanwhile.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from runtime import aws
from runtime.downstream import Downstream

LIVES_S = 60.0
MOST = 10_000  # keys in this process
_SPEC = "AES_256"


class ErasedError(Exception):
    """There is no key: nothing of this customer can be read any more."""


class Key(NamedTuple):
    """`wrapped`: as the table has it."""

    plain: bytes
    wrapped: bytes


class Keys:
    """`kms_key`: id, ARN or alias of the key that wraps them."""

    def __init__(self, tables: Any, kms: Any, *, table: str, kms_key: str, at: Downstream) -> None:
        self._tables = tables
        self._kms = kms
        self._table = table
        self._kms_key = kms_key
        self._at = at
        self._now = asyncio.get_running_loop().time
        self._opened: dict[str, tuple[float, Key]] = {}

    async def own(self, customer: str) -> Key:
        """Made with the first thing that is sealed for them; ProviderError where it cannot be had."""
        if (key := await self._kept(customer)) is not None:
            return key
        return self._keep(customer, await self._at.ask(lambda: self._make(customer)))

    async def known(self, customer: str) -> Key:
        """ErasedError where there is none."""
        if (key := await self._kept(customer)) is None:
            raise ErasedError(customer)
        return key

    def still_there(self, customer: str, key: Key) -> Mapping[str, Any]:
        """A step of a transaction that fails once the customer is erased."""
        return {
            "ConditionCheck": {
                "TableName": self._table,
                "Key": {"customer": {"S": customer}},
                "ConditionExpression": "#wrapped = :wrapped",
                "ExpressionAttributeNames": {"#wrapped": "wrapped"},  # a word of DynamoDB's own
                "ExpressionAttributeValues": {":wrapped": {"B": key.wrapped}},
            }
        }

    def forget(self, customer: str) -> None:
        """What this process has of it."""
        self._opened.pop(customer, None)

    async def _kept(self, customer: str) -> Key | None:
        until, key = self._opened.get(customer, (0.0, None))
        if key is not None and self._now() < until:
            return key
        self.forget(customer)
        found = await self._at.ask(lambda: self._read(customer))
        return self._keep(customer, found) if found else None

    def _keep(self, customer: str, key: Key) -> Key:
        while len(self._opened) >= MOST:
            self._opened.pop(next(iter(self._opened)))
        self._opened[customer] = (self._now() + LIVES_S, key)
        return key

    async def _read(self, customer: str) -> Key | None:
        try:
            found = await self._tables.get_item(
                TableName=self._table, Key={"customer": {"S": customer}}, ConsistentRead=True
            )
            if "Item" not in found:
                return None
            wrapped = bytes(found["Item"]["wrapped"]["B"])
            opened = await self._kms.decrypt(
                KeyId=self._kms_key, CiphertextBlob=wrapped, EncryptionContext={"customer": customer}
            )
        except (ClientError, BotoCoreError) as error:
            raise aws.provider_error(self._at, error) from error
        return Key(bytes(opened["Plaintext"]), wrapped)

    async def _make(self, customer: str) -> Key:
        """The first to write it wins, for everybody."""
        try:
            made = await self._kms.generate_data_key(
                KeyId=self._kms_key, KeySpec=_SPEC, EncryptionContext={"customer": customer}
            )
            key = Key(bytes(made["Plaintext"]), bytes(made["CiphertextBlob"]))
            await self._tables.put_item(
                TableName=self._table,
                Item={"customer": {"S": customer}, "wrapped": {"B": key.wrapped}},
                ConditionExpression="attribute_not_exists(customer)",
            )
        except (ClientError, BotoCoreError) as error:
            if _was_there(error) and (other := await self._read(customer)) is not None:
                return other
            raise aws.provider_error(self._at, error) from error
        return key


def _was_there(error: Exception) -> bool:
    return isinstance(error, ClientError) and error.response["Error"].get("Code") == aws.CONDITION_FAILED
