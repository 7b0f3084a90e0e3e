"""Incidents of tables, caches, queues, people's data and backups."""

from datetime import timedelta
from typing import Any

from tests.runbooks.estate_parts_helpers import beside, cluster, ecs, node_type, valkey
from tests.runbooks.place_helpers import Incident, Place, Shown

CUSTOMER = "user-4711"
_KEYS = {
    "profiles": (["user"], {}),
    "carts": (["cart"], {"user": ["user", "updated"]}),
    "transactions": (["transaction"], {"user": ["user", "created"]}),
    "sessions": (["shard", "item"], {"user": ["user", "item"]}),
    "wishlist": (["user", "product"], {}),
    "orders": (["order"], {"user": ["user", "created"]}),
    "complaints": (["complaint"], {"user": ["user", "created"]}),
    "refunds": (["refund"], {"user": ["user", "created"]}),
    "deliveries": (["delivery"], {"user": ["user", "created"]}),
    "feedback": (["session", "answer"], {}),
    "pii-vault": (["token"], {"user": ["user"]}),
    "customer-keys": (["customer"], {}),
}


def tables(place: Place) -> None:
    """Those that hold something of a customer, keyed as tables.toml has it; one item of somebody else."""
    client = place.client("dynamodb")
    for table, (key, indexes) in _KEYS.items():
        names = sorted({*key, *(name for found in indexes.values() for name in found)})
        more = {
            "GlobalSecondaryIndexes": [
                {"IndexName": index, "KeySchema": _schema(found), "Projection": {"ProjectionType": "ALL"}}
                for index, found in indexes.items()
            ]
        }
        client.create_table(
            TableName=place.name("tables", table),
            BillingMode="PAY_PER_REQUEST",
            KeySchema=_schema(key),
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
            **(more if indexes else {}),
        )
        client.update_continuous_backups(
            TableName=place.name("tables", table),
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        )
        put(place, table, "somebody-else")
    _insights(place)


def _schema(key: list[str]) -> Any:
    return [
        {"AttributeName": name, "KeyType": kind} for name, kind in zip(key, ("HASH", "RANGE"), strict=False)
    ]


def put(place: Place, table: str, who: str) -> None:
    key, indexes = _KEYS[table]
    names = {*key, "user", *(name for found in indexes.values() for name in found)}
    item = {name: {"S": f"{name}-{who}"} for name in names} | {
        "shard": {"S": f"00#session-{who}"},
        "name": {"S": "Jane"},
        "address": {"S": "1 Road"},
    }
    item |= {name: {"S": who} for name in ("user", "customer") if name in names}
    if table == "feedback":  # its comments are found by the session alone
        del item["user"]
    here = {"TableName": place.name("tables", table)}
    place.client("dynamodb").put_item(**here, Item=item)
    if table == "sessions":  # turns carry nobody's name: they are in the session's partition
        turn = {"shard": item["shard"], "item": {"S": "turn#1"}, "asked": {"S": "Where is it?"}}
        place.client("dynamodb").put_item(**here, Item=turn)


def _customer(place: Place) -> None:
    for table in _KEYS:
        put(place, table, CUSTOMER)


def _insights(place: Place) -> None:
    """Contributor Insights, which moto does not have."""
    status: dict[str, str] = place.memory.setdefault("insights", {})

    def show(asked: dict[str, Any]) -> dict[str, Any]:
        return {"ContributorInsightsStatus": status.get(asked["TableName"], "DISABLED")}

    def change(asked: dict[str, Any]) -> dict[str, Any]:
        on = asked["ContributorInsightsAction"] == "ENABLE"
        status[asked["TableName"]] = "ENABLED" if on else "DISABLED"
        return {"ContributorInsightsStatus": "ENABLING" if on else "DISABLING"}

    beside(place).answer("dynamodb", "DescribeContributorInsights", show)
    beside(place).answer("dynamodb", "UpdateContributorInsights", change)


def _hot(place: Place) -> Shown:
    """Looser caches take enough of the reads away."""
    return {"ReadThrottleEvents sessions": 2 if place.control("cache_mode") == "aggressive" else 400}


