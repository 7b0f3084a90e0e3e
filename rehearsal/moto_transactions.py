"""moto's DynamoDB transactions: what they touch is put aside for the case that they fail, and nothing else.

moto copies the whole table for each step, so that writing a turn of a conversation takes a second once a few
thousand are kept. DynamoDB takes milliseconds, however full a table is.
"""

import copy
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

_transact = DynamoDBBackend.transact_write_items
_now = threading.local()  # table -> partitions that the transaction of this thread touches


def teach() -> None:
    """From now on; calling it again changes nothing."""
    DynamoDBBackend.transact_write_items = _sparingly  # type: ignore[method-assign]
    Table.__deepcopy__ = _copied  # type: ignore[attr-defined]


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
