"""Budgets, unusual costs, and who may publish to the topics they tell (OPS-2)."""

import json
from dataclasses import replace

import pytest

from components.budgets import BudgetsArgs
from plan import Plan
from tests.components import operations_helpers as shop
from tests.components.data_helpers import ACCOUNT, Check, each, replaced, statements, unnoticed

TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:"


def a_month_has_a_limit(plan: Plan) -> None:
    limits = {"month": "9000", "models": "5000"}
    for budget, limit in limits.items():
        said = plan.get(f"budgets-{budget}").inputs
        assert said["name"] == f"concierge-shop-{budget}"
        assert (said["budgetType"], said["timeUnit"]) == ("COST", "MONTHLY")
        assert (said["limitAmount"], said["limitUnit"]) == (limit, "USD")


def eighty_and_a_hundred_percent_are_told_and_what_is_foreseen(plan: Plan) -> None:
    """A full budget wakes somebody. AWS takes five notifications, and one topic each."""
    for budget in each(plan, "budgets.Budget"):
        told = [
            (
                n["notificationType"],
                n["threshold"],
                n["thresholdType"],
                n["comparisonOperator"],
                n["subscriberSnsTopicArns"],
            )
            for n in budget.inputs["notifications"]
        ]
        assert told == [
            ("ACTUAL", 80, "PERCENTAGE", "GREATER_THAN", [f"{TOPIC}ticket"]),
            ("ACTUAL", 100, "PERCENTAGE", "GREATER_THAN", [f"{TOPIC}page"]),
            ("FORECASTED", 100, "PERCENTAGE", "GREATER_THAN", [f"{TOPIC}ticket"]),
        ]


def models_are_counted_under_every_name_they_have_in_the_bill(plan: Plan) -> None:
    """Models of other vendors are services of their own there."""
    assert plan.get("budgets-month").inputs["costFilters"] == []
    (only,) = plan.get("budgets-models").inputs["costFilters"]
    assert only["name"] == "Service"
    assert "Amazon Bedrock" in only["values"]
    assert sum("(Amazon Bedrock Edition)" in name for name in only["values"]) == 3


def unusual_costs_are_told_at_once(plan: Plan) -> None:
    """A topic takes no daily summary."""
    monitor = plan.get("budgets-monitor")
    assert monitor.inputs == {
        "name": "concierge-shop-services",
        "monitorType": "DIMENSIONAL",
        "monitorDimension": "SERVICE",
    }
    told = plan.get("budgets-anomalies").inputs
    assert told["name"] == "concierge-shop-anomalies"
    assert told["frequency"] == "IMMEDIATE"
    assert told["monitorArnLists"] == [monitor.outputs["arn"]]
    assert told["subscribers"] == [{"type": "SNS", "address": f"{TOPIC}ticket"}]
    assert told["thresholdExpression"]["dimension"] == {
        "key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE",
        "matchOptions": ["GREATER_THAN_OR_EQUAL"],
        "values": ["100"],
    }


def only_services_of_this_account_publish(plan: Plan) -> None:
    """Alarms too: a policy of ours replaces the one by which they could."""
    for word in ("page", "ticket"):
        policy = plan.get(f"{word}-writers-policy")
        assert policy.inputs["arn"] == f"{TOPIC}{word}"
        said = statements(policy)
        assert {sid: s["Principal"]["Service"] for sid, s in said.items()} == {
            "Alarms": "cloudwatch.amazonaws.com",
            "Budgets": "budgets.amazonaws.com",
            "Anomalies": "costalerts.amazonaws.com",
        }
        for statement in said.values():
            assert (statement["Effect"], statement["Action"]) == ("Allow", "sns:Publish")
            assert statement["Resource"] == f"{TOPIC}{word}"
            assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
        sources = {
            "Alarms": f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:*",
            "Budgets": f"arn:aws:budgets::{ACCOUNT}:*",
            "Anomalies": f"arn:aws:ce::{ACCOUNT}:anomalysubscription/*",
        }
        for sid, source in sources.items():
            assert said[sid]["Condition"]["ArnLike"] == {"aws:SourceArn": source}


def topics_let_in_before_they_are_told_of(plan: Plan) -> None:
    policies = {plan.get(f"{word}-writers-policy").urn for word in ("page", "ticket")}
    for budget in each(plan, "budgets.Budget"):
        assert policies <= set(budget.dependencies)


CHECKS: list[Check] = [
    a_month_has_a_limit,
    eighty_and_a_hundred_percent_are_told_and_what_is_foreseen,
    models_are_counted_under_every_name_they_have_in_the_bill,
    unusual_costs_are_told_at_once,
    only_services_of_this_account_publish,
    topics_let_in_before_they_are_told_of,
]


@pytest.mark.parametrize("check", CHECKS)
def test_spend(check: Check):
    check(shop.spend()[0])


def test_no_input_and_no_part_can_go_missing_unseen():
    assert unnoticed(shop.spend()[0], CHECKS) == []


@pytest.mark.parametrize("sid", ["Alarms", "Budgets", "Anomalies"])
def test_a_topic_open_to_other_accounts_is_found(sid: str):
    made = shop.spend()[0]
    found = made.get("page-writers-policy")
    said = statements(found)
    del said[sid]["Condition"]
    document = json.dumps({"Version": "2012-10-17", "Statement": [*said.values()]})
    with pytest.raises(KeyError):
        only_services_of_this_account_publish(
            replaced(made, found, replace(found, inputs={**found.inputs, "policy": document}))
        )


def test_a_stack_can_count_only_what_carries_its_tag():
    made = shop.spend(tag=("Stack", "shop"))[0]
    assert made.get("budgets-month").inputs["costFilters"] == [
        {"name": "TagKeyValue", "values": ["user:Stack$shop"]}
    ]


def test_an_account_has_one_monitor_of_services():
    made = shop.spend(monitor_arn=f"arn:aws:ce::{ACCOUNT}:anomalymonitor/theirs")[0]
    assert not made.of_type("costexplorer.AnomalyMonitor")
    told = made.get("budgets-anomalies").inputs
    assert told["monitorArnLists"] == [f"arn:aws:ce::{ACCOUNT}:anomalymonitor/theirs"]


def test_a_limit_for_something_nobody_counts_is_refused():
    with pytest.raises(ValueError, match="no budget coffee: known are month, models"):
        BudgetsArgs(
            environment="shop",
            limits={"coffee": 10},
            topics={},
            tag=None,
            anomaly_usd=None,
            monitor_arn=None,
        )
