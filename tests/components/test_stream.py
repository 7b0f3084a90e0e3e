"""Events: a stream, a second scan, files in the archive; each part may do only its own (DATA-6)."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from components import stream as component
from plan import Plan
from tests.components.data_helpers import (
    ACCOUNT,
    Check,
    each,
    fake_keys,
    replaced,
    statements,
    stream,
    unnoticed,
)

BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
STREAM = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/concierge-shop-events"
SCAN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:concierge-shop-pii-scan"
LOG = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/concierge/shop/primary-stream"


def the_stream_follows_traffic_by_itself(plan: Plan) -> None:
    (events,) = each(plan, "kinesis.Stream")
    assert events.inputs["name"] == "concierge-shop-events"
    assert events.inputs["streamModeDetails"] == {"streamMode": "ON_DEMAND"}
    assert "shardCount" not in events.inputs
    assert events.inputs["retentionPeriod"] == 72
    assert events.options.protect


def everything_on_the_way_is_encrypted(plan: Plan) -> None:
    """Firehose takes no encryption of its own when a stream is its source."""
    (events,), (delivery,) = each(plan, "kinesis.Stream"), each(plan, "kinesis.FirehoseDeliveryStream")
    assert events.inputs["encryptionType"] == "KMS"
    assert events.inputs["kmsKeyId"] == fake_keys("primary")["analytics"]
    assert delivery.inputs["extendedS3Configuration"]["kmsKeyArn"] == fake_keys("primary")["objects"]
    assert "serverSideEncryption" not in delivery.inputs
    for group in each(plan, "cloudwatch.LogGroup"):
        assert group.inputs["kmsKeyId"] == fake_keys("primary")["logs"]
        assert group.inputs["retentionInDays"] == 30


def every_event_is_scanned_before_it_is_stored(plan: Plan) -> None:
    """Only what differs from Firehose's defaults is said, or every `up` would show a change."""
    (delivery,) = each(plan, "kinesis.FirehoseDeliveryStream")
    assert delivery.inputs["destination"] == "extended_s3"
    assert delivery.inputs["extendedS3Configuration"]["processingConfiguration"] == {
        "enabled": True,
        "processors": [
            {
                "type": "Lambda",
                "parameters": [{"parameterName": "LambdaArn", "parameterValue": f"{SCAN}:$LATEST"}],
            }
        ],
    }


def what_cannot_be_scanned_lies_apart(plan: Plan) -> None:
    """An expression in the prefix needs one with the error's type in the other."""
    (delivery,) = each(plan, "kinesis.FirehoseDeliveryStream")
    files = delivery.inputs["extendedS3Configuration"]
    assert files["bucketArn"] == "arn:aws:s3:::archive"
    assert files["prefix"].startswith("events/!{timestamp:")
    assert files["errorOutputPrefix"].startswith("errors/!{firehose:error-output-type}/")
    assert files["cloudwatchLoggingOptions"] == {
        "enabled": True,
        "logGroupName": plan.get("primary-stream-delivery-log").inputs["name"],
        "logStreamName": "delivery",
    }
    lines = plan.get("primary-stream-delivery-lines").inputs
    assert (lines["logGroupName"], lines["name"]) == ("/concierge/shop/primary-stream/delivery", "delivery")


def the_scan_is_the_code_of_this_checkout_on_graviton(plan: Plan) -> None:
    (scan,) = each(plan, "lambda.Function")
    assert scan.inputs["name"] == "concierge-shop-pii-scan"
    assert scan.inputs["architectures"] == ["arm64"]
    assert (scan.inputs["runtime"], scan.inputs["handler"]) == ("python3.13", "pii_scan.handler")
    code = Path(component.__file__).parent / "functions" / "pii_scan.py"
    assert scan.inputs["code"]["assets"]["pii_scan.py"]["text"] == code.read_text()
    assert 60 < scan.inputs["timeout"] <= 300, "Firehose waits five minutes for a batch"
    assert scan.inputs["loggingConfig"] == {
        "logFormat": "JSON",
        "logGroup": plan.get("primary-stream-scan-log").inputs["name"],
    }
    assert scan.inputs["role"] == plan.get("primary-stream-pii-scan-role").outputs["arn"]


def each_part_has_its_role_and_waits_for_it(plan: Plan) -> None:
    (delivery,) = each(plan, "kinesis.FirehoseDeliveryStream")
    (scan,) = each(plan, "lambda.Function")
    role = plan.get("primary-stream-events-role")
    assert delivery.inputs["name"] == "concierge-shop-events"
    assert delivery.inputs["extendedS3Configuration"]["roleArn"] == role.outputs["arn"]
    assert delivery.inputs["kinesisSourceConfiguration"] == {
        "kinesisStreamArn": STREAM,
        "roleArn": role.outputs["arn"],
    }
    for user, what in ((delivery, "events"), (scan, "pii-scan")):
        assert plan.get(f"primary-stream-{what}-may").urn in user.dependencies
        assert plan.get(f"primary-stream-{what}-may").inputs["role"] == f"concierge-shop-{what}-us-east-1"
        assert plan.get(f"primary-stream-{what}-role").inputs["name"] == f"concierge-shop-{what}-us-east-1"
        assert plan.get(f"primary-stream-{what}-role").inputs["permissionsBoundary"] == BOUNDARY


