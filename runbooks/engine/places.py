"""How CloudWatch names our things: subject, in our words -> the dimensions its metrics have."""

from collections.abc import Callable, Mapping

from contract.errors import InconclusiveError
from contract.metrics import ENVIRONMENT
from runbooks.engine.world import World

Dimensions = Mapping[str, str]
Places = Callable[[World], Mapping[str, Dimensions]]


def account(world: World) -> str:
    """The account's id, as any ARN of ours has it."""
    for arn in (
        *world.all("topics").values(),
        *world.all("machines").values(),
        *world.all("models").values(),
    ):
        if arn.startswith("arn:"):
            return arn.split(":")[4]
    raise InconclusiveError("the inventory has no ARN that tells the account: `pulumi up`")


def ours(**dimensions: str) -> Places:
    """What the runtime emits."""
    name = ", ".join(dimensions.values()) or "all"
    return lambda world: {name: {ENVIRONMENT: world.environment, **dimensions}}


def models(*rungs: str) -> Places:
    """A model as calls name it: of a profile of ours the last part of its ARN."""

    def of(world: World) -> Mapping[str, Dimensions]:
        named = world.all("models")
        return {rung: {"ModelId": _metric_id(named[rung])} for rung in rungs if rung in named}

    return of


def _metric_id(model: str) -> str:
    return model.rpartition("/")[2] if ":application-inference-profile/" in model else model


def domain(world: World) -> Mapping[str, Dimensions]:
    return {"search": {"DomainName": world.named("domains", "search"), "ClientId": account(world)}}


def services(*names: str) -> Places:
    """Services of the agent; all of them when none is named."""

    def of(world: World) -> Mapping[str, Dimensions]:
        found = world.all("services")
        chosen = [name for name in names or found if name in found]
        cluster = world.named("clusters", "agent")
        return {name: {"ClusterName": cluster, "ServiceName": found[name]} for name in chosen}

    return of


def endpoints(world: World) -> Mapping[str, Dimensions]:
    """SageMaker's, each with its one variant."""
    return {
        name: {"EndpointName": endpoint, "VariantName": "main"}
        for name, endpoint in world.all("endpoints").items()
    }


def tables(world: World) -> Mapping[str, Dimensions]:
    return {name: {"TableName": table} for name, table in world.all("tables").items()}


def replicas(world: World) -> Mapping[str, Dimensions]:
    """Global tables, towards the other region."""
    other = next(
        (place.region for role, place in world.inventory.regions.items() if role != world.role), None
    )
    if other is None:
        return {}
    return {
        name: {"TableName": table, "ReceivingRegion": other} for name, table in world.all("tables").items()
    }


def cache_nodes(world: World) -> Mapping[str, Dimensions]:
    """The nodes of the Valkey group, as ElastiCache numbers them."""
    group = world.named("caches", "cache")
    return {
        f"node {number}": {"CacheClusterId": f"{group}-{number:03d}", "CacheNodeId": "0001"}
        for number in (1, 2, 3)
    }


def queue(name: str) -> Places:
    return lambda world: {name: {"QueueName": world.named("queues", name)}}


def websocket(world: World) -> Mapping[str, Dimensions]:
    return {"websocket": {"ApiId": world.named("apis", "websocket"), "Stage": "ws"}}


def acl(world: World) -> Mapping[str, Dimensions]:
    """Everything the regional web ACL refuses."""
    return {
        "regional": {"WebACL": world.named("acls", "regional"), "Region": world.here.region, "Rule": "ALL"}
    }


def balancer(world: World) -> Mapping[str, Dimensions]:
    arn = world.named("balancers", "application")
    return {"application": {"LoadBalancer": arn.partition(":loadbalancer/")[2]}}


def health_check(role: str) -> Places:
    return lambda world: {role: {"HealthCheckId": world.named("checks", role)}}


def canary(entry: str) -> Places:
    return lambda world: {entry: {ENVIRONMENT: world.environment, "Entry": entry}}


def machine(name: str) -> Places:
    return lambda world: {name: {"StateMachineArn": world.named("machines", name)}}


def cluster_of_caches(world: World) -> Mapping[str, Dimensions]:
    """DAX, where an estate has it."""
    found = world.all("caches")
    return {"dax": {"ClusterId": found["dax"]}} if "dax" in found else {}
