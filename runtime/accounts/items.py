"""One table of DynamoDB as its owner asks it: an item by key, items of an index, writes with a condition."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from runtime import aws
from runtime.downstream import Downstream, ProviderError, Why

T = TypeVar("T")
Item = Mapping[str, Any]
_CONDITION = "ConditionalCheckFailedException"


class Items:
    """`at` keeps time and breaker. Numbers are whole ones: money is in cents."""

    def __init__(self, client: Any, table: str, at: Downstream) -> None:
        self._client = client
        self._table = table
        self._at = at

    async def get(self, **key: str) -> Item | None:
        """As it is now, not as it was a moment ago."""
        found = await self._ask(
            lambda: self._client.get_item(TableName=self._table, Key=_wire(key), ConsistentRead=True)
        )
        return _plain(found["Item"]) if found.get("Item") else None

    async def query(self, index: str | None, **key: str) -> Sequence[Item]:
        """Every item of a partition, the newest last."""
        (name, value), *more = key.items()
        condition, values = "#k = :k", {":k": value}
        names = {"#k": name}
        if more:
            names["#b"], values[":b"] = more[0]
            condition += " AND begins_with(#b, :b)"
        asked: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": _wire(values),
            **({"IndexName": index} if index else {"ConsistentRead": True}),
        }
        found: list[Item] = []
        while True:
            page = await self._ask(lambda: self._client.query(**asked))
            found += [_plain(item) for item in page["Items"]]
            if not page.get("LastEvaluatedKey"):
                return found
            asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    async def put(self, item: Item, *, only_if: Mapping[str, Any] | None = None) -> bool:
        """False: the condition does not hold. `only_if`: attribute -> its value; None: it is not there."""
        return await self._write(self._client.put_item, {"Item": _wire(item)}, only_if)

    async def set(
        self, key: Mapping[str, str], values: Item, *, only_if: Mapping[str, Any] | None = None
    ) -> bool:
        """Sets attributes of an item, which is made where it is not there."""
        names = {f"#s{number}": name for number, name in enumerate(values)}
        written = {f":s{number}": value for number, value in enumerate(values.values())}
        change = {
            "Key": _wire(key),
            "UpdateExpression": "SET "
            + ", ".join(f"#s{number} = :s{number}" for number in range(len(values))),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": _wire(written),
        }
        return await self._write(self._client.update_item, change, only_if)

    async def delete(self, **key: str) -> None:
        """Gone, or it was not there."""
        await self._write(self._client.delete_item, {"Key": _wire(key)}, None)

    def error(self, why: Why, detail: str) -> ProviderError:
        """What an owner of a table says when it cannot be done."""
        return self._at.error(why, detail)

    async def _write(
        self, call: Callable[..., Any], change: Mapping[str, Any], only_if: Mapping[str, Any] | None
    ) -> bool:
        asked = {"TableName": self._table, **change, **_condition(change, only_if or {})}

        async def once() -> bool:
            try:
                await call(**asked)
            except ClientError as refused:
                if refused.response["Error"].get("Code") == _CONDITION:
                    return False
                raise
            return True

        return await self._ask(once)

    async def _ask(self, work: Callable[[], Awaitable[T]]) -> T:
        async def once() -> T:
            try:
                return await work()
            except (ClientError, BotoCoreError) as error:
                raise aws.provider_error(self._at, error) from error

        return await self._at.ask(once)


def _condition(change: Mapping[str, Any], only_if: Mapping[str, Any]) -> dict[str, Any]:
    """The condition beside the names and values that a change already has."""
    if not only_if:
        return {}
    parts, names, values = [], dict(change.get("ExpressionAttributeNames", {})), {}
    for number, (name, value) in enumerate(only_if.items()):
        names[f"#c{number}"] = name
        if value is None:
            parts.append(f"attribute_not_exists(#c{number})")
        else:
            parts.append(f"#c{number} = :c{number}")
            values[f":c{number}"] = value
    wired = {**change.get("ExpressionAttributeValues", {}), **_wire(values)}
    return {
        "ConditionExpression": " AND ".join(parts),
        "ExpressionAttributeNames": names,
        **({"ExpressionAttributeValues": wired} if wired else {}),
    }


def _wire(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _wired(value) for name, value in item.items()}


def _wired(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case str():
            return {"S": value}
        case Mapping():
            return {"M": _wire(value)}
        case _:
            return {"L": [_wired(part) for part in value]}


def _plain(item: Mapping[str, Any]) -> Item:
    return {name: _read(value) for name, value in item.items()}


def _read(wired: Mapping[str, Any]) -> Any:
    ((kind, value),) = wired.items()
    match kind:
        case "N":
            return int(value)
        case "M":
            return _plain(value)
        case "L":
            return [_read(part) for part in value]
        case _:
            return value
