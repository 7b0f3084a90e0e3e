"""AWS Config: one recorder a region, delivered to its own bucket, judged by the CIS pack (OPS-9)."""

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import yaml

from plan import Plan
from tests.components import operations_helpers as shop
from tests.components.data_helpers import ACCOUNT, REGIONS, Check, each, replaced, statements, unnoticed
from tests.components.operations_helpers import key

IAM = {"AWS::IAM::Group", "AWS::IAM::Policy", "AWS::IAM::Role", "AWS::IAM::User"}
COSTLY = {"AWS::Config::ResourceCompliance", "AWS::EC2::NetworkInterface"}


def pack(plan: Plan) -> dict[str, dict[str, Any]]:
    """Managed rule -> its properties."""
    (body,) = {made.inputs["templateBody"] for made in each(plan, "cfg.ConformancePack")}
    assert len(body.encode()) <= 51_200, "AWS takes no more"
    rules = yaml.safe_load(body)["Resources"].values()
    assert all(rule["Type"] == "AWS::Config::ConfigRule" for rule in rules)
    return {rule["Properties"]["Source"]["SourceIdentifier"]: rule["Properties"] for rule in rules}


def everything_is_recorded_but_what_would_be_most_of_the_bill(plan: Plan) -> None:
    for role in REGIONS:
        group = plan.get(f"{role}-rules-recorder").inputs["recordingGroup"]
        assert group["recordingStrategies"] == [{"useOnly": "EXCLUSION_BY_RESOURCE_TYPES"}]
        # With exclusions AWS refuses both of these.
        assert group["allSupported"] is group["includeGlobalResourceTypes"] is False
        (left_out,) = group["exclusionByResourceTypes"]
        assert set(left_out["resourceTypes"]) == (COSTLY if role == "primary" else COSTLY | IAM)


def the_recorder_works_by_its_own_role_all_the_time(plan: Plan) -> None:
    linked = plan.get("config-role-role")
    assert linked.inputs["awsServiceName"] == "config.amazonaws.com"
    for role in REGIONS:
        recorder = plan.get(f"{role}-rules-recorder").inputs
        assert recorder["name"] == "concierge-shop"
        assert recorder["roleArn"] == linked.outputs["arn"]
        assert recorder["recordingMode"] == {"recordingFrequency": "CONTINUOUS"}
        on = plan.get(f"{role}-rules-on").inputs
        assert (on["name"], on["isEnabled"]) == ("concierge-shop", True)


def each_step_waits_for_the_one_before(plan: Plan) -> None:
    """AWS refuses a channel without recorder, a start without channel, a pack without started recorder."""
    for role in REGIONS:
        steps = ["recorder", "delivery", "on", "cis"]
        for before, after in pairwise(steps):
            assert plan.get(f"{role}-rules-{before}").urn in plan.get(f"{role}-rules-{after}").dependencies
        delivery = plan.get(f"{role}-rules-delivery")
        assert plan.get(f"{role}-rules-files-policy").urn in delivery.dependencies


def configurations_are_delivered_daily_and_encrypted(plan: Plan) -> None:
    for role, region in REGIONS.items():
        bucket = plan.get(f"{role}-rules-files-bucket").inputs["bucket"]
        assert bucket == f"concierge-shop-config-{ACCOUNT}-{region}"
        delivery = plan.get(f"{role}-rules-delivery").inputs
        assert delivery["name"] == "concierge-shop"
        assert delivery["s3BucketName"] == f"concierge-shop-config-{ACCOUNT}-{region}"
        assert delivery["s3KmsKeyArn"] == key("audit", role)
        assert delivery["snapshotDeliveryProperties"] == {"deliveryFrequency": "TwentyFour_Hours"}
        (rule,) = plan.get(f"{role}-rules-files-encryption").inputs["rules"]
        assert rule["applyServerSideEncryptionByDefault"]["kmsMasterKeyId"] == key("audit", role)


def the_bucket_has_no_object_lock(plan: Plan) -> None:
    """Config delivers into no bucket that has one."""
    assert not plan.of_type("s3.BucketObjectLockConfiguration")
    assert not any("objectLockEnabled" in bucket.inputs for bucket in each(plan, "s3.Bucket"))


def only_config_of_this_account_and_region_delivers(plan: Plan) -> None:
    for role, region in REGIONS.items():
        said = statements(plan.get(f"{role}-rules-files-policy"))
        arn = f"arn:aws:s3:::concierge-shop-config-{ACCOUNT}-{region}"
        for sid in ("ConfigLooks", "ConfigWrites"):
            assert said[sid]["Principal"] == {"Service": "config.amazonaws.com"}
            condition = said[sid]["Condition"]
            assert condition["StringEquals"]["aws:SourceAccount"] == ACCOUNT
            assert condition["ArnLike"] == {"aws:SourceArn": f"arn:aws:config:{region}:{ACCOUNT}:*"}
        assert said["ConfigLooks"]["Action"] == ["s3:GetBucketAcl", "s3:ListBucket"]
        assert said["ConfigLooks"]["Resource"] == arn
        assert said["ConfigWrites"]["Action"] == "s3:PutObject"
        assert said["ConfigWrites"]["Resource"] == f"{arn}/AWSLogs/{ACCOUNT}/Config/*"


