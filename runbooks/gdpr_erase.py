"""A customer asks for erasure (DATA-9): delete, anonymise what must be kept, and prove it.

Order: what people wrote and hold first, then payments without a name, last the customer's own key; without it
no archive, backup, object version or point in time can be read again. Nothing of this can be undone, by
intent. The journal keeps that it was done, by whom and why; it names the customer only by the id that was
given.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from runbooks.engine import About, Call, Decision, Finding, Once, Runbook, Verify, World, calling
from runbooks.engine.steps import found

ID = "gdpr-erase"
QUERY, DELETE, UPDATE = "dynamodb.query", "dynamodb.delete_item", "dynamodb.update_item"
NOBODY = "erased"
# What a payment or an order may still say: never who, where or with which card.
PERSONAL = ("address", "email", "name", "phone", "note", "card_token", "locale")


class Holding(NamedTuple):
    """A table that holds something of a customer. `by`: its index; none when the customer is the key."""

    table: str
    key: tuple[str, ...]
    attribute: str
    by: str | None


DELETED = (
    Holding("sessions", ("shard", "item"), "user", "user"),
    Holding("profiles", ("user",), "user", None),
    Holding("wishlist", ("user", "product"), "user", None),
    Holding("carts", ("cart",), "user", "user"),
    Holding("pii-vault", ("token",), "user", "user"),
)
ANONYMISED = tuple(
    Holding(table, (key,), "user", "user")
    for table, key in (
        ("transactions", "transaction"),
        ("orders", "order"),
        ("complaints", "complaint"),
        ("refunds", "refund"),
        ("deliveries", "delivery"),
    )
)
KEY = Holding("customer-keys", ("customer",), "customer", None)
HOLDINGS = {holding.table: holding for holding in (*DELETED, *ANONYMISED, KEY)}


def _customer(world: World) -> str:
    return world.given("customer", "whose data is to be erased, by user id")


def _items(world: World, holding: Holding) -> Iterator[Mapping[str, Any]]:
    """Keys of everything there is of the customer."""
    asked: dict[str, Any] = {
        "TableName": world.named("tables", holding.table),
        "KeyConditionExpression": "#who = :who",
        "ExpressionAttributeNames": {"#who": holding.attribute},
        "ExpressionAttributeValues": {":who": {"S": _customer(world)}},
    }
    if holding.by:
        asked["IndexName"] = holding.by
    while True:
        answer = world.aws.read("dynamodb", "query", **asked)
        yield from ({name: item[name] for name in holding.key} for item in answer["Items"])
        if not answer.get("LastEvaluatedKey"):
            return
        asked["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _seen(world: World, holdings: tuple[Holding, ...], what: str) -> Finding:
    subjects = tuple(
        f"{holding.table} {json.dumps(key, sort_keys=True)}"
        for holding in holdings
        for key in _items(world, holding)
    )
    counts = {h.table: sum(s.startswith(f"{h.table} ") for s in subjects) for h in holdings}
    words = ", ".join(f"{table} {count}" for table, count in counts.items() if count)
    return Finding(
        what=f"{what}: {words or 'nothing'}", evidence=dict(counts), cause=bool(subjects), subjects=subjects
    )


@calling(QUERY)
def held(world: World) -> Finding:
    """What is there that must go?"""
    return _seen(world, DELETED, "to delete")


@calling(QUERY)
def kept(world: World) -> Finding:
    """What is there that must stay, without a name?"""
    return _seen(world, ANONYMISED, "to anonymise")


@calling(QUERY)
def key(world: World) -> Finding:
    """Is the customer's own key still there?"""
    return _seen(world, (KEY,), "key that opens archives and backups")


def decide(findings: Mapping[str, Finding]) -> Decision:
    """Erase whatever there is; when nothing is left, it is proven."""
    seen = [findings[name] for name in ("held", "kept", "key")]
    if unseen := [one.what for one in seen if one.cause is None]:
        return Decision(course="unclear", why="; ".join(unseen))
    if not any(one.cause for one in seen):
        return Decision(course="leave", why="nothing is left of this customer: erasure is proven")
    return Decision(course="act", why="; ".join(one.what for one in seen))


def _parts(subject: str) -> tuple[str, dict[str, Any]]:
    table, _, text = subject.partition(" ")
    return table, json.loads(text)


def _gone(world: World, subject: str) -> bool:
    table, key = _parts(subject)
    return all(dict(item) != key for item in _items(world, HOLDINGS[table]))


def _delete(world: World, subject: str) -> Call:
    table, key = _parts(subject)
    request = {"TableName": world.named("tables", table), "Key": key}
    return Call(service="dynamodb", operation="delete_item", request=request)


def _anonymise(world: World, subject: str) -> Call:
    table, key = _parts(subject)
    names = {f"#a{number}": attribute for number, attribute in enumerate(PERSONAL)}
    request = {
        "TableName": world.named("tables", table),
        "Key": key,
        "UpdateExpression": f"SET #who = :nobody REMOVE {', '.join(names)}",
        "ExpressionAttributeNames": {"#who": "user", **names},
        "ExpressionAttributeValues": {":nobody": {"S": NOBODY}},
    }
    return Call(service="dynamodb", operation="update_item", request=request)


def _erasing(name: str, check: str, effect: str, call: Any, after: str, *writes: str) -> Once:
    return Once(
        name=name,
        effect=effect,
        subjects=found(check),
        done=_gone,
        call=call,
        calls=(QUERY, *writes),
        before=lambda _, __: "there",
        after=after,
        no_undo="erasure has no undo, by intent",
    )


@calling(QUERY)
def left(world: World, _: datetime | None) -> float | None:
    """Items that still name the customer, the key among them."""
    return float(sum(1 for holding in HOLDINGS.values() for _ in _items(world, holding)))


RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="none for others; the law gives us a month",
        severity="planned",
        budget_min=60,
        escalate="security and the data protection officer; streams and the warehouse scrub within a day",
        inputs=(("customer", "the user id"),),
    ),
    diagnose={"held": held, "kept": kept, "key": key},
    decide=decide,
    mitigate=(
        _erasing(
            "delete", "held", "conversations, profile, lists, carts, originals", _delete, "gone", DELETE
        ),
        _erasing(
            "anonymise", "kept", "payments and orders stay without a person", _anonymise, "of nobody", UPDATE
        ),
        _erasing(
            "shred the key", "key", "archives and backups cannot be read again", _delete, "gone", DELETE
        ),
    ),
    verify=Verify(
        what="items that name the customer", within_s=300, measure=left, better=lambda _, after: after == 0
    ),
)
