"""The tickets that open a WebSocket (NET-5): handed out over REST, good for one connection, gone in seconds.

A table of its own in each region and never a global one: across replicas a ticket could be used twice.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.base import Component


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
        made = aws.dynamodb.Table(
            f"{name}-table",
            name=f"concierge-{args.environment}-tickets",
            billing_mode="PAY_PER_REQUEST",
            hash_key="ticket",
            attributes=[{"name": "ticket", "type": "S"}],
            ttl={"attribute_name": "expires_at", "enabled": True},
            server_side_encryption={"enabled": True, "kms_key_arn": args.key_arn},
            opts=self.child(),
        )
        self.table, self.arn = made.name, made.arn
        self.register_outputs({"table": self.table})
