"""Buckets: private, encrypted, versioned, emptied in time, copied to the standby (DATA-4, DATA-5, DATA-8)."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from components.private_bucket import Keeping
from plan import Plan
from tests.components.data_helpers import (
    ACCOUNT,
    REGIONS,
    Check,
    buckets,
    each,
    fake_keys,
    replaced,
    statements,
    unnoticed,
)

NAMES = ("documents", "model-artifacts", "training", "agent", "archive", "access-logs")
COPIED = {"documents", "model-artifacts", "agent", "archive"}
LOGS = "access-logs"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
# prefix -> (days, storage class) ..., days until gone, days an old version stays
COOL, SLOW, DEEP, QUICK = (
    (30, "STANDARD_IA"),
    (90, "GLACIER"),
    (2555, "DEEP_ARCHIVE"),
    (90, "GLACIER_IR"),
)
KEPT: dict[str, dict[str, tuple[list[tuple[int, str]], int | None, int | None]]] = {
    "documents": {
        "raw/": ([COOL, SLOW], None, None),
        "processed/": ([COOL, QUICK], None, None),
        "embeddings/": ([COOL, QUICK], None, None),
    },
    "model-artifacts": {"": ([COOL, QUICK], None, None)},
    "training": {"": ([COOL, SLOW], None, None), "captures/": ([], 30, 1)},
    "agent": {"logs/": ([SLOW], 365, None)},
    "archive": {
        "transactions/": ([COOL, SLOW, DEEP], 3653, None),
        "conversations/": ([COOL, SLOW], 365, None),
        "events/": ([COOL, SLOW], 365, None),
        "errors/": ([], 14, 1),
    },
    "access-logs": {"": ([SLOW], 365, None)},
}


def all_buckets() -> list[tuple[str, str, str]]:
    """(role, name, physical name)."""
    return [
        (role, name, f"concierge-shop-{name}-{ACCOUNT}-{region}")
        for role, region in REGIONS.items()
        for name in NAMES
    ]


def part(plan: Plan, role: str, name: str, which: str) -> dict[str, Any]:
    resource = plan.get(f"{role}-buckets-{name}-{which}")
    physical = f"concierge-shop-{name}-{ACCOUNT}-{REGIONS[role]}"
    assert resource.inputs["bucket"] == physical, f"{resource.name} is about another bucket"
    assert resource.region == REGIONS[role]
    return dict(resource.inputs)


def every_bucket_is_there_and_kept(plan: Plan) -> None:
    assert {b.inputs["bucket"] for b in each(plan, "s3.Bucket")} == {p for _, _, p in all_buckets()}
    assert all(b.options.protect and b.inputs.get("forceDestroy") is False for b in each(plan, "s3.Bucket"))


def old_versions_are_kept(plan: Plan) -> None:
    for role, name, _ in all_buckets():
        versions = part(plan, role, name, "versions")["versioningConfiguration"]
        assert versions == {"status": "Enabled"}


def nothing_can_be_made_public(plan: Plan) -> None:
    four = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    for role, name, _ in all_buckets():
        block = part(plan, role, name, "private")
        assert all(block.get(key) is True for key in four)
        assert part(plan, role, name, "owner")["rule"] == {"objectOwnership": "BucketOwnerEnforced"}


def objects_are_encrypted_with_our_key_and_a_bucket_key(plan: Plan) -> None:
    for role, name, _ in all_buckets():
        (rule,) = part(plan, role, name, "encryption")["rules"]
        if name != LOGS:
            assert rule == {
                "applyServerSideEncryptionByDefault": {
                    "sseAlgorithm": "aws:kms",
                    "kmsMasterKeyId": fake_keys(role)["objects"],
                },
                "bucketKeyEnabled": True,
            }


def the_target_of_access_logs_has_the_one_encryption_log_delivery_can_use(plan: Plan) -> None:
    for role in REGIONS:
        (rule,) = part(plan, role, LOGS, "encryption")["rules"]
        assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "AES256"}
        allowed = statements(plan.get(f"{role}-buckets-{LOGS}-policy"))["AccessLogs"]
        assert allowed["Principal"] == {"Service": "logging.s3.amazonaws.com"}
        assert allowed["Action"] == "s3:PutObject"
        assert allowed["Resource"] == f"arn:aws:s3:::concierge-shop-{LOGS}-{ACCOUNT}-{REGIONS[role]}/*"
        assert allowed["Condition"] == {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceArn": "arn:aws:s3:::concierge-shop-*"},
        }


def buckets_answer_over_tls_only(plan: Plan) -> None:
    for role, name, physical in all_buckets():
        part(plan, role, name, "policy")
        deny = statements(plan.get(f"{role}-buckets-{name}-policy"))["TlsOnly"]
        assert (deny["Effect"], deny["Principal"], deny["Action"]) == ("Deny", "*", "s3:*")
        assert deny["Resource"] == [f"arn:aws:s3:::{physical}", f"arn:aws:s3:::{physical}/*"]
        assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def a_writer_cannot_name_another_key(plan: Plan) -> None:
    """`Null` beside the comparison: without it a write that names no key at all is denied too."""
    header = "s3:x-amz-server-side-encryption"
    for role, name, physical in all_buckets():
        if name == LOGS:
            continue
        said = statements(plan.get(f"{role}-buckets-{name}-policy"))
        wanted = {
            "OwnKeyOnly": (f"{header}-aws-kms-key-id", fake_keys(role)["objects"]),
            "KmsOnly": (header, "aws:kms"),
        }
        for sid, (key, value) in wanted.items():
            assert said[sid]["Effect"] == "Deny"
            assert said[sid]["Resource"] == f"arn:aws:s3:::{physical}/*"
            assert said[sid]["Condition"] == {"Null": {key: "false"}, "StringNotEquals": {key: value}}


def who_reads_is_logged(plan: Plan) -> None:
    for role, name, physical in all_buckets():
        if name == LOGS:
            continue
        log = part(plan, role, name, "access-log")
        assert log["targetBucket"] == f"concierge-shop-{LOGS}-{ACCOUNT}-{REGIONS[role]}"
        assert log["targetPrefix"] == f"{physical}/"


def objects_cool_down_and_go_in_time(plan: Plan) -> None:
    for role, name, _ in all_buckets():
        tidy, *rules = part(plan, role, name, "lifecycle")["rules"]
        assert tidy["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 7}
        assert tidy["noncurrentVersionExpiration"] == {"noncurrentDays": 7 if name == LOGS else 35}
        assert tidy["filter"] == {"prefix": ""}
        assert all(rule["status"] == "Enabled" for rule in (tidy, *rules))
        found = {
            rule["filter"]["prefix"]: (
                [(move["days"], move["storageClass"]) for move in rule["transitions"]],
                rule.get("expiration", {}).get("days"),
                rule.get("noncurrentVersionExpiration", {}).get("noncurrentDays"),
            )
            for rule in rules
        }
        assert found == KEPT[name]
        lifecycle = plan.get(f"{role}-buckets-{name}-lifecycle")
        assert plan.get(f"{role}-buckets-{name}-versions").urn in lifecycle.dependencies


def the_primary_is_copied_within_fifteen_minutes(plan: Plan) -> None:
    """DATA-8: no more than fifteen minutes of objects may be lost with a region."""
    assert {c.name for c in each(plan, "s3.BucketReplicationConfig")} == {
        f"primary-buckets-{name}-copy-config" for name in COPIED
    }
    for name in COPIED:
        config = plan.get(f"primary-buckets-{name}-copy-config")
        assert config.inputs["bucket"] == f"concierge-shop-{name}-{ACCOUNT}-us-east-1"
        assert config.inputs["role"] == plan.get(f"primary-buckets-{name}-copy-role").outputs["arn"]
        (rule,) = config.inputs["rules"]
        assert rule["status"] == rule["deleteMarkerReplication"]["status"] == "Enabled"
        assert rule["filter"] == {"prefix": ""}
        assert rule["sourceSelectionCriteria"] == {"sseKmsEncryptedObjects": {"status": "Enabled"}}
        assert rule["destination"] == {
            "bucket": f"arn:aws:s3:::concierge-shop-{name}-{ACCOUNT}-us-west-2",
            "encryptionConfiguration": {"replicaKmsKeyId": fake_keys("standby")["objects"]},
            "metrics": {"status": "Enabled", "eventThreshold": {"minutes": 15}},
            "replicationTime": {"status": "Enabled", "time": {"minutes": 15}},
        }


def a_copy_starts_when_both_sides_keep_versions_and_the_role_may(plan: Plan) -> None:
    """S3 refuses the configuration before that."""
    for name in COPIED:
        config = plan.get(f"primary-buckets-{name}-copy-config")
        before = {
            plan.get(f"primary-buckets-{name}-versions").urn,
            plan.get(f"standby-buckets-{name}-versions").urn,
            plan.get(f"primary-buckets-{name}-copy-copy").urn,
        }
        assert before <= set(config.dependencies)


def each_copy_has_a_role_for_these_two_buckets_only(plan: Plan) -> None:
    for name in COPIED:
        role = plan.get(f"primary-buckets-{name}-copy-role")
        assert role.inputs["permissionsBoundary"] == BOUNDARY
        assert role.inputs["name"] == f"concierge-shop-copy-{name}-us-east-1"
        (trust,) = statements(role, "assumeRolePolicy").values()
        assert trust["Principal"] == {"Service": "s3.amazonaws.com"}
        assert trust["Action"] == "sts:AssumeRole"
        source, target = (
            f"arn:aws:s3:::concierge-shop-{name}-{ACCOUNT}-{region}" for region in REGIONS.values()
        )
        grants = plan.get(f"primary-buckets-{name}-copy-copy")
        assert grants.inputs["role"] == role.id
        may = {sid: (s["Action"], s["Resource"]) for sid, s in statements(grants).items()}
        assert may == {
            "ReadSource": (["s3:GetReplicationConfiguration", "s3:ListBucket"], [source]),
            "ReadVersions": (
                [
                    "s3:GetObjectVersionForReplication",
                    "s3:GetObjectVersionAcl",
                    "s3:GetObjectVersionTagging",
                ],
                [f"{source}/*"],
            ),
            "WriteCopies": (
                ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"],
                [f"{target}/*"],
            ),
            "OpenSource": (["kms:Decrypt"], [fake_keys("primary")["objects"]]),
            "CloseCopies": (["kms:Encrypt"], [fake_keys("standby")["objects"]]),
        }
        for sid, region, arn in (("OpenSource", "us-east-1", source), ("CloseCopies", "us-west-2", target)):
            assert statements(grants)[sid]["Condition"] == {
                "StringEquals": {"kms:ViaService": f"s3.{region}.amazonaws.com"},
                "ArnLike": {"kms:EncryptionContext:aws:s3:arn": f"{arn}*"},
            }


CHECKS: list[Check] = [
    every_bucket_is_there_and_kept,
    old_versions_are_kept,
    nothing_can_be_made_public,
    objects_are_encrypted_with_our_key_and_a_bucket_key,
    the_target_of_access_logs_has_the_one_encryption_log_delivery_can_use,
    buckets_answer_over_tls_only,
    a_writer_cannot_name_another_key,
    who_reads_is_logged,
    objects_cool_down_and_go_in_time,
    the_primary_is_copied_within_fifteen_minutes,
    a_copy_starts_when_both_sides_keep_versions_and_the_role_may,
    each_copy_has_a_role_for_these_two_buckets_only,
]


@pytest.mark.parametrize("check", CHECKS)
def test_the_buckets(check: Check):
    check(buckets()[0])


def test_no_input_and_no_part_of_a_bucket_can_go_missing_unseen():
    assert unnoticed(buckets()[0], CHECKS) == []


@pytest.mark.parametrize(
    ("resource", "inputs", "check"),
    [
        ("primary-buckets-agent-private", {"blockPublicPolicy": False}, nothing_can_be_made_public),
        (
            "standby-buckets-agent-owner",
            {"rule": {"objectOwnership": "ObjectWriter"}},
            nothing_can_be_made_public,
        ),
        (
            "primary-buckets-training-versions",
            {"versioningConfiguration": {"status": "Suspended"}},
            old_versions_are_kept,
        ),
        ("primary-buckets-archive-lifecycle", {"rules": []}, objects_cool_down_and_go_in_time),
        ("primary-buckets-archive-copy-config", {"rules": []}, the_primary_is_copied_within_fifteen_minutes),
        ("standby-buckets-documents-access-log", {"targetBucket": "elsewhere"}, who_reads_is_logged),
    ],
)
def test_a_loosened_bucket_is_found(resource: str, inputs: dict[str, object], check: Check):
    made = buckets()[0]
    found = made.get(resource)
    with pytest.raises((AssertionError, ValueError)):
        check(replaced(made, found, replace(found, inputs={**found.inputs, **inputs})))


@pytest.mark.parametrize(
    ("resource", "sid", "key", "check"),
    [
        ("primary-buckets-agent-policy", "TlsOnly", "Condition", buckets_answer_over_tls_only),
        ("primary-buckets-agent-policy", "OwnKeyOnly", "Condition", a_writer_cannot_name_another_key),
        (
            "standby-buckets-access-logs-policy",
            "AccessLogs",
            "Condition",
            the_target_of_access_logs_has_the_one_encryption_log_delivery_can_use,
        ),
        (
            "primary-buckets-archive-copy-copy",
            "OpenSource",
            "Condition",
            each_copy_has_a_role_for_these_two_buckets_only,
        ),
    ],
)
def test_a_policy_without_its_condition_is_found(resource: str, sid: str, key: str, check: Check):
    made = buckets()[0]
    found = made.get(resource)
    said = statements(found)
    del said[sid][key]
    document = json.dumps({"Version": "2012-10-17", "Statement": [*said.values()]})
    with pytest.raises((AssertionError, KeyError)):
        check(replaced(made, found, replace(found, inputs={**found.inputs, "policy": document})))


def test_an_unprotected_environment_can_be_emptied_and_taken_away():
    for bucket in each(buckets(protect=False)[0], "s3.Bucket"):
        assert bucket.inputs["forceDestroy"] is True
        assert not bucket.options.protect


def test_a_copy_that_is_late_or_refused_is_noticed():
    watched = {(w.alarm.metric, w.alarm.threshold) for w in buckets()[1]}
    assert watched == {("ReplicationLatency", 900), ("OperationsFailedReplication", 0)}
    assert len(buckets()[1]) == 2 * len(COPIED)


@pytest.mark.parametrize(
    "keeping",
    [
        {"cool": 90, "cold": 30},
        {"cold": 90, "expire": 90},
        {},
        {"cool": 7},  # S3 takes nothing into infrequent access before thirty days
    ],
)
def test_days_that_cannot_follow_each_other_are_refused(keeping: dict[str, int]):
    with pytest.raises(ValidationError):
        Keeping.model_validate({"prefix": "raw/", **keeping})