def config_remembers_for_seven_years(plan: Plan) -> None:
    """The most it can."""
    for role in REGIONS:
        assert plan.get(f"{role}-rules-memory").inputs["retentionPeriodInDays"] == 2557


def the_cis_benchmark_is_checked(plan: Plan) -> None:
    for made in each(plan, "cfg.ConformancePack"):
        assert made.inputs["name"] == "concierge-shop-cis"
    found = pack(plan)
    assert {
        "ROOT_ACCOUNT_MFA_ENABLED",
        "IAM_ROOT_ACCESS_KEY_CHECK",
        "IAM_PASSWORD_POLICY",
        "MULTI_REGION_CLOUD_TRAIL_ENABLED",
        "CLOUD_TRAIL_LOG_FILE_VALIDATION_ENABLED",
        "CMK_BACKING_KEY_ROTATION_ENABLED",
        "VPC_FLOW_LOGS_ENABLED",
        "VPC_DEFAULT_SECURITY_GROUP_CLOSED",
        "INCOMING_SSH_DISABLED",
        "S3_BUCKET_SSL_REQUESTS_ONLY",
        "S3_ACCOUNT_LEVEL_PUBLIC_ACCESS_BLOCKS_PERIODIC",
        "EC2_EBS_ENCRYPTION_BY_DEFAULT",
    } <= set(found)
    assert found["IAM_PASSWORD_POLICY"]["InputParameters"]["MinimumPasswordLength"] == "14"
    assert found["ACCESS_KEYS_ROTATED"]["InputParameters"] == {"maxAccessKeyAge": "90"}
    assert all(rule["Source"]["Owner"] == "AWS" for rule in found.values())


def what_holds_customers_data_is_checked_as_well(plan: Plan) -> None:
    """DATA-1, DATA-8."""
    assert {
        "DYNAMODB_PITR_ENABLED",
        "DYNAMODB_TABLE_ENCRYPTED_KMS",
        "KMS_CMK_NOT_SCHEDULED_FOR_DELETION",
    } <= set(pack(plan))


def a_rule_newly_broken_is_told(plan: Plan) -> None:
    for role in REGIONS:
        rule = plan.get(f"{role}-rules-events-rule-broken")
        pattern = json.loads(rule.inputs["eventPattern"])
        assert pattern["detail-type"] == ["Config Rules Compliance Change"]
        assert pattern["detail"]["newEvaluationResult"] == {"complianceType": ["NON_COMPLIANT"]}


CHECKS: list[Check] = [
    everything_is_recorded_but_what_would_be_most_of_the_bill,
    the_recorder_works_by_its_own_role_all_the_time,
    each_step_waits_for_the_one_before,
    configurations_are_delivered_daily_and_encrypted,
    the_bucket_has_no_object_lock,
    only_config_of_this_account_and_region_delivers,
    config_remembers_for_seven_years,
    the_cis_benchmark_is_checked,
    what_holds_customers_data_is_checked_as_well,
    a_rule_newly_broken_is_told,
    shop.buckets_are_private,
    shop.files_stay_hot_for_ninety_days_and_cold_for_seven_years,
    shop.events_are_kept_where_only_their_rules_write,
    shop.logs_are_encrypted_and_end,
]


@pytest.mark.parametrize("check", CHECKS)
def test_the_rules(check: Check):
    check(shop.rules()[0])


def test_no_input_and_no_part_can_go_missing_unseen():
    assert unnoticed(shop.rules()[0], CHECKS) == []


@pytest.mark.parametrize(
    ("resource", "inputs", "check"),
    [
        ("primary-rules-on", {"isEnabled": False}, the_recorder_works_by_its_own_role_all_the_time),
        (
            "standby-rules-delivery",
            {"s3KmsKeyArn": "alias/aws/s3"},
            configurations_are_delivered_daily_and_encrypted,
        ),
        ("primary-rules-memory", {"retentionPeriodInDays": 30}, config_remembers_for_seven_years),
        ("primary-rules-cis", {"templateBody": "Resources: {}"}, the_cis_benchmark_is_checked),
    ],
)
def test_a_loosened_rule_is_found(resource: str, inputs: dict[str, object], check: Check):
    made = shop.rules()[0]
    found = made.get(resource)
    with pytest.raises((AssertionError, ValueError)):
        check(replaced(made, found, replace(found, inputs={**found.inputs, **inputs})))


def test_where_the_region_has_a_recorder_only_the_pack_is_added():
    made, watched = shop.rules(recorder="existing", make_role=False)
    assert {r.type.rpartition(":")[2] for r in made.cloud} == {
        "ConformancePack",
        "EventRule",
        "EventTarget",
        "LogGroup",
        "LogResourcePolicy",
    }
    assert [watch.alarm.id for watch in watched] == ["rule-broken", "rule-broken"]


def test_the_role_of_an_account_that_has_it_is_named():
    made = shop.rules(make_role=False)[0]
    assert not made.of_type("iam.ServiceLinkedRole")
    arn = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
    assert made.get("primary-rules-recorder").inputs["roleArn"] == arn


def test_once_a_day_is_cheaper():
    recorder = shop.rules(frequency="DAILY")[0].get("primary-rules-recorder")
    assert recorder.inputs["recordingMode"] == {"recordingFrequency": "DAILY"}
