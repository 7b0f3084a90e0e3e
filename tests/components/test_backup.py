"""Backups: locked, in two regions, restored on trial, and missed when absent (DATA-8)."""

import json
from dataclasses import replace
from typing import Any

import pytest

from plan import Plan
from tests.components import operations_helpers as shop
from tests.components.data_helpers import (
    ACCOUNT,
    REGIONS,
    Check,
    each,
    replaced,
    statements,
    unnoticed,
)
from tests.components.operations_helpers import ARCHIVE, TABLES, key

VAULT = f"arn:aws:backup:us-east-1:{ACCOUNT}:backup-vault:concierge-shop"
COPY = f"arn:aws:backup:us-west-2:{ACCOUNT}:backup-vault:concierge-shop"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/concierge-shop"


def rules(plan: Plan, kind: str) -> dict[str, dict[str, Any]]:
    made = plan.get(f"backup-{kind}").inputs
    assert made["name"] == f"concierge-shop-{kind}"
    return {rule["ruleName"]: rule for rule in made["rules"]}


def may(plan: Plan, word: str) -> dict[str, dict[str, Any]]:
    assert plan.get(f"backup-roles-{word}-may").inputs["role"] == f"concierge-shop-{word}-us-east-1"
    return statements(plan.get(f"backup-roles-{word}-may"))


def both_regions_have_a_vault_with_a_key_of_its_own(plan: Plan) -> None:
    for role in REGIONS:
        vault = plan.get(f"{role}-vault-vault")
        assert vault.inputs == {
            "name": "concierge-shop",
            "kmsKeyArn": key("backups", role),
            "forceDestroy": False,
        }
        assert vault.options.protect


def vaults_are_locked(plan: Plan) -> None:
    for role in REGIONS:
        lock = plan.get(f"{role}-vault-lock")
        assert lock.inputs == {
            "backupVaultName": "concierge-shop",
            "minRetentionDays": 7,
            "maxRetentionDays": 400,
        }
        assert lock.options.protect


def nobody_deletes_a_backup(plan: Plan) -> None:
    for role in REGIONS:
        policy = plan.get(f"{role}-vault-policy")
        assert policy.inputs["backupVaultName"] == "concierge-shop"
        said = statements(policy)["NobodyDeletes"]
        assert (said["Effect"], said["Principal"], said["Resource"]) == ("Deny", "*", "*")
        assert "Condition" not in said
        assert {
            "backup:DeleteRecoveryPoint",
            "backup:UpdateRecoveryPointLifecycle",
            "backup:DeleteBackupVaultLockConfiguration",
        } <= set(said["Action"])


def tables_are_backed_up_daily_and_monthly_and_copied(plan: Plan) -> None:
    found = rules(plan, "tables")
    assert found["daily"]["schedule"] == "cron(0 5 * * ? *)"
    assert found["daily"]["lifecycle"] == {"deleteAfter": 35}
    # Cold storage keeps for ninety days at least.
    assert found["monthly"]["lifecycle"] == {"coldStorageAfter": 30, "deleteAfter": 365}
    for rule in found.values():
        assert rule["targetVaultName"] == "concierge-shop"
        assert rule["enableContinuousBackup"] is False, "DynamoDB has its own"
        (copy,) = rule["copyActions"]
        assert copy == {"destinationVaultArn": COPY, "lifecycle": rule["lifecycle"]}


def buckets_can_be_brought_back_to_any_second_of_35_days(plan: Plan) -> None:
    """More than that AWS Backup does not keep continuously, and nothing of it cold."""
    (rule,) = rules(plan, "buckets").values()
    assert rule["enableContinuousBackup"] is True
    assert rule["lifecycle"] == {"deleteAfter": 35}
    assert rule["copyActions"] == [], "the standby has the bucket itself"


def exactly_what_is_named_is_backed_up(plan: Plan) -> None:
    """DATA-9: the customers' keys are not among it, and no tag can bring them in."""
    wanted = {"tables": [*TABLES.values()], "buckets": [ARCHIVE]}
    for kind, arns in wanted.items():
        selection = plan.get(f"backup-{kind}-selection").inputs
        assert selection == {
            "name": f"concierge-shop-{kind}",
            "planId": plan.get(f"backup-{kind}").id,
            "iamRoleArn": f"{ROLE}-backup-us-east-1",
            "resources": arns,
        }


def aws_backup_manages_dynamodb_before_a_plan_copies_it(plan: Plan) -> None:
    """Copies, cold storage and the vault's key are for tables it manages."""
    account = plan.get("backup-account")
    assert account.inputs["resourceTypeManagementPreference"] == {"DynamoDB": True}
    assert account.inputs["resourceTypeOptInPreference"] == {"DynamoDB": True, "S3": True}
    assert account.urn in plan.get("backup-tables").dependencies


