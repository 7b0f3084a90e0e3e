"""Which prices each kind of resource pays, and how many units of them."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pulumi_aws as aws
import pytest

from plan import Plan, cost, cost_rules
from plan.cost import Estimate
from tests.plan.sample_helpers import Declare, endpoint, estimate_of, prices_of


def test_an_interface_endpoint_is_paid_in_each_zone() -> None:
    estimate = estimate_of(lambda opts: endpoint("endpoint", ["subnet-a", "subnet-b"], opts))

    assert estimate.fixed_total == Decimal("14.60")  # two zones, 730 hours at $0.01
    assert prices_of(estimate.usage) == {"interface-endpoint-gb": "usage"}


def test_a_gateway_endpoint_is_free() -> None:
    estimate = estimate_of(
        lambda opts: aws.ec2.VpcEndpoint(
            "endpoint", vpc_id="vpc-1", service_name="com.amazonaws.us-east-1.s3", opts=opts
        )
    )

    assert prices_of(estimate.lines) == {"gateway-endpoint": "free"}


@pytest.mark.parametrize(
    ("declare", "expected"),
    [
        (
            lambda opts: aws.dynamodb.Table(
                "it",
                hash_key="id",
                billing_mode="PAY_PER_REQUEST",
                point_in_time_recovery={"enabled": True},
                opts=opts,
            ),
            {
                "dynamodb-writes": "usage",
                "dynamodb-reads": "usage",
                "dynamodb-stored-gb-month": "usage",
                "dynamodb-recovery-gb-month": "usage",
            },
        ),
        (
            lambda opts: aws.ssm.Parameter("it", type="String", value="x", opts=opts),
            {"ssm-standard-parameter": "free"},
        ),
        (
            lambda opts: aws.ssm.Parameter("it", type="String", value="x", tier="Advanced", opts=opts),
            {"ssm-advanced-month": "fixed", "ssm-advanced-requests": "usage"},
        ),
        (lambda opts: aws.sns.Topic("it", opts=opts), {"sns-requests": "usage"}),
        (
            lambda opts: aws.sns.TopicSubscription(
                "it", topic="t", protocol="https", endpoint="https://example.com", opts=opts
            ),
            {"sns-http": "usage"},
        ),
        (
            lambda opts: aws.s3.Bucket("it", bucket="it", opts=opts),
            {"s3-stored-gb-month": "usage", "s3-writes": "usage", "s3-reads": "usage"},
        ),
        (lambda opts: aws.kms.Key("it", opts=opts), {"kms-key-month": "fixed", "kms-requests": "usage"}),
        (
            lambda opts: aws.cloudwatch.LogGroup("it", opts=opts),
            {"logs-ingested-gb": "usage", "logs-stored-gb-month": "usage"},
        ),
        (
            lambda opts: aws.cloudwatch.CompositeAlarm("it", alarm_name="it", alarm_rule="TRUE", opts=opts),
            {"alarm-composite-month": "fixed"},
        ),
    ],
    ids=[
        "table on demand",
        "parameter",
        "advanced parameter",
        "topic",
        "subscription",
        "bucket",
        "key",
        "log group",
        "composite alarm",
    ],
)
def test_what_each_kind_of_resource_pays(declare: Declare, expected: dict[str, str]) -> None:
    assert prices_of(estimate_of(declare).lines) == expected


def test_a_table_is_paid_wherever_it_is_replicated() -> None:
    replica = aws.dynamodb.TableReplicaArgs(region_name="us-west-2", point_in_time_recovery=True)
    estimate = estimate_of(
        lambda opts: aws.dynamodb.Table(
            "sessions", hash_key="id", billing_mode="PAY_PER_REQUEST", replicas=[replica], opts=opts
        )
    )

    regions = {(line.what, line.region) for line in estimate.lines}
    assert ("read request units, on demand", "us-east-1") in regions
    assert ("read request units, on demand", "us-west-2") in regions
    assert ("replicated write request units, on demand", "us-west-2") in regions
    assert ("point-in-time recovery", "us-west-2") in regions
    assert ("point-in-time recovery", "us-east-1") not in regions
    assert "write request units, on demand" not in {what for what, _ in regions}


def test_flow_logs_are_not_charged_twice(dev: Plan) -> None:
    """Delivery is charged with the flow log; its group only stores."""
    lines = cost.estimate(dev).lines

    assert prices_of([line for line in lines if line.resource == "primary-network-flow-log"]) == {
        "logs-vended-gb": "usage"
    }
    assert prices_of([line for line in lines if line.resource == "primary-network-flows"]) == {
        "logs-stored-gb-month": "usage"
    }


def _alarm(**settings: Any) -> Estimate:
    above = "GreaterThanThreshold"
    return estimate_of(
        lambda opts: aws.cloudwatch.MetricAlarm(
            "alarm", comparison_operator=above, evaluation_periods=1, **settings, opts=opts
        )
    )


def _query(name: str, period: int = 60) -> dict[str, Any]:
    metric = {"metric_name": name, "namespace": "Concierge", "period": period, "stat": "Sum"}
    return {"id": name, "metric": metric}


@pytest.mark.parametrize(
    ("settings", "usd"),
    [
        ({"metric_name": "errors", "period": 60}, "0.10"),
        ({"metric_name": "errors", "period": 10}, "0.30"),
        ({"metric_queries": [_query("a"), _query("b"), {"id": "r", "expression": "a/b"}]}, "0.20"),
        ({"metric_queries": [_query("a", 10), _query("b", 10), {"id": "r", "expression": "a/b"}]}, "0.60"),
        ({"metric_queries": [_query("a"), {"id": "r", "expression": "ANOMALY_DETECTION_BAND(a)"}]}, "0.30"),
    ],
    ids=["one metric", "high resolution", "ratio of two", "ratio at high resolution", "anomaly band"],
)
def test_an_alarm_is_paid_by_the_metrics_it_watches(settings: dict[str, Any], usd: str) -> None:
    assert _alarm(**settings).fixed_total == Decimal(usd)


def test_an_alarm_that_picks_its_metrics_by_query_is_unknown() -> None:
    estimate = _alarm(metric_queries=[{"id": "q", "expression": "SELECT MAX(x) FROM y", "period": 60}])

    assert [line.reason for line in estimate.unknown] == ["the plan does not say how many"]


@pytest.mark.parametrize(
    ("charge", "message"),
    [
        (
            'price = "nat-gateway-hours"',
            "there is no price 'nat-gateway-hours': did you mean 'nat-gateway-hour'",
        ),
        ('price = "iam", count = "subnet"', "there is no count 'subnet': did you mean 'subnets'"),
        ('price = "iam", at = "moon"', "there is no at 'moon': there are all, all_if_replicated"),
    ],
)
def test_a_rule_that_names_nothing_is_refused_with_the_fix(tmp_path: Path, charge: str, message: str) -> None:
    file = tmp_path / "cost.toml"
    file.write_text(f'[[rule]]\ntypes = ["aws:ec2/eip:Eip"]\ncharges = [{{ {charge} }}]\n', encoding="utf-8")

    with pytest.raises(cost_rules.RuleError) as fault:
        cost_rules.load(file)

    assert "cost.toml: rule for aws:ec2/eip:Eip" in str(fault.value)
    assert message in str(fault.value)


def test_a_rule_that_is_not_one_is_refused_by_number(tmp_path: Path) -> None:
    file = tmp_path / "cost.toml"
    file.write_text('[[rule]]\ntypes = ["aws:ec2/eip:Eip"]\ncharge = []\n', encoding="utf-8")

    with pytest.raises(cost_rules.RuleError) as fault:
        cost_rules.load(file)

    assert "cost.toml: rule 1: charge: Extra inputs are not permitted" in str(fault.value)


def test_a_rule_needs_a_price_or_a_reason(tmp_path: Path) -> None:
    file = tmp_path / "cost.toml"
    file.write_text('[[rule]]\ntypes = ["aws:ec2/eip:Eip"]\n', encoding="utf-8")

    with pytest.raises(
        cost_rules.RuleError, match="rule 1: needs either charges, or unknown with the reason"
    ):
        cost_rules.load(file)


def test_a_price_named_after_a_setting_must_be_able_to_exist(tmp_path: Path) -> None:
    file = tmp_path / "cost.toml"
    charge = 'charges = [{ price = "valkei-{nodeType}-hour" }]'
    file.write_text(f'[[rule]]\ntypes = ["aws:ec2/eip:Eip"]\n{charge}\n', encoding="utf-8")

    with pytest.raises(cost_rules.RuleError, match=r"there is no price 'valkei-\{nodeType\}-hour'"):
        cost_rules.load(file)
