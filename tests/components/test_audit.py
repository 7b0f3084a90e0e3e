"""The audit trail and who looks at it: everything is recorded, signed, encrypted, locked and kept (OPS-9)."""

import json
from dataclasses import replace

import pytest

from plan import Plan
from tests.components import operations_helpers as shop
from tests.components.data_helpers import ACCOUNT, Check, each, replaced, statements, unnoticed
from tests.components.operations_helpers import ARCHIVE, TABLES, key

TRAIL = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/concierge-shop"
FILES = f"concierge-shop-audit-{ACCOUNT}-us-east-1"


def all_regions_and_global_services_are_recorded(plan: Plan) -> None:
    (trail,) = each(plan, "cloudtrail.Trail")
    assert trail.inputs["name"] == "concierge-shop"
    assert trail.inputs["isMultiRegionTrail"] is True
    assert trail.inputs["includeGlobalServiceEvents"] is True
    assert trail.inputs["enableLogging"] is True
    assert trail.options.protect


def every_change_and_only_sensitive_reads_are_recorded(plan: Plan) -> None:
    """RUN-13: who looked into the vault. With advanced selectors, management events must be asked for too."""
    (trail,) = each(plan, "cloudtrail.Trail")
    management, tables, buckets = (
        {field["field"]: field for field in selector["fieldSelectors"]}
        for selector in trail.inputs["advancedEventSelectors"]
    )
    assert management == {"eventCategory": {"field": "eventCategory", "equals": ["Management"]}}
    for data in (tables, buckets):
        assert data["eventCategory"]["equals"] == ["Data"]
    assert tables["resources.type"]["equals"] == ["AWS::DynamoDB::Table"]
    assert tables["resources.ARN"]["equals"] == [TABLES["pii-vault"]]
    assert buckets["resources.type"]["equals"] == ["AWS::S3::Object"]
    # With the slash: `archive-of-somebody` begins alike.
    assert buckets["resources.ARN"]["startsWiths"] == [f"{ARCHIVE}/"]


def files_are_signed_and_encrypted_with_the_audit_key(plan: Plan) -> None:
    (trail,) = each(plan, "cloudtrail.Trail")
    assert trail.inputs["enableLogFileValidation"] is True
    assert trail.inputs["kmsKeyId"] == key("audit")
    assert trail.inputs["s3BucketName"] == FILES


def digests_can_be_written(plan: Plan) -> None:
    """CloudTrail encrypts digests with S3's key: a bucket that insists on ours would end validation."""
    (rule,) = plan.get("audit-files-encryption").inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "AES256"}
    assert {"OwnKeyOnly", "KmsOnly"}.isdisjoint(statements(plan.get("audit-files-policy")))


def unusual_activity_is_looked_for(plan: Plan) -> None:
    (trail,) = each(plan, "cloudtrail.Trail")
    kinds = [selector["insightType"] for selector in trail.inputs["insightSelectors"]]
    assert kinds == ["ApiCallRateInsight", "ApiErrorRateInsight"]


def only_this_trail_writes(plan: Plan) -> None:
    said = statements(plan.get("audit-files-policy"))
    for sid, action in (("TrailLooks", "s3:GetBucketAcl"), ("TrailWrites", "s3:PutObject")):
        assert said[sid]["Principal"] == {"Service": "cloudtrail.amazonaws.com"}
        assert said[sid]["Action"] == action
        assert said[sid]["Condition"]["StringEquals"]["aws:SourceArn"] == TRAIL
    assert said["TrailWrites"]["Resource"] == f"arn:aws:s3:::{FILES}/AWSLogs/{ACCOUNT}/*"
    written = said["TrailWrites"]["Condition"]["StringEquals"]
    assert written["s3:x-amz-acl"] == "bucket-owner-full-control"


def files_cannot_be_deleted_for_seven_years(plan: Plan) -> None:
    (lock,) = each(plan, "s3.BucketObjectLockConfiguration")
    assert lock.inputs["bucket"] == FILES
    assert lock.inputs["objectLockEnabled"] == "Enabled"
    assert lock.inputs["rule"] == {"defaultRetention": {"mode": "GOVERNANCE", "days": 2557}}
    assert lock.options.protect
    assert plan.get("audit-files-versions").urn in lock.dependencies, "S3 locks only what has versions"
    deny = statements(plan.get("audit-files-policy"))["NobodyLiftsTheLock"]
    assert (deny["Effect"], deny["Principal"]) == ("Deny", "*")
    assert deny["Action"] == ["s3:BypassGovernanceRetention", "s3:PutObjectRetention"]
    assert deny["Resource"] == f"arn:aws:s3:::{FILES}/*"


