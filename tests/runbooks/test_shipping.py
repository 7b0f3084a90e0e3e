"""The journal is on this machine first, and in CloudWatch Logs when the network allows."""

from datetime import UTC, datetime

import pytest

from runbooks.engine import Entry, Journal
from runbooks.engine.shipping import group, ship
from tests.runbooks.estate_helpers import Estate


def entry(text: str) -> Entry:
    at = datetime.now(UTC)
    return Entry(
        run="r1", runbook="cost-spike", environment="dev", region="us-east-1", who="amira", why="drill",
        at=at, what="found", text=text,
    )  # fmt: skip


@pytest.fixture
def logs(estate: Estate):
    client = estate.session.client("logs")
    client.create_log_group(logGroupName=group("dev"))
    return client


def carried(logs) -> list[str]:
    events = logs.filter_log_events(logGroupName=group("dev"))["events"]
    return [Entry.model_validate_json(event["message"]).text for event in events]


def test_what_is_new_is_carried_once(estate: Estate, journal: Journal, logs) -> None:
    journal.write(entry("first"))
    assert ship(journal, estate.world().aws, "dev", "amira") is None
    journal.write(entry("second"))
    assert ship(journal, estate.world().aws, "dev", "amira") is None
    assert ship(journal, estate.world().aws, "dev", "amira") is None
    assert carried(logs) == ["first", "second"]


def test_with_a_bad_network_it_waits_and_says_where(estate: Estate, journal: Journal, logs) -> None:
    journal.write(entry("first"))
    estate.refuse("logs.PutLogEvents", "ServiceUnavailableException", times=1)
    waits = ship(journal, estate.world().aws, "dev", "amira")
    assert waits is not None
    assert waits.startswith(f"the journal waits at {journal.path}: logs put_log_events")
    assert ship(journal, estate.world().aws, "dev", "amira") is None
    assert carried(logs) == ["first"]
