"""What a plan costs a month: right by hand where the plan says how much, silent nowhere, guessed never."""

import json
from datetime import date
from decimal import Decimal

import pulumi
import pulumi_aws as aws
import pytest
from rich.console import Console

from plan import Plan, cost
from plan.cost import Estimate
from tests.plan.sample_helpers import Declare, endpoint, estimate_of, part

NAT_MONTH = Decimal("32.85")  # 730 hours at $0.045
ADDRESS_MONTH = Decimal("3.65")  # 730 hours at $0.005
ENDPOINT_MONTH = Decimal("7.30")  # 730 hours at $0.01, in one zone
INTERFACES = 13


def spent(estimate: Estimate) -> dict[tuple[str, str], Decimal]:
    return {(part.name, part.region): part.usd for part in estimate.by_component()}


def composite_alarm(name: str, opts: pulumi.ResourceOptions) -> None:
    aws.cloudwatch.CompositeAlarm(name, alarm_name=name, alarm_rule="TRUE", opts=opts)


def screen(estimate: Estimate, budget: int | None = None, width: int = 100) -> str:
    console = Console(width=width, force_terminal=False)
    with console.capture() as shown:
        console.print(cost.render(estimate, budget))
    return shown.get()


# --- both stacks --------------------------------------------------------------------------------------


def test_dev_has_one_of_everything(dev: Plan) -> None:
    parts = spent(cost.estimate(dev))

    assert parts["primary-network", "us-east-1"] == NAT_MONTH + ADDRESS_MONTH
    assert parts["primary-endpoints", "us-east-1"] == INTERFACES * ENDPOINT_MONTH
    assert parts["primary-groups", "us-east-1"] == 0


def test_prod_has_three_zones_in_two_regions(prod: Plan) -> None:
    parts = spent(cost.estimate(prod))

    for role, region in (("primary", "us-east-1"), ("standby", "us-west-2")):
        assert parts[f"{role}-network", region] == 3 * (NAT_MONTH + ADDRESS_MONTH)
        assert parts[f"{role}-endpoints", region] == 3 * INTERFACES * ENDPOINT_MONTH


def test_no_resource_is_passed_over(either: Plan) -> None:
    estimate = cost.estimate(either)

    assert {line.resource for line in estimate.lines} == {resource.name for resource in either.cloud}


def test_every_line_can_be_checked(either: Plan) -> None:
    """Fixed is quantity times price; the rest adds nothing, and says where its price or gap comes from."""
    for line in cost.estimate(either).lines:
        if line.kind == "unknown":
            assert line.reason
            assert line.usd == 0
            continue
        assert line.price is not None
        assert line.price.source
        assert line.price.region == line.region
        assert (line.price.usd == 0) == (line.kind == "free")
        assert (line.quantity > 0) == (line.kind == "fixed")
        assert line.usd == line.quantity * line.price.usd


def test_the_components_add_up_to_the_total(either: Plan) -> None:
    estimate = cost.estimate(either)
    parts = estimate.by_component()

    assert sum(part.usd for part in parts) == estimate.fixed_total > 0
    assert [part.usd for part in parts] == sorted((part.usd for part in parts), reverse=True)


def test_an_estimate_is_as_old_as_its_oldest_price(dev: Plan) -> None:
    estimate = cost.estimate(dev)

    assert estimate.as_of == min(line.price.as_of for line in estimate.lines if line.price)
    assert Estimate("empty", ()).as_of is None


# --- what is not known --------------------------------------------------------------------------------


def test_a_region_without_a_price_makes_it_unknown_and_counts_nothing() -> None:
    estimate = estimate_of(lambda opts: aws.ec2.Eip("address", opts=opts), region="eu-west-1")

    (line,) = estimate.unknown
    assert line.resource == "address"
    assert line.usd == 0
    assert line.price is None
    assert line.reason == "no price for eu-west-1 (public-ipv4-hour)"
    assert estimate.fixed_total == 0


def test_a_type_without_a_rule_is_unknown() -> None:
    estimate = estimate_of(lambda opts: aws.lightsail.StaticIp("queue", opts=opts))

    (line,) = estimate.unknown
    assert (line.resource, line.what, line.reason) == ("queue", "lightsail.StaticIp", "no rule for its type")


@pytest.mark.parametrize(
    "declare",
    [
        lambda opts: aws.sns.Topic("it", fifo_topic=True, opts=opts),
        lambda opts: aws.ssm.Parameter("it", type="String", value="x", tier="Intelligent-Tiering", opts=opts),
        lambda opts: aws.cloudwatch.LogGroup("it", log_group_class="INFREQUENT_ACCESS", opts=opts),
        lambda opts: aws.dynamodb.Table(
            "it", hash_key="id", billing_mode="PROVISIONED", read_capacity=5, write_capacity=5, opts=opts
        ),
    ],
    ids=["FIFO topic", "parameter of changing tier", "other log class", "provisioned table"],
)
def test_settings_that_no_rule_was_made_for_are_unknown(declare: Declare) -> None:
    (line,) = estimate_of(declare).lines

    assert (line.kind, line.reason) == ("unknown", "no rule fits its settings")


def test_an_endpoint_that_does_not_name_its_subnets_is_unknown() -> None:
    estimate = estimate_of(lambda opts: endpoint("endpoint", None, opts))

    (line,) = estimate.unknown
    assert line.reason == "the plan does not say how many"