def only_aws_backup_of_this_account_takes_the_roles(plan: Plan) -> None:
    for word in ("backup", "restore"):
        role = plan.get(f"backup-roles-{word}")
        assert role.inputs["name"] == f"concierge-shop-{word}-us-east-1"
        (trust,) = statements(role, "assumeRolePolicy").values()
        assert trust["Principal"] == {"Service": "backup.amazonaws.com"}


def the_backup_role_reads_what_is_backed_up_only(plan: Plan) -> None:
    said = may(plan, "backup")
    assert said["TakeTables"]["Resource"] == [*TABLES.values()]
    assert said["FinishTables"]["Resource"] == [f"{arn}/backup/*" for arn in TABLES.values()]
    assert said["OpenTables"]["Resource"] == [key("tables"), key("pii-vault")]
    via = {"StringEquals": {"kms:ViaService": ["dynamodb.us-east-1.amazonaws.com"]}}
    assert said["OpenTables"]["Condition"] == via
    assert said["FollowBuckets"]["Resource"] == [ARCHIVE]
    assert said["TakeObjects"]["Resource"] == [f"{ARCHIVE}/*"]
    assert said["OpenObjects0"]["Condition"]["ArnLike"] == {"kms:EncryptionContext:aws:s3:arn": f"{ARCHIVE}*"}
    assert said["ListenToBuckets"]["Resource"] == [
        f"arn:aws:events:us-east-1:{ACCOUNT}:rule/AwsBackupManagedRule*"
    ]


def the_backup_role_fills_these_two_vaults_only(plan: Plan) -> None:
    said = may(plan, "backup")
    assert said["FillVaults"]["Resource"] == [VAULT, COPY]
    assert said["CopyToStandby"]["Condition"] == {"ForAllValues:ArnEquals": {"backup:CopyTargets": COPY}}
    services = [f"backup.{region}.amazonaws.com" for region in REGIONS.values()]
    for sid in ("CloseBackups", "LetBackupKeepKeys"):
        assert said[sid]["Resource"] == [key("backups"), key("backups", "standby")]
        assert said[sid]["Condition"]["StringEquals"] == {"kms:ViaService": services}
    assert said["LetBackupKeepKeys"]["Condition"]["Bool"] == {"kms:GrantIsForAWSResource": "true"}


def the_restore_role_writes_trial_tables_only(plan: Plan) -> None:
    """It must not be able to write into a table that serves."""
    said = may(plan, "restore")
    trial = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/awsbackup-restore-test-*"
    assert said["MakeTrialTables"]["Resource"] == [trial]
    touched = {arn for s in said.values() for arn in s["Resource"]}
    assert touched == {trial, key("tables"), key("backups")}


def backups_are_restored_on_trial_every_quarter(plan: Plan) -> None:
    trials = plan.get("backup-trials").inputs
    assert trials["name"] == "concierge_shop_tables", "AWS takes no hyphen"
    assert trials["scheduleExpression"] == "cron(0 7 5 1,4,7,10 ? *)"
    assert trials["startWindowHours"] == 24
    assert trials["recoveryPointSelection"] == {
        "algorithm": "LATEST_WITHIN_WINDOW",
        "includeVaults": [VAULT],
        "recoveryPointTypes": ["SNAPSHOT"],
        "selectionWindowDays": 7,
    }


def a_trial_table_is_encrypted_with_our_key(plan: Plan) -> None:
    """AWS would take its own."""
    trial = plan.get("backup-trial-tables").inputs
    assert trial == {
        "name": "concierge_shop_tables",
        "restoreTestingPlanName": "concierge_shop_tables",
        "protectedResourceType": "DynamoDB",
        "protectedResourceArns": [TABLES["transactions"]],
        "iamRoleArn": f"{ROLE}-restore-us-east-1",
        "restoreMetadataOverrides": {"encryptionType": "KMS", "kmsMasterKeyArn": key("tables")},
        "validationWindowHours": 24,
    }


def ends_of_jobs_are_heard(plan: Plan) -> None:
    found = {
        rule.name.removeprefix("backup-events-"): json.loads(rule.inputs["eventPattern"])
        for rule in each(plan, "cloudwatch.EventRule")
    }
    assert all(pattern["source"] == ["aws.backup"] for pattern in found.values())
    assert {
        name: (pattern["detail-type"], pattern["detail"].get("state"), pattern["detail"].get("status"))
        for name, pattern in found.items()
    } == {
        "backup-failed": (["Backup Job State Change"], ["ABORTED", "EXPIRED", "FAILED"], None),
        "backup-copy-failed": (["Copy Job State Change"], ["FAILED"], None),
        "restore-failed": (["Restore Job State Change"], None, ["ABORTED", "FAILED"]),
        "backup-done": (["Backup Job State Change"], ["COMPLETED"], None),
    }


