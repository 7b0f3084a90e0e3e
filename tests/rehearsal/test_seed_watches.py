"""Topics, logs, alarms and faults are in moto after seeding as the plan declares them."""

from collections.abc import Callable, Iterator
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from tests.rehearsal.seed_helpers import ACCOUNT, REGION, clients_of, emptied, moto_of_our_own, seeded


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with moto_of_our_own(tmp_path_factory.mktemp("moto")) as url:
        yield url


@pytest.fixture
def fresh(moto: str) -> str:
    return emptied(moto)


@pytest.fixture
def ask(fresh: str) -> Iterator[Callable[..., Any]]:
    with clients_of(fresh) as client:
        yield client


def test_a_topic_and_a_log_group_have_the_arns_of_the_plan(fresh: str, ask: Any) -> None:
    def program(opts: pulumi.ResourceOptions) -> None:
        aws.sns.Topic("page", name="concierge-dev-page", display_name="Pager", opts=opts)
        aws.cloudwatch.LogGroup("agent", name="/concierge/dev/agent", retention_in_days=90, opts=opts)

    result = seeded(fresh, program)

    arn = f"arn:aws:sns:{REGION}:{ACCOUNT}:concierge-dev-page"
    assert ask("sns").get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"] == "Pager"
    (group,) = ask("logs").describe_log_groups()["logGroups"]
    assert (group["logGroupName"], group["retentionInDays"]) == ("/concierge/dev/agent", 90)
    assert result.actual == {}


def test_an_alarm_watches_what_was_declared_and_tells_the_topic(fresh: str, ask: Any) -> None:
    def program(opts: pulumi.ResourceOptions) -> None:
        topic = aws.sns.Topic("page", name="page", opts=opts)
        aws.cloudwatch.MetricAlarm(
            "throttled",
            name="bedrock-throttled",
            alarm_description="Sonnet refuses calls.",
            namespace="Concierge",
            metric_name="ModelThrottled",
            dimensions={"Environment": "dev", "Rung": "sonnet"},
            statistic="Average",
            comparison_operator="GreaterThanThreshold",
            threshold=0.02,
            period=10,
            evaluation_periods=3,
            datapoints_to_alarm=2,
            treat_missing_data="notBreaching",
            alarm_actions=[topic.arn],
            ok_actions=[topic.arn],
            tags={"Runbook": "bedrock-throttled"},
            opts=opts,
        )

    seeded(fresh, program)

    (alarm,) = ask("cloudwatch").describe_alarms()["MetricAlarms"]
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:page"
    expected = {
        "AlarmName": "bedrock-throttled",
        "AlarmArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:bedrock-throttled",
        "AlarmDescription": "Sonnet refuses calls.",
        "AlarmActions": [topic],
        "OKActions": [topic],
        "Namespace": "Concierge",
        "MetricName": "ModelThrottled",
        "Dimensions": [{"Name": "Environment", "Value": "dev"}, {"Name": "Rung", "Value": "sonnet"}],
        "Statistic": "Average",
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 0.02,
        "Period": 10,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2,
        "TreatMissingData": "notBreaching",
    }
    assert {key: alarm[key] for key in expected} == expected
    tags = ask("cloudwatch").list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
    assert tags == [{"Key": "Runbook", "Value": "bedrock-throttled"}]


def test_an_alarm_on_an_expression_keeps_its_queries(fresh: str, ask: Any) -> None:
    failed = aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
        metric_name="Failed",
        namespace="Concierge",
        period=60,
        stat="Average",
        dimensions={"Environment": "dev"},
    )
    seeded(
        fresh,
        lambda opts: aws.cloudwatch.MetricAlarm(
            "burn",
            name="burn",
            comparison_operator="GreaterThanThreshold",
            evaluation_periods=1,
            threshold=1.0,
            metric_queries=[
                aws.cloudwatch.MetricAlarmMetricQueryArgs(
                    id="rate", expression="failed * 100", label="percent", return_data=True
                ),
                aws.cloudwatch.MetricAlarmMetricQueryArgs(id="failed", metric=failed),
            ],
            opts=opts,
        ),
    )

    (alarm,) = ask("cloudwatch").describe_alarms()["MetricAlarms"]
    rate, metric = alarm["Metrics"]
    assert (rate["Id"], rate["Expression"], rate["ReturnData"]) == ("rate", "failed * 100", True)
    assert metric["MetricStat"]["Stat"] == "Average"
    assert metric["MetricStat"]["Metric"] == {
        "Namespace": "Concierge",
        "MetricName": "Failed",
        "Dimensions": [{"Name": "Environment", "Value": "dev"}],
    }


def test_a_fault_is_what_fis_would_start(fresh: str, ask: Any) -> None:
    made = seeded(
        fresh,
        lambda opts: aws.fis.ExperimentTemplate(
            "az-loss",
            description="One zone is cut off.",
            role_arn=f"arn:aws:iam::{ACCOUNT}:role/fault",
            stop_conditions=[
                {"source": "aws:cloudwatch:alarm", "value": "arn:aws:cloudwatch:us-east-1:1:alarm:red"}
            ],
            actions=[
                {
                    "name": "cut",
                    "action_id": "aws:network:disrupt-connectivity",
                    "parameters": [{"key": "duration", "value": "PT10M"}, {"key": "scope", "value": "all"}],
                    "target": {"key": "Subnets", "value": "subnets"},
                },
                {"name": "wait", "action_id": "aws:fis:wait", "start_afters": ["cut"]},
            ],
            targets=[
                {
                    "name": "subnets",
                    "resource_type": "aws:ec2:subnet",
                    "selection_mode": "ALL",
                    "resource_tags": [{"key": "Stack", "value": "prod"}],
                }
            ],
            experiment_options={"empty_target_resolution_mode": "fail"},
            opts=opts,
        ),
    )
    (listed,) = ask("fis").list_experiment_templates()["experimentTemplates"]
    held = ask("fis").get_experiment_template(id=listed["id"])["experimentTemplate"]
    assert held["actions"]["cut"] == {
        "actionId": "aws:network:disrupt-connectivity",
        "parameters": {"duration": "PT10M", "scope": "all"},
        "targets": {"Subnets": "subnets"},
    }
    assert held["actions"]["wait"]["startAfter"] == ["cut"]
    assert held["targets"]["subnets"]["resourceTags"] == {"Stack": "prod"}
    assert held["stopConditions"][0]["value"].endswith(":alarm:red")
    assert made.created == ("fis.ExperimentTemplate az-loss",)
