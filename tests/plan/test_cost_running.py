"""What runs by the hour: tasks, cache and search nodes, shards, instances of endpoints; amounts by hand."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from tests.plan.sample_helpers import estimate_of, part, prices_of

Options = pulumi.ResourceOptions
HOURS = 730


# --- tasks --------------------------------------------------------------------------------------------


def _service(
    opts: Options, *, tasks: int, cpu: str = "512", memory: str = "1024", arm: bool = True, **settings: Any
) -> None:
    """A service in cluster `c`, on Fargate."""
    task = aws.ecs.TaskDefinition(
        "task",
        family="it",
        cpu=cpu,
        memory=memory,
        container_definitions="[]",
        runtime_platform={"cpu_architecture": "ARM64"} if arm else None,
        opts=opts,
    )
    settings = settings or {"launch_type": "FARGATE"}
    aws.ecs.Service(
        "service",
        name="it",
        cluster="arn:aws:ecs:us-east-1:123456789012:cluster/c",
        task_definition=task.arn,
        desired_count=tasks,
        opts=opts,
        **settings,
    )


def _bounds(opts: Options, lowest: int, of: str = "service/c/it") -> None:
    aws.appautoscaling.Target(
        "bounds",
        service_namespace=of.partition("/")[0],
        resource_id=of,
        scalable_dimension="any",
        min_capacity=lowest,
        max_capacity=9,
        opts=opts,
    )


def test_tasks_are_paid_by_their_share_of_a_vcpu_and_of_memory() -> None:
    estimate = estimate_of(lambda opts: _service(opts, tasks=3))

    # 3 x 0.5 vCPU at $0.03238 and 3 x 1 GB at $0.00356, for 730 hours
    assert estimate.fixed_total == Decimal("35.45610") + Decimal("7.79640")


def test_the_lower_bound_of_scaling_counts_not_the_first_number() -> None:
    estimate = estimate_of(lambda opts: _service(opts, tasks=1), lambda opts: _bounds(opts, 4))

    quantities = {line.price.id: line.quantity for line in estimate.lines if line.price and line.quantity}
    assert quantities == {"fargate-arm-vcpu-hour": 2 * HOURS, "fargate-arm-gb-hour": 4 * HOURS}


def test_a_service_without_an_image_counts_what_will_run_and_says_so() -> None:
    def declare(opts: Options) -> None:
        _service(opts, tasks=0)
        _bounds(opts, 0)

    estimate = estimate_of(lambda opts: part("agent", declare, opts, {"minimum": 2}))

    fixed = [line for line in estimate.lines if line.kind == "fixed"]
    assert [line.quantity for line in fixed] == [1 * HOURS, 2 * HOURS]  # vCPU, GB
    assert {line.reason for line in fixed} == {"none is declared yet, counted at the minimum that will run"}


def test_a_service_that_runs_nothing_is_paid_by_use() -> None:
    estimate = estimate_of(lambda opts: _service(opts, tasks=0))

    assert prices_of(estimate.usage) == {"fargate-arm-vcpu-hour": "usage", "fargate-arm-gb-hour": "usage"}
    assert estimate.fixed_total == 0


def test_tasks_on_another_processor_are_not_guessed() -> None:
    estimate = estimate_of(lambda opts: _service(opts, tasks=2, arm=False))

    assert {line.reason for line in estimate.unknown} == {"the plan does not say how many"}


def test_spot_capacity_has_no_price_to_count_with() -> None:
    spot = [{"capacity_provider": "FARGATE_SPOT", "weight": 1}]
    estimate = estimate_of(lambda opts: _service(opts, tasks=2, capacity_provider_strategies=spot))

    assert [line.reason for line in estimate.unknown] == [
        "spot prices change by the day; on-demand Fargate is the most it can cost"
    ]


# --- nodes, shards, instances ---------------------------------------------------------------------------


def _total(declare: Callable[[Options], Any]) -> Decimal:
    return estimate_of(declare).fixed_total


@pytest.mark.parametrize(
    ("clusters", "shards", "replicas", "nodes"),
    [(3, None, None, 3), (None, 2, 2, 6)],
    ids=["primary and replicas", "shards with replicas"],
)
def test_a_cache_is_paid_by_its_nodes(
    clusters: int | None, shards: int | None, replicas: int | None, nodes: int
) -> None:
    total = _total(
        lambda opts: aws.elasticache.ReplicationGroup(
            "it",
            description="it",
            engine="valkey",
            node_type="cache.r7g.large",
            num_cache_clusters=clusters,
            num_node_groups=shards,
            replicas_per_node_group=replicas,
            opts=opts,
        )
    )

    assert total == nodes * Decimal("127.8960")  # 730 hours at $0.1752


def test_a_node_type_without_a_row_is_unknown_and_names_the_row() -> None:
    estimate = estimate_of(
        lambda opts: aws.elasticache.ReplicationGroup(
            "it",
            description="it",
            engine="redis",
            node_type="cache.x9.large",
            num_cache_clusters=1,
            opts=opts,
        )
    )

    (line,) = estimate.unknown
    assert line.reason == "no price row redis-x9-large-hour"
    assert line.usd == 0


def test_a_setting_that_names_the_price_and_is_not_given_is_unknown() -> None:
    estimate = estimate_of(
        lambda opts: aws.elasticache.ReplicationGroup(
            "it", description="it", engine="valkey", num_cache_clusters=1, opts=opts
        )
    )

    assert [line.reason for line in estimate.unknown] == ["the plan does not say its nodeType"]


def test_a_stream_is_paid_by_its_shards() -> None:
    total = _total(lambda opts: aws.kinesis.Stream("it", shard_count=4, opts=opts))

    assert total == Decimal("43.80")  # 4 x 730 hours at $0.015


def _domain(**cluster: Any) -> Callable[[Options], Any]:
    return lambda opts: aws.opensearch.Domain(
        "it",
        cluster_config=aws.opensearch.DomainClusterConfigArgs(**cluster),
        ebs_options={"ebs_enabled": True, "volume_type": "gp3", "volume_size": 100},
        opts=opts,
    )


def test_a_search_domain_is_paid_by_its_nodes_masters_and_volumes() -> None:
    small = _domain(instance_type="t3.small.search", instance_count=2)
    large = _domain(
        instance_type="r7g.2xlarge.search",
        instance_count=3,
        dedicated_master_enabled=True,
        dedicated_master_count=3,
        dedicated_master_type="m7g.large.search",
        warm_enabled=True,
        warm_count=2,
        warm_type="ultrawarm1.medium.search",
    )

    assert _total(small) == Decimal("52.56") + Decimal("24.40")  # 2 x $0.036 x 730; 200 GB at $0.122
    nodes, masters = 3 * HOURS * Decimal("0.711"), 3 * HOURS * Decimal("0.135")
    warm, volumes = 2 * HOURS * Decimal("0.238"), 300 * Decimal("0.122")
    assert _total(large) == nodes + masters + warm + volumes == Decimal("2236.820")


def _endpoint(opts: Options, *, hosted: bool, kind: str = "ml.g5.xlarge") -> None:
    configuration = aws.sagemaker.EndpointConfiguration(
        "configuration",
        name="rerank-1",
        production_variants=[
            {
                "variant_name": "live",
                "model_name": "rerank",
                "instance_type": kind,
                "initial_instance_count": 1,
            }
        ],
        opts=opts,
    )
    if hosted:
        aws.cloudformation.Stack(
            "rollout",
            template_body="{}",
            parameters={"Endpoint": "rerank", "Configuration": configuration.name},
            opts=opts,
        )


def test_an_endpoint_is_paid_by_the_instances_that_scaling_keeps() -> None:
    once = estimate_of(lambda opts: _endpoint(opts, hosted=True))
    scaled = estimate_of(
        lambda opts: _endpoint(opts, hosted=True),
        lambda opts: _bounds(opts, 2, "endpoint/rerank/variant/live"),
    )

    assert once.fixed_total == Decimal("1027.840")  # 730 hours at $1.408
    assert scaled.fixed_total == 2 * once.fixed_total


def test_a_configuration_that_nobody_hosts_runs_nothing() -> None:
    estimate = estimate_of(lambda opts: _endpoint(opts, hosted=False))

    assert estimate.fixed_total == 0
    assert prices_of(estimate.usage)["sagemaker-g5-xlarge-hour"] == "usage"