def roles_trust_one_service_each(plan: Plan) -> None:
    trusts = {
        what: statements(plan.get(f"primary-stream-{what}-role"), "assumeRolePolicy")["0"]
        for what in ("events", "pii-scan")
    }
    assert trusts["events"]["Principal"] == {"Service": "firehose.amazonaws.com"}
    assert trusts["events"]["Condition"] == {"StringEquals": {"sts:ExternalId": ACCOUNT}}
    assert trusts["pii-scan"]["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert all(t["Action"] == "sts:AssumeRole" for t in trusts.values())


def the_scan_may_only_write_its_log(plan: Plan) -> None:
    """Events come and go with the call; a scan that could read more would be a way to more."""
    (said,) = statements(plan.get("primary-stream-pii-scan-may")).values()
    assert said["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert said["Resource"] == [f"{LOG}/scan:*"]


def the_delivery_may_read_scan_and_write_and_no_more(plan: Plan) -> None:
    said = statements(plan.get("primary-stream-events-may"))
    assert {sid: (s["Action"], s["Resource"]) for sid, s in said.items()} == {
        "ReadStream": (
            [
                "kinesis:DescribeStream",
                "kinesis:GetRecords",
                "kinesis:GetShardIterator",
                "kinesis:ListShards",
            ],
            [STREAM],
        ),
        "OpenStream": (["kms:Decrypt"], [fake_keys("primary")["analytics"]]),
        "CallScan": (
            ["lambda:GetFunctionConfiguration", "lambda:InvokeFunction"],
            [SCAN, f"{SCAN}:$LATEST"],
        ),
        "SeeArchive": (
            ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
            ["arn:aws:s3:::archive"],
        ),
        "WriteArchive": (
            ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
            ["arn:aws:s3:::archive/events/*", "arn:aws:s3:::archive/errors/*"],
        ),
        "CloseFiles": (["kms:Decrypt", "kms:GenerateDataKey"], [fake_keys("primary")["objects"]]),
        "WriteLog": (["logs:PutLogEvents"], [f"{LOG}/delivery:log-stream:delivery"]),
    }
    assert said["OpenStream"]["Condition"] == {
        "StringEquals": {"kms:ViaService": "kinesis.us-east-1.amazonaws.com"}
    }
    assert said["CloseFiles"]["Condition"] == {
        "StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"},
        "ArnLike": {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::archive*"},
    }


CHECKS: list[Check] = [
    the_stream_follows_traffic_by_itself,
    everything_on_the_way_is_encrypted,
    every_event_is_scanned_before_it_is_stored,
    what_cannot_be_scanned_lies_apart,
    the_scan_is_the_code_of_this_checkout_on_graviton,
    each_part_has_its_role_and_waits_for_it,
    roles_trust_one_service_each,
    the_scan_may_only_write_its_log,
    the_delivery_may_read_scan_and_write_and_no_more,
]


@pytest.mark.parametrize("check", CHECKS)
def test_the_stream(check: Check):
    check(stream()[0])


def test_no_input_and_no_part_can_go_missing_unseen():
    assert unnoticed(stream()[0], CHECKS) == []


@pytest.mark.parametrize(
    ("role", "key", "sid", "change", "check"),
    [
        (
            "events-may",
            "policy",
            "WriteArchive",
            {"Resource": ["*"]},
            the_delivery_may_read_scan_and_write_and_no_more,
        ),
        (
            "events-may",
            "policy",
            "OpenStream",
            {"Condition": {}},
            the_delivery_may_read_scan_and_write_and_no_more,
        ),
        (
            "events-may",
            "policy",
            "CallScan",
            {"Action": ["lambda:*"]},
            the_delivery_may_read_scan_and_write_and_no_more,
        ),
        ("pii-scan-may", "policy", "WriteLog", {"Action": ["logs:*"]}, the_scan_may_only_write_its_log),
        ("events-role", "assumeRolePolicy", "0", {"Condition": {}}, roles_trust_one_service_each),
        ("pii-scan-role", "assumeRolePolicy", "0", {"Principal": {"AWS": "*"}}, roles_trust_one_service_each),
    ],
)
def test_a_loosened_role_is_found(role: str, key: str, sid: str, change: dict[str, object], check: Check):
    made = stream()[0]
    found = made.get(f"primary-stream-{role}")
    said = statements(found, key)
    said[sid].update(change)
    document = json.dumps({"Version": "2012-10-17", "Statement": [*said.values()]})
    with pytest.raises(AssertionError):
        check(replaced(made, found, replace(found, inputs={**found.inputs, key: document})))


def test_with_shards_the_stream_is_provisioned():
    (events,) = each(stream(shards=1, protect=False)[0], "kinesis.Stream")
    assert events.inputs["streamModeDetails"] == {"streamMode": "PROVISIONED"}
    assert events.inputs["shardCount"] == 1
    assert not events.options.protect


def test_who_publishes_may_put_and_encrypt():
    put, encrypt = stream()[0].outputs["grants"]
    assert (put["Action"], put["Resource"]) == (["kinesis:PutRecord", "kinesis:PutRecords"], [STREAM])
    assert encrypt["Action"] == ["kms:GenerateDataKey"]
    assert encrypt["Condition"] == {"StringEquals": {"kms:ViaService": "kinesis.us-east-1.amazonaws.com"}}


def test_late_refused_and_unscanned_events_are_noticed():
    assert {(w.alarm.namespace, w.alarm.metric, *w.alarm.dimensions.values()) for w in stream()[1]} == {
        ("AWS/Firehose", "DeliveryToS3.DataFreshness", "concierge-shop-events"),
        ("AWS/Kinesis", "WriteProvisionedThroughputExceeded", "concierge-shop-events"),
        ("AWS/Lambda", "Errors", "concierge-shop-pii-scan"),
        ("AWS/Lambda", "Throttles", "concierge-shop-pii-scan"),
    }