def dax(place: Place) -> None:
    """A cluster of three nodes, which this estate does not have by itself."""
    role = "arn:aws:iam::123456789012:role/dax"
    place.client("dax").create_cluster(
        ClusterName="concierge-prod-dax", NodeType="dax.r5.large", ReplicationFactor=3, IamRoleArn=role
    )
    place.rename("caches", "dax", "concierge-prod-dax")
    for _ in range(6):  # moto lets a cluster become available with the calls that ask for it
        place.client("dax").describe_clusters(ClusterNames=["concierge-prod-dax"])

    def reboot(asked: dict[str, Any]) -> dict[str, Any]:
        node = next(one for one in _dax_nodes() if one.node_id == asked["NodeId"])
        node.status = "available"
        return {"Cluster": {"ClusterName": asked["ClusterName"]}}

    beside(place).answer("dax", "RebootNode", reboot)


def _dax_nodes() -> Any:
    from moto.dax.models import dax_backends

    return dax_backends["123456789012"]["us-east-1"].clusters["concierge-prod-dax"].nodes


def _lose_dax(place: Place) -> None:
    _dax_nodes()[1].status = "failed"


def _dax_faults(place: Place) -> Shown:
    return {"FaultRequestCount dax": 900 if any(n.status == "failed" for n in _dax_nodes()) else 3}


def _stampede(place: Place) -> Shown:
    helped = place.control("cache_mode") == "aggressive" and place.control("canned_first")
    share = 0.4 if helped else 0.9
    return {f"CacheMisses node {n}": share for n in (1, 2, 3)} | {"EngineCPUUtilization node 1": 92}


def _valkey_full(place: Place) -> Shown:
    full = node_type(place) == "cache.r7g.large"
    return {f"DatabaseMemoryUsagePercentage node {n}": 97 if full else 48 for n in (1, 2, 3)} | {
        "FirstToken all": 3100 if full else 1900
    }


def queues(place: Place) -> None:
    """The queue of ingest and its dead letters."""
    sqs = place.client("sqs")
    for name in ("ingest", "ingest-dead"):
        sqs.create_queue(QueueName=place.name("queues", name))
    tasks: list[dict[str, Any]] = []

    def move(asked: dict[str, Any]) -> dict[str, Any]:
        tasks.append({"Status": "COMPLETED", "SourceArn": asked["SourceArn"]})
        dead = sqs.get_queue_url(QueueName=place.name("queues", "ingest-dead"))["QueueUrl"]
        back = sqs.get_queue_url(QueueName=place.name("queues", "ingest"))["QueueUrl"]
        while messages := sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                sqs.send_message(QueueUrl=back, MessageBody=message["Body"])
                sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
        return {"TaskHandle": "task"}

    beside(place).answer("sqs", "StartMessageMoveTask", move)
    beside(place).answer("sqs", "ListMessageMoveTasks", lambda _: {"Results": tasks})


def _letters(place: Place) -> None:
    sqs = place.client("sqs")
    url = sqs.get_queue_url(QueueName=place.name("queues", "ingest-dead"))["QueueUrl"]
    for number in range(12):
        sqs.send_message(QueueUrl=url, MessageBody=f"document {number}")


def trail(place: Place) -> None:
    """CloudTrail's event history: the restores of the last ninety days."""
    drills = place.memory.setdefault("drills", [place.time - timedelta(days=20)])

    def look(asked: dict[str, Any]) -> dict[str, Any]:
        return {"Events": [{"EventId": "e", "EventTime": at} for at in drills if at >= asked["StartTime"]]}

    beside(place).answer("cloudtrail", "LookupEvents", look)


def _due(place: Place) -> None:
    place.memory["drills"].clear()


def _drilled(place: Place) -> None:
    """CloudTrail learns of a restore a while after it was asked for."""
    listed = place.client("dynamodb").list_tables()["TableNames"]
    if any(name.endswith("-drill") for name in listed) and not place.memory["drills"]:
        place.memory["drills"].append(place.time)


INCIDENTS = (
    Incident(runbook="dynamodb-hot-partition", shows=_hot, stands=(tables,)),
    Incident(runbook="dax-down", shows=_dax_faults, stands=(dax,), breaks=_lose_dax, reversible=False),
    Incident(runbook="cache-stampede", shows=_stampede, stands=(valkey,)),
    Incident(runbook="valkey-down", shows=_valkey_full, stands=(valkey,)),
    Incident(runbook="dead-letters", stands=(queues, ecs), breaks=_letters, reversible=False),
    Incident(
        runbook="gdpr-erase",
        stands=(tables,),
        breaks=_customer,
        inputs={"customer": CUSTOMER},
        reversible=False,
    ),
    Incident(runbook="restore-drill", stands=(tables, cluster, trail), breaks=_due, passes=_drilled),
)
