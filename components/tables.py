"""The DynamoDB tables (DATA-1). On demand, recoverable to any second of 35 days, guarded against deletion."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Output

from components.alarms import Watch
from components.base import Component
from contract.alarms import Alarm

RECOVERY_DAYS = 35


@dataclass(frozen=True, kw_only=True)
class TablesArgs:
    """`environment` is part of every table's name."""

    environment: str
    protect: bool


class Tables(Component):
    """Everything the agent remembers."""

    kind = "data:Tables"
    names: dict[str, Output[str]]

    def __init__(self, name: str, args: TablesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._environment = args.environment
        sessions = self._sessions(args)
        self.names = {"sessions": sessions.name}
        self.register_outputs({"sessions": sessions.name})

    def alarms(self) -> list[Watch]:
        """A table on demand is throttled only when one key takes it all."""
        return [
            Watch(
                Alarm(
                    id=f"{table}-{kind}-throttled",
                    namespace="AWS/DynamoDB",
                    metric=f"{kind.capitalize()}ThrottleEvents",
                    dimensions={"TableName": self._table_name(table)},
                    statistic="Sum",
                    threshold=10,
                    datapoints=3,
                    of=5,
                    missing="notBreaching",
                    severity="page",
                    impact="Some conversations cannot be continued: their session is not read or written.",
                    runbook="dynamodb-hot-partition",
                )
            )
            for table in self.names
            for kind in ("read", "write")
        ]

    def _table_name(self, table: str) -> str:
        return f"concierge-{self._environment}-{table}"

    def _sessions(self, args: TablesArgs) -> aws.dynamodb.Table:
        """Chat turns and session metadata.

        `shard` is a session id with a hash prefix: a prefix of the day or user would put one event on one
        partition (DATA-2). `item` orders what belongs to a session.
        """
        return aws.dynamodb.Table(
            f"{self.name}-sessions",
            name=self._table_name("sessions"),
            billing_mode="PAY_PER_REQUEST",
            hash_key="shard",
            range_key="item",
            attributes=[
                {"name": "shard", "type": "S"},
                {"name": "item", "type": "S"},
                {"name": "user", "type": "S"},
            ],
            global_secondary_indexes=[
                {"name": "user", "hash_key": "user", "range_key": "item", "projection_type": "ALL"}
            ],
            ttl={"attribute_name": "expires_at", "enabled": True},
            point_in_time_recovery={"enabled": True, "recovery_period_in_days": RECOVERY_DAYS},
            server_side_encryption={"enabled": True},
            deletion_protection_enabled=args.protect,
            opts=self.child(protect=args.protect),
        )
