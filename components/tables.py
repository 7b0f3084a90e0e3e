"""The DynamoDB tables (DATA-1): which there are is data (`tables.toml`), how they are made is here.

On demand, encrypted with the key of their class, recoverable to any second of 35 days, guarded against
deletion. With a standby region every table is a global table: the primary declares the replicas as part of
the table, with the standby's own keys; there stands `components.table_replicas`, which declares none. A
replica keeps its past for 35 days or not at all, so a table with a shorter past keeps none there.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Self

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output
from pydantic import Field, model_validator

from components import table_watches
from components.alarms import Watch
from components.base import Component
from components.keys import purposes
from contract.alarms import Severity, Widget
from contract.base import Shape

RECOVERY_DAYS = 35
EXPIRY = "expires_at"
# As a partition key of their own, these put one event's traffic on one partition (DATA-2).
HOT = frozenset({"status", "created", "updated", "day", "date", "kind"})

Key = Annotated[tuple[str, ...], Field(min_length=1, max_length=2)]


class Definition(Shape):
    """One table of `tables.toml`."""

    what: str
    key: Key
    indexes: Mapping[str, Key] = Field({}, max_length=20)
    encrypted: str = "tables"
    ttl_days: int | None = Field(None, gt=0)
    propagated: bool = False
    critical: bool = False
    recovery_days: int = Field(RECOVERY_DAYS, gt=0, le=RECOVERY_DAYS)
    archived: bool = True
    impact: str

    @model_validator(mode="after")
    def _sound(self) -> Self:
        for key in (self.key, *self.indexes.values()):
            if key[0] in HOT:
                raise ValueError(f"partition key {key[0]!r} would be hot: use {key[0]}_shard")
        if self.encrypted not in purposes():
            raise ValueError(f"no key {self.encrypted!r}: add it to components/keys.toml")
        return self

    @property
    def severity(self) -> Severity:
        return "page" if self.critical else "ticket"

    @property
    def attributes(self) -> list[str]:
        """The attributes a key or an index needs, each once."""
        return sorted({name for key in (self.key, *self.indexes.values()) for name in key})


@cache
def definitions() -> Mapping[str, Definition]:
    """Table -> its definition."""
    return read(Path(__file__).with_name("tables.toml"))


def read(path: Path) -> Mapping[str, Definition]:
    """The definitions of a file, checked."""
    rows = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: Definition.model_validate(row) for name, row in rows.items()}


def table_name(environment: str, table: str) -> str:
    """What AWS calls it, in every region."""
    return f"concierge-{environment}-{table}"


@dataclass(frozen=True, kw_only=True)
class Standby:
    """Where the replicas stand. `key_arns`: the keys of that region, class of data -> ARN."""

    region: str
    key_arns: Mapping[str, Input[str]]


@dataclass(frozen=True, kw_only=True)
class TablesArgs:
    """`environment` is part of every name. Without a key for its class a table gets AWS's own."""

    environment: str
    protect: bool
    key_arns: Mapping[str, Input[str]] = field(default_factory=dict)
    standby: Standby | None = None


class Tables(Component):
    """Everything the agent remembers."""

    kind = "data:Tables"
    names: dict[str, Output[str]]
    arns: dict[str, Output[str]]
    stream_arns: dict[str, Output[str]]

    def __init__(self, name: str, args: TablesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        tables = {table: self._table(table, definition) for table, definition in definitions().items()}
        self.names = {table: made.name for table, made in tables.items()}
        self.arns = {table: made.arn for table, made in tables.items()}
        self.stream_arns = {t: made.stream_arn for t, made in tables.items() if definitions()[t].propagated}
        self.register_outputs(dict(self.names))

    @property
    def archived_arns(self) -> dict[str, Output[str]]:
        """The tables AWS Backup may copy: a copy of `customer-keys` would undo erasures (DATA-9)."""
        return {table: arn for table, arn in self.arns.items() if definitions()[table].archived}

    def alarms(self) -> list[Watch]:
        """What every region watches, and whether the standby keeps up."""
        return [*watches(self._args.environment), *self._behind()]

    def widgets(self) -> list[Widget]:
        """Which table refuses, and how far the standby is behind."""
        standby, called = self._args.standby, names(self._args.environment)
        late = table_watches.behind_widgets(called, standby.region) if standby else []
        return [*table_watches.throttle_widgets(called), *late]

    def _behind(self) -> list[Watch]:
        standby = self._args.standby
        if standby is None:
            return []
        return [
            table_watches.behind(
                table, table_name(self._args.environment, table), standby.region, definition.severity
            )
            for table, definition in definitions().items()
        ]

    def _table(self, table: str, definition: Definition) -> aws.dynamodb.Table:
        # A global table replicates through its stream, so a standby turns every stream on.
        streams = definition.propagated or self._args.standby is not None
        return aws.dynamodb.Table(
            f"{self.name}-{table}",
            name=table_name(self._args.environment, table),
            billing_mode="PAY_PER_REQUEST",
            attributes=[{"name": name, "type": "S"} for name in definition.attributes],
            hash_key=definition.key[0],
            range_key=_sort(definition.key),
            global_secondary_indexes=[
                {"name": name, "hash_key": key[0], "range_key": _sort(key), "projection_type": "ALL"}
                for name, key in sorted(definition.indexes.items())
            ],
            ttl={"attribute_name": EXPIRY, "enabled": True} if definition.ttl_days else None,
            stream_enabled=streams,
            stream_view_type="NEW_AND_OLD_IMAGES" if streams else None,
            point_in_time_recovery={"enabled": True, "recovery_period_in_days": definition.recovery_days},
            server_side_encryption={
                "enabled": True,
                "kms_key_arn": self._args.key_arns.get(definition.encrypted),
            },
            deletion_protection_enabled=self._args.protect,
            replicas=[self._replica(definition, self._args.standby)] if self._args.standby else None,
            opts=self.child(protect=self._args.protect),
        )

    def _replica(self, definition: Definition, standby: Standby) -> aws.dynamodb.TableReplicaArgs:
        return aws.dynamodb.TableReplicaArgs(
            region_name=standby.region,
            kms_key_arn=standby.key_arns[definition.encrypted],
            point_in_time_recovery=definition.recovery_days == RECOVERY_DAYS,
            deletion_protection_enabled=self._args.protect,
            propagate_tags=True,
        )


def _sort(key: Key) -> str | None:
    return key[1] if len(key) > 1 else None


def watches(environment: str) -> list[Watch]:
    """What one region watches of its tables or replicas."""
    return [
        watch
        for table, definition in definitions().items()
        for watch in _watches(table, table_name(environment, table), definition)
    ]


def _watches(table: str, called: str, definition: Definition) -> list[Watch]:
    severity, impact = definition.severity, definition.impact
    own = table_watches.failing(table, called, severity, impact) if definition.critical else []
    return [*table_watches.throttled(table, called, [*definition.indexes], severity, impact), *own]


def names(environment: str) -> list[str]:
    """What AWS calls all of them."""
    return [table_name(environment, table) for table in definitions()]
