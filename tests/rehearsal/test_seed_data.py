"""Tables, parameters, buckets and keys are in moto after seeding as the plan declares them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from rehearsal.seed import seed
from tests.rehearsal.seed_helpers import (
    ACCOUNT,
    REGION,
    clients_of,
    emptied,
    moto_of_our_own,
    planned,
    seeded,
)


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
