"""The tickets that open a WebSocket (NET-5): handed out over REST, good for one connection, gone in seconds.

A table of its own in each region and never a global one: across replicas a ticket could be used twice.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Watch
from components.base import Component
from components.table_watches import failing, throttle_widgets, throttled
from contract.alarms import Widget

_IMPACT = "Chats cannot be opened: tickets are not handed out, or not taken."


@dataclass(frozen=True, kw_only=True)
class TicketsArgs:
    """`key_arn`: the key of tables."""

    environment: str
    key_arn: Input[str]


class Tickets(Component):
    """Keyed by the ticket's SHA-256: whoever reads the table holds no ticket. Nothing is worth keeping."""

    kind = "data:Tickets"
    table: Output[str]
    arn: Output[str]

    def __init__(self, name: str, args: TicketsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._called = f"concierge-{args.environment}-tickets"
        made = aws.dynamodb.Table(
            f"{name}-table",
            name=self._called,
            billing_mode="PAY_PER_REQUEST",
            hash_key="ticket",
            attributes=[{"name": "ticket", "type": "S"}],
            ttl={"attribute_name": "expires_at", "enabled": True},
            server_side_encryption={"enabled": True, "kms_key_arn": args.key_arn},
            opts=self.child(),
        )
        self.table, self.arn = made.name, made.arn
        self.register_outputs({"table": self.table})

    def alarms(self) -> list[Watch]:
        """Without it nobody new comes in, so everything about it wakes somebody."""
        return [
            *throttled("tickets", self._called, (), "page", _IMPACT),
            *failing("tickets", self._called, "page", _IMPACT),
        ]

    def widgets(self) -> list[Widget]:
        return throttle_widgets([self._called], "tickets")
