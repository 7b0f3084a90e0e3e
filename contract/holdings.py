"""What is held of a customer, and what erasure makes of it (DATA-9): `holdings.toml`, and its requests.

Two programs erase, one from a laptop and one beside the tables; neither knows the other, both follow this.
Requests are those of DynamoDB as data: nothing is sent here.
"""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from contract.base import Shape

Becomes = Literal["deleted", "anonymised", "shredded"]
Item = Mapping[str, Any]
NOBODY = "erased"
# What a payment or an order may still say: never who, where or with which card.
PERSONAL = ("address", "email", "name", "phone", "note", "card_token", "locale", "text", "comment")


class Holding(Shape):
    """One table's part of it."""

    table: str
    becomes: Becomes
    key: tuple[str, ...] = Field(min_length=1, max_length=2)
    owner: str | None = None
    by: str | None = None
    partition: bool = False
    of: str | None = None

    @model_validator(mode="after")
    def _is_found(self) -> Self:
        if (self.owner is None) == (self.of is None):
            raise ValueError("say `owner`, or `of` which table its items are")
        if self.owner is not None and self.by is None and self.owner != self.key[0]:
            raise ValueError("say `by` which index its items are found, or make the owner its key")
        return self

    def of_customer(self, table: str, customer: str) -> Mapping[str, Any]:
        """A query for the items that name the customer."""
        asked = _equals(table, {self.owner or self.key[0]: {"S": customer}})
        return {**asked, "IndexName": self.by} if self.by else asked

    def beside(self, table: str, item: Item) -> Mapping[str, Any]:
        """A query for what belongs to an item: its partition, or what another table has of it."""
        first = self.key[0]
        if self.of is None:
            return _equals(table, {first: item[first]})
        return _equals(table, {first: {"S": item[holdings()[self.of].key[0]]["S"].partition("#")[2]}})

    def itself(self, table: str, key: Item) -> Mapping[str, Any]:
        """A query for one item, as it is now: an index would tell of a moment ago."""
        return {**_equals(table, {name: key[name] for name in self.key}), "ConsistentRead": True}

    def key_of(self, item: Item) -> Item:
        return {name: item[name] for name in self.key}

    def names(self, item: Item, customer: str) -> bool:
        """Whether an item still does; one that is to be deleted does as long as it is there."""
        return self.becomes != "anonymised" or item.get(self.owner or "") == {"S": customer}

    def gone(self, table: str, key: Item) -> Mapping[str, Any]:
        """The request after which it names nobody: of a deletion, or of an update where it stays."""
        if self.becomes != "anonymised":
            return {"TableName": table, "Key": key}
        names = {f"#a{number}": attribute for number, attribute in enumerate(PERSONAL)}
        return {
            "TableName": table,
            "Key": key,
            "UpdateExpression": f"SET #who = :nobody REMOVE {', '.join(names)}",
            "ExpressionAttributeNames": {"#who": self.owner, **names},
            "ExpressionAttributeValues": {":nobody": {"S": NOBODY}},
        }


def _equals(table: str, values: Item) -> Mapping[str, Any]:
    names = {f"#k{number}": name for number, name in enumerate(values)}
    return {
        "TableName": table,
        "KeyConditionExpression": " AND ".join(f"{short} = :{short[1:]}" for short in names),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": {f":{short[1:]}": values[name] for short, name in names.items()},
    }


@cache
def holdings() -> Mapping[str, Holding]:
    """Table -> holding, in the order in which they go."""
    rows = tomllib.loads(Path(__file__).with_name("holdings.toml").read_text(encoding="utf-8"))
    return {table: Holding(table=table, **row) for table, row in rows.items()}


def that_become(*kinds: Becomes) -> Sequence[Holding]:
    return [holding for holding in holdings().values() if holding.becomes in kinds]
