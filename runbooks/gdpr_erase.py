"""A customer asks for erasure (DATA-9): delete, anonymise what must be kept, and prove it.

What is held where is `contract/holdings.toml`. What people wrote and hold goes first, then payments lose
their name, last goes the customer's own key: without it no archive, backup, object version or point in time
can be read again. Nothing of this can be undone, by intent. The journal keeps that it was done, by whom and
why; it names the customer only by the id that was given.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from contract.holdings import Becomes, Holding, Item, holdings, that_become
from runbooks.engine import About, Call, Decision, Finding, Once, Runbook, Verify, World, calling
from runbooks.engine.steps import found

ID = "gdpr-erase"
QUERY, DELETE, UPDATE = "dynamodb.query", "dynamodb.delete_item", "dynamodb.update_item"


def _customer(world: World) -> str:
    return world.given("customer", "whose data is to be erased, by user id")


def _items(world: World, holding: Holding) -> Iterator[Item]:
    """Everything there is of the customer in a table."""
    table, customer = world.named("tables", holding.table), _customer(world)
    if holding.of is not None:
        other = holdings()[holding.of]
        leads = _asked(world, other.of_customer(world.named("tables", other.table), customer))
    else:
        leads = _asked(world, holding.of_customer(table, customer))
    if holding.of is None and not holding.partition:
        yield from leads
        return
    for item in leads:
        yield from _asked(world, holding.beside(table, item))


def _asked(world: World, asked: Mapping[str, Any]) -> Iterator[Item]:
    more: dict[str, Any] = {}
    while True:
        answer = world.aws.read("dynamodb", "query", **asked, **more)
        yield from answer["Items"]
        if not answer.get("LastEvaluatedKey"):
            return
        more = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def _seen(world: World, becomes: Becomes, what: str) -> Finding:
    counts: dict[str, int] = {}
    subjects: list[str] = []
    for holding in that_become(becomes):
        keys = [holding.key_of(item) for item in _items(world, holding)]
        counts[holding.table] = len(keys)
        subjects += [f"{holding.table} {json.dumps(key, sort_keys=True)}" for key in keys]
    words = ", ".join(f"{table} {count}" for table, count in counts.items() if count)
    return Finding(
        what=f"{what}: {words or 'nothing'}",
        evidence=dict(counts),
        cause=bool(subjects),
        subjects=tuple(subjects),
    )


@calling(QUERY)
def held(world: World) -> Finding:
    """What is there that must go?"""
    return _seen(world, "deleted", "to delete")


@calling(QUERY)
def kept(world: World) -> Finding:
    """What is there that must stay, without a name?"""
    return _seen(world, "anonymised", "to anonymise")


@calling(QUERY)
def key(world: World) -> Finding:
    """Is the customer's own key still there?"""
    return _seen(world, "shredded", "key that opens archives and backups")


def decide(findings: Mapping[str, Finding]) -> Decision:
    """Erase whatever there is; when nothing is left, it is proven."""
    seen = [findings[name] for name in ("held", "kept", "key")]
    if unseen := [one.what for one in seen if one.cause is None]:
        return Decision(course="unclear", why="; ".join(unseen))
    if not any(one.cause for one in seen):
        return Decision(course="leave", why="nothing is left of this customer: erasure is proven")
    return Decision(course="act", why="; ".join(one.what for one in seen))


def _parts(subject: str) -> tuple[Holding, dict[str, Any]]:
    table, _, text = subject.partition(" ")
    return holdings()[table], json.loads(text)


def _gone(world: World, subject: str) -> bool:
    holding, key = _parts(subject)
    asked = holding.itself(world.named("tables", holding.table), key)
    return not any(holding.names(item, _customer(world)) for item in _asked(world, asked))


def _request(world: World, subject: str) -> dict[str, Any]:
    holding, key = _parts(subject)
    return dict(holding.gone(world.named("tables", holding.table), key))


def _delete(world: World, subject: str) -> Call:
    return Call(service="dynamodb", operation="delete_item", request=_request(world, subject))


def _anonymise(world: World, subject: str) -> Call:
    return Call(service="dynamodb", operation="update_item", request=_request(world, subject))


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
    return float(sum(1 for holding in holdings().values() for _ in _items(world, holding)))


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