def the_last_ninety_days_can_be_searched(plan: Plan) -> None:
    (trail,) = each(plan, "cloudtrail.Trail")
    group = plan.get("audit-log")
    assert group.inputs["name"] == "/concierge/shop/audit"
    assert trail.inputs["cloudWatchLogsGroupArn"] == f"{group.outputs['arn']}:*"
    role = plan.get("audit-writer-role")
    assert trail.inputs["cloudWatchLogsRoleArn"] == role.outputs["arn"]
    assert role.inputs["name"] == plan.get("audit-writer-grants").inputs["role"]
    (trust,) = statements(role, "assumeRolePolicy").values()
    assert trust["Principal"] == {"Service": "cloudtrail.amazonaws.com"}
    assert trust["Condition"]["ArnLike"] == {"aws:SourceArn": [TRAIL]}
    (said,) = statements(plan.get("audit-writer-grants")).values()
    assert said["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    streams = f"{group.outputs['arn']}:log-stream:{ACCOUNT}_CloudTrail_us-east-1*"
    assert said["Resource"] == [streams]


def the_bucket_lets_the_trail_in_before_it_starts(plan: Plan) -> None:
    (trail,) = each(plan, "cloudtrail.Trail")
    assert plan.get("audit-files-policy").urn in trail.dependencies


TRAIL_CHECKS: list[Check] = [
    all_regions_and_global_services_are_recorded,
    every_change_and_only_sensitive_reads_are_recorded,
    files_are_signed_and_encrypted_with_the_audit_key,
    digests_can_be_written,
    unusual_activity_is_looked_for,
    only_this_trail_writes,
    files_cannot_be_deleted_for_seven_years,
    the_last_ninety_days_can_be_searched,
    the_bucket_lets_the_trail_in_before_it_starts,
    shop.buckets_are_private,
    shop.files_stay_hot_for_ninety_days_and_cold_for_seven_years,
    shop.logs_are_encrypted_and_end,
    shop.roles_are_bounded_and_say_exactly_what,
]


@pytest.mark.parametrize("check", TRAIL_CHECKS)
def test_the_trail(check: Check):
    check(shop.audit()[0])


def test_no_input_and_no_part_of_the_trail_can_go_missing_unseen():
    assert unnoticed(shop.audit()[0], TRAIL_CHECKS) == []


@pytest.mark.parametrize(
    ("resource", "inputs", "check"),
    [
        ("audit-trail", {"isMultiRegionTrail": False}, all_regions_and_global_services_are_recorded),
        ("audit-trail", {"enableLogging": False}, all_regions_and_global_services_are_recorded),
        (
            "audit-trail",
            {"enableLogFileValidation": False},
            files_are_signed_and_encrypted_with_the_audit_key,
        ),
        (
            "audit-lock",
            {"rule": {"defaultRetention": {"mode": "GOVERNANCE", "days": 30}}},
            files_cannot_be_deleted_for_seven_years,
        ),
        (
            "audit-files-lifecycle",
            {"rules": [{}, {}]},
            shop.files_stay_hot_for_ninety_days_and_cold_for_seven_years,
        ),
    ],
)
def test_a_loosened_trail_is_found(resource: str, inputs: dict[str, object], check: Check):
    made = shop.audit()[0]
    found = made.get(resource)
    with pytest.raises((AssertionError, KeyError)):
        check(replaced(made, found, replace(found, inputs={**found.inputs, **inputs})))


@pytest.mark.parametrize(
    ("sid", "change", "check"),
    [
        ("TrailWrites", {"Condition": {"StringEquals": {}}}, only_this_trail_writes),
        ("TrailLooks", {"Condition": {"StringEquals": {}}}, only_this_trail_writes),
        ("TrailWrites", {"Resource": f"arn:aws:s3:::{FILES}/*"}, only_this_trail_writes),
        ("NobodyLiftsTheLock", {"Action": []}, files_cannot_be_deleted_for_seven_years),
    ],
)
def test_a_loosened_bucket_policy_is_found(sid: str, change: dict[str, object], check: Check):
    made = shop.audit()[0]
    found = made.get("audit-files-policy")
    said = statements(found)
    said[sid].update(change)
    document = json.dumps({"Version": "2012-10-17", "Statement": [*said.values()]})
    with pytest.raises((AssertionError, KeyError)):
        check(replaced(made, found, replace(found, inputs={**found.inputs, "policy": document})))


def test_a_cheap_trail_has_no_lock_no_copy_and_no_insights():
    made, watched = shop.audit(lock="none", search_days=None, insights=False, keep_days=90)
    assert not made.of_type("s3.BucketObjectLockConfiguration")
    assert not made.of_type("cloudwatch.LogGroup")
    assert "insightSelectors" not in made.get("audit-trail").inputs
    _, kept = made.get("audit-files-lifecycle").inputs["rules"]
    assert kept["expiration"] == {"days": 90}
    assert watched == ()


def test_compliance_is_a_lock_that_nobody_lifts():
    lock = shop.audit(lock="compliance")[0].get("audit-lock")
    assert lock.inputs["rule"]["defaultRetention"]["mode"] == "COMPLIANCE"


def test_silence_of_the_trail_is_noticed():
    (watch,) = shop.audit()[1]
    assert (watch.alarm.metric, watch.alarm.comparison, watch.alarm.missing) == (
        "IncomingLogEvents",
        "LessThanThreshold",
        "breaching",
    )


# The analyser, and the events nobody should cause unseen

EVERYWHERE = {"root-used", "audit-tampered", "key-endangered", "opened-to-outsiders"}


def every_region_has_an_analyser_of_outside_access(plan: Plan) -> None:
    found = {
        (analyser.region, analyser.inputs["type"], analyser.inputs["analyzerName"])
        for analyser in each(plan, "accessanalyzer.Analyzer")
    }
    assert found == {
        ("us-east-1", "ACCOUNT", "concierge-shop-outside"),
        ("us-west-2", "ACCOUNT", "concierge-shop-outside"),
        ("us-east-1", "ACCOUNT_UNUSED_ACCESS", "concierge-shop-unused"),
    }
    unused = plan.get("primary-review-unused").inputs["configuration"]
    assert unused == {"unusedAccess": {"unusedAccessAge": 90}}


def what_nobody_should_do_is_told(plan: Plan) -> None:
    """IAM tells of itself in us-east-1 only: a rule elsewhere would never match."""
    for role, expected in (("primary", {*EVERYWHERE, "long-lived-key"}), ("standby", EVERYWHERE)):
        stem = f"{role}-review-events-"
        patterns = {
            rule.name.removeprefix(stem): json.loads(rule.inputs["eventPattern"])
            for rule in each(plan, "cloudwatch.EventRule")
            if rule.name.startswith(stem)
        }
        assert set(patterns) == expected
        assert patterns["root-used"]["detail"]["userIdentity"]["type"] == ["Root"]
        tampered = patterns["audit-tampered"]
        assert {"StopLogging", "DeleteTrail", "UpdateTrail", "StopConfigurationRecorder"} <= set(
            tampered["detail"]["eventName"]
        )
        assert patterns["key-endangered"]["detail"]["eventName"] == ["DisableKey", "ScheduleKeyDeletion"]


REVIEW_CHECKS: list[Check] = [
    every_region_has_an_analyser_of_outside_access,
    what_nobody_should_do_is_told,
    shop.events_are_kept_where_only_their_rules_write,
    shop.logs_are_encrypted_and_end,
]


@pytest.mark.parametrize("check", REVIEW_CHECKS)
def test_the_review(check: Check):
    check(shop.review()[0])


def test_no_input_and_no_part_of_the_review_can_go_missing_unseen():
    assert unnoticed(shop.review()[0], REVIEW_CHECKS) == []


def test_where_the_account_has_an_analyser_none_is_made_and_events_are_still_heard():
    made, watched = shop.review(analyser=False, unused_days=None)
    assert not made.of_type("accessanalyzer.Analyzer")
    assert len(watched) == 2 * len(EVERYWHERE) + 1


def test_what_endangers_the_record_or_the_keys_wakes_somebody():
    pages = {watch.alarm.id for watch in shop.review()[1] if watch.alarm.severity == "page"}
    assert pages == {"root-used", "audit-tampered", "key-endangered"}
