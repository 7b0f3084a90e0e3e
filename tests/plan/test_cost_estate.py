"""What the whole estate pays, and rules, checks, copies and names of it; each amount by hand."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from plan import Plan, cost, short_type
from plan.cost import Estimate
from tests.conftest import Planned
from tests.plan.sample_helpers import estimate_of, prices_of

Options = pulumi.ResourceOptions
HOURS = 730
# Types that both stacks may hold although nothing is known of what they cost, and why.
NOT_PRICED = {
    "aws:bedrock/provisionedModelThroughput:ProvisionedModelThroughput": "no public price of a model unit",
    "aws:codebuild/project:Project": "no row for each size of a build",
    "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration": "Inspector is not in the table",
    "aws:sagemaker/endpointConfiguration:EndpointConfiguration": "no row for each type of an instance",
}
DIGEST = "sha256:" + "5e" * 32


# --- the whole estate ---------------------------------------------------------------------------------


def test_dev_with_its_tasks_running_fits_its_budget(planned: Planned) -> None:
    """NET-1: below $300 a month, with what scales by use at its minimum."""
    running = cost.estimate(planned("dev", {"agent.image_digest": DIGEST}))

    tasks = [
        line.quantity for line in running.lines if line.price and line.price.id == "fargate-arm-vcpu-hour"
    ]
    assert tasks == 4 * [HOURS / 4]  # four services, a quarter of a vCPU each
    assert not running.over(300)


def test_every_type_of_resource_has_a_price_or_a_reason(either: Plan) -> None:
    types = {short_type(token) for token in NOT_PRICED}

    unknown = [line for line in cost.estimate(either).unknown if line.type not in types]

    assert [(line.resource, line.reason) for line in unknown] == []


# --- web ACLs, checks, secrets, names -------------------------------------------------------------------

SEEN: Any = {"cloudwatch_metrics_enabled": True, "metric_name": "it", "sampled_requests_enabled": False}


def _total(declare: Callable[[Options], Any]) -> Decimal:
    return estimate_of(declare).fixed_total


def _rule(name: str, group: str | None = None) -> dict[str, Any]:
    managed = {"managed_rule_group_statement": {"name": group, "vendor_name": "AWS"}}
    own = {"geo_match_statement": {"country_codes": ["AQ"]}}
    return {"name": name, "priority": 1, "statement": managed if group else own, "visibility_config": SEEN}


def test_a_web_acl_is_paid_by_its_rules_and_by_groups_with_a_fee() -> None:
    rules: Any = [
        _rule("own"),
        _rule("core", "AWSManagedRulesCommonRuleSet"),
        _rule("bots", "AWSManagedRulesBotControlRuleSet"),
    ]
    total = _total(
        lambda opts: aws.wafv2.WebAcl(
            "it",
            scope="REGIONAL",
            default_action={"allow": {}},
            visibility_config=SEEN,
            rules=rules,
            opts=opts,
        )
    )

    assert total == 5 + 3 * 1 + 10  # the list, its rules, bot control


@pytest.mark.parametrize(
    ("settings", "usd"),
    [
        ({"type": "TCP", "fqdn": "x.execute-api.us-east-1.amazonaws.com", "port": 443}, "0.50"),
        ({"type": "HTTPS", "fqdn": "x.execute-api.us-east-1.amazonaws.com"}, "1.50"),
        ({"type": "HTTPS", "fqdn": "d1.cloudfront.net", "measure_latency": True}, "2.50"),
        ({"type": "CALCULATED", "child_healthchecks": ["a"]}, "0.50"),
        ({"type": "HTTP", "fqdn": "example.com"}, "0.75"),
        ({"type": "HTTPS_STR_MATCH", "fqdn": "example.com", "request_interval": 10}, "6.75"),
    ],
    ids=[
        "in AWS",
        "in AWS by HTTPS",
        "and its latency",
        "of other checks",
        "elsewhere",
        "elsewhere with 3 options",
    ],
)
def test_a_health_check_is_paid_by_where_it_asks_and_by_each_option(
    settings: dict[str, Any], usd: str
) -> None:
    assert _total(lambda opts: aws.route53.HealthCheck("it", opts=opts, **settings)) == Decimal(usd)


def test_a_secret_is_paid_wherever_it_is_copied() -> None:
    estimate = estimate_of(
        lambda opts: aws.secretsmanager.Secret("it", replicas=[{"region": "us-west-2"}], opts=opts)
    )

    assert estimate.fixed_total == Decimal("0.80")
    assert {line.region for line in estimate.lines} == {"us-east-1", "us-west-2"}


def test_names_are_paid_by_the_zone_and_by_queries_unless_they_are_aliases() -> None:
    alias: Any = {"name": "d1.cloudfront.net", "zone_id": "Z1", "evaluate_target_health": False}

    zone = estimate_of(lambda opts: aws.servicediscovery.PrivateDnsNamespace("it", vpc="vpc-1", opts=opts))
    plain = estimate_of(
        lambda opts: aws.route53.Record("it", name="a", type="A", ttl=60, zone_id="Z", opts=opts)
    )
    aliased = estimate_of(
        lambda opts: aws.route53.Record("it", name="a", type="A", aliases=[alias], zone_id="Z", opts=opts)
    )

    assert zone.fixed_total == Decimal("0.50")
    assert prices_of(plain.lines) == {"dns-queries": "usage"}
    assert prices_of(aliased.lines) == {"dns-alias": "free"}


def test_dashboards_and_keys_of_several_regions_are_paid_one_by_one() -> None:
    estimate = estimate_of(
        lambda opts: aws.cloudwatch.Dashboard("a", dashboard_name="a", dashboard_body="{}", opts=opts),
        lambda opts: aws.cloudwatch.Dashboard("b", dashboard_name="b", dashboard_body="{}", opts=opts),
        lambda opts: aws.kms.Key("key", multi_region=True, opts=opts),
        lambda opts: aws.kms.ReplicaKey("copy", primary_key_arn="arn:aws:kms:us-east-1:1:key/k", opts=opts),
    )

    assert estimate.fixed_total == 2 * 3 + 1 + 1


def test_delivered_logs_are_not_charged_twice() -> None:
    """The delivery pays for what it brings; the group it brings it to only stores."""

    def declare(opts: Options) -> None:
        group = aws.cloudwatch.LogGroup("group", opts=opts)
        aws.cloudwatch.LogDeliveryDestination(
            "to",
            name="to",
            delivery_destination_configuration={"destination_resource_arn": group.arn},
            opts=opts,
        )

    assert prices_of(estimate_of(declare).usage) == {"logs-stored-gb-month": "usage"}


# --- what only use decides ------------------------------------------------------------------------------


def _function(opts: Options, architecture: str) -> None:
    aws.lambda_.Function("it", role="arn:aws:iam::1:role/r", architectures=[architecture], opts=opts)


def _insights(opts: Options, level: str) -> None:
    aws.ecs.Cluster("it", settings=[{"name": "containerInsights", "value": level}], opts=opts)


@pytest.mark.parametrize(
    ("declare", "expected"),
    [
        (
            lambda opts: _function(opts, "arm64"),
            {"lambda-requests": "usage", "lambda-arm-gb-seconds": "usage"},
        ),
        (
            lambda opts: _function(opts, "x86_64"),
            {"lambda-requests": "usage", "lambda-x86-gb-seconds": "usage"},
        ),
        (lambda opts: _insights(opts, "disabled"), {"ecs-control": "free"}),
        (lambda opts: _insights(opts, "enhanced"), {"insights-enhanced-metric-month": "usage"}),
    ],
    ids=["function on ARM64", "function on x86", "cluster without metrics", "cluster with metrics"],
)
def test_a_setting_inside_another_decides_the_price(
    declare: Callable[[Options], None], expected: dict[str, str]
) -> None:
    assert prices_of(estimate_of(declare).lines) == expected


def _build(size: str) -> Estimate:
    return estimate_of(
        lambda opts: aws.codebuild.Project(
            "it",
            service_role="arn:aws:iam::1:role/r",
            artifacts={"type": "NO_ARTIFACTS"},
            source={"type": "NO_SOURCE", "buildspec": "version: 0.2"},
            environment={"type": "ARM_CONTAINER", "compute_type": size, "image": "i"},
            opts=opts,
        )
    )


def test_a_build_is_paid_by_the_minute_of_its_size() -> None:
    row = "codebuild-arm-container-build-general1-{}-minute"

    assert prices_of(_build("BUILD_GENERAL1_SMALL").usage) == {row.format("small"): "usage"}
    assert [line.reason for line in _build("BUILD_GENERAL1_2XLARGE").unknown] == [
        f"no price row {row.format('2xlarge')}"
    ]


def test_model_units_have_no_public_price() -> None:
    estimate = estimate_of(
        lambda opts: aws.bedrock.ProvisionedModelThroughput(
            "it", provisioned_model_name="it", model_arn="arn", model_units=2, opts=opts
        )
    )

    (line,) = estimate.unknown
    assert line.reason.startswith("AWS publishes no price of a model unit")
