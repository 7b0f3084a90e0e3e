"""How much of what a price is for the plan already declares, and in which regions: the parts data cannot say.

Small named functions, which `cost.toml` refers to. No dollars in this module: they are in the price table.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from plan.cost_paths import value_at
from plan.model import Plan, Resource

TARGET = "aws:appautoscaling/target:Target"
NOT_YET = "none is declared yet, counted at the minimum that will run"
_FAST = 60  # seconds; an alarm that looks more often is a high-resolution one
_BANDS = 2  # an anomaly band adds its upper and its lower edge to the metrics of an alarm
_OF_A_VCPU, _OF_A_GB = 1024, 1024  # how a task definition counts CPU and memory
_OFTEN = 10  # seconds; a health check that asks more often than usual
# AWS's own rule groups that cost a fee of their own, beside the one of the rule that names them.
_PAID_GROUPS = {
    "AWSManagedRulesACFPRuleSet",
    "AWSManagedRulesATPRuleSet",
    "AWSManagedRulesAntiDDoSRuleSet",
    "AWSManagedRulesBotControlRuleSet",
}
# Health checks of something in AWS: of other checks or of an alarm, or of an endpoint with a name of AWS's.
_OF_AWS = {"CALCULATED", "CLOUDWATCH_METRIC", "RECOVERY_CONTROL"}
_AWS_NAMES = (".amazonaws.com", ".awsglobalaccelerator.com", ".cloudfront.net", ".on.aws")


class Expected(NamedTuple):
    """An amount that is not simply what the resource says, and why it is expected."""

    amount: Decimal
    note: str


# 0: it does not pay this price; None: cannot be told from the plan.
Counted = Decimal | int | Expected | None
Count = Callable[[Plan, Resource], Counted]


# --- network, alarms ----------------------------------------------------------------------------------


def _subnets(_: Plan, endpoint: Resource) -> int | None:
    """An interface endpoint is charged in each zone, and has one subnet in a zone."""
    return len(endpoint.inputs.get("subnetIds", ())) or None


def _alarm_metrics(alarm: Resource) -> int | None:
    """Metrics an alarm watches. A query picks its own, as many as there happen to be."""
    queries: Iterable[Mapping[str, Any]] = alarm.inputs.get("metricQueries", ())
    expressions = [str(query.get("expression", "")) for query in queries]
    if any(expression.lstrip().upper().startswith("SELECT") for expression in expressions):
        return None
    bands = sum("ANOMALY_DETECTION_BAND" in expression for expression in expressions)
    named = sum("metric" in query for query in queries) if queries else 1
    return named + _BANDS * bands


def _is_fast(alarm: Resource) -> bool:
    queries: Iterable[Mapping[str, Any]] = alarm.inputs.get("metricQueries", ())
    asked = (alarm.inputs, *queries, *(query.get("metric", {}) for query in queries))
    periods = (part.get("period") for part in asked)
    return any(period is not None and period < _FAST for period in periods)


# --- what scales --------------------------------------------------------------------------------------


def _lowest(plan: Plan, resource: Resource, scaled: str) -> int | None:
    """The lower bound that automatic scaling keeps for `service/...` or `endpoint/...` of the same region."""
    bounds = (
        target.inputs.get("minCapacity")
        for target in plan.of_type(TARGET)
        if target.inputs.get("resourceId") == scaled and target.region == resource.region
    )
    return next(bounds, None)


def _tasks(plan: Plan, service: Resource) -> Expected:
    """Tasks that always run.

    A service without an image is declared without tasks, and its bounds too. Its component says how many
    there will be once there is one.
    """
    cluster = str(service.inputs.get("cluster", "default")).rsplit("/", 1)[-1]
    declared = _lowest(plan, service, f"service/{cluster}/{service.inputs.get('name')}")
    if declared is None:
        declared = service.inputs.get("desiredCount", 0)
    owner = plan.component_of(service)
    will_run = owner.outputs.get("minimum", 0) if owner else 0
    if will_run and not declared:
        return Expected(Decimal(will_run), NOT_YET)
    return Expected(Decimal(declared), "")


def _in_tasks(plan: Plan, service: Resource, size: str, unit: int) -> Expected | None:
    """So much of `size` in all tasks of a service, where they run on ARM64."""
    used = service.property_dependencies.get("taskDefinition", ())
    definitions = [plan.by_urn[urn] for urn in used if plan.by_urn[urn].type.startswith("aws:ecs/task")]
    if len(definitions) != 1:
        return None
    inputs = definitions[0].inputs
    if value_at(inputs, "runtimePlatform.cpuArchitecture") != "ARM64" or size not in inputs:
        return None
    tasks = _tasks(plan, service)
    return Expected(tasks.amount * Decimal(str(inputs[size])) / unit, tasks.note)


def _instances(plan: Plan, configuration: Resource) -> Counted:
    """Instances of the endpoint that this configuration describes; one that nobody hosts runs nothing.

    Our endpoints are CloudFormation stacks with `Configuration` and `Endpoint` among their parameters.
    """
    variants = configuration.inputs.get("productionVariants", ())
    if len(variants) != 1:
        return None
    endpoint = _hosted_as(plan, configuration)
    if endpoint is None:
        return 0
    bound = _lowest(plan, configuration, f"endpoint/{endpoint}/variant/{variants[0].get('variantName')}")
    found: int | None = bound if bound is not None else variants[0].get("initialInstanceCount")
    return found


def _hosted_as(plan: Plan, configuration: Resource) -> str | None:
    name = configuration.inputs.get("name")
    for host in plan.dependents(configuration.urn):
        if host.region != configuration.region or name is None:
            continue
        if host.type == "aws:sagemaker/endpoint:Endpoint" and host.inputs.get("endpointConfigName") == name:
            return str(host.inputs.get("name"))
        if value_at(host.inputs, "parameters.Configuration") == name:
            return str(value_at(host.inputs, "parameters.Endpoint"))
    return None


# --- nodes, shards ------------------------------------------------------------------------------------


def _cache_nodes(_: Plan, group: Resource) -> int | None:
    """Nodes of a cache: as many as it says, or its shards, each with its replicas."""
    nodes: int | None = group.inputs.get("numCacheClusters")
    shards: int | None = group.inputs.get("numNodeGroups")
    replicas: int = group.inputs.get("replicasPerNodeGroup", 0)
    return shards * (1 + replicas) if nodes is None and shards is not None else nodes


def _search_nodes(_: Plan, domain: Resource) -> int:
    return int(value_at(domain.inputs, "clusterConfig.instanceCount", 1))


def _search_masters(_: Plan, domain: Resource) -> int:
    there = value_at(domain.inputs, "clusterConfig.dedicatedMasterEnabled", False)
    return int(value_at(domain.inputs, "clusterConfig.dedicatedMasterCount", 3)) if there else 0


def _search_warm(_: Plan, domain: Resource) -> int:
    there = value_at(domain.inputs, "clusterConfig.warmEnabled", False)
    return int(value_at(domain.inputs, "clusterConfig.warmCount", 0)) if there else 0


def _search_volumes(plan: Plan, domain: Resource) -> int:
    """GB of all data nodes together; masters need none of their own."""
    size = int(value_at(domain.inputs, "ebsOptions.volumeSize", 0))
    return size * _search_nodes(plan, domain) if value_at(domain.inputs, "ebsOptions.ebsEnabled") else 0


# --- web ACLs, health checks --------------------------------------------------------------------------


def _rules(_: Plan, acl: Resource) -> int | None:
    """A rule costs the same whether it says something itself or names a group."""
    return None if "ruleJson" in acl.inputs else len(acl.inputs.get("rules", ()))


def _paid_groups(_: Plan, acl: Resource) -> int:
    named = (
        value_at(rule, "statement.managedRuleGroupStatement.name") for rule in acl.inputs.get("rules", ())
    )
    return sum(name in _PAID_GROUPS for name in named)


def _is_of_aws(check: Resource) -> bool:
    name = str(check.inputs.get("fqdn", ""))
    return check.inputs.get("type") in _OF_AWS or name.rstrip(".").endswith(_AWS_NAMES)


def _check_options(check: Resource) -> int:
    """What a health check does beyond asking every half minute over HTTP or TCP; each is charged."""
    kind = str(check.inputs.get("type", ""))
    interval = check.inputs.get("requestInterval")
    return sum(
        (
            kind.startswith("HTTPS"),
            kind.endswith("STR_MATCH"),
            interval is not None and interval <= _OFTEN,
            bool(check.inputs.get("measureLatency")),
        )
    )


COUNTS: Mapping[str, Count] = {
    "one": lambda _plan, _resource: 1,
    "subnets": _subnets,
    "standard_alarm_metrics": lambda _, alarm: 0 if _is_fast(alarm) else _alarm_metrics(alarm),
    "fast_alarm_metrics": lambda _, alarm: _alarm_metrics(alarm) if _is_fast(alarm) else 0,
    "task_vcpus": lambda plan, service: _in_tasks(plan, service, "cpu", _OF_A_VCPU),
    "task_gb": lambda plan, service: _in_tasks(plan, service, "memory", _OF_A_GB),
    "endpoint_instances": _instances,
    "cache_nodes": _cache_nodes,
    "shards": lambda _, stream: stream.inputs.get("shardCount"),
    "search_nodes": _search_nodes,
    "search_masters": _search_masters,
    "search_warm_nodes": _search_warm,
    "search_volume_gb": _search_volumes,
    "web_rules": _rules,
    "web_paid_groups": _paid_groups,
    "checks_of_aws": lambda _, check: int(_is_of_aws(check)),
    "checks_of_others": lambda _, check: int(not _is_of_aws(check)),
    "check_options_of_aws": lambda _, check: _check_options(check) if _is_of_aws(check) else 0,
    "check_options_of_others": lambda _, check: 0 if _is_of_aws(check) else _check_options(check),
}


# --- in which regions ---------------------------------------------------------------------------------

_DELIVERERS = {
    "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination",
    "aws:ec2/flowLog:FlowLog",
}


def _is_delivered_to(plan: Plan, group: Resource) -> bool:
    """What AWS itself delivers to a log group is charged with the delivery."""
    return any(writer.type in _DELIVERERS for writer in plan.dependents(group.urn))


def _replicas(copied: Resource) -> tuple[str, ...]:
    """Regions that hold a copy of a table (`regionName`) or of a secret (`region`)."""
    replicas: Sequence[Mapping[str, str]] = copied.inputs.get("replicas", ())
    return tuple(replica.get("regionName") or replica["region"] for replica in replicas)


def _all(_: Plan, copied: Resource) -> tuple[str | None, ...]:
    return (copied.region, *_replicas(copied))


def _recoverable(_: Plan, table: Resource) -> tuple[str | None, ...]:
    """Regions that keep a table's past: each copy says so for itself."""
    own = (table.region,) if table.inputs.get("pointInTimeRecovery", {}).get("enabled") else ()
    replicas = (r for r in table.inputs.get("replicas", ()) if r.get("pointInTimeRecovery"))
    return (*own, *(replica["regionName"] for replica in replicas))


Places = Callable[[Plan, Resource], tuple[str | None, ...]]
# In which regions it pays this price; none: it does not pay it.
PLACES: Mapping[str, Places] = {
    "own": lambda _, resource: (resource.region,),
    "own_unless_delivered": lambda plan, group: () if _is_delivered_to(plan, group) else (group.region,),
    "own_if_alone": lambda _, table: () if _replicas(table) else (table.region,),
    "all_if_replicated": lambda plan, table: _all(plan, table) if _replicas(table) else (),
    "all": _all,
    "recoverable": _recoverable,
}
