"""A table keeps what it had when a transaction fails, and is not copied whole for one."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.dynamodb.models.dynamo_type import Item

from rehearsal import moto_tables


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, nowhere_else: None) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    moto_tables.teach()
    with mock_aws():
        made = boto3.client("dynamodb", region_name="us-east-1")
        made.create_table(
            TableName="t",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in ("shard", "item")],
            KeySchema=[
                {"AttributeName": "shard", "KeyType": "HASH"},
                {"AttributeName": "item", "KeyType": "RANGE"},
            ],
        )
        yield made


def put(shard: str, item: str, **more: str) -> dict[str, Any]:
    values = {"shard": shard, "item": item, **more}
    return {"Put": {"TableName": "t", "Item": {k: {"S": v} for k, v in values.items()}}}


def add_one(shard: str, item: str) -> dict[str, Any]:
    return {
        "Update": {
            "TableName": "t",
            "Key": {"shard": {"S": shard}, "item": {"S": item}},
            "UpdateExpression": "SET said = :said",
            "ExpressionAttributeValues": {":said": {"S": "changed"}},
        }
    }


def fails(shard: str, item: str) -> dict[str, Any]:
    """Wants the item not to be there."""
    step = put(shard, item)
    step["Put"] |= {
        "ConditionExpression": "attribute_not_exists(#i)",
        "ExpressionAttributeNames": {"#i": "item"},
    }
    return step


def everything(client: Any) -> list[tuple[tuple[str, str], ...]]:
    return sorted(
        tuple(sorted((key, value["S"]) for key, value in item.items()))
        for item in client.scan(TableName="t")["Items"]
    )


def test_all_steps_are_done(client: Any):
    steps = [put("a", "1"), put("a", "2"), put("b", "1"), add_one("c", "1")]
    client.transact_write_items(TransactItems=steps)
    names = {dict(item)["shard"] + dict(item)["item"] for item in everything(client)}
    assert names == {"a1", "a2", "b1", "c1"}


def test_none_is_when_one_fails_whatever_came_before_it(client: Any):
    client.transact_write_items(TransactItems=[put("a", "1", said="first"), put("b", "1")])
    before = everything(client)

    steps = [put("a", "2"), add_one("a", "1"), put("z", "1"), fails("b", "1")]
    with pytest.raises(client.exceptions.TransactionCanceledException) as cancelled:
        client.transact_write_items(TransactItems=steps)

    codes = [reason["Code"] for reason in cancelled.value.response["CancellationReasons"]]
    assert codes == ["None", "None", "None", "ConditionalCheckFailed"]
    assert everything(client) == before
    client.transact_write_items(TransactItems=[add_one("a", "1")])
    assert everything(client) != before


def test_what_a_transaction_does_not_touch_is_not_copied(client: Any, monkeypatch: pytest.MonkeyPatch):
    client.transact_write_items(TransactItems=[put(f"s{n}", "1") for n in range(50)])
    copied: list[str] = []

    def counted(self: Item, memo: dict[int, Any]) -> Item:
        copied.append(str(self.hash_key.value))
        return self

    monkeypatch.setattr(Item, "__deepcopy__", counted, raising=False)
    client.transact_write_items(TransactItems=[put("s7", "2"), put("s7", "3"), put("new", "1")])
    assert set(copied) == {"s7"}


def test_a_query_sees_its_partition_in_order_and_an_index_the_whole_table(client):
    for number in (3, 1, 2):
        client.transact_write_items(TransactItems=[put("a", f"{number}"), put("b", f"{number}", other="x")])
    said = client.query(
        TableName="t",
        KeyConditionExpression="shard = :a",
        ExpressionAttributeValues={":a": {"S": "a"}},
        ScanIndexForward=False,
        Limit=2,
    )
    assert [row["item"]["S"] for row in said["Items"]] == ["3", "2"]
    assert client.scan(TableName="t")["Count"] == 6
    nobody = client.query(
        TableName="t", KeyConditionExpression="shard = :c", ExpressionAttributeValues={":c": {"S": "c"}}
    )
    assert nobody["Items"] == []
