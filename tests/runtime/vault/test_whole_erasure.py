"""Erasure, proved by searching everything afterwards (DATA-9): people talk, the runbook runs, all is read."""

import asyncio
from pathlib import Path
from typing import Any

import boto3
import pytest
import redis

from components.tables import definitions
from contract.holdings import NOBODY, holdings
from contract.inventory import Inventory, RegionInventory
from runbooks.engine import Aws, Journal, Pace, World, run
from runbooks.gdpr_erase import RUNBOOK
from runtime.testing.ladders import REGION
from tests.runtime.house_helpers import OTHER, Agent, House, client_of, make_tables
from tests.runtime.vault.test_whole_vault import CARD, MAIL, NAME, SAID, STREET, SUPPORT, opened

CUSTOMER = "c-00431"  # of this test alone: all of theirs is erased
CAMERA = "Which camera do you recommend for travel?"
SOMEBODY = {OTHER: "Mia Wong", CUSTOMER: NAME}
TRACES = ("Jane", "Springfield", "jane.doe", CARD, CARD.replace(" ", ""), CUSTOMER)
BY_RUNTIME = {"sessions", "feedback", "pii-vault", "customer-keys"}


def test_no_table_that_holds_something_of_a_customer_is_forgotten():
    """A table more in the plan is one more here, or one that says it holds nobody."""
    of_nobody = {"product-graph"}
    assert set(holdings()) | of_nobody == set(definitions())
    for table, holding in holdings().items():
        assert holding.key == definitions()[table].key
        assert holding.by is None or holding.owner == definitions()[table].indexes[holding.by][0]
    assert list(holdings())[-1] == "customer-keys"


@pytest.fixture
def talked(house: House) -> str:
    """A session in which personal data was said, judged by its person; and what other services wrote."""
    there = client_of(house, "dynamodb")
    make_tables(there, set(holdings()) - set(there.list_tables()["TableNames"]))
    for who in SOMEBODY:
        _traded(there, who)

    async def scene(agent: Agent) -> str:
        async with agent.socket(CUSTOMER) as socket:
            await socket.ask(SAID)
            session = str(socket.session_id)
            await socket.ask(CAMERA)
        await agent.server.settle(20)
        verdict = {"session_id": session, "request_id": "r1", "rating": 5, "comment": "Thanks"}
        me = {"X-User": CUSTOMER}
        async with agent.http.post(f"{agent.url}/v1/feedback", json=verdict, headers=me) as answer:
            assert answer.status < 300, await answer.text()
        agent.telemetry.flush()
        for trace in (NAME, STREET, MAIL, CARD):
            assert trace not in str(agent.lines)
        return session

    return house.play(scene)


def test_whoever_was_erased_is_found_nowhere_and_no_backup_brings_them_back(
    house: House, talked: str, tmp_path: Path
):
    tables = client_of(house, "dynamodb")
    backup = {name: tables.scan(TableName=name)["Items"] for name in ("pii-vault", "sessions")}
    assert {item["user"]["S"] for item in backup["pii-vault"]} >= {CUSTOMER}
    assert any(talked in str(item) for item in backup["sessions"])

    asked: dict[str, Any] = {
        "apply": True,
        "why": "ticket 4711",
        "journal": Journal(tmp_path / "journal.jsonl"),
    }
    record = run(RUNBOOK, _world(house), **asked)
    assert record.verdict == "applied+verified", record
    assert run(RUNBOOK, _world(house), **asked).verdict == "nothing-to-do"

    everything = {table: str(tables.scan(TableName=table)["Items"]) for table in holdings()}
    for table, text in everything.items():
        for trace in (talked, *TRACES):
            assert trace not in text, (table, trace)
    for table in ("orders", "transactions"):
        assert NOBODY in everything[table]  # stays for the law, of nobody
        assert OTHER in everything[table]
    with redis.from_url(house.aws.urls["cache"]) as cache:
        assert not [key for key in cache.scan_iter() for trace in TRACES if trace.encode() in key]

    for item in backup["pii-vault"]:  # an old copy of the table, put back
        tables.put_item(TableName="pii-vault", Item=item)
    stored = next(item for item in backup["sessions"] if "[name]" in str(item))["asked"]["S"]
    assert asyncio.run(_looked_at(house, stored, talked)) == stored


async def _looked_at(house: House, text: str, session: str) -> str:
    async with opened(house) as here:
        return await here.vault.restored(text, CUSTOMER, session, "r1", SUPPORT)


def _world(house: House) -> World:
    session = boto3.Session("testing", "testing", region_name=REGION)
    here = RegionInventory(region=REGION, tables={table: table for table in holdings()})
    return World(
        aws=Aws(session, REGION, endpoint_url=house.aws.urls["aws"]),
        inventory=Inventory(environment="test", regions={"primary": here}),
        operator="amira",
        pace=Pace(check_s=60),  # a busy machine is no reason to have seen nothing
        inputs={"customer": CUSTOMER},
    )


def _traded(tables: Any, who: str) -> None:
    for table in set(holdings()) - BY_RUNTIME:
        known = definitions()[table]
        names = {*known.key, *(key for index in known.indexes.values() for key in index)}
        item = {name: {"S": f"{table}-{name}-{SOMEBODY[who][-1]}"} for name in names}
        item |= {"user": {"S": who}, "name": {"S": SOMEBODY[who]}, "address": {"S": f"{SOMEBODY[who]}'s"}}
        tables.put_item(TableName=table, Item=item)
