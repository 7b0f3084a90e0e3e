"""moto after seeding holds what a plan declares, under the plan's names; what it does not hold is listed."""

import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import botocore.session
import pulumi
import pulumi_aws as aws
import pytest
from botocore.config import Config

import plan
from plan import Plan
from rehearsal.processes import Processes
from rehearsal.seed import Seeded, SeedError, Skipped, seed
from rehearsal.standins import start_aws, url

REGION = "us-east-1"
ACCOUNT = "123456789012"
Program = Callable[[pulumi.ResourceOptions], object]


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a moto of our own."""
    with Processes(tmp_path_factory.mktemp("moto")) as processes:
        yield url(start_aws(processes))


@pytest.fixture
def fresh(moto: str) -> str:
    """The same, with nothing in it."""
    urllib.request.urlopen(urllib.request.Request(f"{moto}/moto-api/reset", method="POST")).close()
    return moto


@pytest.fixture
def ask(fresh: str) -> Iterator[Callable[..., Any]]:
    """Service and region -> a real client."""
    with ExitStack() as clients:

        def client(service: str, region: str = REGION) -> Any:
            made: Any = botocore.session.get_session().create_client(
                service,
                region_name=region,
                endpoint_url=fresh,
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(retries={"total_max_attempts": 1}),
            )
            clients.callback(made.close)
            return made

        yield client


def planned(program: Program, region: str = REGION) -> Plan:
    """The plan of a small program whose resources all stand in one region."""

    def run() -> None:
        program(pulumi.ResourceOptions(provider=aws.Provider(region, region=region)))

    return plan.of_program(run, project="concierge", stack="dev", config={})


def seeded(url: str, program: Program, region: str = REGION) -> Seeded:
    return seed(planned(program, region), region, url)


# --- Each type ----------------------------------------------------------------------------------------


def test_a_table_has_its_keys_indexes_expiry_stream_and_protection(fresh: str, ask: Any) -> None:
    result = seeded(
        fresh,
        lambda opts: aws.dynamodb.Table(
            "sessions",
            name="concierge-dev-sessions",
            billing_mode="PAY_PER_REQUEST",
            hash_key="shard",
            range_key="item",
            attributes=[
                {"name": "shard", "type": "S"},
                {"name": "item", "type": "N"},
                {"name": "user", "type": "S"},
            ],
            global_secondary_indexes=[
                {
                    "name": "by-user",
                    "hash_key": "user",
                    "projection_type": "INCLUDE",
                    "non_key_attributes": ["title"],
                }
            ],
            ttl={"attribute_name": "expires_at", "enabled": True},
            stream_enabled=True,
            stream_view_type="NEW_IMAGE",
            point_in_time_recovery={"enabled": True, "recovery_period_in_days": 20},
            server_side_encryption={"enabled": True},
            deletion_protection_enabled=True,
            tags={"Owner": "data"},
            opts=opts,
        ),
    )

    dynamodb = ask("dynamodb")
    table = dynamodb.describe_table(TableName="concierge-dev-sessions")["Table"]
    assert result.created == ("dynamodb.Table sessions",)
    assert table["TableArn"] == f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/concierge-dev-sessions"
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["KeySchema"] == [
        {"AttributeName": "shard", "KeyType": "HASH"},
        {"AttributeName": "item", "KeyType": "RANGE"},
    ]
    assert {a["AttributeName"]: a["AttributeType"] for a in table["AttributeDefinitions"]} == {
        "shard": "S",
        "item": "N",
        "user": "S",
    }
    (index,) = table["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "by-user"
    assert index["KeySchema"] == [{"AttributeName": "user", "KeyType": "HASH"}]
    assert index["Projection"] == {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["title"]}
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert table["SSEDescription"]["Status"] == "ENABLED"
    assert table["DeletionProtectionEnabled"] is True
    expiry = dynamodb.describe_time_to_live(TableName="concierge-dev-sessions")["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
    backups = dynamodb.describe_continuous_backups(TableName="concierge-dev-sessions")
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert (recovery["PointInTimeRecoveryStatus"], recovery["RecoveryPeriodInDays"]) == ("ENABLED", 20)
    tags = dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]
    assert tags == [{"Key": "Owner", "Value": "data"}]


def test_a_plain_table_has_nothing_that_was_not_declared(fresh: str, ask: Any) -> None:
    seeded(
        fresh,
        lambda opts: aws.dynamodb.Table(
            "carts",
            name="carts",
            hash_key="id",
            attributes=[{"name": "id", "type": "S"}],
            billing_mode="PROVISIONED",
            read_capacity=3,
            write_capacity=2,
            opts=opts,
        ),
    )

    table = ask("dynamodb").describe_table(TableName="carts")["Table"]
    assert table["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 3
    assert table["ProvisionedThroughput"]["WriteCapacityUnits"] == 2
    assert table["GlobalSecondaryIndexes"] == []
    assert "StreamSpecification" not in table
    expiry = ask("dynamodb").describe_time_to_live(TableName="carts")["TimeToLiveDescription"]
    assert expiry["TimeToLiveStatus"] == "DISABLED"


def test_parameters_have_their_values_secrets_included(fresh: str, ask: Any) -> None:
    def program(opts: pulumi.ResourceOptions) -> None:
        aws.ssm.Parameter("open", name="/concierge/dev/controls", type="String", value="{}", opts=opts)
        aws.ssm.Parameter(
            "secret",
            name="/concierge/dev/pager",
            type="SecureString",
            value=pulumi.Output.secret("key-of-the-pager"),
            description="Carries a key.",
            opts=opts,
        )

    seeded(fresh, program)

    ssm = ask("ssm")
    controls = ssm.get_parameter(Name="/concierge/dev/controls")["Parameter"]
    assert (controls["Value"], controls["Type"], controls["Version"]) == ("{}", "String", 1)
    assert controls["ARN"] == f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/concierge/dev/controls"
    pager = ssm.get_parameter(Name="/concierge/dev/pager", WithDecryption=True)["Parameter"]
    assert (pager["Value"], pager["Type"]) == ("key-of-the-pager", "SecureString")


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


@pytest.mark.parametrize(("region", "location"), [("us-east-1", None), ("us-west-2", "us-west-2")])
def test_a_bucket_stands_in_its_region_with_its_objects(
    fresh: str, ask: Any, region: str, location: str | None, tmp_path: Path
) -> None:
    file = tmp_path / "model.bin"
    file.write_bytes(b"\x00\xff")

    def program(opts: pulumi.ResourceOptions) -> None:
        bucket = aws.s3.Bucket("inventory", bucket="concierge-dev-inventory", opts=opts)
        aws.s3.BucketVersioning(
            "versions",
            bucket=bucket.bucket,
            versioning_configuration={"status": "Enabled"},
            opts=opts,
        )
        contents: dict[str, dict[str, Any]] = {
            "text": {"content": "{}", "content_type": "application/json"},
            "base64": {"content_base64": "AP8="},
            "text-asset": {"source": pulumi.StringAsset("hello")},
            "file-asset": {"source": pulumi.FileAsset(file)},
            "empty": {},
        }
        for key, content in contents.items():
            aws.s3.BucketObjectv2(f"{key}-object", bucket=bucket.bucket, key=key, opts=opts, **content)

    seeded(fresh, program, region)

    s3 = ask("s3", region)

    def body(key: str) -> bytes:
        return bytes(s3.get_object(Bucket="concierge-dev-inventory", Key=key)["Body"].read())

    assert s3.get_bucket_location(Bucket="concierge-dev-inventory")["LocationConstraint"] == location
    assert s3.get_bucket_versioning(Bucket="concierge-dev-inventory")["Status"] == "Enabled"
    assert [body(key) for key in ("text", "base64", "text-asset", "file-asset", "empty")] == [
        b"{}",
        b"\x00\xff",
        b"hello",
        b"\x00\xff",
        b"",
    ]
    assert s3.head_object(Bucket="concierge-dev-inventory", Key="text")["ContentType"] == "application/json"


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


def test_a_table_with_a_copy_stands_in_both_regions(fresh: str, ask: Any) -> None:
    def program(opts: pulumi.ResourceOptions) -> None:
        aws.dynamodb.Table(
            "orders",
            name="orders",
            billing_mode="PAY_PER_REQUEST",
            hash_key="id",
            attributes=[{"name": "id", "type": "S"}],
            replicas=[{"region_name": "us-west-2"}],
            opts=opts,
        )

    made = planned(program)
    for region in (REGION, "us-west-2", "eu-west-1"):
        seed(made, region, fresh)

    there = {region: ask("dynamodb", region).list_tables()["TableNames"] for region in (REGION, "us-west-2")}
    assert there == {REGION: ["orders"], "us-west-2": ["orders"]}
    assert ask("dynamodb", "eu-west-1").list_tables()["TableNames"] == []


def test_what_names_a_planned_key_names_motos_key(fresh: str, ask: Any) -> None:
    """moto makes up key ids; everything that refers to a key follows."""

    def program(opts: pulumi.ResourceOptions) -> None:
        key = aws.kms.Key("data", description="Everything at rest.", opts=opts)
        aws.kms.Alias("name", name="alias/concierge", target_key_id=key.id, opts=opts)
        aws.sns.Topic("page", name="page", kms_master_key_id=key.id, opts=opts)

    declared = planned(program)
    result = seed(declared, REGION, fresh)

    key = ask("kms").describe_key(KeyId="alias/concierge")["KeyMetadata"]
    topic = ask("sns").get_topic_attributes(TopicArn=f"arn:aws:sns:{REGION}:{ACCOUNT}:page")
    assert key["Description"] == "Everything at rest."
    assert result.actual[declared.get("data").id] == key["KeyId"]
    assert topic["Attributes"]["KmsMasterKeyId"] == key["KeyId"]


# --- All together -------------------------------------------------------------------------------------


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
