"""The tables as the standby region has them: replicas that the primary's tables declare (NET-7, DATA-1).

Nothing is declared here: a table declared in both regions would be two tables. Names and ARNs follow from the
environment, so that the standby needs nothing of the primary, and failing over no call to it.
"""

from dataclasses import dataclass

import pulumi
from pulumi import Output

from components.alarms import Watch
from components.base import Component
from components.place import Place
from components.table_watches import throttle_widgets
from components.tables import definitions, names, table_name, watches
from contract.alarms import Widget


@dataclass(frozen=True, kw_only=True)
class TableReplicasArgs:
    """Where the replicas stand."""

    environment: str
    place: Place


class TableReplicas(Component):
    """The standby's side of every global table."""

    kind = "data:TableReplicas"
    names: dict[str, Output[str]]
    arns: dict[str, Output[str]]

    def __init__(
        self, name: str, args: TableReplicasArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self._environment = args.environment
        called = {table: table_name(args.environment, table) for table in definitions()}
        self.names = {table: Output.from_input(one) for table, one in called.items()}
        self.arns = {table: args.place.arn("dynamodb", f"table/{one}") for table, one in called.items()}
        self.register_outputs(dict(self.names))

    def alarms(self) -> list[Watch]:
        """A replica is throttled and fails by itself."""
        return watches(self._environment)

    def widgets(self) -> list[Widget]:
        return throttle_widgets(names(self._environment))
