"""moto's DynamoDB, as quick on a full table as on an empty one, as DynamoDB is.

A transaction puts aside what it touches for the case that it fails, where moto copies the whole table for
each step; a query looks into its partition, where moto sorts the whole table. Else writing a turn of a
conversation takes a second once a few thousand are kept.
"""

import copy
import threading
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

_transact = DynamoDBBackend.transact_write_items
_query, _all_items = Table.query, Table.all_items
_INDEX = 6  # where the index stands among what a query is told beside its key
_now = threading.local()  # of this thread: partitions that its transaction touches, that its query looks into


def teach() -> None:
    """From now on; calling it again changes nothing."""
    DynamoDBBackend.transact_write_items = _sparingly  # type: ignore[method-assign]
    Table.__deepcopy__ = _copied  # type: ignore[attr-defined]
    Table.query = _in_its_partition  # type: ignore[method-assign]
    Table.all_items = _of_the_partition  # type: ignore[method-assign]


def _in_its_partition(self: Table, hash_key: DynamoType | None, *told: Any, **named: Any) -> Any:
    index = named.get("index_name", told[_INDEX] if len(told) > _INDEX else None)
    whole = hash_key is None or index is not None or not self.range_key_attr
    _now.partition = None if whole else hash_key
    try:
        return _query(self, hash_key, *told, **named)
    finally:
        _now.partition = None


def _of_the_partition(self: Table) -> list[Item]:
    partition = getattr(_now, "partition", None)
    if partition is None:
        return _all_items(self)
    return sorted(self.items.get(partition, {}).values(), key=attrgetter("range_key"))


def _sparingly(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
    _now.touched, _now.twins = _partitions(self, transact_items), {}
    try:
        _transact(self, transact_items)
    finally:
        del _now.touched, _now.twins


def _partitions(backend: DynamoDBBackend, steps: Sequence[Mapping[str, Any]]) -> dict[str, set[DynamoType]]:
    found: dict[str, set[DynamoType]] = {}
    for step in steps:
        for operation in step.values():
            name = operation.get("TableName")
            if name in backend.tables:
                key = operation.get("Key") or operation.get("Item") or {}
                value = key.get(backend.tables[name].hash_key_attr)
                if value is not None:
                    found.setdefault(name, set()).add(DynamoType(value))
    return found


def _copied(self: Table, memo: dict[int, Any]) -> Table:
    """As it is before the transaction: made once, its touched partitions copied, the others shared."""
    touched = getattr(_now, "touched", {}).get(self.name)
    if touched is None:
        whole: Table = _whole(self, memo)
        return whole
    if self.name not in _now.twins:
        twin = copy.copy(self)
        twin.items = self.items.copy()
        for partition in touched & self.items.keys():
            twin.items[partition] = copy.deepcopy(self.items[partition], memo)
        _now.twins[self.name] = twin
    made: Table = _now.twins[self.name]
    return made


def _whole(self: Table, memo: dict[int, Any]) -> Any:
    """As `copy` would: for backups."""
    twin = self.__class__.__new__(self.__class__)
    memo[id(self)] = twin
    twin.__dict__.update(copy.deepcopy(self.__dict__, memo))
    return twin
