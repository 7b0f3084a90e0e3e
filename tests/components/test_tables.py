"""Tables: what DATA-1 asks of each, their copies in the standby, and what wakes somebody."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from components.tables import definitions, read
from plan import Plan
from tests.components.data_helpers import (
    REGIONS,
    Check,
    each,
    fake_keys,
    lone_tables,
    replaced,
    tables,
    unnoticed,
)

# DATA-1, DATA-7, DATA-9: table -> key, then index -> key.
SHAPES: dict[str, tuple[tuple[str, ...], dict[str, tuple[str, ...]]]] = {
    "profiles": (("user",), {"email": ("email",)}),
    "carts": (("cart",), {"user": ("user", "updated"), "status": ("status_shard", "updated")}),
    "transactions": (
        ("transaction",),
        {"user": ("user", "created"), "created": ("created_shard", "created")},
    ),
    "sessions": (("shard", "item"), {"user": ("user", "item")}),
    "wishlist": (("user", "product"), {}),
    "orders": (("order",), {"user": ("user", "created")}),
    "complaints": (("complaint",), {"user": ("user", "created"), "order": ("order", "created")}),
    "refunds": (("refund",), {"user": ("user", "created"), "order": ("order", "created")}),
    "deliveries": (("delivery",), {"user": ("user", "created"), "order": ("order", "created")}),
    "feedback": (("session", "answer"), {}),
    "pii-vault": (("token",), {"user": ("user",)}),
    "product-graph": (("product", "edge"), {"reverse": ("target", "edge")}),
    "customer-keys": (("customer",), {}),
}
KEYS = {"pii-vault": "pii-vault", "customer-keys": "customer-keys"}


def key_of(part: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(part[name] for name in ("hashKey", "rangeKey") if name in part)


def every_table_has_its_keys_and_indexes(plan: Plan) -> None:
    assert {t.name for t in each(plan, "dynamodb.Table")} == {f"primary-tables-{name}" for name in SHAPES}
    for name, (key, indexes) in SHAPES.items():
        table = plan.get(f"primary-tables-{name}").inputs
        assert table["name"] == f"concierge-shop-{name}"
        assert key_of(table) == key
        assert {index["name"]: key_of(index) for index in table["globalSecondaryIndexes"]} == indexes
        assert all(index["projectionType"] == "ALL" for index in table["globalSecondaryIndexes"])
        used = {part for parts in (key, *indexes.values()) for part in parts}
        assert {a["name"]: a["type"] for a in table["attributes"]} == dict.fromkeys(used, "S")


def tables_are_on_demand(plan: Plan) -> None:
    assert all(t.inputs["billingMode"] == "PAY_PER_REQUEST" for t in each(plan, "dynamodb.Table"))


def carts_and_sessions_expire_and_nothing_else_does(plan: Plan) -> None:
    expiring = {t.name: t.inputs["ttl"] for t in each(plan, "dynamodb.Table") if "ttl" in t.inputs}
    alike = {"attributeName": "expires_at", "enabled": True}
    assert expiring == {"primary-tables-carts": alike, "primary-tables-sessions": alike}


def every_second_of_35_days_can_be_brought_back(plan: Plan) -> None:
    """A week for the customers' keys: their past is what erasure must outlive (DATA-9)."""
    for table in each(plan, "dynamodb.Table"):
        days = 7 if table.name.endswith("customer-keys") else 35
        assert table.inputs["pointInTimeRecovery"] == {"enabled": True, "recoveryPeriodInDays": days}


def tables_are_encrypted_with_the_key_of_their_class(plan: Plan) -> None:
    for name in SHAPES:
        arn = fake_keys("primary")[KEYS.get(name, "tables")]
        table = plan.get(f"primary-tables-{name}").inputs
        assert table["serverSideEncryption"] == {"enabled": True, "kmsKeyArn": arn}


def tables_cannot_be_deleted_by_a_slip(plan: Plan) -> None:
    for table in each(plan, "dynamodb.Table"):
        assert table.options.protect
        assert table.inputs["deletionProtectionEnabled"] is True


def the_standby_has_a_copy_of_each_with_its_own_key(plan: Plan) -> None:
    """A copy keeps its past for 35 days or not at all, so that of the customers' keys keeps none."""
    for name in SHAPES:
        assert plan.get(f"primary-tables-{name}").inputs["replicas"] == [
            {
                "regionName": REGIONS["standby"],
                "kmsKeyArn": fake_keys("standby")[KEYS.get(name, "tables")],
                "pointInTimeRecovery": name != "customer-keys",
                "deletionProtectionEnabled": True,
                "propagateTags": True,
            }
        ]


def a_global_table_has_the_stream_it_replicates_through(plan: Plan) -> None:
    for table in each(plan, "dynamodb.Table"):
        assert table.inputs["streamEnabled"] is True
        assert table.inputs["streamViewType"] == "NEW_AND_OLD_IMAGES"


def only_the_primary_declares_tables(plan: Plan) -> None:
    """The same table declared in both regions would be two tables that do not know each other."""
    assert {t.region for t in each(plan, "dynamodb.Table")} == {REGIONS["primary"]}


CHECKS: list[Check] = [
    every_table_has_its_keys_and_indexes,
    tables_are_on_demand,
    carts_and_sessions_expire_and_nothing_else_does,
    every_second_of_35_days_can_be_brought_back,
    tables_are_encrypted_with_the_key_of_their_class,
    tables_cannot_be_deleted_by_a_slip,
    the_standby_has_a_copy_of_each_with_its_own_key,
    a_global_table_has_the_stream_it_replicates_through,
    only_the_primary_declares_tables,
]