# --- what a person and a program read -----------------------------------------------------------------


def test_the_table_is_readable_at_a_hundred_columns(either: Plan) -> None:
    lines = screen(cost.estimate(either)).splitlines()

    assert max(map(len, lines)) <= 100
    assert not any("…" in line for line in lines)


def test_every_price_that_counts_resolves_to_its_source_and_date(either: Plan) -> None:
    estimate = cost.estimate(either)
    shown = " ".join(screen(estimate, width=300).split())

    counted = [line.price for line in estimate.lines if line.price and line.kind == "fixed"]
    for price in {price.id: price for price in counted}.values():
        assert f"{price.source} {price.id} {price.as_of}" in shown


def test_every_price_by_use_names_its_row(either: Plan) -> None:
    estimate = cost.estimate(either)
    words = screen(estimate, width=300).split()

    assert {line.price.id for line in estimate.usage if line.price} <= set(words)


def test_the_screen_is_short_and_starts_with_what_is_dearest(prod: Plan) -> None:
    """A row for what costs something, not for each of many hundred resources."""
    estimate = cost.estimate(prod)
    lines = screen(estimate, width=160).splitlines()
    dearest = estimate.by_component()[0]

    assert len(lines) < 200
    assert lines[4].split()[:3] == [dearest.name, dearest.region, f"${dearest.usd:,.2f}"]
    assert any(line.startswith("and ") and "more by use or free" in line for line in lines)


def test_small_components_are_told_together() -> None:
    estimate = estimate_of(
        lambda opts: aws.ec2.Eip("address", opts=opts),
        lambda opts: part("alarmed", lambda below: composite_alarm("alarm", below), opts),
        lambda opts: part("stored", lambda below: aws.s3.Bucket("bucket", bucket="b", opts=below), opts),
    )

    shown = " ".join(screen(estimate).split())
    assert "and 1 more below $1.00 each $0.50" in shown
    assert "and 1 more by use or free --json" in shown


def test_a_price_that_nobody_checked_is_marked(prod: Plan) -> None:
    """In the table, below it, and for programs."""
    estimate = estimate_of(lambda opts: aws.secretsmanager.Secret("secret", opts=opts))

    shown = " ".join(screen(estimate).split())
    assert "$0.40 / month* $0.40" in shown
    assert "* not checked against the price page since 2025-01-01." in shown
    lines = cost.as_json(estimate)["lines"]
    assert [line["checked"] for line in lines] == [False, False]
    checked = {line["price"]: line["checked"] for line in cost.as_json(cost.estimate(prod))["lines"]}
    assert checked["nat-gateway-hour"] is True


def test_what_the_plan_warns_of_is_on_the_screen() -> None:
    estimate = Estimate("sample", (), ("agent.image_digest is not set: nothing runs",))

    assert "- agent.image_digest is not set: nothing runs" in screen(estimate)
    assert cost.as_json(estimate)["warnings"] == ["agent.image_digest is not set: nothing runs"]


def test_amounts_and_prices_are_shown(dev: Plan) -> None:
    shown = " ".join(screen(cost.estimate(dev)).split())

    assert "interface endpoint, in one zone 13 × 730 hours $0.01 / hour $94.90" in shown
    assert "NAT gateway, data processed $0.045 / GB" in shown


def test_what_is_unknown_is_told_by_type_and_reason() -> None:
    estimate = estimate_of(
        lambda opts: aws.lightsail.StaticIp("first", opts=opts),
        lambda opts: aws.lightsail.StaticIp("second", opts=opts),
        lambda opts: aws.lightsail.StaticIp("third", opts=opts),
        lambda opts: aws.ec2.Eip("address", opts=opts),
    )

    shown = " ".join(screen(estimate).split())
    assert "Unknown, not counted above" in shown
    assert "3 lightsail.StaticIp no rule for its type first, second" in shown
    assert "sample costs at least $3.65 a month" in shown


@pytest.mark.parametrize(
    ("budget", "verdict"),
    [
        (10, "sample costs $3.65 a month: $6.35 below the budget of $10.00"),
        (3, "sample costs $3.65 a month: $0.65 over the budget of $3.00"),
        (None, "sample costs $3.65 a month; no budget is set (environment.monthly_budget_usd)"),
    ],
)
def test_the_verdict_compares_with_the_budget(budget: int | None, verdict: str) -> None:
    estimate = estimate_of(lambda opts: aws.ec2.Eip("address", opts=opts))

    assert screen(estimate, budget).startswith(verdict)
    assert [estimate.over(10), estimate.over(3)] == [False, True]


def test_json_carries_the_same_estimate(dev: Plan) -> None:
    estimate = cost.estimate(dev)

    content = json.loads(json.dumps(cost.as_json(estimate)))

    assert content["fixed_total_usd"] == float(estimate.fixed_total)
    assert date.fromisoformat(content["as_of"]) == estimate.as_of
    assert len(content["lines"]) == len(estimate.lines)
    (gateway,) = (line for line in content["lines"] if line["price"] == "nat-gateway-hour")
    assert (gateway["quantity"], gateway["unit_usd"], gateway["usd"]) == (730, 0.045, 32.85)
    assert {"name": "primary-endpoints", "region": "us-east-1", "usd": 94.9} in content["components"]
