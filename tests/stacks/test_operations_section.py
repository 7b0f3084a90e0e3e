"""What may be set about audit, rules, backups, spend and drift; what is refused comes with the fix."""

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from stacks.sections.operations import Operations

DRIFT = {
    "repository": "https://git.example.com/shop/concierge.git",
    "connection_arn": "arn:aws:codeconnections:us-east-1:123456789012:connection/c",
    "image": f"builds@sha256:{'1' * 64}",
    "backend_url": "s3://shop-state?region=us-east-1",
    "secrets_key_arn": "arn:aws:kms:us-east-1:123456789012:key/state",
}


def test_the_defaults_are_safe_for_production():
    """OPS-9: seven years, ninety days at hand, secrets due after thirty."""
    operations = Operations()
    assert operations.audit.enabled and operations.rules.enabled and operations.backups.enabled
    assert operations.audit.keep_days == 2557
    assert operations.audit.search_days == 90
    assert operations.audit.lock == "governance"
    assert (operations.audit.tables, operations.audit.buckets) == (("pii-vault",), ("archive",))
    assert operations.secret_days == 30
    (about_drift,) = operations.warnings(protect=True, budget=9000)
    assert "operations.drift.repository" in about_drift


@pytest.mark.parametrize(
    ("section", "values", "fix"),
    [
        ("audit", {"keep_days": 30}, "greater than or equal to 90"),
        ("audit", {"lock": "maybe"}, "'none', 'governance' or 'compliance'"),
        ("audit", {"search_days": 45}, "90"),
        ("audit", {"tables": ["vault"]}, "vault is not among what can be recorded: use carts"),
        ("audit", {"buckets": ["access-logs"]}, "access-logs is not among what can be recorded"),
        ("rules", {"recorder": "mine"}, "'own' or 'existing'"),
        (
            "backups",
            {"buckets": ["access-logs"]},
            "access-logs is no bucket that can be backed up: use agent",
        ),
        ("backups", {"tried": ["pii-vault"]}, "pii-vault cannot be restored on trial: use carts"),
        ("backups", {"tried": ["customer-keys"]}, "customer-keys cannot be restored on trial"),
        ("spend", {"models_usd": 0}, "greater than 0"),
        ("drift", {"repository": DRIFT["repository"]}, "is missing: a drift check needs it"),
        ("drift", {**DRIFT, "backend_url": "https://api.example.com"}, "write it as s3://bucket"),
        ("drift", {**DRIFT, "schedule": "daily"}, "pattern"),
    ],
)
def test_what_cannot_work_is_refused(section: str, values: Mapping[str, Any], fix: str):
    with pytest.raises(ValidationError, match=fix):
        Operations.model_validate({section: values})


@pytest.mark.parametrize(
    ("url", "bucket"),
    [
        ("s3://shop-state", "shop-state"),
        ("s3://shop-state/pulumi", "shop-state"),
        (DRIFT["backend_url"], "shop-state"),
    ],
)
def test_the_bucket_of_the_state_is_read_from_its_address(url: str, bucket: str):
    operations = Operations.model_validate({"drift": {**DRIFT, "backend_url": url}})
    assert operations.drift.state_bucket == bucket
    assert operations.warnings(protect=True, budget=9000) == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"audit": {"enabled": False}}, "operations.audit is off"),
        ({"audit": {"lock": "none"}}, "files and backups can be deleted"),
        ({"audit": {"keep_days": 365}}, "below seven years"),
        ({"rules": {"enabled": False}}, "nobody checks the CIS benchmark"),
        ({"backups": {"enabled": False}}, "DATA-8"),
    ],
)
def test_what_production_should_not_do_is_warned_about(values: Mapping[str, Any], words: str):
    operations = Operations.model_validate({"drift": DRIFT, **values})
    (warning,) = operations.warnings(protect=True, budget=9000)
    assert words in warning
    assert operations.warnings(protect=False, budget=None) == []


def test_production_without_a_budget_is_warned_about():
    operations = Operations.model_validate({"drift": DRIFT})
    (warning,) = operations.warnings(protect=True, budget=None)
    assert "environment.monthly_budget_usd" in warning