@pytest.mark.parametrize("check", CHECKS)
def test_the_tables(check: Check):
    check(tables()[0])


def test_no_input_and_no_table_can_go_missing_unseen():
    assert unnoticed(tables()[0], CHECKS) == []


@pytest.mark.parametrize(
    ("table", "inputs", "check"),
    [
        ("carts", {"billingMode": "PROVISIONED"}, tables_are_on_demand),
        (
            "transactions",
            {"ttl": {"attributeName": "expires_at", "enabled": True}},
            carts_and_sessions_expire_and_nothing_else_does,
        ),
        (
            "orders",
            {"pointInTimeRecovery": {"enabled": True, "recoveryPeriodInDays": 7}},
            every_second_of_35_days_can_be_brought_back,
        ),
        (
            "pii-vault",
            {"serverSideEncryption": {"enabled": True, "kmsKeyArn": fake_keys("primary")["tables"]}},
            tables_are_encrypted_with_the_key_of_their_class,
        ),
        ("sessions", {"deletionProtectionEnabled": False}, tables_cannot_be_deleted_by_a_slip),
        ("refunds", {"replicas": []}, the_standby_has_a_copy_of_each_with_its_own_key),
        ("refunds", {"streamViewType": "KEYS_ONLY"}, a_global_table_has_the_stream_it_replicates_through),
    ],
)
def test_a_loosened_table_is_found(table: str, inputs: dict[str, object], check: Check):
    made = tables()[0]
    resource = made.get(f"primary-tables-{table}")
    looser = replaced(made, resource, replace(resource, inputs={**resource.inputs, **inputs}))
    with pytest.raises(AssertionError):
        check(looser)


def test_without_a_standby_only_what_others_follow_has_a_stream():
    streams = {t.name: t.inputs["streamEnabled"] for t in each(lone_tables(), "dynamodb.Table")}
    assert {name.removeprefix("primary-tables-") for name, on in streams.items() if on} == {
        *("profiles", "carts", "transactions", "sessions", "orders", "complaints", "refunds"),
    }
    assert all("replicas" not in t.inputs for t in each(lone_tables(), "dynamodb.Table"))


def test_an_environment_that_is_not_protected_can_be_taken_away():
    for table in each(lone_tables(), "dynamodb.Table"):
        assert not table.options.protect
        assert table.inputs["deletionProtectionEnabled"] is False


def test_backups_never_hold_the_customers_keys():
    """A backup of a wrapped key would outlive the erasure it stands for (DATA-9)."""
    assert {"customer-keys"} == set(SHAPES) - set(tables()[0].outputs["archived"])


def test_the_standby_knows_its_replicas_by_name_without_asking_the_primary():
    replicas = tables()[0].outputs["replicas"]
    assert replicas["sessions"] == "arn:aws:dynamodb:us-west-2:123456789012:table/concierge-shop-sessions"
    assert set(replicas) == set(SHAPES)


def test_both_regions_watch_for_throttles_and_errors():
    """Replicas are throttled by themselves; an index that is full holds up the writes of its table."""
    _, here, there = tables()
    for watches in (here, there):
        watched = {(w.alarm.metric, *w.alarm.dimensions.values()) for w in watches}
        for name, (_, indexes) in SHAPES.items():
            for metric in ("ReadThrottleEvents", "WriteThrottleEvents"):
                assert (metric, f"concierge-shop-{name}") in watched
            for index in indexes:
                assert ("WriteThrottleEvents", f"concierge-shop-{name}", index) in watched
        for operation in ("PutItem", "Query"):
            assert ("SystemErrors", "concierge-shop-sessions", operation) in watched


def test_the_primary_watches_how_far_the_standby_is_behind():
    _, here, there = tables()
    late = [w.alarm for w in here if w.alarm.metric == "ReplicationLatency"]
    assert {a.dimensions["TableName"] for a in late} == {f"concierge-shop-{name}" for name in SHAPES}
    assert {a.dimensions["ReceivingRegion"] for a in late} == {REGIONS["standby"]}
    assert all(w.alarm.metric != "ReplicationLatency" for w in there)


def test_only_what_shoppers_notice_at_once_wakes_somebody():
    paged = {
        w.alarm.dimensions["TableName"].removeprefix("concierge-shop-")
        for w in tables()[1]
        if w.alarm.severity == "page"
    }
    assert paged == {"profiles", "carts", "transactions", "sessions", "orders", "customer-keys"}


def test_carts_live_thirty_days_and_sessions_ninety():
    assert {n: d.ttl_days for n, d in definitions().items() if d.ttl_days} == {"carts": 30, "sessions": 90}


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ('key = ["status"]', "use status_shard"),
        ('key = ["order"]\nindexes = { day = ["created", "order"] }', "use created_shard"),
        ('key = ["order"]\nencrypted = "nobodys"', "add it to components/keys.toml"),
        ('key = ["a", "b", "c"]', "at most 2"),
        ('key = ["order"]\nrecovery_days = 36', "less than or equal to 35"),
        ('key = ["order"]\nttl = 3', "Extra inputs are not permitted"),
    ],
)
def test_a_definition_that_cannot_work_is_refused_when_it_is_read(tmp_path: Path, row: str, why: str):
    """DATA-2: a status or a day alone as partition key is one hot partition on the day that counts."""
    file = tmp_path / "tables.toml"
    file.write_text(f'[orders]\nwhat = "an order"\nimpact = "No orders can be seen."\n{row}\n')
    with pytest.raises(ValidationError, match=why):
        read(file)
