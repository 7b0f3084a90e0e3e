"""What was taken out of messages, sealed; and who may look at how much of it (RUN-13).

Every look is told before it happens, refused ones too: where it cannot be told nothing is shown. A token is
made of where the original stood: a message that is written twice is kept once, and nobody remembers tokens.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from runtime import aws
from runtime.downstream import Downstream, ProviderError
from runtime.safety.pii import Original
from runtime.telemetry import Telemetry
from runtime.vault.keys import ErasedError, Key, Keys
from runtime.vault.masking import KEPT, Shown, masked, roles
from runtime.vault.sealing import SealError, seal, unseal

MOST = 20  # originals of one message


class DeniedError(Exception):
    """Whoever asks may not see it."""


class Reader(NamedTuple):
    """Who looks, as what, and why."""

    id: str
    role: str
    why: str


class Look(NamedTuple):
    """What the audit is told: never the original."""

    reader: Reader
    customer: str
    session_id: str
    request_id: str


Audit = Callable[[Look], Awaitable[None]]


class Vault:
    """`table`: pii-vault's name; `audit` hears of every look, and may refuse it by raising."""

    def __init__(
        self, client: Any, table: str, keys: Keys, at: Downstream, audit: Audit, telemetry: Telemetry
    ) -> None:
        self._client = client
        self._table = table
        self._keys = keys
        self._at = at
        self._audit = audit
        self._telemetry = telemetry

    async def keep(
        self, customer: str, session_id: str, request_id: str, originals: Sequence[Original]
    ) -> None:
        """What cannot be kept is lost, and said: nobody's message fails for it."""
        wanted = [(number, one) for number, one in enumerate(originals[:MOST]) if one.kind in KEPT]
        if not wanted:
            return
        try:
            key = await self._keys.own(customer)
            items = [
                self._item(key, customer, token_of(customer, session_id, request_id, number), one)
                for number, one in wanted
            ]
            await self._at.ask(lambda: self._write(customer, key, items), again=False)
        except ProviderError as error:
            self._keys.forget(customer)
            self._telemetry.log("warning", "originals could not be kept in the vault", why=error.why.value)

    async def restored(
        self, text: str, customer: str, session_id: str, request_id: str, reader: Reader
    ) -> str:
        """A redacted text with what this reader may see of the originals. DeniedError, and it is told."""
        role = roles().get(reader.role)
        await self._audit(Look(reader, customer, session_id, request_id))
        if role is None or not reader.why.strip() or (role.own and reader.id != customer):
            raise DeniedError(f"{reader.role} may not look into this, or did not say why")
        count = min(MOST, text.count("["))
        tokens = [token_of(customer, session_id, request_id, number) for number in range(count)]
        found = await asyncio.gather(*(self._original(customer, token) for token in tokens))
        parts, at = [], 0
        for one in sorted((one for one in found if one), key=lambda one: one.start):
            mark = f"[{one.kind}]"
            if one.start >= at and text.startswith(mark, one.start):
                shown = role.sees(one.kind)
                new = mark if shown is Shown.NOTHING else masked(one.kind, one.value, shown)
                parts += [text[at : one.start], new]
                at = one.start + len(mark)
        return "".join([*parts, text[at:]])

    async def _original(self, customer: str, token: str) -> Original | None:
        """None: none is kept, or nothing can open it any more."""
        item = await self._at.ask(lambda: self._read(token))
        if not item or item["user"]["S"] != customer:
            return None
        try:
            key = await self._keys.known(customer)
            return Original(*json.loads(unseal(key.plain, bytes(item["box"]["B"]), token)))
        except (ErasedError, SealError):
            return None

    def _item(self, key: Key, customer: str, token: str, one: Original) -> dict[str, Any]:
        box = seal(key.plain, json.dumps(one).encode(), token)
        return {"token": {"S": token}, "user": {"S": customer}, "box": {"B": box}}

    async def _write(self, customer: str, key: Key, items: Sequence[dict[str, Any]]) -> None:
        steps = [
            self._keys.still_there(customer, key),
            *({"Put": {"TableName": self._table, "Item": item}} for item in items),
        ]
        try:
            await self._client.transact_write_items(TransactItems=steps)
        except (ClientError, BotoCoreError) as error:
            raise aws.provider_error(self._at, error) from error

    async def _read(self, token: str) -> dict[str, Any]:
        try:
            found = await self._client.get_item(
                TableName=self._table, Key={"token": {"S": token}}, ConsistentRead=True
            )
        except (ClientError, BotoCoreError) as error:
            raise aws.provider_error(self._at, error) from error
        item: dict[str, Any] = found.get("Item", {})
        return item


def token_of(customer: str, session_id: str, request_id: str, number: int) -> str:
    """Says nothing of any of them."""
    said = json.dumps([customer, session_id, request_id, number])
    return hashlib.blake2b(said.encode(), digest_size=20).hexdigest()


def logged(telemetry: Telemetry) -> Audit:
    """The audit as log lines; CloudTrail has the reads of the table beside."""

    async def tell(look: Look) -> None:
        telemetry.log(
            "info",
            "somebody looked into the vault",
            reader=look.reader.id,
            role=look.reader.role,
            why=look.reader.why,
            customer=look.customer,
            session_id=look.session_id,
            looked_at=look.request_id,
        )

    return tell