CHECKS: list[Check] = [
    both_regions_have_a_vault_with_a_key_of_its_own,
    vaults_are_locked,
    nobody_deletes_a_backup,
    tables_are_backed_up_daily_and_monthly_and_copied,
    buckets_can_be_brought_back_to_any_second_of_35_days,
    exactly_what_is_named_is_backed_up,
    aws_backup_manages_dynamodb_before_a_plan_copies_it,
    only_aws_backup_of_this_account_takes_the_roles,
    the_backup_role_reads_what_is_backed_up_only,
    the_backup_role_fills_these_two_vaults_only,
    the_restore_role_writes_trial_tables_only,
    backups_are_restored_on_trial_every_quarter,
    a_trial_table_is_encrypted_with_our_key,
    ends_of_jobs_are_heard,
    shop.roles_are_bounded_and_say_exactly_what,
    shop.events_are_kept_where_only_their_rules_write,
    shop.logs_are_encrypted_and_end,
]


@pytest.mark.parametrize("check", CHECKS)
def test_backups(check: Check):
    check(shop.backup()[0])


def test_no_input_and_no_part_can_go_missing_unseen():
    assert unnoticed(shop.backup()[0], CHECKS) == []


@pytest.mark.parametrize(
    ("resource", "inputs", "check"),
    [
        ("primary-vault-vault", {"forceDestroy": True}, both_regions_have_a_vault_with_a_key_of_its_own),
        ("standby-vault-lock", {"minRetentionDays": 1}, vaults_are_locked),
        ("backup-tables-selection", {"resources": ["*"]}, exactly_what_is_named_is_backed_up),
        (
            "backup-tables-selection",
            {"selectionTags": [{"type": "STRINGEQUALS", "key": "Stack", "value": "shop"}]},
            exactly_what_is_named_is_backed_up,
        ),
        ("backup-trial-tables", {"restoreMetadataOverrides": {}}, a_trial_table_is_encrypted_with_our_key),
    ],
)
def test_a_loosened_backup_is_found(resource: str, inputs: dict[str, object], check: Check):
    made = shop.backup()[0]
    found = made.get(resource)
    with pytest.raises(AssertionError):
        check(replaced(made, found, replace(found, inputs={**found.inputs, **inputs})))


@pytest.mark.parametrize(
    ("policy", "sid", "change", "check"),
    [
        (
            "backup-roles-backup-may",
            "TakeTables",
            {"Resource": ["*"]},
            the_backup_role_reads_what_is_backed_up_only,
        ),
        (
            "backup-roles-backup-may",
            "OpenTables",
            {"Condition": {}},
            the_backup_role_reads_what_is_backed_up_only,
        ),
        (
            "backup-roles-backup-may",
            "CopyToStandby",
            {"Condition": {}},
            the_backup_role_fills_these_two_vaults_only,
        ),
        (
            "backup-roles-restore-may",
            "MakeTrialTables",
            {"Resource": [TABLES["transactions"]]},
            the_restore_role_writes_trial_tables_only,
        ),
        ("primary-vault-policy", "NobodyDeletes", {"Action": []}, nobody_deletes_a_backup),
        (
            "standby-vault-policy",
            "NobodyDeletes",
            {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}},
            nobody_deletes_a_backup,
        ),
    ],
)
def test_a_loosened_policy_is_found(policy: str, sid: str, change: dict[str, object], check: Check):
    made = shop.backup()[0]
    found = made.get(policy)
    said = statements(found)
    said[sid].update(change)
    document = json.dumps({"Version": "2012-10-17", "Statement": [*said.values()]})
    with pytest.raises((AssertionError, KeyError)):
        check(replaced(made, found, replace(found, inputs={**found.inputs, "policy": document})))


def test_without_a_standby_nothing_is_copied():
    made = shop.backup(standby=False)[0]
    assert all(rule["copyActions"] == [] for rule in rules(made, "tables").values())
    assert "CopyToStandby" not in statements(made.get("backup-roles-backup-may"))


def test_compliance_leaves_three_days_to_think_again():
    lock = shop.backup(lock="compliance")[0].get("primary-vault-lock")
    assert lock.inputs["changeableForDays"] == 3


def test_an_unprotected_environment_can_be_taken_away():
    made = shop.backup(lock="none", protect=False)[0]
    assert made.get("primary-vault-vault").inputs["forceDestroy"] is True
    assert not made.of_type("backup.VaultLockConfiguration")
    assert not made.of_type("backup.VaultPolicy")


def test_a_failed_job_and_a_missing_one_are_noticed():
    watched = {watch.alarm.id: watch.alarm for watch in shop.backup()[1]}
    assert set(watched) == {"backup-failed", "backup-copy-failed", "restore-failed", "backup-missed"}
    missed = watched["backup-missed"]
    assert missed.dimensions == {"RuleName": "concierge-shop-backup-done"}
    assert (missed.comparison, missed.missing) == ("LessThanThreshold", "breaching")
