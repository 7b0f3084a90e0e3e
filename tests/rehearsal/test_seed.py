"""moto after seeding holds what a plan declares, under the plan's names; what it does not hold is listed."""

from collections.abc import Callable, Iterator
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

import plan
from plan import Plan
from rehearsal.seed import SeedError, Skipped, seed
from tests.rehearsal.seed_helpers import REGION, clients_of, emptied, moto_of_our_own, seeded


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


def test_only_the_region_that_was_asked_for_is_seeded(fresh: str, ask: Any) -> None:
    def program() -> None:
        for region in ("us-east-1", "us-west-2"):
            provider = aws.Provider(region, region=region)
            aws.sns.Topic(f"{region}-page", name="page", opts=pulumi.ResourceOptions(provider=provider))

    result = seed(plan.of_program(program, project="concierge", stack="prod", config={}), "us-west-2", fresh)

    assert result.created == ("sns.Topic us-west-2-page",)
    assert len(ask("sns", "us-west-2").list_topics()["Topics"]) == 1
    assert ask("sns", "us-east-1").list_topics()["Topics"] == []


def test_what_is_not_seeded_is_named_with_the_reason(fresh: str) -> None:
    def program(opts: pulumi.ResourceOptions) -> None:
        topic = aws.sns.Topic("page", name="page", opts=opts)
        aws.sns.TopicSubscription(
            "pager", topic=topic.arn, protocol="email", endpoint="a@b.example", opts=opts
        )
        aws.ec2.Vpc("network", cidr_block="10.0.0.0/16", opts=opts)

    assert seeded(fresh, program).skipped == (
        Skipped("ec2.Vpc network", "no stand-in has it"),
        Skipped("sns.TopicSubscription pager", "nothing is delivered: the game day reads alarms itself"),
    )


def test_a_refusal_names_the_resource_and_the_call(fresh: str) -> None:
    with pytest.raises(
        SeedError, match=r"moto did not make s3\.Bucket twice-[ab]: create_bucket: .*AlreadyOwned"
    ):
        seeded(
            fresh,
            lambda opts: [aws.s3.Bucket(name, bucket="twice", opts=opts) for name in ("twice-a", "twice-b")],
            region="us-west-2",
        )


def test_the_stack_is_seeded_completely(fresh: str, ask: Any, dev: Plan) -> None:
    """Whatever the real program declares of the types the agent and the runbooks use is there."""
    result = seed(dev, REGION, fresh)

    tables = {table.inputs["name"] for table in dev.of_type("dynamodb.Table")}
    parameters = {parameter.inputs["name"] for parameter in dev.of_type("ssm.Parameter")}
    alarms = {alarm.inputs["name"] for alarm in dev.of_type("cloudwatch.MetricAlarm")}
    alarms |= {alarm.inputs["alarmName"] for alarm in dev.of_type("cloudwatch.CompositeAlarm")}
    topics = {topic.outputs["arn"] for topic in dev.of_type("sns.Topic")}
    assert set(ask("dynamodb").list_tables()["TableNames"]) == tables
    pages = ask("ssm").get_paginator("describe_parameters").paginate()
    assert {parameter["Name"] for page in pages for parameter in page["Parameters"]} == parameters
    assert {a["AlarmName"] for a in ask("cloudwatch").describe_alarms()["MetricAlarms"]} == alarms
    assert {t["TopicArn"] for t in ask("sns").list_topics()["Topics"]} == topics
    assert len(result.created) + len(result.skipped) == len(
        [resource for resource in dev.cloud if resource.region == REGION]
    )
