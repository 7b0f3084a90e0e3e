"""Who may open a WebSocket connection: the door function as plain Python."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import boto3
import pytest
from moto import mock_aws

from components.functions.door import Door, TicketTable

RESOURCE = "arn:aws:execute-api:us-east-1:123456789012:api/ws/$connect"
NOW = 1_000


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


class Drawer:
    """Tickets in memory: SHA-256 -> (who, until when)."""

    def __init__(self, **tickets: int) -> None:
        self.left = {digest(ticket): until for ticket, until in tickets.items()}

    def take(self, wanted: str, now: int) -> Mapping[str, str] | None:
        if self.left.get(wanted, 0) <= now:
            return None
        del self.left[wanted]
        return {"user": "guest-7", "kind": "guest"}


def door(drawer: Drawer, origins: tuple[str, ...] = ("secret",)) -> Door:
    return Door(drawer, [digest(origin) for origin in origins], ["2", "1"], lambda: NOW)


def handshake(offer: str | None, origin: str | None = "secret") -> dict[str, Any]:
    headers = {"Sec-WebSocket-Protocol": offer, "x-concierge-ORIGIN": origin}
    return {
        "type": "REQUEST",
        "methodArn": RESOURCE,
        "headers": {name: value for name, value in headers.items() if value is not None},
    }


def effect(answer: Mapping[str, Any]) -> str:
    (statement,) = answer["policyDocument"]["Statement"]
    assert statement["Resource"] == RESOURCE
    return str(statement["Effect"])


def test_a_ticket_opens_one_connection():
    """NET-5: single use."""
    doorkeeper = door(Drawer(abc=NOW + 60))
    first = doorkeeper.authorise(handshake("concierge.v2, ticket.abc"))
    assert effect(first) == "Allow"
    assert first["principalId"] == "guest-7"
    assert first["context"] == {"user": "guest-7", "kind": "guest", "protocol": "2"}
    second = doorkeeper.authorise(handshake("concierge.v2, ticket.abc"))
    assert effect(second) == "Deny"
    assert second["context"] == {}


def test_a_ticket_is_short_lived():
    assert effect(door(Drawer(abc=NOW)).authorise(handshake("concierge.v2, ticket.abc"))) == "Deny"
    assert effect(door(Drawer(abc=NOW + 1)).authorise(handshake("concierge.v2, ticket.abc"))) == "Allow"


@pytest.mark.parametrize(
    ("offer", "version"),
    [
        ("concierge.v2, ticket.abc", "2"),
        ("concierge.v1, ticket.abc", "1"),
        ("concierge.v1,concierge.v2,ticket.abc", "2"),
        ("concierge.v3, concierge.v1, ticket.abc", "1"),
    ],
)
def test_the_newest_version_both_sides_speak_is_chosen(offer: str, version: str):
    """NET-5: N and N-1 are served."""
    doorkeeper = door(Drawer(abc=NOW + 60))
    assert doorkeeper.authorise(handshake(offer))["context"]["protocol"] == version
    assert doorkeeper.connect(handshake(offer)) == {
        "statusCode": 200,
        "headers": {"Sec-WebSocket-Protocol": f"concierge.v{version}"},
    }


@pytest.mark.parametrize(
    ("offer", "origin"),
    [
        ("concierge.v2, ticket.abc", None),
        ("concierge.v2, ticket.abc", ""),
        ("concierge.v2, ticket.abc", "guessed"),
        ("concierge.v3, ticket.abc", "secret"),
        ("ticket.abc", "secret"),
        ("concierge.v2", "secret"),
        (None, "secret"),
    ],
)
def test_what_is_refused_for_another_reason_uses_no_ticket_up(offer: str | None, origin: str | None):
    """NET-6: round the edge there is no way in, and an old client can try again."""
    drawer = Drawer(abc=NOW + 60)
    assert effect(door(drawer).authorise(handshake(offer, origin))) == "Deny"
    assert drawer.left


def test_while_the_secret_is_rotated_both_values_open():
    for origin in ("new", "old"):
        doorkeeper = door(Drawer(abc=NOW + 60), ("new", "old"))
        assert effect(doorkeeper.authorise(handshake("concierge.v2, ticket.abc", origin))) == "Allow"


def test_a_connection_without_a_common_version_is_not_answered():
    assert door(Drawer()).connect(handshake("concierge.v9")) == {"statusCode": 400}


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(
            TableName="tickets",
            KeySchema=[{"AttributeName": "ticket", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "ticket", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        client.put_item(
            TableName="tickets",
            Item={
                "ticket": {"S": digest("abc")},
                "user": {"S": "u-1"},
                "kind": {"S": "user"},
                "expires_at": {"N": str(NOW)},
            },
        )
        yield TicketTable(client, "tickets")


def test_the_table_gives_a_ticket_away_once_and_only_in_time(table: TicketTable):
    assert table.take(digest("other"), NOW - 1) is None
    assert table.take(digest("abc"), NOW) is None
    assert table.take(digest("abc"), NOW - 1) == {"user": "u-1", "kind": "user"}
    assert table.take(digest("abc"), NOW - 1) is None
