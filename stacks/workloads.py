"""What each service of the agent may do (RUN-17): tables by name and access, and little else."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from components import grants
from components.grants import Grant, TableUse
from components.tables import definitions
from contract.models import models

if TYPE_CHECKING:
    from stacks.region import RegionStack

Access = Literal["read", "write"]
# Workload -> table -> what it does there. Nobody scans, and nobody but `erase` will touch the vault.
TABLES: Mapping[str, Mapping[str, Access]] = {
    "chat": {"sessions": "write", "profiles": "read", "carts": "read", "orders": "read"},
    "rest": {"sessions": "write", "profiles": "read", "feedback": "write"},
    "tools": {
        "carts": "write",
        "wishlist": "write",
        "orders": "write",
        "transactions": "write",
        "complaints": "write",
        "refunds": "write",
        "deliveries": "read",
        "profiles": "read",
        "product-graph": "read",
    },
    "ingest": {"product-graph": "write"},
}


def allowed(region: "RegionStack", workload: str) -> Sequence[Grant]:
    """Every statement of one workload's role."""
    place = region.here
    common = [
        grants.read_parameters(
            [
                place.arn("ssm", f"parameter/concierge/{region.environment}/{name}")
                for name in ("settings", "controls")
            ]
        ),
        grants.tell_metrics(),
        grants.trace(place),
        *grants.use_tables(_uses(region, workload)),
        grants.use_key(place, region.keys.arns["tables"], ["dynamodb"]),
    ]
    return [*common, *_special(region, workload)]


def _uses(region: "RegionStack", workload: str) -> list[TableUse]:
    return [
        TableUse(region.tables.arns[table], tuple(definitions()[table].indexes), access)
        for table, access in TABLES[workload].items()
    ]


def _special(region: "RegionStack", workload: str) -> list[Grant]:
    if workload == "chat":
        used = sorted({rung.model for rung in region.settings.runtime.ladder if rung.model})
        return [
            *grants.invoke_models(region.here, [models()[key] for key in used]),
            region.cache.grant(),
            Grant("AnswerSockets", ["execute-api:ManageConnections"], [region.ws.manage_arn]),
            *(region.stream.grants() if region.stream else ()),
        ]
    if workload == "rest":
        return [
            Grant("HandOutTickets", ["dynamodb:PutItem"], [region.tickets.arn]),
            region.cache.grant(),
        ]
    return []
