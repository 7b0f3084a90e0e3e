"""What each service of the agent may do (RUN-17): tables by name and access, and little else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pulumi import Output

from components import grants
from components.grants import Grant, TableUse
from components.ingest import Ingest
from components.tables import definitions
from contract import rungs
from stacks.areas.data import Data
from stacks.areas.doors import Doors
from stacks.areas.mind import Mind
from stacks.site import Site

Access = Literal["read", "write"]
# What tools change: over MCP in a service of their own, and in process for whoever answers messages.
_HANDS: Mapping[str, Access] = {
    "carts": "write",
    "wishlist": "write",
    "profiles": "write",
    "transactions": "write",
}
# Workload -> table -> what it does there. Nobody scans; into the vault is only put (`_originals`).
TABLES: Mapping[str, Mapping[str, Access]] = {
    "chat": {"sessions": "write", **_HANDS, "product-graph": "read"},
    "rest": {"sessions": "write", "feedback": "write", **_HANDS, "product-graph": "read"},
    "tools": {**_HANDS, "product-graph": "read"},
    "ingest": {"product-graph": "write"},
}


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What the services of a region work with."""

    site: Site
    data: Data
    mind: Mind
    doors: Doors
    ingest: Ingest | None


def allowed(needs: Needs, workload: str) -> Sequence[Grant]:
    """Every statement of one workload's role."""
    place = needs.site.place
    documents = ("settings", "controls", "models", "cutover")
    extra = place.arn("ssm", f"parameter{rungs.folder(needs.site.environment)}")
    return [
        grants.read_parameters([_parameter(needs.site, name) for name in documents]),
        Grant("ReadRungs", ["ssm:GetParametersByPath"], [extra, Output.concat(extra, "/*")]),
        grants.tell_metrics(),
        grants.trace(place),
        *grants.use_tables(_uses(needs, workload)),
        grants.use_key(place, needs.site.keys["tables"], ["dynamodb"]),
        *_SPECIAL[workload](needs),
    ]


def _parameter(site: Site, name: str) -> Output[str]:
    return site.place.arn("ssm", f"parameter/concierge/{site.environment}/{name}")


def _uses(needs: Needs, workload: str) -> list[TableUse]:
    return [
        TableUse(needs.data.tables.arns[table], tuple(definitions()[table].indexes), access)
        for table, access in TABLES[workload].items()
    ]


def _chat(needs: Needs) -> list[Grant]:
    stream = needs.data.stream
    return [
        *_answering(needs),
        Grant("AnswerSockets", ["execute-api:ManageConnections"], [needs.doors.websocket.manage_arn]),
        *(stream.grants() if stream else ()),
    ]


def _rest(needs: Needs) -> list[Grant]:
    """It answers too, where a socket cannot be had (NET-4)."""
    return [
        *_answering(needs),
        Grant("HandOutTickets", ["dynamodb:PutItem"], [needs.data.tickets.arn]),
    ]


def _answering(needs: Needs) -> list[Grant]:
    """What it takes to answer a message: models, retrieval, caches, recommendations."""
    place, mind = needs.site.place, needs.mind
    units = place.arn("bedrock", "provisioned-model/*")
    campaign = needs.site.settings.shop.campaign
    return [
        *mind.calls.grants(),
        *mind.voice.access.embed_grants(),
        *mind.inference.grants(),
        mind.search.reads(),
        Grant(
            "CallEventUnits",
            [grants.INVOKE],
            [units],
            {"StringEquals": {"aws:ResourceTag/ManagedBy": "event-capacity"}, **mind.voice.access.fence},
        ),
        needs.data.cache.grant(),
        *_secrets(needs),
        *_originals(needs),
        *([Grant("Recommend", ["personalize:GetRecommendations"], [campaign])] if campaign else []),
    ]


def _originals(needs: Needs) -> list[Grant]:
    """Seals what it takes out of messages (RUN-13). Whoever puts a box into the vault cannot take one out."""
    place, keys, arns = needs.site.place, needs.site.keys, needs.data.tables.arns
    via = {"StringEquals": {"kms:ViaService": [f"dynamodb.{place.region}.amazonaws.com"]}}
    of_customers = {"Null": {"kms:EncryptionContext:customer": "false"}}
    use = ["kms:Decrypt", "kms:GenerateDataKey"]
    own = ["dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:PutItem"]
    return [
        Grant("KeepOriginals", ["dynamodb:PutItem"], [arns["pii-vault"]]),
        Grant("KeysOfCustomers", own, [arns["customer-keys"]]),
        Grant("WrapKeysOfCustomers", use, [keys["customer-keys"]], of_customers),
        Grant("UseKeysOfVault", use, [keys["pii-vault"], keys["customer-keys"]], via),
    ]


def _secrets(needs: Needs) -> list[Grant]:
    """What signs resume tokens, if they are signed by more than one task."""
    place, name = needs.site.place, needs.doors.token_secret
    if name is None:
        return []
    via = {"StringEquals": {"kms:ViaService": [f"secretsmanager.{place.region}.amazonaws.com"]}}
    return [
        grants.read_secrets([place.arn("secretsmanager", f"secret:{name}-??????")]),
        Grant("OpenSecrets", ["kms:Decrypt"], [needs.site.keys["secrets"]], via),
    ]


def _tools(needs: Needs) -> list[Grant]:
    return [needs.mind.search.reads(), *_secrets(needs)]


def _ingest(needs: Needs) -> list[Grant]:
    mind = needs.mind
    queue = needs.ingest.grants() if needs.ingest else ()
    return [mind.search.writes(), *mind.voice.access.embed_grants(), *mind.inference.grants(), *queue]


_SPECIAL: Mapping[str, Callable[[Needs], list[Grant]]] = {
    "chat": _chat,
    "rest": _rest,
    "tools": _tools,
    "ingest": _ingest,
}
