"""How much of each quota a plan needs, and how much of it others hold. Names are those of `quotas.toml`."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from plan.model import Resource
from plan.preflight.facts import Facts

# AWS keeps so many executions unreserved; below it a function with a reservation cannot be made at all.
_UNRESERVED = 100
_SECONDS = 60


def _count(facts: Facts, region: str | None, types: Sequence[str]) -> float:
    return sum(len(facts.declared(token, region)) for token in types)


def _most_in_a_zone(facts: Facts, region: str | None, types: Sequence[str]) -> float:
    zones = {r.id: r.inputs.get("availabilityZoneId") for r in facts.declared("ec2.Subnet", region)}
    placed = Counter(
        zones.get(r.inputs.get("subnetId", "")) for token in types for r in facts.declared(token, region)
    )
    return max(placed.values(), default=0)


def _interface_endpoints(facts: Facts, region: str | None, types: Sequence[str]) -> float:
    found = (r for token in types for r in facts.declared(token, region))
    placed = Counter(r.inputs.get("vpcId") for r in found if r.inputs.get("vpcEndpointType") == "Interface")
    return max(placed.values(), default=0)


def _network_balancers(facts: Facts, region: str | None, types: Sequence[str]) -> float:
    kinds = Counter(
        r.inputs.get("loadBalancerType", "application")
        for token in types
        for r in facts.declared(token, region)
    )
    return max(kinds.values(), default=0)


def _fargate_vcpu(facts: Facts, region: str | None, _: Sequence[str]) -> float:
    """Every service at its largest; one that is rolled out blue and green stands twice for a while."""
    targets = {t.inputs["resourceId"]: t for t in facts.declared("appautoscaling.Target", region)}
    definitions = {d.outputs.get("arn", d.id): d for d in facts.declared("ecs.TaskDefinition", region)}
    total = 0.0
    for service in facts.declared("ecs.Service", region):
        cluster = str(service.inputs["cluster"]).rpartition("/")[2]
        target = targets.get(f"service/{cluster}/{service.inputs['name']}")
        most = target.inputs["maxCapacity"] if target else service.inputs.get("desiredCount", 0)
        definition = definitions.get(service.inputs.get("taskDefinition", ""))
        cpu = int(definition.inputs.get("cpu", 0)) / 1024 if definition else 0.0
        strategy = service.inputs.get("deploymentConfiguration", {}).get("strategy")
        total += float(most) * cpu * (2 if strategy == "BLUE_GREEN" else 1)
    return total


def _lambda_concurrency(facts: Facts, region: str | None, types: Sequence[str]) -> float:
    reserved = (
        r.inputs.get("reservedConcurrentExecutions", 0)
        for token in types
        for r in facts.declared(token, region)
    )
    return float(sum(most for most in reserved if most > 0) + _UNRESERVED)


def _stage_settings(facts: Facts, region: str | None) -> Iterable[Mapping[str, Any]]:
    for stage in facts.declared("apigatewayv2.Stage", region):
        yield stage.inputs.get("defaultRouteSettings", {})
    for methods in facts.declared("apigateway.MethodSettings", region):
        yield methods.inputs.get("settings", {})


def _stage_rate(facts: Facts, region: str | None, _: Sequence[str]) -> float:
    return max((s.get("throttlingRateLimit", 0) for s in _stage_settings(facts, region)), default=0)


def _stage_burst(facts: Facts, region: str | None, _: Sequence[str]) -> float:
    return max((s.get("throttlingBurstLimit", 0) for s in _stage_settings(facts, region)), default=0)


def _websocket_connections(facts: Facts, region: str | None, _: Sequence[str]) -> float:
    """The quota that the alarm on new connections was made for: it speaks a share below it."""
    from components.gateway_ws_watches import NEAR  # loads Pulumi, which the plan has loaded by now

    alarms = (r for r in facts.declared("cloudwatch.MetricAlarm", region) if _counts_connections(r))
    return max((round(r.inputs["threshold"] / NEAR / _SECONDS) for r in alarms), default=0)


def _counts_connections(alarm: Resource) -> bool:
    queries = [query.get("metric", {}) for query in alarm.inputs.get("metricQueries", ())]
    return any(metric.get("metricName") == "ConnectCount" for metric in (alarm.inputs, *queries))


def _search_instances(facts: Facts, region: str | None, types: Sequence[str]) -> float:
    configs = (r.inputs.get("clusterConfig", {}) for token in types for r in facts.declared(token, region))
    return max((_nodes(config) for config in configs), default=0)


def _nodes(config: Mapping[str, Any]) -> int:
    masters = config.get("dedicatedMasterCount", 3) if config.get("dedicatedMasterEnabled") else 0
    return int(config.get("instanceCount", 1)) + int(masters)


def _cache_nodes(facts: Facts, region: str | None, types: Sequence[str]) -> float:
    groups = (r.inputs for token in types for r in facts.declared(token, region))
    return sum(int(group.get("numCacheClusters", 1)) for group in groups)


Needs = Callable[[Facts, str | None, Sequence[str]], float]
NEEDS: Mapping[str, Needs] = {
    "count": _count,
    "most_in_a_zone": _most_in_a_zone,
    "interface_endpoints": _interface_endpoints,
    "network_balancers": _network_balancers,
    "fargate_vcpu": _fargate_vcpu,
    "lambda_concurrency": _lambda_concurrency,
    "stage_rate": _stage_rate,
    "stage_burst": _stage_burst,
    "websocket_connections": _websocket_connections,
    "search_instances": _search_instances,
    "cache_nodes": _cache_nodes,
}


def _others(facts: Facts, found: Iterable[Mapping[str, Any]]) -> float:
    return sum(not facts.owns(each.get("Tags", ())) for each in found)


def _vpcs(facts: Facts, region: str) -> float:
    return _others(facts, facts.every("ec2", region, "describe_vpcs", "Vpcs"))


def _internet_gateways(facts: Facts, region: str) -> float:
    found = facts.every("ec2", region, "describe_internet_gateways", "InternetGateways")
    return _others(facts, found)


def _addresses(facts: Facts, region: str) -> float:
    return _others(facts, facts.client("ec2", region).describe_addresses()["Addresses"])


def _buckets(facts: Facts, region: str) -> float:
    """By name: asking every bucket for its tags would take a call each."""
    ours = {facts.real(r.inputs["bucket"]) for r in facts.declared("s3.Bucket")}
    found = facts.client("s3", region).list_buckets()["Buckets"]
    return sum(bucket["Name"] not in ours for bucket in found)


Taken = Callable[[Facts, str], float]
TAKEN: Mapping[str, Taken] = {
    "vpcs": _vpcs,
    "internet_gateways": _internet_gateways,
    "addresses": _addresses,
    "buckets": _buckets,
}
