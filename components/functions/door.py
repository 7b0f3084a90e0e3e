"""Who may open a WebSocket connection (NET-5): the authoriser and the answer of the `$connect` route.

A browser can set one header of a WebSocket handshake, `Sec-WebSocket-Protocol`. So a client offers there
the protocol versions it speaks and the ticket it was given over REST: `concierge.v2, concierge.v1,
ticket.<ticket>`. Neither URL nor access log ever carries it. A ticket is stored by its SHA-256, works once,
and for a short time; deleting it under a condition is what makes it single use, whoever else tries at the
same moment.

WAF cannot stand before a WebSocket API, so the secret header of our CloudFront distribution is checked
here. It is compared by its SHA-256 too: this function's settings hold nothing that opens a door.
"""

import hashlib
import hmac
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

ORIGIN_HEADER = "x-concierge-origin"
OFFER_HEADER = "sec-websocket-protocol"
VERSION = "concierge.v"
TICKET = "ticket."

Event = Mapping[str, Any]


class Tickets(Protocol):
    """Where tickets are; `take` gives a valid one away once."""

    def take(self, digest: str, now: int) -> Mapping[str, str] | None: ...


@dataclass(frozen=True)
class Door:
    """Lets in who comes by our distribution, with a ticket, speaking a version that is served."""

    tickets: Tickets
    origins: Sequence[str]
    served: Sequence[str]
    now: Callable[[], float]

    def authorise(self, event: Event) -> dict[str, Any]:
        """The answer of a request authoriser: a policy, and what later messages of this connection carry."""
        headers = _headers(event)
        offers = _offers(headers)
        holder: Mapping[str, str] | None = None
        version = self.version(offers)
        ticket = next((o.removeprefix(TICKET) for o in offers if o.startswith(TICKET)), "")
        # The ticket last: a handshake that fails for another reason must not use it up.
        if self._ours(headers.get(ORIGIN_HEADER, "")) and version and ticket:
            holder = self.tickets.take(_digest(ticket), int(self.now()))
        return _policy(event["methodArn"], holder, version)

    def connect(self, event: Event) -> dict[str, Any]:
        """The answer of `$connect`: which of the offered versions is spoken from here on."""
        version = self.version(_offers(_headers(event)))
        if version is None:
            return {"statusCode": 400}
        return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": f"{VERSION}{version}"}}

    def version(self, offers: Sequence[str]) -> str | None:
        """The newest version that both sides speak."""
        offered = {offer.removeprefix(VERSION) for offer in offers if offer.startswith(VERSION)}
        return next((version for version in self.served if version in offered), None)

    def _ours(self, origin: str) -> bool:
        return any(hmac.compare_digest(_digest(origin), known) for known in self.origins)


def _headers(event: Event) -> dict[str, str]:
    return {name.lower(): value for name, value in (event.get("headers") or {}).items()}


def _offers(headers: Mapping[str, str]) -> list[str]:
    return [offer.strip() for offer in headers.get(OFFER_HEADER, "").split(",")]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _policy(resource: str, holder: Mapping[str, str] | None, version: str | None) -> dict[str, Any]:
    allowed = holder is not None
    context = {"user": holder["user"], "kind": holder["kind"], "protocol": version} if holder else {}
    return {
        "principalId": holder["user"] if holder else "nobody",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Action": "execute-api:Invoke",
                    "Effect": "Allow" if allowed else "Deny",
                    "Resource": resource,
                }
            ],
        },
        "context": context,
    }


class TicketTable:
    """Tickets in DynamoDB: `ticket` (SHA-256), `user`, `kind` (user or guest), `expires_at` (its TTL)."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def take(self, digest: str, now: int) -> Mapping[str, str] | None:
        try:
            taken = self._client.delete_item(
                TableName=self._table,
                Key={"ticket": {"S": digest}},
                # Its TTL removes a ticket within days, not seconds: the time is compared here.
                ConditionExpression="expires_at > :now",
                ExpressionAttributeValues={":now": {"N": str(now)}},
                ReturnValues="ALL_OLD",
            )["Attributes"]
        except self._client.exceptions.ConditionalCheckFailedException:
            return None
        return {"user": taken["user"]["S"], "kind": taken["kind"]["S"]}


@cache
def _door() -> Door:
    import boto3  # Lambda brings it along

    table = TicketTable(boto3.client("dynamodb"), os.environ["TICKETS"])
    return Door(table, os.environ["ORIGINS"].split(","), os.environ["SERVED"].split(","), time.time)


def handler(event: Event, _: object) -> dict[str, Any]:
    """Lambda's way in; an authoriser's event is of type REQUEST."""
    door = _door()
    return door.authorise(event) if event.get("type") == "REQUEST" else door.connect(event)
